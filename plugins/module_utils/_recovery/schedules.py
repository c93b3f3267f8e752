# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules of EventBridge Scheduler that invoke a function: one that repeats, and one that is met once.

Sources: EventBridge Scheduler API reference, CreateSchedule and UpdateSchedule ("all fields that you do not give are
set to their defaults": an update repeats everything), and user guide, "Schedule types" (at() has a precision of one
minute).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .declared import Api, Call, Change

MINUTE = 60.0


@dataclass(frozen=True)
class Schedule:
    """What is wanted. `expression` is Scheduler's: rate(1 minute), cron(...) or at(...), in UTC."""

    name: str
    group: str
    expression: str
    target_arn: str
    role_arn: str
    payload: Mapping[str, Any]
    description: str = ""
    enabled: bool = True
    delete_after: bool = False


def once_after(now: float, seconds: float) -> str:
    """The expression for the first whole minute that is at least `seconds` away: Scheduler rounds down to minutes."""
    minute = math.ceil((now + seconds) / MINUTE) * MINUTE
    return f"at({time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(minute))})"


def observe(scheduler: Api, name: str, group: str) -> dict[str, Any] | None:
    """The schedule as it is, or None."""
    return scheduler.read_or_none("GetSchedule", {"Name": name, "GroupName": group}, ("ResourceNotFoundException",))


def parameters(wanted: Schedule) -> dict[str, Any]:
    """Everything that CreateSchedule and UpdateSchedule are told, in a form that can be compared."""
    params: dict[str, Any] = {
        "Name": wanted.name,
        "GroupName": wanted.group,
        "ScheduleExpression": wanted.expression,
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED" if wanted.enabled else "DISABLED",
        "ActionAfterCompletion": "DELETE" if wanted.delete_after else "NONE",
        "Target": {
            "Arn": wanted.target_arn,
            "RoleArn": wanted.role_arn,
            "Input": json.dumps(wanted.payload, sort_keys=True, separators=(",", ":")),
        },
    }
    return params | ({"Description": wanted.description} if wanted.description else {})


def decide_present(current: Mapping[str, Any] | None, wanted: Schedule) -> Change:
    """The call that makes the schedule what is wanted."""
    params = parameters(wanted)
    if current is None:
        return Change({}, params, (Call("CreateSchedule", params),))
    before = _comparable(current, params)
    return Change(before, params, () if before == params else (Call("UpdateSchedule", params),))


def decide_absent(current: Mapping[str, Any] | None, name: str, group: str) -> Change:
    """The call that deletes the schedule, if it is there."""
    if current is None:
        return Change({}, {})
    return Change({"Name": name, "GroupName": group}, {}, (Call("DeleteSchedule", {"Name": name, "GroupName": group}),))


def _comparable(current: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """What is there, with the same members; AWS leaves out some that stand at their default."""
    usual = {"ScheduleExpressionTimezone": "UTC", "State": "ENABLED", "ActionAfterCompletion": "NONE"}
    held = {name: current.get(name, usual.get(name)) for name in params}
    target = current.get("Target") or {}
    held["Target"] = {name: target.get(name) for name in params["Target"]}
    # The order of the members of a payload says nothing.
    try:
        held["Target"]["Input"] = json.dumps(json.loads(target.get("Input", "")), sort_keys=True, separators=(",", ":"))
    except ValueError:
        held["Target"]["Input"] = target.get("Input")
    if current.get("Description") and "Description" not in params:
        held["Description"] = current["Description"]
    return held
