# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An Auto Scaling group of a site: everything but its capacity, which belongs to moves once the group exists.

amazon.aws.autoscaling_group calls UpdateAutoScalingGroup on every run, answers "changed" in check mode whatever is
there, and takes defaults for what it is not given; a deploy while the dr site is active would scale it.

Sources: EC2 Auto Scaling API reference, CreateAutoScalingGroup, UpdateAutoScalingGroup,
AttachLoadBalancerTargetGroups, EnableMetricsCollection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .declared import Api, Call, Change, missing_tags, tags_of

METRICS = ("GroupDesiredCapacity", "GroupInServiceInstances", "GroupTotalInstances")
VERSION = "$Default"
"""Of the launch template: the declared version is its default one."""


@dataclass(frozen=True)
class Capacity:
    """Numbers of instances."""

    minimum: int
    desired: int
    maximum: int

    def as_dict(self) -> dict[str, int]:
        """As the inventory writes it."""
        return {"min": self.minimum, "desired": self.desired, "max": self.maximum}


@dataclass(frozen=True)
class Wanted:
    """A group as it is declared. ``capacity`` counts at its creation only. ``grace`` is in seconds."""

    name: str
    launch_template: str
    subnets: tuple[str, ...]
    capacity: Capacity
    target_groups: tuple[str, ...] = ()
    health_check: str = "ELB"
    grace: int = 300
    tags: Mapping[str, str] = field(default_factory=dict)


def observe(api: Api, name: str) -> dict[str, Any] | None:
    """The group, or None when there is none; one that is being deleted counts as there."""
    found = api.read("DescribeAutoScalingGroups", {"AutoScalingGroupNames": [name]})["AutoScalingGroups"]
    return found[0] if found else None


def capacity_of(held: Mapping[str, Any]) -> Capacity:
    """The group's capacity as it is."""
    return Capacity(held["MinSize"], held["DesiredCapacity"], held["MaxSize"])


def decide(held: Mapping[str, Any] | None, wanted: Wanted) -> Change:
    """The calls that make the group as wanted; the capacity of an existing one is left alone."""
    after = {**_settings(wanted), "TargetGroupARNs": sorted(wanted.target_groups), "Tags": dict(wanted.tags)}
    if held is None:
        after["Capacity"] = wanted.capacity.as_dict()
        return Change({}, after, (_create(wanted), _metrics(wanted.name)))
    before = describe(held)
    calls = []
    differing = {key: value for key, value in _settings(wanted).items() if before[key] != value}
    if differing:
        calls.append(
            Call("UpdateAutoScalingGroup", {"AutoScalingGroupName": wanted.name, **_as_sent(differing, wanted)})
        )
    unattached = sorted(set(wanted.target_groups) - set(before["TargetGroupARNs"]))
    if unattached:
        params = {"AutoScalingGroupName": wanted.name, "TargetGroupARNs": unattached}
        calls.append(Call("AttachLoadBalancerTargetGroups", params))
    if not set(METRICS) <= {metric["Metric"] for metric in held.get("EnabledMetrics", [])}:
        calls.append(_metrics(wanted.name))
    tags = missing_tags(before["Tags"], wanted.tags)
    if tags:
        calls.append(Call("CreateOrUpdateTags", {"Tags": _tags(wanted.name, tags)}))
    merged = {
        "TargetGroupARNs": sorted({*before["TargetGroupARNs"], *wanted.target_groups}),
        "Tags": {**before["Tags"], **tags},
        "Capacity": before["Capacity"],
    }
    return Change(before, {**after, **merged}, tuple(calls))


def describe(held: Mapping[str, Any]) -> dict[str, Any]:
    """What diff mode shows and the decision compares."""
    template = held.get("LaunchTemplate", {})
    return {
        "LaunchTemplate": template.get("LaunchTemplateName", ""),
        "LaunchTemplateVersion": template.get("Version", ""),
        "Subnets": sorted(filter(None, held.get("VPCZoneIdentifier", "").split(","))),
        "HealthCheckType": held.get("HealthCheckType", ""),
        "HealthCheckGracePeriod": held.get("HealthCheckGracePeriod", 0),
        "TargetGroupARNs": sorted(held.get("TargetGroupARNs", [])),
        "Tags": tags_of(held.get("Tags")),
        "Capacity": capacity_of(held).as_dict(),
    }


def _settings(wanted: Wanted) -> dict[str, Any]:
    return {
        "LaunchTemplate": wanted.launch_template,
        "LaunchTemplateVersion": VERSION,
        "Subnets": sorted(wanted.subnets),
        "HealthCheckType": wanted.health_check,
        "HealthCheckGracePeriod": wanted.grace,
    }


def _as_sent(settings: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Settings as EC2 Auto Scaling wants them; a launch template goes with its version."""
    sent = {key: settings[key] for key in ("HealthCheckType", "HealthCheckGracePeriod") if key in settings}
    if "LaunchTemplate" in settings or "LaunchTemplateVersion" in settings:
        sent["LaunchTemplate"] = {"LaunchTemplateName": wanted.launch_template, "Version": VERSION}
    if "Subnets" in settings:
        sent["VPCZoneIdentifier"] = ",".join(settings["Subnets"])
    return sent


def _create(wanted: Wanted) -> Call:
    params = {
        "AutoScalingGroupName": wanted.name,
        "MinSize": wanted.capacity.minimum,
        "DesiredCapacity": wanted.capacity.desired,
        "MaxSize": wanted.capacity.maximum,
        **_as_sent(_settings(wanted), wanted),
        **({"TargetGroupARNs": sorted(wanted.target_groups)} if wanted.target_groups else {}),
        "Tags": _tags(wanted.name, wanted.tags),
    }
    return Call("CreateAutoScalingGroup", params)


def _metrics(name: str) -> Call:
    params = {"AutoScalingGroupName": name, "Granularity": "1Minute", "Metrics": list(METRICS)}
    return Call("EnableMetricsCollection", params)


def _tags(name: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Tags that the group's instances get too."""
    return [
        {
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": key,
            "Value": value,
            "PropagateAtLaunch": True,
        }
        for key, value in sorted(tags.items())
    ]
