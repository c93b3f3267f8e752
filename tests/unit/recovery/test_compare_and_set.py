# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A call is made only where the world is still as the plan found it, up to the moment of the call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from simulated_aws import ACCOUNT, EAST, WEST, Bench, Call
from unit.recovery.simulated.dynamodb import journaled

from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable
from plugins.module_utils._recovery.options import Options
from plugins.module_utils._recovery.results import FAILED, MOVED, MoveResult
from plugins.module_utils._recovery.runner import run_move
from plugins.module_utils._recovery.store import Item, encode

DRILL = Options("dr", "planned", "drill")
WAIVED = ("old-site-down", "block-period")  # the old site is alive in most of these, and moves follow on each other
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)
HOME_ARN = f"arn:aws:rds:{EAST}:{ACCOUNT}:cluster:shop"
DR_ARN = f"arn:aws:rds:{WEST}:{ACCOUNT}:cluster:shop-dr-cluster"


def move(bench: Bench, options: Options = DRILL) -> MoveResult:
    return run_move(bench.aws.applications, options, bench.tools())


def when_intended(bench: Bench, operation: str, change: Callable[[], None]) -> None:
    """Let somebody change something when the intent of a call has been stored, and the call has not been made."""

    def strike(call: Call) -> None:
        text = json.dumps(call.params, default=str) if call.operation == "BatchWriteItem" else ""
        if '\\"kind\\":\\"intent\\"' in text and f'\\"operation\\":\\"{operation}\\"' in text:
            bench.aws.after_call = lambda call: None
            change()

    bench.aws.after_call = strike


def world(bench: Bench) -> dict[str, Any]:
    return bench.aws.globals["shop-global"]


def another_writer(bench: Bench) -> None:
    members = world(bench)["GlobalClusterMembers"]
    members[0] = {**members[0], "DBClusterArn": members[0]["DBClusterArn"] + "-new"}


def another_operation(bench: Bench) -> None:
    world(bench)["FailoverState"] = {"Status": "switching-over", "ToDbClusterArn": HOME_ARN}


def another_version(bench: Bench) -> None:
    world(bench)["EngineVersion"] = "8.0.mysql_aurora.3.05.0"


def another_status(bench: Bench) -> None:
    world(bench)["Status"] = "modifying"


@pytest.mark.parametrize("options", [DRILL, FAILOVER], ids=["planned", "unplanned"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (another_writer, f"expected the writer of shop-global to be {HOME_ARN}, found {HOME_ARN}-new"),
        (another_operation, f"expected the operation on shop-global to be none, found switching-over to {HOME_ARN}"),
        (
            another_version,
            "expected the version of shop-global to be 8.0.mysql_aurora.3.04.0, found 8.0.mysql_aurora.3.05",
        ),
        (another_status, "expected the status of shop-global to be available, found modifying"),
    ],
)
def test_a_promotion_is_not_asked_for_where_the_global_cluster_is_no_longer_as_planned(
    options: Options, change: Callable[[Bench], None], said: str
) -> None:
    bench = Bench.of()
    promotion = "SwitchoverGlobalCluster" if options is DRILL else "FailoverGlobalCluster"
    when_intended(bench, promotion, lambda: change(bench))
    result = move(bench, options)
    assert [one.status for one in result.applications] == [FAILED]
    assert f"promote: {said}" in result.problem()
    assert bench.aws.made("rds", promotion) == []


def test_a_run_that_stopped_is_gone_on_with_after_an_upgrade_of_the_engine() -> None:
    bench = Bench.of()
    with bench.dies_after("UpdateAutoScalingGroup"):
        move(bench)
    bench.clock.wait(100)
    before = world(bench)["EngineVersion"]
    another_version(bench)
    for cluster in bench.aws.versions:
        bench.aws.versions[cluster] = world(bench)["EngineVersion"]
    (result,) = move(bench).applications
    assert (result.status, result.resumed) == (MOVED, True), result.reasons
    opened = [event for event in journaled(bench.aws.tables[(WEST, "shop-dr-state")]) if "version" in event["detail"]]
    assert [(event["kind"], event["detail"]["version"]) for event in opened] == [
        ("run-opened", before),
        ("run-resumed", world(bench)["EngineVersion"]),
    ]


def test_a_run_whose_writer_had_moved_asks_for_no_second_promotion_where_somebody_moves_it_back() -> None:
    """Its plan was made on a target that had the writer, and none of what a promotion needs was asked for it."""
    bench = Bench.of()
    with bench.dies_after("SwitchoverGlobalCluster"):
        move(bench)
    bench.clock.wait(100)

    def back(call: Call) -> None:
        if call.operation == "BatchWriteItem":
            bench.aws.after_call = lambda call: None
            for member in world(bench)["GlobalClusterMembers"]:
                member["IsWriter"] = member["DBClusterArn"] == HOME_ARN

    bench.aws.after_call = back
    (result,) = move(bench).applications
    assert (result.status, result.resumed) == (FAILED, True)
    assert f"the plan was made with writer {DR_ARN}, and now it is {HOME_ARN}: plan again" in result.reasons[0]
    assert len(bench.aws.made("rds", "SwitchoverGlobalCluster")) == 1


def test_a_promotion_that_somebody_else_has_asked_for_meanwhile_is_waited_for_and_not_asked_for_again() -> None:
    bench = Bench.of()

    def begin() -> None:
        bench.aws.send(
            bench.aws.applications[0].primary.access,
            "rds",
            "SwitchoverGlobalCluster",
            {"GlobalClusterIdentifier": "shop-global", "TargetDbClusterIdentifier": DR_ARN},
            5,
        )

    when_intended(bench, "SwitchoverGlobalCluster", begin)
    result = move(bench)
    assert [one.status for one in result.applications] == [MOVED], result.problem()
    assert len(bench.aws.made("rds", "SwitchoverGlobalCluster")) == 1


def limits_of(bench: Bench, **values: int) -> Callable[[], None]:
    def change() -> None:
        for name, value in values.items():
            setattr(bench.aws.groups[(WEST, "shop-dr-asg")], name, value)

    return change


def test_a_group_whose_limits_somebody_has_changed_since_the_plan_is_left_alone() -> None:
    bench = Bench.of()
    when_intended(bench, "UpdateAutoScalingGroup", limits_of(bench, max=5))
    result = move(bench)
    assert "raise-capacity: expected max of shop-dr-asg to be 10, found 5: nothing was sent" in result.problem()
    assert bench.aws.made("autoscaling", "UpdateAutoScalingGroup") == []


def test_a_group_that_a_scaling_policy_has_raised_meanwhile_is_not_lowered() -> None:
    bench = Bench.of()
    when_intended(bench, "UpdateAutoScalingGroup", limits_of(bench, desired=7))
    result = move(bench)
    assert [one.status for one in result.applications] == [MOVED], result.problem()
    wishes = [call.params["DesiredCapacity"] for call in bench.aws.made("autoscaling", "UpdateAutoScalingGroup")]
    assert wishes == [7]


def writer_goes_home(bench: Bench) -> None:
    for member in world(bench)["GlobalClusterMembers"]:
        member["IsWriter"] = member["DBClusterArn"] == HOME_ARN


def test_clients_are_not_led_to_a_site_that_has_lost_the_writer_again() -> None:
    bench = Bench.of()
    when_intended(bench, "PutMetricData", lambda: writer_goes_home(bench))
    result = move(bench)
    assert f"expected the writer of shop-global to be {DR_ARN}, found {HOME_ARN}" in result.problem()
    assert bench.aws.made("cloudwatch", "PutMetricData") == []
    assert bench.aws.made("dynamodb", "PutItem") == []


def test_a_site_that_has_the_writer_again_keeps_its_capacity() -> None:
    bench = Bench.of()
    assert move(bench).ok
    bench.clock.wait(60)

    def back() -> None:
        for member in world(bench)["GlobalClusterMembers"]:
            member["IsWriter"] = member["DBClusterArn"] == DR_ARN

    when_intended(bench, "UpdateAutoScalingGroup", back)
    result = move(bench, Options("primary", "planned"))
    assert bench.aws.groups[(WEST, "shop-dr-asg")].desired == 3
    assert any("lower-standby: expected the writer" in note for note in result.applications[0].notes)


def position(bench: Bench, value: int) -> None:
    """Somebody sets the switch of the primary record."""
    item = encode(Item("shop", "switch#primary", {"position": value, "run_id": "another", "at": 1.0}))
    bench.aws.tables[(WEST, "shop-dr-state")]["shop|switch#primary"] = item


def test_a_switch_that_somebody_has_set_since_the_plan_is_left_alone() -> None:
    bench = Bench.of()
    when_intended(bench, "SwitchoverGlobalCluster", lambda: position(bench, 1))
    result = move(bench)
    assert "expected position of shop-dr-state/shop/switch#primary to be None, found 1" in result.problem()
    assert bench.aws.made("cloudwatch", "PutMetricData") == []


def test_a_switch_that_is_set_in_the_last_moment_is_compared_by_dynamodb_itself() -> None:
    bench = Bench.of()

    def strike(call: Call) -> CallFailed | RegionUnreachable | None:
        if call.operation == "PutItem":
            position(bench, 1)
        return None

    bench.aws.refusals = [strike]
    result = move(bench)
    assert "found 1: nothing was sent" in result.problem()
    assert [call.outcome for call in bench.aws.made("dynamodb", "PutItem")] == ["ConditionalCheckFailedException"]
    assert bench.aws.made("cloudwatch", "PutMetricData") == []


def test_a_switch_that_was_written_by_hand_can_be_set_all_the_same() -> None:
    bench = Bench.of()
    by_hand = {"application": {"S": "shop"}, "item": {"S": "switch#primary"}, "document": {"S": '{ "position" : 1 }'}}
    bench.aws.tables[(WEST, "shop-dr-state")]["shop|switch#primary"] = by_hand
    assert move(bench).ok


def test_a_call_that_was_not_sent_stands_in_the_journal_with_what_was_expected_and_found() -> None:
    bench = Bench.of()
    when_intended(bench, "SwitchoverGlobalCluster", lambda: another_version(bench))
    move(bench)
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    events = journaled(rows)
    told = [event for event in events if event["kind"] == "result" and event["detail"]["code"] == "ChangedMeanwhile"]
    assert [event["call"]["operation"] for event in told] == ["SwitchoverGlobalCluster"]
    assert "found 8.0.mysql_aurora.3.05.0" in told[0]["reason"]


def test_the_look_before_the_calls_is_shared_by_all_applications() -> None:
    bench = Bench.of(*(f"app{number}" for number in range(10)))
    looks: list[int] = []

    def watch(call: Call) -> None:
        if call.operation == "SwitchoverGlobalCluster":
            made = bench.aws.calls
            first = next(index for index, one in enumerate(made) if one.operation == "SwitchoverGlobalCluster")
            intents = max(index for index, one in enumerate(made[:first]) if one.operation == "BatchWriteItem")
            looks.append(sum(one.operation == "DescribeGlobalClusters" for one in made[intents:first]))

    bench.aws.after_call = watch
    assert move(bench).ok
    assert looks[0] == 1


def test_while_the_global_cluster_cannot_be_read_no_promotion_is_asked_for() -> None:
    bench = Bench.of()

    began: list[float] = []

    def blind() -> None:
        began.append(bench.clock.now())

        def refuse(call: Call) -> CallFailed | None:
            blocked = call.operation == "DescribeGlobalClusters" and bench.clock.now() - began[0] < 30
            return CallFailed(call.region, "rds", call.operation, "InternalFailure", "no") if blocked else None

        bench.aws.refusals = [refuse]

    when_intended(bench, "SwitchoverGlobalCluster", blind)
    result = move(bench)
    assert result.ok, result.problem()
    (asked,) = bench.aws.made("rds", "SwitchoverGlobalCluster")
    assert asked.at >= began[0] + 30
