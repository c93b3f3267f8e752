# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whole moves on a virtual clock, told as what operators and clients would see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from simulated_aws import EAST, WEST, Bench, Call, Killed, SimulatedAws, VirtualClock, document
from unit.recovery.simulated.dynamodb import journaled

from plugins.module_utils._recovery.errors import CallFailed, RecoveryError, RegionUnreachable
from plugins.module_utils._recovery.fields import ModelError
from plugins.module_utils._recovery.journal import read_file
from plugins.module_utils._recovery.results import FAILED, MOVED, NOTHING, PAUSED, PLANNED, REFUSED, MoveResult
from plugins.module_utils._recovery.runner import Options, run_move

DRILL = Options("dr", "planned", "drill")
HOME = Options("primary", "planned")
WAIVED = ("old-site-down", "block-period")  # the old site is alive in most of these, and moves follow on each other
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED)
LOST = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)
HOME_UNPLANNED = Options("primary", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)


def move(
    bench: Bench, options: Options = DRILL, check: bool = False, stop_at: float | None = None, **tools: Any
) -> MoveResult:
    return run_move(bench.aws.applications, options, bench.tools(**tools), check=check, stop_at=stop_at)


def status(result: MoveResult) -> list[str]:
    return [one.status for one in result.applications]


def led_to(bench: Bench, index: int = 0) -> str:
    """The region to which clients are led."""
    application = bench.aws.applications[index]
    answer = bench.aws.resolve(application.traffic.names[0], (), 1)
    return next(site.region for site in application.sites if site.endpoint.host in answer.chain)


def test_a_drill_moves_the_writer_the_capacity_and_the_clients() -> None:
    bench = Bench.of()
    result = move(bench)
    assert status(result) == [MOVED], result.problem()
    assert bench.aws.writer(bench.aws.applications[0]) == WEST
    assert bench.aws.in_service(WEST, "shop-dr-asg") == 3
    assert led_to(bench) == WEST


def test_the_way_home_leaves_the_world_as_it_was() -> None:
    bench = Bench.of()
    assert status(move(bench)) == [MOVED]
    result = move(bench, HOME)
    assert status(result) == [MOVED], result.problem()
    assert bench.aws.writer(bench.aws.applications[0]) == EAST
    assert led_to(bench) == EAST
    group = bench.aws.groups[(WEST, "shop-dr-asg")]
    assert (group.min, group.desired) == (0, 1)
    assert bench.aws.groups[(EAST, "shop-asg")].desired == 3


def test_a_second_run_changes_nothing_and_makes_no_mutating_call() -> None:
    bench = Bench.of()
    move(bench)
    bench.aws.calls.clear()
    result = move(bench)
    assert status(result) == [NOTHING]
    assert not result.changed
    assert bench.aws.mutations() == []


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("names", [("shop",), ("shop", "depot")], ids=["one", "two"])
def test_a_state_table_that_stumbles_at_every_write_ends_no_planned_move(
    names: tuple[str, ...], carried_out: bool
) -> None:
    bench = Bench.of(*names)
    bench.stumbles("BatchWriteItem", "UpdateItem", "TransactWriteItems", carried_out=carried_out)
    result = move(bench)
    assert status(result) == [MOVED] * len(names), result.problem()


def without_repeats(calls: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [call for index, call in enumerate(calls) if call not in calls[max(0, index - 1) : index]]


@pytest.mark.parametrize("options", [DRILL, FAILOVER])
def test_the_plan_names_the_calls_that_the_run_then_makes(options: Options) -> None:
    bench = Bench.of()
    planned = move(bench, options, check=True).applications[0]
    assert planned.status == PLANNED
    assert planned.changed
    assert bench.aws.mutations() == []
    result = move(bench, options)
    assert status(result) == [MOVED], result.problem()
    announced = [
        (call["service"], call["operation"], call["region"])
        for call in planned.plan
        if call["service"] != "application"
    ]
    made = [
        (call.service, call.operation, call.region)
        for call in bench.aws.mutations()
        if call.service != "dynamodb" or call.operation == "PutItem"
    ]
    assert without_repeats(made) == without_repeats(announced)


def test_the_plan_says_the_plane_of_each_call() -> None:
    bench = Bench.of()
    plan = move(bench, check=True).applications[0].plan
    assert {(call["service"], call["plane"]) for call in plan} == {
        ("sns", "data"),
        ("autoscaling", "regional"),
        ("rds", "regional"),
        ("application", "data"),
        ("dynamodb", "data"),
        ("cloudwatch", "data"),
    }


def test_a_switchover_is_asked_for_where_the_writer_is_and_a_failover_where_the_target_is() -> None:
    there = Bench.of()
    move(there)
    assert [call.region for call in there.aws.made("rds", "SwitchoverGlobalCluster")] == [EAST]
    move(there, HOME)
    assert [call.region for call in there.aws.made("rds", "SwitchoverGlobalCluster")] == [EAST, WEST]
    lost = Bench.of()
    move(lost, FAILOVER)
    assert [call.region for call in lost.aws.made("rds", "FailoverGlobalCluster")] == [WEST]


@pytest.mark.parametrize("kind", ["hang", "refuse"])
def test_a_lost_region_costs_an_unplanned_move_ten_seconds_at_most(kind: str) -> None:
    healthy, lost = Bench.of(), Bench.of()
    move(healthy, FAILOVER)
    lost.aws.outage(EAST, kind)
    result = move(lost, LOST)
    assert status(result) == [MOVED], result.problem()
    assert led_to(lost) == WEST
    assert lost.clock.now() - healthy.clock.now() <= 10
    assert any("fence-old-site" in note for note in result.applications[0].notes)


@pytest.mark.parametrize("kind", ["hang", "refuse", None])
def test_an_unplanned_move_asks_nothing_of_global_control_planes(kind: str | None) -> None:
    bench = Bench.of()
    if kind:
        bench.aws.outage(EAST, kind)
    assert status(move(bench, LOST if kind else FAILOVER)) == [MOVED]
    assert {call.service for call in bench.aws.calls} & {"route53", "iam", "s3", "sts"} == set()


def test_a_region_that_is_lost_during_the_move_costs_ten_seconds_too() -> None:
    bench, healthy = Bench.of(), Bench.of()
    move(healthy, FAILOVER)

    def lose(call: Call) -> None:
        if call.operation == "FailoverGlobalCluster":
            bench.aws.outage(EAST, "hang")

    bench.aws.after_call = lose
    assert status(move(bench, FAILOVER)) == [MOVED]
    assert bench.clock.now() - healthy.clock.now() <= 10


def test_the_old_site_is_fenced_before_an_unplanned_promotion_where_it_answers() -> None:
    bench = Bench.of()
    move(bench, FAILOVER)
    order = [call.operation for call in bench.aws.mutations("dynamodb")]
    assert bench.aws.groups[(EAST, "shop-asg")].desired == 0
    east = [call.operation for call in bench.aws.mutations() if call.region == EAST and call.operation != "UpdateItem"]
    assert east == [
        "PutItem",
        "UpdateAutoScalingGroup",
        "UpdateSchedule",
        "UpdateEventSourceMapping",
        "RevokeSecurityGroupIngress",
    ]
    assert order.index("UpdateAutoScalingGroup") < order.index("FailoverGlobalCluster")


def test_the_way_home_when_dr_is_dead() -> None:
    bench = Bench.of()
    assert status(move(bench)) == [MOVED]
    bench.clock.wait(3600)
    bench.aws.outage(WEST, "hang")
    result = move(bench, HOME_UNPLANNED)
    assert status(result) == [MOVED], result.problem()
    assert led_to(bench) == EAST
    assert {call.region for call in bench.aws.made("cloudwatch", "PutMetricData")[-1:]} == {EAST}


def test_traffic_is_moved_only_after_a_write_was_accepted_and_read_back() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 300
    move(bench)
    switched = min(call.at for call in bench.aws.made("cloudwatch", "PutMetricData"))
    stored = [at for at, method, region in bench.aws.application_calls if method == "GET" and region == WEST]
    assert stored
    assert min(stored) <= switched
    assert all("move-" in client for client, _number in bench.aws.writes)


def test_clients_stay_where_they_are_while_the_new_site_takes_no_writes() -> None:
    bench = Bench.of()
    bench.aws.request = lambda *_args, **_options: __import__(  # type: ignore[method-assign]
        "plugins.module_utils._recovery.ports", fromlist=["HttpAnswer"]
    ).HttpAnswer(503, {})
    result = move(bench)
    assert status(result) == [FAILED]
    assert "write-probe: after 900 s still waiting for a write that the new site accepts" in result.problem()
    assert bench.aws.made("cloudwatch", "PutMetricData") == []
    assert led_to(bench) == EAST


def test_a_headless_target_is_refused_before_anything_is_changed() -> None:
    bench = Bench.of()
    bench.aws.instances[(WEST, "shop-dr-cluster")] = []
    result = move(bench)
    assert status(result) == [REFUSED]
    assert "target-instance (R5): cluster shop-dr-cluster has no instance" in result.problem()
    assert bench.aws.mutations() == []


def test_everything_that_stands_in_the_way_is_reported_at_once() -> None:
    bench = Bench.of()
    bench.aws.instances[(WEST, "shop-dr-cluster")] = []
    bench.aws.lag_ms = 90_000
    bench.aws.key_state = "PendingDeletion"
    bench.aws.records_form = "simple"
    said = move(bench).problem()
    for gate in ("target-instance", "replication-lag", "target-key", "failover-records"):
        assert gate in said


def test_a_gate_that_can_be_waived_is_waived_and_said() -> None:
    bench = Bench.of()
    bench.aws.lag_ms = None
    assert status(move(bench)) == [REFUSED]
    result = move(bench, Options("dr", "planned", waive=("replication-lag",)))
    assert status(result) == [MOVED], result.problem()
    waived = [gate for gate in result.applications[0].gates if gate["waived"]]
    assert [gate["gate"] for gate in waived] == ["replication-lag"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options("dr", "planned", waive=("target-instance",)), "cannot be waived"),
        (Options("dr", "planned", waive=("lag",)), "is no gate; the gates are"),
        (Options("moon", "planned"), "target is 'moon': expected one of primary, dr"),
        (Options("dr", "sudden"), "mode is 'sudden': expected one of planned, unplanned"),
        (Options("dr", "unplanned", "drill"), "a drill is a switchover"),
        (Options("dr", "planned", "exercise"), "intent is 'exercise'"),
    ],
)
def test_what_was_asked_for_is_checked_before_anything_is_read(options: Options, said: str) -> None:
    bench = Bench.of()
    with pytest.raises(RecoveryError, match=said):
        move(bench, options)
    assert bench.aws.calls == []


def test_an_unplanned_move_needs_the_operators_word_that_data_may_be_lost() -> None:
    bench = Bench.of()
    result = move(bench, Options("dr", "unplanned"))
    assert status(result) == [REFUSED]
    assert "say accept_data_loss=true" in result.problem()
    assert bench.aws.mutations() == []


@pytest.mark.parametrize("lost", [EAST, WEST])
def test_a_planned_move_with_a_lost_region_is_refused_in_seconds_with_one_reason(lost: str) -> None:
    bench = Bench.of()
    began = bench.clock.now()
    bench.aws.outage(lost, "hang")
    result = move(bench)
    assert status(result) == [REFUSED]
    assert bench.clock.now() - began <= 10
    assert bench.aws.mutations() == []
    assert result.problem().count("is unreachable") == 1


def test_one_application_that_may_not_move_holds_back_the_others_of_a_planned_move() -> None:
    bench = Bench.of("shop", "blog")
    bench.aws.instances[(WEST, "blog-dr-cluster")] = []
    result = move(bench)
    assert status(result) == [REFUSED, REFUSED]
    assert bench.aws.mutations() == []


def test_one_application_that_may_not_move_does_not_hold_back_the_others_of_a_failover() -> None:
    bench = Bench.of("shop", "blog")
    bench.aws.instances[(WEST, "blog-dr-cluster")] = []
    assert status(move(bench, FAILOVER)) == [MOVED, REFUSED]


def took(result: MoveResult) -> float:
    """From the first step's beginning to the last one's end. The records of all are read before, at Route 53's rate."""
    steps = [step for one in result.applications for step in one.steps]
    return float(max(step["ended_at"] for step in steps) - min(step["began_at"] for step in steps))


def least_tokens(times: list[float], burst: float, per_second: float) -> float:
    """How empty AWS's bucket was at its emptiest, where it is full at first."""
    tokens, at, least = burst, times[0], burst
    for time in times:
        tokens = min(burst, tokens + (time - at) * per_second) - 1
        at, least = time, min(least, tokens)
    return least


def looks_at_switches(bench: Bench) -> list[Call]:
    """Readings of nothing but switch positions, as a move makes them while it waits for DNS."""
    looks = []
    for call in bench.aws.made("dynamodb", "BatchGetItem"):
        keys = [key["item"]["S"] for table in call.params["RequestItems"].values() for key in table["Keys"]]
        looks += [call] if all(item.startswith("switch#") for item in keys) else []
    return looks


def test_polling_does_not_grow_with_the_number_of_applications() -> None:
    one, many = Bench.of(), Bench.of(*(f"app{number}" for number in range(100)))
    alone, together = move(one), move(many)
    assert status(alone) == [MOVED]
    assert status(together) == [MOVED] * 100
    for region in (EAST, WEST):
        asked = [call.at for call in many.aws.made("rds") if call.region == region]
        assert least_tokens(asked, burst=300, per_second=12) >= 0, "AWS's published rates are kept to (R26)"
    for service, operation in (
        ("rds", "DescribeGlobalClusters"),
        ("autoscaling", "DescribeAutoScalingGroups"),
        ("rds", "DescribeEvents"),
    ):
        # AWS takes 50 names of groups at a time, so those of 100 applications are asked for in two calls.
        pages = 2 if operation == "DescribeAutoScalingGroups" else 1
        assert len(many.aws.made(service, operation)) <= pages * (len(one.aws.made(service, operation)) + 2)
    # A call of DynamoDB takes 100 items, whatever tables they are in: the two switches of 50 applications.
    assert len(looks_at_switches(many)) <= 2 * (len(looks_at_switches(one)) + 2)
    assert took(together) - took(alone) < 1


@pytest.mark.parametrize("second", [DRILL, FAILOVER], ids=["the same move", "another one"])
def test_of_two_movers_at_once_only_one_moves(second: Options) -> None:
    bench = Bench.of()
    others: list[MoveResult] = []

    def interfere(call: Call) -> None:
        if call.operation == "Publish" and not others:
            others.append(MoveResult())
            others.append(move(bench, second))

    bench.aws.after_call = interfere
    first = move(bench)
    # The same move waits until the first one's lease has run out (it stands still meanwhile), another one is refused.
    moved, stopped = (others[1], first) if second is DRILL else (first, others[1])
    assert (status(moved), moved.problem()) == ([MOVED], "")
    assert "lease" in stopped.problem()
    assert len(bench.aws.made("rds", "SwitchoverGlobalCluster")) == 1
    assert bench.aws.made("rds", "FailoverGlobalCluster") == []


def test_a_process_that_slept_while_another_went_on_with_its_run_does_not_overwrite_its_journal(tmp_path: Path) -> None:
    bench = Bench.of()
    others: list[MoveResult] = []

    def go_on(call: Call) -> None:
        if call.operation == "Publish" and not others:
            others.append(MoveResult())
            others.append(move(bench, journal_dir=tmp_path))

    bench.aws.after_call = go_on
    first = move(bench).applications[0]
    (second,) = others[1].applications
    assert (first.status, second.status, second.resumed) == (FAILED, MOVED, True)
    assert journaled(bench.aws.tables[(WEST, "shop-dr-state")]) == read_file(Path(str(second.journal)))


def test_a_paused_move_goes_on_under_its_run_id() -> None:
    bench = Bench.of()
    first = move(bench, stop_at=bench.clock.now() + 45).applications[0]
    assert first.status == PAUSED
    second = move(bench).applications[0]
    assert (second.status, second.resumed, second.run_id) == (MOVED, True, first.run_id)
    assert second.began_at == first.began_at
    assert len(bench.aws.made("rds", "SwitchoverGlobalCluster")) == 1
    assert len(bench.aws.made("sns", "Publish")) == 2


def kill_at(bench: Bench, number: int, after: bool) -> None:
    """Die at the n-th mutating call, before it is sent or when AWS has answered."""
    count = 0

    def strike(call: Call) -> None:
        nonlocal count
        if call.mutates:
            count += 1
            if count == number:
                raise Killed

    def before(call: Call) -> CallFailed | RegionUnreachable | None:
        strike(call)
        return None

    if after:
        bench.aws.after_call = strike
    else:
        bench.aws.refusals = [before]


@pytest.mark.parametrize("number", [3, 7, 12])
def test_the_journal_of_a_run_in_two_parts_is_whole_in_the_store_and_in_the_file(tmp_path: Path, number: int) -> None:
    bench = Bench.of()
    kill_at(bench, number, after=False)
    with pytest.raises(Killed):
        move(bench, journal_dir=tmp_path)
    bench.aws.refusals = []
    result = move(bench, journal_dir=tmp_path).applications[0]
    events = read_file(Path(str(result.journal)))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    stored = journaled(rows)
    assert stored == events


def test_a_run_that_never_ended_is_history_once_the_application_was_moved_the_other_way() -> None:
    bench = Bench.of()
    bench.aws.delays.launch = 1e9
    first = move(bench).applications[0]
    assert first.status == FAILED
    bench.aws.launches_take(40)
    bench.clock.wait(100)
    assert status(move(bench)) == [MOVED]  # goes on with it
    bench.clock.wait(100)
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    reopened = json.loads(rows["shop|run"]["document"]["S"])
    rows["shop|run"]["document"]["S"] = json.dumps({**reopened, "closed_at": None})
    assert status(move(bench, HOME)) == [MOVED]
    bench.clock.wait(100)
    again = move(bench).applications[0]
    assert (again.status, again.resumed) == (MOVED, False)
    assert again.run_id != first.run_id


def test_a_run_whose_writer_was_moved_away_by_hand_is_history_and_the_move_is_planned_anew() -> None:
    bench = Bench.of()
    group = bench.aws.groups[(EAST, "shop-asg")]
    group.min, group.desired, group.ready = 1, 1, [0.0]
    first = move(bench, HOME, stop_at=bench.clock.now() + 10).applications[0]
    assert first.status == PAUSED  # the writer was there already; capacity was on its way
    for member in bench.aws.globals["shop-global"]["GlobalClusterMembers"]:
        member["IsWriter"] = not member["IsWriter"]
    again = move(bench, HOME).applications[0]
    assert (again.status, again.resumed) == (MOVED, False), again.reasons
    assert bench.aws.writer(bench.aws.applications[0]) == EAST


def test_a_run_is_history_also_when_the_way_back_is_kept_in_a_region_that_is_lost_by_now() -> None:
    """Gone on with, it would take the earlier failover's stop of writes for its own, and bound the loss by it."""
    bench = Bench.of()
    with bench.dies_after("PutMetricData"):
        move(bench, FAILOVER)
    bench.clock.wait(100)
    assert status(move(bench, replace(HOME, waive=("reconciled",)))) == [MOVED]
    bench.clock.wait(3600)
    bench.aws.outage(EAST, "hang")
    again = move(bench, replace(FAILOVER, accept_unfenced=True)).applications[0]
    assert (again.status, again.resumed) == (MOVED, False), again.reasons


def test_a_run_that_was_left_alone_for_a_day_is_not_gone_on_with() -> None:
    bench = Bench.of()
    first = move(bench, stop_at=bench.clock.now() + 10).applications[0]
    bench.clock.wait(90_000)
    second = move(bench).applications[0]
    assert (second.status, second.resumed) == (MOVED, False)
    assert second.run_id != first.run_id


def test_a_run_that_was_taken_up_again_still_sees_the_events_from_before() -> None:
    bench = Bench.of()
    with bench.dies_after("SwitchoverGlobalCluster"):
        move(bench)
    steps = {one["step"]: one for one in move(bench).applications[0].steps}
    assert steps["fencing-events"]["detail"]["outcome"] == "confirmed"
    asked = [call.params["StartTime"].timestamp() for call in bench.aws.made("rds", "DescribeEvents")]
    assert max(asked) < min(call.at for call in bench.aws.made("rds", "SwitchoverGlobalCluster"))


def test_an_answer_that_was_lost_does_not_make_the_promotion_twice() -> None:
    bench = Bench.of()

    def lose_answer(call: Call) -> None:
        if call.operation == "SwitchoverGlobalCluster":
            raise RegionUnreachable(call.region, "the answer was lost")

    bench.aws.after_call = lose_answer
    assert status(move(bench)) == [MOVED]
    assert len(bench.aws.made("rds", "SwitchoverGlobalCluster")) == 1


def test_a_throttled_call_is_made_again() -> None:
    bench = Bench.of()
    seen: dict[str, int] = {}

    def throttle(call: Call) -> CallFailed | None:
        key = f"{call.service} {call.operation}"
        seen[key] = seen.get(key, 0) + 1
        if seen[key] % 2:
            return CallFailed(call.region, call.service, call.operation, "ThrottlingException", "Rate exceeded")
        return None

    bench.aws.refusals = [throttle]
    result = move(bench)
    assert status(result) == [MOVED], result.problem()


def test_a_call_that_is_not_allowed_ends_the_move_at_once_with_one_line() -> None:
    bench = Bench.of()

    def deny(call: Call) -> CallFailed | None:
        if call.operation != "SwitchoverGlobalCluster":
            return None
        return CallFailed(call.region, call.service, call.operation, "AccessDenied", "not\nyou")

    bench.aws.refusals = [deny]
    result = move(bench)
    assert status(result) == [FAILED]
    assert result.problem() == "shop: promote: rds SwitchoverGlobalCluster in us-east-1 failed: AccessDenied: not you"
    assert bench.clock.now() - result.applications[0].began_at < 60  # type: ignore[operator]


def test_the_writer_that_has_moved_meanwhile_stops_the_run_before_its_call() -> None:
    bench = Bench.of()

    def interfere(call: Call) -> None:
        if call.operation == "UpdateAutoScalingGroup":
            members = bench.aws.globals["shop-global"]["GlobalClusterMembers"]
            members[0] = {**members[0], "DBClusterArn": members[0]["DBClusterArn"] + "-other"}

    bench.aws.after_call = interfere
    result = move(bench)
    assert status(result) == [FAILED]
    assert "plan again" in result.problem()
    assert bench.aws.made("rds", "SwitchoverGlobalCluster") == []


def test_a_store_that_takes_no_writes_stops_a_planned_move_but_not_a_failover() -> None:
    def broken(call: Call) -> CallFailed | None:
        if call.service == "dynamodb" and call.operation in ("BatchWriteItem", "UpdateItem"):
            return CallFailed(call.region, "dynamodb", call.operation, "ServiceUnavailable", "no")
        return None

    planned, unplanned = Bench.of(), Bench.of()
    planned.aws.refusals = unplanned.aws.refusals = [broken]
    assert status(move(planned)) == [FAILED]
    assert planned.aws.mutations("dynamodb") == []
    result = move(unplanned, FAILOVER)
    assert status(result) == [MOVED], result.problem()
    assert any("without a lease" in note for note in result.applications[0].notes)


@pytest.mark.parametrize("options", [DRILL, FAILOVER], ids=["planned", "unplanned"])
def test_a_store_that_is_lost_once_the_writer_moves_leaves_no_clients_behind(options: Options) -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 300  # longer than a lease lasts

    def lose(call: Call) -> None:
        if call.service == "rds" and call.mutates:
            bench.aws.refusals = [broken]

    def broken(call: Call) -> CallFailed | None:
        if call.service == "dynamodb":
            return CallFailed(call.region, "dynamodb", call.operation, "ServiceUnavailable", "no")
        return None

    bench.aws.after_call = lose
    result = move(bench, options)
    assert status(result) == [MOVED], result.problem()
    assert led_to(bench) == WEST
    said = "\n".join(result.applications[0].notes)
    assert "going on without a lease" in said
    assert "could not be stored: the publisher may undo it" in said
    assert len([note for note in result.applications[0].notes if not note.startswith("waived: ")]) < 7


def test_a_position_that_is_refused_by_the_table_is_not_taken_for_set() -> None:
    """It is published, but the publisher would undo it within a minute."""
    bench = Bench.of()

    def deny(call: Call) -> CallFailed | None:
        if call.operation == "PutItem":
            return CallFailed(call.region, "dynamodb", call.operation, "AccessDeniedException", "no")
        return None

    bench.aws.refusals = [deny]
    result = move(bench)
    assert status(result) == [FAILED]
    assert "switch primary to be closed" in result.problem()


def test_the_journal_holds_an_intent_before_and_a_result_after_each_call(tmp_path: Path) -> None:
    bench = Bench.of()
    result = move(bench, journal_dir=tmp_path).applications[0]
    assert result.journal == str(tmp_path / "shop" / f"{result.run_id}.jsonl")
    events = read_file(Path(result.journal))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["kind"], events[-1]["kind"]) == ("run-opened", "run-closed")
    pending: list[Any] = []
    for event in events:
        if event["kind"] == "intent":
            pending.append((event["step"], event["call"]))
        if event["kind"] == "result":
            pending.remove((event["step"], event["call"]))
    assert pending == []
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    stored = journaled(rows)
    assert stored == events


def test_an_intent_is_stored_before_its_call_is_made() -> None:
    bench = Bench.of()
    missing = []

    def look(call: Call) -> None:
        if call.mutates and call.service != "dynamodb":
            rows = bench.aws.tables[(WEST, "shop-dr-state")]
            stored = journaled(rows)
            if not any(e["kind"] == "intent" and e["call"]["operation"] == call.operation for e in stored):
                missing.append(call.operation)

    bench.aws.after_call = look
    move(bench)
    assert missing == []


def test_a_run_whose_store_is_gone_is_found_again_in_its_local_journal(tmp_path: Path) -> None:
    bench = Bench.of()

    def broken(call: Call) -> CallFailed | None:
        if call.service == "dynamodb":
            return CallFailed(call.region, "dynamodb", call.operation, "AccessDenied", "no")
        return None

    bench.aws.refusals = [broken]
    first = move(bench, FAILOVER, stop_at=bench.clock.now() + 15, journal_dir=tmp_path).applications[0]
    assert first.status == PAUSED
    second = move(bench, FAILOVER, journal_dir=tmp_path).applications[0]
    assert (second.run_id, second.resumed) == (first.run_id, True)


def test_every_wait_is_told_with_what_is_waited_for() -> None:
    bench = Bench.of()
    move(bench)
    said = [str(line) for line in bench.lines]
    assert any("1 of 3 instances of shop-dr-asg in service" in line for line in said)
    assert any("global cluster shop-global is pending" in line for line in said)
    assert any("DNS still leads app.shop.example away from us-west-2" in line for line in said)
    assert all(line.startswith("shop | ") for line in said)


def test_capacity_that_never_comes_is_reported_with_what_to_look_at() -> None:
    bench = Bench.of()
    bench.aws.delays.launch = 1e9
    result = move(bench)
    assert status(result) == [FAILED]
    assert "raise-capacity: after 900 s still waiting for 1 of 3 instances" in result.problem()
    assert bench.aws.made("rds", "SwitchoverGlobalCluster") == []


def test_a_promotion_that_does_not_end_is_reported_and_watched_by_the_next_run() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 5000
    result = move(bench)
    assert status(result) == [FAILED]
    assert "run the same move again to go on watching" in result.problem()
    again = move(bench)
    assert status(again) == [MOVED], again.problem()
    assert len(bench.aws.made("rds", "SwitchoverGlobalCluster")) == 1


def test_a_switchover_that_aws_gives_up_is_not_asked_for_without_end() -> None:
    """Replication that does not catch up: each attempt stops the application's writes anew."""
    bench = Bench.of()
    bench.aws.gives_switchovers_up = True
    result = move(bench)
    assert status(result) == [FAILED]
    assert "AWS has accepted the switchover 2 times" in result.problem()
    assert len(bench.aws.made("rds", "SwitchoverGlobalCluster")) == 2
    assert bench.aws.made("cloudwatch", "PutMetricData") == [], "clients stay where the writer is"
    bench.aws.gives_switchovers_up = False
    again = move(bench)
    assert status(again) == [MOVED], again.problem()
    assert again.applications[0].resumed


def test_fencing_events_that_are_not_seen_hold_nothing_up() -> None:
    bench = Bench.of()
    bench.aws.delays.fencing_event = 1e9
    result = move(bench, FAILOVER)
    assert status(result) == [MOVED], result.problem()
    step = next(one for one in result.applications[0].steps if one["step"] == "fencing-events")
    assert step["outcome"] == "given up"
    assert "not seen" in step["reason"]


def test_a_wrong_option_is_a_model_error() -> None:
    with pytest.raises(ModelError):
        Options("dr", "sudden").checked()


def test_what_was_begun_goes_on_although_another_application_may_not_begin() -> None:
    bench = Bench.of("blog", "shop")
    (shop,) = (one for one in bench.aws.applications if one.name == "shop")
    first = run_move([shop], DRILL, bench.tools(), stop_at=bench.clock.now() + 66).applications[0]
    assert first.status == PAUSED
    assert bench.aws.writer(shop) == WEST
    bench.aws.instances[(WEST, "blog-dr-cluster")] = []
    found = {one.application: one for one in move(bench).applications}
    assert found["blog"].status == REFUSED
    assert (found["shop"].status, found["shop"].resumed) == (MOVED, True), found["shop"].reasons


@pytest.mark.parametrize("kind", ["hang", "refuse"])
def test_a_switchover_whose_old_region_is_lost_once_the_writer_has_moved_is_gone_on_with(kind: str) -> None:
    bench = Bench.of()
    first = move(bench, stop_at=bench.clock.now() + 66).applications[0]
    assert first.status == PAUSED
    assert bench.aws.writer(bench.aws.applications[0]) == WEST
    bench.aws.outage(EAST, kind)
    again = move(bench).applications[0]
    assert (again.status, again.resumed) == (MOVED, True), again.reasons
    assert any(note.startswith("source-region (R2)") for note in again.notes)


def answer_lost(bench: Bench, operation: str) -> None:
    """A call is carried out, and its answer never arrives."""

    def lose(call: Call) -> None:
        if call.operation == operation:
            bench.aws.after_call = lambda call: None
            raise RegionUnreachable(call.region, "connection reset")

    bench.aws.after_call = lose


def no_lease_in_the_old_region(call: Call) -> CallFailed | None:
    bad = (call.operation, call.region) == ("UpdateItem", EAST)
    return CallFailed(EAST, "dynamodb", call.operation, "ServiceUnavailable", "no") if bad else None


@pytest.mark.parametrize("lost", ["with the process", "on the way"])
def test_a_switchover_whose_answer_nobody_got_is_gone_on_with_when_the_old_region_is_lost(lost: str) -> None:
    bench = Bench.of()
    if lost == "on the way":
        answer_lost(bench, "SwitchoverGlobalCluster")
        assert status(move(bench, stop_at=bench.clock.now() + 60)) == [PAUSED]
    else:
        with bench.dies_after("SwitchoverGlobalCluster"):
            move(bench)
    bench.clock.wait(120)
    assert bench.aws.writer(bench.aws.applications[0]) == WEST
    bench.aws.outage(EAST, "hang")
    again = move(bench).applications[0]
    assert (again.status, again.resumed) == (MOVED, True), again.reasons
    assert led_to(bench) == WEST
    assert any(note.startswith("moving without a lease") for note in again.notes)


def test_a_switchover_that_is_on_its_way_is_watched_also_without_the_old_regions_lease() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 300
    with bench.dies_after("SwitchoverGlobalCluster"):
        move(bench)
    bench.clock.wait(120)
    bench.aws.refusals = [no_lease_in_the_old_region]
    again = move(bench).applications[0]
    assert (again.status, again.resumed) == (MOVED, True), again.reasons


def test_a_switchover_that_is_given_up_is_not_asked_for_again_without_the_old_regions_lease() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 300
    with bench.dies_after("SwitchoverGlobalCluster"):
        move(bench)
    bench.clock.wait(120)

    gives_up_at = bench.clock.now() + 30

    def give_up(call: Call) -> None:
        if call.at > gives_up_at:
            bench.aws.after_call = lambda call: None
            del bench.aws.globals["shop-global"]["FailoverState"]
            bench.aws.moves.clear()

    bench.aws.after_call = give_up
    bench.aws.refusals = [no_lease_in_the_old_region]
    again = move(bench).applications[0]
    assert again.status == FAILED
    assert f"there is no lease in {EAST}" in again.reasons[0]
    assert "fail over unplanned" in again.reasons[0]
    assert len(bench.aws.made("rds", "SwitchoverGlobalCluster")) == 1


def test_a_planned_move_that_gets_no_lease_says_what_can_be_done() -> None:
    bench = Bench.of()
    bench.aws.refusals = [no_lease_in_the_old_region]
    result = move(bench).applications[0]
    assert result.status == FAILED
    assert "run the same again once that is mended, or fail over unplanned" in result.reasons[0]


def test_a_switchover_whose_old_region_falls_silent_ends_soon_and_says_what_to_do() -> None:
    bench = Bench.of()
    original = bench.aws.after_call

    def lose(call: Call) -> None:
        original(call)
        group = bench.aws.groups[(WEST, "shop-dr-asg")]
        if call.operation == "DescribeTargetHealth" and bench.aws.in_service(WEST, "shop-dr-asg") >= group.desired:
            bench.aws.outage(EAST, "refuse", clients_too=False)

    bench.aws.after_call = lose
    began = bench.clock.now()
    result = move(bench).applications[0]
    assert result.status == FAILED
    assert bench.clock.now() - began < 120
    assert any("fail over unplanned" in reason for reason in result.reasons), result.reasons


def test_a_group_whose_maximum_is_too_low_is_filled_as_far_as_it_goes_where_that_is_waived() -> None:
    bench = Bench.of()
    bench.aws.groups[(WEST, "shop-dr-asg")].max = 1
    assert status(move(bench)) == [REFUSED]
    waived = Options("dr", "planned", "drill", waive=("group-limits",))
    assert status(move(bench, waived)) == [MOVED]
    assert bench.aws.groups[(WEST, "shop-dr-asg")].desired == 1


def test_an_unplanned_move_leads_clients_to_the_capacity_that_there_is() -> None:
    bench = Bench.of()
    bench.aws.outage(EAST, "refuse")
    bench.aws.launches_take(1e9)
    group = bench.aws.groups[(WEST, "shop-dr-asg")]
    group.ready = [0.0]
    group.min = group.desired = 1
    began = bench.clock.now()
    result = move(bench, LOST).applications[0]
    assert result.status == MOVED, result.reasons
    assert any(note.startswith("raise-capacity: after 300 s") for note in result.notes)
    assert bench.clock.now() - began < 600


def with_two_groups() -> Bench:
    """The dr site has another group, which is listed first."""
    described = document()
    group = {**described["dr"]["groups"][0], "name": "shop-dr-api-asg"}
    described["dr"]["groups"].insert(0, group)
    bench = Bench(clock := VirtualClock(), SimulatedAws(clock, [described]))
    bench.aws.outage(EAST, "refuse")
    return bench


@pytest.mark.parametrize("code", ["AccessDenied", "ValidationError"])
def test_a_group_that_cannot_be_raised_keeps_no_other_one_small_when_the_region_is_lost(code: str) -> None:
    bench = with_two_groups()

    def refused(call: Call) -> CallFailed | None:
        if call.params.get("AutoScalingGroupName") == "shop-dr-api-asg":
            return CallFailed(WEST, "autoscaling", call.operation, code, "no")
        return None

    bench.aws.refusals = [refused]
    began = bench.clock.now()
    result = move(bench, LOST).applications[0]
    assert result.status == MOVED, result.reasons
    assert bench.aws.in_service(WEST, "shop-dr-asg") == 3
    assert [note for note in result.notes if note.startswith("raise-capacity: shop-dr-api-asg was not raised")]
    assert bench.clock.now() - began < 300, "it is not waited for what will not come"


def test_a_group_that_is_not_there_keeps_no_other_one_small_when_the_region_is_lost() -> None:
    bench = with_two_groups()
    del bench.aws.groups[(WEST, "shop-dr-api-asg")]
    result = move(bench, replace(LOST, waive=(*WAIVED, "group-limits"))).applications[0]
    assert result.status == MOVED, result.reasons
    assert bench.aws.in_service(WEST, "shop-dr-asg") == 3
    assert [note for note in result.notes if "there is no Auto Scaling group shop-dr-api-asg" in note]


def test_a_failover_that_never_ended_is_gone_on_with_at_once_and_turned_back_only_after_the_block_period() -> None:
    bench = Bench.of()
    with bench.dies_after("PutMetricData"):
        move(bench, FAILOVER)
    bench.clock.wait(100)
    back = move(bench, replace(HOME_UNPLANNED, waive=("old-site-down",)))
    assert status(back) == [REFUSED]
    assert "block-period (R19)" in back.problem()
    assert "which did not end, began" in back.problem()
    assert status(move(bench, replace(FAILOVER, waive=("old-site-down",)))) == [MOVED]


def test_an_unplanned_move_does_not_wait_for_a_planned_one_that_failed_before_it_moved_the_writer() -> None:
    bench = Bench.of()
    bench.aws.delays.launch = 1e9
    assert status(move(bench)) == [FAILED]
    bench.aws.launches_take(5)
    assert status(move(bench, replace(FAILOVER, waive=("old-site-down",)))) == [MOVED]
