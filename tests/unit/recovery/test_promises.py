# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a move promises in small: each of these is broken by a seeded fault that no other quick test would notice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from simulated_aws import EAST, WEST, Bench, Call
from unit.recovery.simulated.dynamodb import journaled

from plugins.module_utils._recovery.calls import CallOutcome, PlannedCall
from plugins.module_utils._recovery.errors import CallFailed
from plugins.module_utils._recovery.measure import Lag, Objectives, measure
from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.performer import Performer
from plugins.module_utils._recovery.ports import DnsAnswer, HttpAnswer
from plugins.module_utils._recovery.results import FAILED, MOVED, MoveResult
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.samples import Observation, Sample, Stored
from plugins.module_utils._recovery.snapshot import Event, GlobalCluster, GroupState, Member, Snapshot
from plugins.module_utils._recovery.steps.aurora_fencing import CONFIRMED, NOT_SEEN, TIMED_OUT, fencing_outcome
from plugins.module_utils._recovery.steps.autoscaling import RaiseCapacity
from plugins.module_utils._recovery.steps.base import Move, State, World
from plugins.module_utils._recovery.steps.fencing import FenceOldSite
from plugins.module_utils._recovery.steps.traffic_switch import SwitchTraffic
from plugins.module_utils._recovery.steps.write_probe import StableThroughDns, good_run

DRILL = Options("dr", "planned", "drill")
HOME = Options("primary", "planned")
WAIVED = ("old-site-down", "block-period")
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED)
APPLICATION = Bench.of().aws.applications[0]
TO_DR = Move(APPLICATION, "dr", planned=True, intent="drill", run_id="r")
OPENED = {"kind": "run-opened", "at": 100.0, "seq": 1, "detail": {"mode": "unplanned"}}


def move(bench: Bench, options: Options = DRILL, **tools: Any) -> MoveResult:
    return run_move(bench.aws.applications, options, bench.tools(**tools))


def sample(ok: bool, region: str | None = WEST) -> CallOutcome:
    call = PlannedCall("application", "WriteAndReadBack", Access(WEST), "x", {})
    return CallOutcome(call, 0.0, None if ok else "status 503", answer={"region": region} if ok else {})


def test_stable_means_as_many_good_samples_in_a_row_as_were_asked_for() -> None:
    def seen(*outcomes: CallOutcome) -> State:
        return StableThroughDns().observe(World(TO_DR, Snapshot(0.0), 0.0, outcomes)).state

    good, bad = sample(True), sample(False)
    assert seen(good, good, good) is State.DONE
    assert seen(good) is seen(good, good) is seen(good, good, bad, good) is State.NEEDED


def test_a_sample_that_the_old_region_took_breaks_the_row() -> None:
    assert good_run((sample(True), sample(True, EAST), sample(True)), WEST) == 1
    assert good_run((sample(True, None), sample(True)), WEST) == 2


def test_a_write_that_cannot_be_read_back_was_not_accepted() -> None:
    def forgetful(method: str, **_options: Any) -> HttpAnswer:
        return HttpAnswer(201 if method == "POST" else 404, {})

    bench = Bench.of()
    params = {"client": "move-r", "number": 1, "connect": "192.0.2.12", "port": 443}
    call = PlannedCall("application", "WriteAndReadBack", Access(WEST), "x", params)
    outcome = Performer(bench.clients(), forgetful, bench.clock).perform(APPLICATION, call)
    assert not outcome.ok
    assert "read back" in str(outcome.error)


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("Attempt to block writes for DB cluster shop in Region us-east-1 succeeded.", CONFIRMED),
        ("Attempt to block writes for DB cluster shop in Region us-east-1 timed out.", TIMED_OUT),
        ("Attempt to block writes for DB cluster other in Region us-east-1 succeeded.", NOT_SEEN),
    ],
)
def test_fencing_is_what_the_events_of_the_old_cluster_say(message: str, outcome: str) -> None:
    assert fencing_outcome([Event(WEST, "x", message, 1.0)], "shop", "us-east-1")[0] == outcome


def test_the_old_site_is_fenced_only_when_none_of_its_instances_is_in_service() -> None:
    key = (APPLICATION.primary.access, "shop-asg")

    def seen(in_service: int) -> State:
        group = GroupState("shop-asg", 0, 0, 10, in_service, in_service)
        return FenceOldSite().observe(World(TO_DR, Snapshot(0.0, groups={key: group}), 0.0)).state

    assert seen(2) is State.UNDERWAY
    assert seen(0) is State.DONE


def test_capacity_is_there_when_the_balancer_holds_it_for_healthy() -> None:
    access = APPLICATION.dr.access
    group = GroupState("shop-dr-asg", 3, 3, 10, 3, 3, ("arn",))

    def seen(healthy: int) -> State:
        snapshot = Snapshot(0.0, groups={(access, "shop-dr-asg"): group}, healthy={(access, "arn"): healthy})
        return RaiseCapacity().observe(World(TO_DR, snapshot, 0.0)).state

    assert seen(2) is State.UNDERWAY
    assert seen(3) is State.DONE


def test_raising_takes_the_minimum_along_and_never_makes_a_group_smaller() -> None:
    access = APPLICATION.dr.access

    def wished(least: int, desired: int) -> tuple[int, int]:
        group = GroupState("shop-dr-asg", least, desired, 10, desired, desired)
        (call,) = RaiseCapacity().calls(World(TO_DR, Snapshot(0.0, groups={(access, "shop-dr-asg"): group}), 0.0))
        assert call.before == {"min": least, "desired": desired, "max": 10}
        return call.params["MinSize"], call.params["DesiredCapacity"]

    assert wished(0, 1) == (3, 3)
    assert wished(0, 8) == (3, 8)


@pytest.mark.parametrize("status", ["pending", "failing-over", "switching-over", "in an unnamed state", "tidying"])
def test_a_failover_state_that_nobody_knows_is_no_rest(status: str) -> None:
    members = (Member("arn:aws:rds:us-east-1:1:cluster:shop", True),)
    view = GlobalCluster("shop-global", "available", "aurora-mysql", "8", members)
    assert view.at_rest
    assert not replace(view, failover_status=status).at_rest


def test_clients_count_as_moved_when_dns_says_so_and_not_when_the_switch_was_set() -> None:
    kept = {
        (APPLICATION.other(record).access, "shop", f"switch#{record}"): {"position": value}
        for record, value in (("dr", 1), ("primary", 0))
    }

    def seen(region: str) -> State:
        site = APPLICATION.site_in(region)
        assert site is not None
        own = DnsAnswer(APPLICATION.dr.endpoint.host, (), ("192.0.2.12",), 60)
        address = "192.0.2.12" if region == WEST else "192.0.2.11"
        led = DnsAnswer("app.shop.example", (site.endpoint.host,), (address,), 60)
        snapshot = Snapshot(0.0, state=kept, answers={"app.shop.example": led, own.name: own})
        return SwitchTraffic().observe(World(TO_DR, snapshot, 0.0)).state

    assert seen(EAST) is State.NEEDED
    assert seen(WEST) is State.DONE


def test_the_writer_moves_when_the_new_site_has_its_capacity() -> None:
    bench = Bench.of()
    in_service: list[int] = []

    def look(call: Call) -> None:
        if call.operation == "SwitchoverGlobalCluster":
            in_service.append(bench.aws.in_service(WEST, "shop-dr-asg"))

    bench.aws.after_call = look
    move(bench)
    assert in_service == [3]


def test_an_unplanned_promotion_begins_when_our_fence_has_ended() -> None:
    bench = Bench.of()
    move(bench, FAILOVER)
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    events = journaled(rows)
    told = [(one["kind"], one["step"]) for one in events]
    assert told.index(("step-done", "fence-old-site")) < told.index(("step-begin", "promote"))


def test_the_site_that_was_left_is_made_small_when_clients_are_gone() -> None:
    bench = Bench.of()
    move(bench)
    move(bench, HOME)
    lowered = max(call.at for call in bench.aws.made("autoscaling", "UpdateAutoScalingGroup"))
    assert lowered > max(call.at for call in bench.aws.made("cloudwatch", "PutMetricData"))


def test_a_mover_that_waits_keeps_its_leases() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 300
    left: list[float] = []

    def look(call: Call) -> None:
        if call.operation == "DescribeGlobalClusters" and bench.aws.made("rds", "SwitchoverGlobalCluster"):
            for region in (EAST, WEST):
                row = bench.aws.tables[(region, "shop-dr-state")]["shop|lease"]
                left.append(float(row["expires_at"]["N"]) - bench.clock.now())

    bench.aws.after_call = look
    assert move(bench).ok
    assert len(left) > 100
    assert min(left) > 20


@pytest.mark.parametrize("refused", ["UpdateItem", "BatchWriteItem"], ids=["no lease", "no journal"])
def test_a_planned_move_without_a_lease_or_a_journal_changes_nothing(refused: str) -> None:
    bench = Bench.of()

    def broken(call: Call) -> CallFailed | None:
        if call.service == "dynamodb" and call.operation == refused:
            return CallFailed(call.region, "dynamodb", call.operation, "ServiceUnavailable", "no")
        return None

    bench.aws.refusals = [broken]
    assert [one.status for one in move(bench).applications] == [FAILED]
    assert bench.aws.mutations("dynamodb") == []


def test_a_step_waits_as_long_as_its_deadline_and_no_longer() -> None:
    bench = Bench.of()
    bench.aws.delays.fencing_event = 1e9
    steps = {one["step"]: one for one in move(bench, FAILOVER).applications[0].steps}
    waited = steps["fencing-events"]["ended_at"] - steps["fencing-events"]["began_at"]
    assert 5 <= waited <= 6


def test_a_step_that_is_looked_at_late_for_the_first_time_is_acted_on_all_the_same() -> None:
    """AWS is so slow that a round of reading takes longer than the step may."""
    bench = Bench.of()

    def slow(call: Call) -> None:
        if call.operation == "DescribeGlobalClusters" and bench.aws.made("ec2", "RevokeSecurityGroupIngress"):
            bench.clock.wait(33)

    bench.aws.after_call = slow
    result = move(bench, FAILOVER).applications[0]
    steps = {one["step"]: one for one in result.steps}
    assert steps["leave-job"]["outcome"] == "done", steps["leave-job"]


def test_a_step_whose_deadline_was_slept_through_is_looked_at_once_more() -> None:
    """A machine that was suspended, just as the job of reconciling was to be left."""
    bench = Bench.of()

    def sleep(call: Call) -> None:
        if call.operation == "FailoverGlobalCluster":
            bench.aws.refusals = [silent_once]

    def silent_once(call: Call) -> CallFailed | None:
        if call.service != "dynamodb" or call.operation not in ("GetItem", "BatchGetItem", "Query"):
            return None
        bench.aws.refusals = []
        bench.clock.wait(61)
        return CallFailed(call.region, call.service, call.operation, "AccessDenied", "no")

    bench.aws.after_call = sleep
    result = move(bench, FAILOVER).applications[0]
    steps = {one["step"]: one for one in result.steps}
    assert (result.status, steps["leave-job"]["outcome"]) == (MOVED, "done"), steps["leave-job"]
    assert "shop|pending#primary" in bench.aws.tables[("us-west-2", "shop-dr-state")]


def test_a_move_that_failed_is_gone_on_with_under_its_run_id() -> None:
    bench = Bench.of()

    def deny(call: Call) -> CallFailed | None:
        if call.operation != "SwitchoverGlobalCluster":
            return None
        return CallFailed(call.region, call.service, call.operation, "AccessDenied", "not you")

    bench.aws.refusals = [deny]
    first = move(bench).applications[0]
    bench.aws.refusals = []
    second = move(bench).applications[0]
    assert (first.status, second.status) == (FAILED, MOVED)
    assert second.run_id == first.run_id


def test_a_run_that_is_taken_up_again_probes_anew_before_it_moves_clients() -> None:
    bench = Bench.of()
    with bench.dies_after("PutItem"):
        move(bench)
    bench.aws.application_calls.clear()
    published = len(bench.aws.made("cloudwatch", "PutMetricData"))
    reads_before: list[int] = []

    def look(call: Call) -> None:
        if call.operation == "PutMetricData":
            reads_before.append(sum(1 for _at, method, region in bench.aws.application_calls if method == "GET"))

    bench.aws.after_call = look
    assert move(bench).ok
    assert published == 0
    assert reads_before
    assert min(reads_before) >= 1


def bound(*events: dict[str, Any]) -> float | None:
    lag = Lag(2.0, region=WEST, at=90.0)
    found = measure(
        Observation(None, (), None),
        [OPENED, *events],
        Objectives(900, 60),
        target_region=WEST,
        stable_samples=3,
        lag=lag,
    )
    return found.rpo_bound.value


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"kind": "step-done", "step": "fence-old-site", "detail": {}}, None),
        ({"kind": "step-failed", "step": "fence-old-site", "detail": {"outcome": "unreachable"}}, None),
        ({"kind": "step-done", "step": "fencing-events", "detail": {"outcome": "confirmed", "at": 110.0}}, 22.0),
        ({"kind": "step-done", "step": "fencing-events", "detail": {"outcome": "timed out", "at": 110.0}}, None),
    ],
)
def test_a_loss_is_bounded_by_the_lag_and_the_time_to_a_confirmed_stop(
    event: dict[str, Any], expected: float | None
) -> None:
    assert bound({"at": 120.0, "seq": 2, "stage": "fence", **event}) == expected


@pytest.mark.parametrize(("last", "expected"), [("step-done", 32.0), ("step-failed", None)])
def test_a_fence_of_ours_bounds_a_loss_once_all_of_it_is_shut(last: str, expected: float | None) -> None:
    parts = (
        *(("old-site-empty", "step-done"), ("fence-old-site", "step-done")),
        *(("stop-writers", "step-done"), ("revoke-ingress", last)),
    )
    shut = [
        {
            "kind": kind,
            "step": step,
            "stage": "fence",
            "at": 117.0 + seq,
            "seq": seq,
            "detail": {"outcome": "unreachable"},
        }
        for seq, (step, kind) in enumerate(parts)
    ]
    assert bound(*shut) == expected


def test_failed_dns_queries_are_no_failed_writes() -> None:
    def series(kind: Any, bad: range) -> list[Sample]:
        return [
            Sample(kind, n, 90 + n * 0.25, 90 + n * 0.25, 90.01 + n * 0.25, n not in bad, region=WEST)
            for n in range(120)
        ]

    samples = (*series("write", range(0)), *series("dns", range(60, 80)))
    found = measure(
        Observation(None, samples, Stored(200.0, frozenset(range(120)), WEST)),
        [OPENED],
        Objectives(900, 60),
        target_region=WEST,
        stable_samples=3,
    )
    assert found.rto_writes.value == 0


def test_what_is_promised_is_written_down_with_the_capacity_as_it_was() -> None:
    bench = Bench.of()
    move(bench)
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    events = journaled(rows)
    before = [one["detail"]["before"] for one in events if one["kind"] == "intent" and one["step"] == "raise-capacity"]
    assert before == [{"min": 0, "desired": 1, "max": 10}]
