# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The application that simulated worlds protect, as an inventory gives it."""

from __future__ import annotations

from typing import Any

from .base import EAST, WEST


def document(name: str = "shop", **changes: Any) -> dict[str, Any]:
    """An application as the inventory gives it."""

    def site(place: str, region: str, infix: str) -> dict[str, Any]:
        group = {"name": f"{name}{infix}-asg", "active": {"min": 3, "desired": 3, "max": 10}}
        if place == "dr":
            group["standby"] = {"min": 0, "desired": 1, "max": 10}
        return {
            "place": place,
            "region": region,
            "profile": place,
            "role_arn": None,
            "cluster": f"{name}{infix}-cluster" if place == "dr" else name,
            "groups": [group],
            "buckets": [],
            "secrets": [f"{name}/database"],
            "endpoint": {"host": f"{name}{infix}-alb.{region}.elb.example", "port": 443},
            "load_balancer": f"{name}{infix}-alb",
            "state_table": f"{name}-dr-state",
            "state_bucket": f"{name}-dr-state-{region}",
            "notification_topic": f"{name}-dr-alerts",
            "fencing": {"schedules": [f"{name}{infix}-nightly"], "event_source_mappings": [f"{name}{infix}-intake"]},
        }

    return {
        "name": name,
        "environment": "test",
        "global_cluster": f"{name}-global",
        "objectives": {"rto_seconds": 900, "rpo_seconds": 60},
        "primary": site("primary", EAST, ""),
        "dr": site("dr", WEST, "-dr"),
        "traffic": {"hosted_zone": f"{name}.example", "names": [f"app.{name}.example"], "nameservers": []},
        "probe": {"stable_samples": 3},
        "secrets_promote": "never",
        **changes,
    }
