# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Auto Scaling groups and load balancers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import CallFailed
from ..model import Access
from ..portions import batches
from ..snapshot import GroupState, Snapshot, TemplateUse
from .parts import Asker, Reading, Wanted, pages

GROUP_NAMES_LIMIT = 50


def groups(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """Fifty groups a call."""
    names = sorted({group.name for wish in wanted for group in wish.site.groups})
    return [_group_batch(asker, access, batch) for batch in batches(names, GROUP_NAMES_LIMIT)]


def _group_batch(asker: Asker, access: Access, names: tuple[str, ...]) -> Reading:
    keys = tuple((access, name) for name in names)

    def read() -> Mapping[Any, Any]:
        params = {"AutoScalingGroupNames": list(names)}
        found = pages(
            asker.caller, access, "autoscaling", "DescribeAutoScalingGroups", params, "AutoScalingGroups", "NextToken"
        )
        by_name = {one["AutoScalingGroupName"]: _group_state(one) for one in found}
        return {key: by_name.get(key[1]) for key in keys}

    return Reading("groups", keys, read)


def _group_state(document: Mapping[str, Any]) -> GroupState:
    instances = document.get("Instances") or []
    return GroupState(
        name=document["AutoScalingGroupName"],
        min=int(document["MinSize"]),
        desired=int(document["DesiredCapacity"]),
        max=int(document["MaxSize"]),
        in_service=sum(1 for one in instances if one.get("LifecycleState") == "InService"),
        instances=len(instances),
        target_groups=tuple(document.get("TargetGroupARNs") or []),
        template=_template(document),
        types=_types(document),
        zones=tuple(document.get("AvailabilityZones") or []),
    )


def _mixed(document: Mapping[str, Any]) -> Mapping[str, Any]:
    policy = document.get("MixedInstancesPolicy") or {}
    return dict(policy.get("LaunchTemplate") or {})


def _template(document: Mapping[str, Any]) -> TemplateUse | None:
    """A group names its template itself, or in its mixed instances policy; without a version it is the default one."""
    used = document.get("LaunchTemplate") or _mixed(document).get("LaunchTemplateSpecification") or {}
    identifier = used.get("LaunchTemplateId") or used.get("LaunchTemplateName")
    return TemplateUse(str(identifier), str(used.get("Version") or "$Default")) if identifier else None


def _types(document: Mapping[str, Any]) -> tuple[str, ...]:
    overrides = _mixed(document).get("Overrides") or []
    return tuple(str(one["InstanceType"]) for one in overrides if one.get("InstanceType"))


def targets(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """The health of the targets of groups whose instances are in service: AWS takes one target group at a time."""
    readings = []
    for wish in wanted:
        for group in wish.site.groups:
            state = known.group(wish.site, group.name)
            if isinstance(state, GroupState) and state.in_service >= state.at_most(group.active.desired) > 0:
                readings += [_target_health(asker, access, arn) for arn in state.target_groups]
    return readings


def _target_health(asker: Asker, access: Access, arn: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        answer = asker.caller.call(access, "elbv2", "DescribeTargetHealth", {"TargetGroupArn": arn})
        described = answer.get("TargetHealthDescriptions") or []
        return {(access, arn): sum(1 for one in described if one.get("TargetHealth", {}).get("State") == "healthy")}

    return Reading("healthy", ((access, arn),), read)


def hosts(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """Load balancers that are known by name only, each until it was found; a missing one would fail a common call."""
    names = sorted({wish.site.load_balancer or "" for wish in wanted if not isinstance(known.host(wish.site), str)})
    return [_load_balancer(asker, access, name) for name in names]


def _load_balancer(asker: Asker, access: Access, name: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        try:
            answer = asker.caller.call(access, "elbv2", "DescribeLoadBalancers", {"Names": [name]})
        except CallFailed as error:
            if error.code not in ("LoadBalancerNotFound", "LoadBalancerNotFoundException"):
                raise
            return {(access, name): None}
        found = answer.get("LoadBalancers") or []
        return {(access, name): found[0]["DNSName"].rstrip(".").lower() if found else None}

    return Reading("hosts", ((access, name),), read)
