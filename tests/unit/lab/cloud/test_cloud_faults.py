# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls that fail on request."""

from __future__ import annotations

from lab.cloud.faults import Fault, Faults
from lab.cloud.wire import Call


def call(service: str = "rds", operation: str = "DescribeDBClusters") -> Call:
    return Call("us-east-1", service, operation, "AKIA", "query")


def test_a_fault_is_for_one_operation() -> None:
    faults = Faults()
    faults.add(Fault("rds", "CreateDBCluster", "AccessDenied"))
    assert faults.reply(call(), "us-east-1") is None
    assert faults.reply(call(operation="CreateDBCluster"), "us-east-1") is not None


def test_a_star_stands_for_every_service_and_operation() -> None:
    faults = Faults()
    faults.add(Fault("*", "*", "Throttling", region="us-west-2"))
    assert faults.reply(call(), "us-east-1") is None
    assert faults.reply(call("sns", "Publish"), "us-west-2") is not None


def test_every_second_call_fails() -> None:
    faults = Faults()
    faults.add(Fault("*", "*", "Throttling", every=2))
    answers = [faults.reply(call(), "us-east-1") is not None for _ in range(6)]
    assert answers == [False, True, False, True, False, True]


def test_services_are_throttled_in_their_own_words() -> None:
    faults = Faults()
    faults.add(Fault("*", "*", "Throttling"))
    reply = faults.reply(Call("us-east-1", "s3", "GetObject", "AKIA", "rest-xml"), "us-east-1")
    assert reply is not None
    assert (reply.status, b"SlowDown" in reply.body) == (503, True)


def test_a_fault_ends_after_so_many_times() -> None:
    faults = Faults()
    faults.add(Fault("rds", "DescribeDBClusters", "InternalFailure", times=1))
    assert faults.reply(call(), "us-east-1") is not None
    assert faults.reply(call(), "us-east-1") is None
