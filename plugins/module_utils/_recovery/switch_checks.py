# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The health checks of the traffic switch (R17): which are wanted, and why an alarm cannot carry one.

A check of the type CLOUDWATCH_METRIC follows the data stream of an alarm's metric, not the alarm's state. Moving
traffic is then a PutMetricData in a living region.

Sources: Route 53 developer guide, "Monitoring a CloudWatch alarm" and "Values that you specify when you create or
update health checks"; API reference of CreateHealthCheck and UpdateHealthCheck.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .declared import Api, Call, Change, Refused, missing_tags, tag_list, tags_of
from .health_checks import list_all

# What Route 53 copies of an alarm when a check is made or updated; it never looks again by itself.
COPIED = ("EvaluationPeriods", "Threshold", "ComparisonOperator", "Period", "MetricName", "Namespace", "Statistic")


@dataclass(frozen=True)
class Wanted:
    """One health check that follows one alarm; both stand in ``alarm_region``'s account."""

    alarm_name: str
    alarm_region: str
    insufficient_data: str = "LastKnownStatus"
    tags: Mapping[str, str] | None = None


def alarm_problems(alarm: Mapping[str, Any]) -> list[str]:
    """Why no health check can follow an alarm (an entry of DescribeAlarms), as sentences; [] when one can."""
    name, found = alarm["AlarmName"], []
    if alarm.get("Metrics"):
        found.append(f"alarm {name} uses metric math: a health check follows one metric")
    if alarm.get("ExtendedStatistic"):
        found.append(
            f"alarm {name} uses the statistic {alarm['ExtendedStatistic']}: only plain statistics are followed"
        )
    if not alarm.get("Metrics") and alarm.get("Period", 0) < 60:
        found.append(
            f"alarm {name} has a period of {alarm.get('Period')} s: 60 s or more is needed (standard resolution)"
        )
    if alarm.get("TreatMissingData", "missing") != "missing":
        found.append(f"alarm {name} treats missing data as {alarm['TreatMissingData']}: use missing")
    return found


def find_alarm(cloudwatch: Api, name: str) -> dict[str, Any] | None:
    """The metric alarm of that name, or None."""
    alarms = cloudwatch.read("DescribeAlarms", {"AlarmNames": [name]}).get("MetricAlarms") or []
    return dict(alarms[0]) if alarms else None


def observe(route53: Api, wanted: Wanted) -> dict[str, Any] | None:
    """The one check that follows the alarm, with its tags; refuses when there are several."""
    followers = [check for check in list_all(route53) if _follows(check, wanted)]
    if len(followers) > 1:
        ids = ", ".join(check["Id"] for check in followers)
        raise Refused(f"{len(followers)} health checks follow the alarm {wanted.alarm_name}: keep one of {ids}")
    if not followers:
        return None
    key = {"ResourceType": "healthcheck", "ResourceId": followers[0]["Id"]}
    tags = tags_of(route53.read("ListTagsForResource", key)["ResourceTagSet"].get("Tags"))
    return {**followers[0], "Tags": tags}


def _follows(check: Mapping[str, Any], wanted: Wanted) -> bool:
    alarm = check["HealthCheckConfig"].get("AlarmIdentifier") or {}
    return (alarm.get("Region"), alarm.get("Name")) == (wanted.alarm_region, wanted.alarm_name)


def _config(wanted: Wanted) -> dict[str, Any]:
    return {
        "AlarmIdentifier": {"Region": wanted.alarm_region, "Name": wanted.alarm_name},
        "InsufficientDataHealthStatus": wanted.insufficient_data,
        "Inverted": False,
        "Disabled": False,
    }


def decide_present(
    current: Mapping[str, Any] | None, wanted: Wanted, alarm: Mapping[str, Any] | None, reference: str
) -> Change:
    """The calls that make the check follow the alarm as it is now.

    ``reference`` must be new each time: Route 53 refuses the one of a deleted check. The tags of a new check need its
    id, so they are a change of their own (``decide_tags``).
    """
    if current is None:
        params = {"CallerReference": reference, "HealthCheckConfig": {"Type": "CLOUDWATCH_METRIC", **_config(wanted)}}
        return Change({}, _describe(_config(wanted), wanted.tags), (Call("CreateHealthCheck", params),))
    held, config = current["HealthCheckConfig"], _config(wanted)
    same = {key: held.get(key, False) for key in ("Inverted", "Disabled")} == {"Inverted": False, "Disabled": False}
    same = same and held.get("InsufficientDataHealthStatus") == wanted.insufficient_data
    if same and not _outdated(current, alarm):
        return Change(describe(current), describe(current))
    params = {"HealthCheckId": current["Id"], "HealthCheckVersion": current.get("HealthCheckVersion", 1), **config}
    after = {**describe(current), **_describe(config, current.get("Tags"))}
    return Change(describe(current), after, (Call("UpdateHealthCheck", params),))


def _outdated(check: Mapping[str, Any], alarm: Mapping[str, Any] | None) -> bool:
    """Whether Route 53's copy of the alarm is no longer what the alarm is; unknown counts as not."""
    copied = check.get("CloudWatchAlarmConfiguration")
    if not copied or not alarm:
        return False
    known = [key for key in COPIED if key in copied and key in alarm]
    return any(copied[key] != alarm[key] for key in known)


def decide_tags(check_id: str, held: Mapping[str, str], wanted: Mapping[str, str] | None) -> Change:
    """The call that adds the tags that are missing."""
    tags = missing_tags(held, wanted)
    params = {"ResourceType": "healthcheck", "ResourceId": check_id, "AddTags": tag_list(tags)}
    calls = (Call("ChangeTagsForResource", params),) if tags else ()
    return Change({"tags": dict(held)}, {"tags": {**held, **tags}}, calls)


def decide_absent(current: Mapping[str, Any] | None) -> Change:
    """The call that deletes the check; Route 53 refuses while a record uses it."""
    if current is None:
        return Change({}, {})
    return Change(describe(current), {}, (Call("DeleteHealthCheck", {"HealthCheckId": current["Id"]}),))


def describe(check: Mapping[str, Any] | None) -> dict[str, Any]:
    """What diff mode shows and the module returns."""
    if not check:
        return {}
    return {"id": check["Id"], **_describe(check["HealthCheckConfig"], check.get("Tags"))}


def _describe(config: Mapping[str, Any], tags: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "type": "CLOUDWATCH_METRIC",
        "alarm_name": config["AlarmIdentifier"]["Name"],
        "alarm_region": config["AlarmIdentifier"]["Region"],
        "insufficient_data_health_status": config.get("InsufficientDataHealthStatus"),
        "inverted": bool(config.get("Inverted")),
        "disabled": bool(config.get("Disabled")),
        "tags": dict(tags or {}),
    }
