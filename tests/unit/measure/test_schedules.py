# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules, against moto's EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from plugins.module_utils._recovery import schedules
from plugins.module_utils._recovery.clients import from_boto3
from plugins.module_utils._recovery.declared import Api

WANTED = schedules.Schedule(
    name="dr-webapp-switch-publisher",
    group="default",
    expression="rate(1 minute)",
    target_arn="arn:aws:lambda:us-west-2:123456789012:function:dr-webapp-failover-orchestrator",
    role_arn="arn:aws:iam::123456789012:role/dr-webapp-scheduler-role",
    payload={"task": "publish-switch", "application": {"name": "dr-webapp"}},
    description="Repeats the position",
)


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    with mock_aws():
        yield Api(from_boto3(lambda name: boto3.client(name, region_name="us-west-2")), "us-west-2", "scheduler")


def declare(scheduler: Api, wanted: schedules.Schedule) -> list[str]:
    change = schedules.decide_present(schedules.observe(scheduler, wanted.name, wanted.group), wanted)
    scheduler.apply(change)
    return [call.operation for call in change.calls]


def test_a_schedule_is_made_once_and_changed_where_it_differs(scheduler: Api) -> None:
    assert declare(scheduler, WANTED) == ["CreateSchedule"]
    assert declare(scheduler, WANTED) == []
    assert declare(scheduler, replace(WANTED, payload={"application": {"name": "dr-webapp"}, "task": "other"})) == [
        "UpdateSchedule"
    ]
    assert declare(scheduler, replace(WANTED, enabled=False)) == ["UpdateSchedule"]
    found = schedules.observe(scheduler, WANTED.name, WANTED.group)
    assert found is not None
    assert found["State"] == "DISABLED"


def test_the_order_of_a_payload_is_no_difference(scheduler: Api) -> None:
    declare(scheduler, WANTED)
    turned = dict(reversed(list(WANTED.payload.items())))
    assert declare(scheduler, replace(WANTED, payload=turned)) == []


def test_an_absent_schedule_is_not_deleted_twice(scheduler: Api) -> None:
    declare(scheduler, WANTED)
    for expected in (["DeleteSchedule"], []):
        change = schedules.decide_absent(
            schedules.observe(scheduler, WANTED.name, WANTED.group), WANTED.name, WANTED.group
        )
        scheduler.apply(change)
        assert [call.operation for call in change.calls] == expected


@pytest.mark.parametrize(
    ("now", "seconds", "expected"),
    [(1795398300.0, 0, "at(2026-11-23T01:45:00)"), (1795398301.0, 5, "at(2026-11-23T01:46:00)"),
     (1795398358.0, 5, "at(2026-11-23T01:47:00)"), (1795398301.0, 300, "at(2026-11-23T01:51:00)")],
)  # fmt: skip
def test_once_is_the_next_whole_minute_that_is_far_enough(now: float, seconds: float, expected: str) -> None:
    assert schedules.once_after(now, seconds) == expected
