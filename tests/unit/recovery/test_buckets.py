# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run keeps to the rates that AWS publishes, waits no longer than a call may take, and says so where it must."""

from __future__ import annotations

import pytest
from simulated_aws import EAST, WEST, VirtualClock
from test_clients import clients_of

from plugins.module_utils._recovery.buckets import RATES, Buckets, Rate
from plugins.module_utils._recovery.errors import CallFailed
from plugins.module_utils._recovery.retries import is_permanent, retry_for

TWO_A_SECOND = {("rds", None): Rate(3, 2, "a test"), ("rds", "DescribeEvents"): Rate(1, 0.5, "a test")}


def test_a_burst_passes_at_once_and_then_calls_are_spread() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock.now, TWO_A_SECOND)
    waits = [buckets.reserve(EAST, "rds", "DescribeDBClusters", 60) for _number in range(6)]
    assert waits == [0, 0, 0, 0.5, 1.0, 1.5]


def test_time_fills_a_bucket_up_to_its_burst() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock.now, TWO_A_SECOND)
    for _number in range(3):
        buckets.reserve(EAST, "rds", "DescribeDBClusters", 60)
    clock.wait(3600)
    waits = [buckets.reserve(EAST, "rds", "DescribeDBClusters", 60) for _number in range(4)]
    assert waits == [0, 0, 0, 0.5]


def test_each_region_has_buckets_of_its_own_and_other_services_have_none() -> None:
    buckets = Buckets(VirtualClock().now, TWO_A_SECOND)
    for _number in range(3):
        buckets.reserve(EAST, "rds", "DescribeDBClusters", 60)
    assert buckets.reserve(WEST, "rds", "DescribeDBClusters", 60) == 0
    assert [buckets.reserve(EAST, "autoscaling", "DescribeAutoScalingGroups", 0) for _number in range(500)] == [0] * 500


def test_an_operation_with_a_rate_of_its_own_keeps_to_both() -> None:
    buckets = Buckets(VirtualClock().now, TWO_A_SECOND)
    assert [buckets.reserve(EAST, "rds", "DescribeEvents", 60) for _number in range(3)] == [0, 2, 4]
    assert buckets.reserve(EAST, "rds", "DescribeDBClusters", 60) == 0.5


def test_what_cannot_be_sent_in_time_takes_nothing_from_the_bucket() -> None:
    buckets = Buckets(VirtualClock().now, TWO_A_SECOND)
    for _number in range(3):
        buckets.reserve(EAST, "rds", "DescribeDBClusters", 60)
    assert [buckets.reserve(EAST, "rds", "DescribeDBClusters", 0.2) for _number in range(50)] == [None] * 50
    assert buckets.reserve(EAST, "rds", "DescribeDBClusters", 60) == 0.5


def test_calls_wait_on_the_clock_that_was_handed_in() -> None:
    clients, script = clients_of({"ok": True}, rates=TWO_A_SECOND)
    began = clients.clock.now()
    for _number in range(7):
        clients.call(EAST, "rds", "DescribeDBClusters")
    assert clients.clock.now() - began == pytest.approx(2)
    assert len(script.sent) == 7


def test_waiting_for_a_token_takes_from_the_time_of_the_call_and_never_more() -> None:
    clients, script = clients_of({"ok": True}, rates={("rds", None): Rate(1, 0.25, "a test")})
    clients.call(EAST, "rds", "DescribeDBClusters")
    clients.call(EAST, "rds", "DescribeDBClusters")
    assert script.sent == [5, 1]
    with pytest.raises(CallFailed, match="OwnRateLimit: AWS's rate for rds leaves no room for one more call within"):
        clients.call(EAST, "rds", "DescribeDBClusters", deadline_seconds=2)
    assert len(script.sent) == 2


def test_a_call_that_found_no_room_passes_by_itself() -> None:
    assert not is_permanent("OwnRateLimit")
    assert retry_for("OwnRateLimit", mutates=True) is None


def test_the_rates_are_those_of_rule_26_each_with_its_source() -> None:
    assert {key: (rate.burst, rate.per_second) for key, rate in RATES.items()} == {
        ("rds", None): (300, 12),
        ("route53", None): (50, 10),
        ("route53", "GetHealthCheckStatus"): (1, 1),
    }
    assert all("Quotas" in rate.source for rate in RATES.values())
