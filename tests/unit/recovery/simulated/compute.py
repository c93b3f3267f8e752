# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Auto Scaling groups of the simulated AWS, and what their load balancers hold for healthy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.module_utils._recovery.errors import CallFailed

from .base import ACCOUNT
from .preparations import Preparations


class Compute(Preparations):
    """EC2 Auto Scaling and Elastic Load Balancing in both regions."""

    def launches_take(self, seconds: float) -> None:
        """From now on; what could not be launched before is tried again."""
        self.delays.launch = seconds
        now = self.clock.now()
        for group in self.groups.values():
            group.ready = [min(ready, now + seconds) if ready > now else ready for ready in group.ready]

    def lose_instances(self, region: str) -> None:
        """All instances of a region fail; the groups launch others."""
        for (where, _name), group in self.groups.items():
            if where == region:
                group.ready = [self.clock.now() + self.delays.launch] * group.desired

    def _autoscaling_describe_auto_scaling_groups(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        found = []
        for name in params["AutoScalingGroupNames"]:
            group = self.groups.get((region, name))
            if group:
                found.append(
                    {
                        "AutoScalingGroupName": name,
                        **self.launches(region, name),
                        "MinSize": group.min,
                        "DesiredCapacity": group.desired,
                        "MaxSize": group.max,
                        "Instances": [
                            {"LifecycleState": "InService" if self.clock.now() >= ready else "Pending"}
                            for ready in group.ready
                        ]
                        + [{"LifecycleState": "Terminating"} for gone in group.leaving if gone > self.clock.now()],
                        "TargetGroupARNs": [f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:targetgroup/{name}/1"],
                    }
                )
        return {"AutoScalingGroups": found}

    def _autoscaling_update_auto_scaling_group(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        group = self.groups[(region, params["AutoScalingGroupName"])]
        if not params["MinSize"] <= params["DesiredCapacity"] <= group.max:
            said = f"desired capacity {params['DesiredCapacity']} must be between {params['MinSize']} and {group.max}"
            raise CallFailed(region, "autoscaling", "UpdateAutoScalingGroup", "ValidationError", said)
        group.min, group.desired = params["MinSize"], params["DesiredCapacity"]
        now = self.clock.now()
        group.leaving += [now + self.delays.drain] * len(group.ready[group.desired :])
        group.ready = (group.ready + [now + self.delays.launch] * group.desired)[: group.desired]
        return {}

    def _elbv2_describe_target_health(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params["TargetGroupArn"].split("/")[1]
        healthy = {"TargetHealth": {"State": "healthy"}}
        return {"TargetHealthDescriptions": [healthy] * self.in_service(region, name)}
