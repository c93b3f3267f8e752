# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules of EventBridge Scheduler, declared."""

from __future__ import annotations

import json
from typing import Any

SCHEDULE = {
    "name": "dr-webapp-switch-publisher",
    "expression": "rate(1 minute)",
    "target_arn": "arn:aws:lambda:us-west-2:123456789012:function:dr-webapp-failover-orchestrator",
    "role_arn": "arn:aws:iam::123456789012:role/dr-webapp-scheduler-role",
    "payload": {"task": "publish-switch"},
}


def test_it_invokes_the_function_with_the_payload(cloud: Any) -> None:
    done = cloud.settled("scheduler_schedule", **SCHEDULE)
    assert done["operations"] == ["CreateSchedule"]
    made = cloud.client("scheduler").get_schedule(Name=SCHEDULE["name"])
    assert json.loads(made["Target"]["Input"]) == {"task": "publish-switch"}
    assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    info = cloud.run("scheduler_schedule_info", name=SCHEDULE["name"])
    assert info["schedule"]["ScheduleExpression"] == "rate(1 minute)"


def test_a_change_is_one_update_and_is_shown(cloud: Any) -> None:
    cloud.settled("scheduler_schedule", **SCHEDULE)
    done = cloud.settled("scheduler_schedule", **{**SCHEDULE, "expression": "rate(5 minutes)"})
    assert done["operations"] == ["UpdateSchedule"]
    assert (done["diff"]["before"]["ScheduleExpression"], done["diff"]["after"]["ScheduleExpression"]) == (
        "rate(1 minute)",
        "rate(5 minutes)",
    )


def test_it_is_deleted_once(cloud: Any) -> None:
    cloud.settled("scheduler_schedule", **SCHEDULE)
    assert cloud.settled("scheduler_schedule", name=SCHEDULE["name"], state="absent")["operations"] == [
        "DeleteSchedule"
    ]
    assert cloud.run("scheduler_schedule_info", name=SCHEDULE["name"])["schedule"] == {}


def test_what_is_missing_is_named(cloud: Any) -> None:
    refused = cloud.run("scheduler_schedule", name="x")
    assert refused["failed"]
    assert "expression" in refused["msg"]
