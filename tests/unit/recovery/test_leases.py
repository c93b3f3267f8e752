# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One mover for an application, whatever the mode and the direction; a lease is broken only by name."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from simulated_aws import EAST, WEST, Bench, Call
from unit.recovery.simulated.dynamodb import journaled

from plugins.module_utils._recovery.errors import CallFailed, LeaseLost, RegionUnreachable
from plugins.module_utils._recovery.lease import AGAIN_SECONDS, LEASE_SECONDS, SKEW_SECONDS, Lease
from plugins.module_utils._recovery.leases import Leases
from plugins.module_utils._recovery.options import Options
from plugins.module_utils._recovery.results import FAILED, MOVED, REFUSED, ApplicationResult
from plugins.module_utils._recovery.runner import run_move
from plugins.module_utils._recovery.store import Store

DRILL = Options("dr", "planned", "drill")
WAIVED = ("old-site-down", "block-period")
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)


def move(bench: Bench, options: Options) -> ApplicationResult:
    return run_move(bench.aws.applications, options, bench.tools()).applications[0]


def lease_of(bench: Bench, place: str, run_id: str) -> Lease:
    site = bench.aws.applications[0].site(place)
    return Lease(Store(bench.clients(), site.access, site.state_table), "shop", run_id, bench.clock)


def silently(_text: str) -> None:
    pass


def taken(bench: Bench) -> list[tuple[str, str]]:
    """Regions in the order in which leases were taken, with what came of it."""
    updates = bench.aws.made("dynamodb", "UpdateItem")
    return [(call.region, call.outcome) for call in updates if "run = :run" in call.params["UpdateExpression"]]


@pytest.mark.parametrize("options", [DRILL, FAILOVER], ids=["planned", "unplanned"])
def test_a_move_takes_the_leases_of_both_regions_where_both_answer(options: Options) -> None:
    bench = Bench.of()
    assert move(bench, options).status == MOVED
    assert taken(bench) == [(EAST, "ok"), (WEST, "ok")]
    for region in (EAST, WEST):
        row = bench.aws.tables[(region, "shop-dr-state")]["shop|lease"]
        assert float(row["expires_at"]["N"]) == 0, "it was given back"


def test_an_unplanned_move_goes_without_the_lease_of_a_region_that_is_lost_and_its_journal_says_so() -> None:
    bench = Bench.of()
    bench.aws.outage(EAST, "hang")
    result = move(bench, FAILOVER)
    assert result.status == MOVED
    assert [region for region, outcome in taken(bench) if outcome == "ok"] == [WEST]
    assert not any("lease" in note for note in result.notes), "that it is lost is known"
    reasons = [str(event["reason"]) for event in told(bench, str(result.run_id)) if event["kind"] == "lease"]
    assert any(reason.startswith(f"going without a lease in {EAST}") for reason in reasons), reasons


def test_two_failovers_in_opposite_directions_exclude_each_other_where_both_regions_answer() -> None:
    bench = Bench.of()
    home: list[ApplicationResult] = []

    def second(call: Call) -> None:
        if call.operation == "PutMetricData" and not home:  # the writer has moved, and clients are on their way
            home.append(move(bench, replace(FAILOVER, target="primary")))

    bench.aws.after_call = second
    assert move(bench, FAILOVER).status == MOVED
    assert [one.status for one in home] == [REFUSED]
    assert any("moves shop" in reason for reason in home[0].reasons), home[0].reasons
    assert len(bench.aws.made("rds", "FailoverGlobalCluster")) == 1


def test_the_order_is_that_of_the_regions_names_whatever_the_direction() -> None:
    bench = Bench.of()
    assert move(bench, DRILL).status == MOVED
    bench.clock.wait(60)
    assert move(bench, Options("primary", "planned")).status == MOVED
    assert taken(bench) == [(EAST, "ok"), (WEST, "ok")] * 2


def test_where_the_second_lease_cannot_be_had_the_first_is_given_back() -> None:
    bench = Bench.of()
    lease_of(bench, "dr", "run-1").acquire()
    both = Leases([lease_of(bench, "dr", "run-2"), lease_of(bench, "primary", "run-2")])
    with pytest.raises(LeaseLost, match="run run-1, its lease in us-west-2"):
        both.take(silently)
    lease_of(bench, "primary", "run-3").acquire()


def test_a_planned_move_and_whoever_asks_one_region_only_exclude_each_other() -> None:
    for place in ("primary", "dr"):
        bench = Bench.of()
        Leases([lease_of(bench, "dr", "run-1"), lease_of(bench, "primary", "run-1")]).take(silently)
        with pytest.raises(LeaseLost):
            Leases([lease_of(bench, place, "run-2")]).take(silently)


def test_a_move_stops_before_its_next_call_when_either_of_its_leases_is_lost() -> None:
    for region in (EAST, WEST):
        bench = Bench.of()

        def rob(call: Call, bench: Bench = bench, region: str = region) -> None:
            if call.operation == "UpdateAutoScalingGroup":
                row = bench.aws.tables[(region, "shop-dr-state")]["shop|lease"]
                row.update(holder={"S": "another/1"}, token={"N": "9"})

        bench.aws.after_call = rob
        result = move(bench, DRILL)
        assert result.status == FAILED
        assert f"run another, its lease in {region}" in result.reasons[0]
        assert bench.aws.made("rds", "SwitchoverGlobalCluster") == []


def test_no_call_is_made_that_a_lease_does_not_cover() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 400
    late: list[str] = []

    def look(call: Call) -> None:
        if call.mutates and call.service in ("rds", "autoscaling", "cloudwatch"):
            for region in (EAST, WEST):
                row = bench.aws.tables[(region, "shop-dr-state")]["shop|lease"]
                if float(row["expires_at"]["N"]) <= call.at + 20:
                    late.append(f"{call.operation} in {region}")

    bench.aws.after_call = look
    assert move(bench, DRILL).status == MOVED
    assert late == []


def dead_run(bench: Bench) -> str:
    """A drill whose process died after its first call; returns its run id."""
    with bench.dies_after("Publish"):
        move(bench, DRILL)
    row = bench.aws.tables[(WEST, "shop-dr-state")]["shop|run"]
    return str(json.loads(row["document"]["S"])["run_id"])


def told(bench: Bench, run_id: str) -> list[dict[str, Any]]:
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    return journaled(rows, run_id)


def test_a_refusal_names_the_run_whose_lease_could_be_broken() -> None:
    bench = Bench.of()
    dead = dead_run(bench)
    result = move(bench, FAILOVER)
    assert result.status == REFUSED
    assert f"If it is dead: break_lease={dead}" in result.reasons[0]


def test_a_lease_is_not_broken_for_a_run_that_was_named_wrongly() -> None:
    bench = Bench.of()
    dead_run(bench)
    result = move(bench, replace(FAILOVER, accept_unfenced=False, break_lease="20261123T013000Z-drill-1a2b3c"))
    assert result.status == REFUSED


def test_a_broken_lease_is_waited_out_and_told_in_the_journal() -> None:
    bench = Bench.of()
    dead = dead_run(bench)
    ends = float(bench.aws.tables[(WEST, "shop-dr-state")]["shop|lease"]["expires_at"]["N"])
    result = move(bench, replace(FAILOVER, accept_unfenced=False, break_lease=dead))
    assert (result.status, result.resumed) == (MOVED, False)
    first = min(call.at for call in bench.aws.mutations("dynamodb") if call.at > ends - LEASE_SECONDS + 1)
    assert first >= ends + SKEW_SECONDS
    broken = [event for event in told(bench, str(result.run_id)) if event["detail"].get("broken")]
    assert [event["detail"]["broken"]["run_id"] for event in broken] == [dead]
    assert f"the operator broke the lease of run {dead} in us-east-1" in result.notes
    assert any("its last call is over" in line.waiting_for for line in bench.lines)


def test_a_mover_that_lives_makes_no_call_once_its_lease_is_broken() -> None:
    bench = Bench.of()
    second: list[ApplicationResult] = []

    def interfere(call: Call) -> None:
        if call.operation == "Publish" and not second:
            bench.aws.after_call = lambda call: None
            row = bench.aws.tables[(WEST, "shop-dr-state")]["shop|lease"]
            run = row["holder"]["S"].partition("/")[0]
            second.append(move(bench, replace(FAILOVER, accept_unfenced=False, break_lease=run)))

    bench.aws.after_call = interfere
    first = move(bench, DRILL)
    assert (first.status, second[0].status) == (FAILED, MOVED)
    assert "is being moved by another run" in first.reasons[0]
    assert bench.aws.made("rds", "SwitchoverGlobalCluster") == []


def test_clocks_that_differ_a_little_do_not_let_two_movers_in() -> None:
    bench = Bench.of()
    lease_of(bench, "dr", "run-1").acquire()
    bench.clock.wait(LEASE_SECONDS + SKEW_SECONDS - 1)  # the other one's clock is ahead by so much
    with pytest.raises(LeaseLost):
        lease_of(bench, "dr", "run-2").acquire()


def test_a_lease_whose_holder_cannot_be_read_is_held_all_the_same() -> None:
    bench = Bench.of()
    lease_of(bench, "dr", "run-1").acquire()

    def deny(call: Call) -> CallFailed | None:
        read = call.operation == "BatchGetItem"
        return CallFailed(call.region, "dynamodb", call.operation, "AccessDenied", "no") if read else None

    bench.aws.refusals = [deny]
    result = move(bench, FAILOVER)
    assert result.status == FAILED
    assert "being moved by another run (run unknown" in result.reasons[0]
    assert bench.aws.made("rds", "FailoverGlobalCluster") == []


def silent_store(bench: Bench, region: str, since: float, until: float, kind: str = "5xx") -> None:
    """A region's DynamoDB takes no writes for some time; the rest of AWS goes on."""

    def refuse(call: Call) -> CallFailed | RegionUnreachable | None:
        inside = since <= bench.clock.now() < until
        if not inside or (call.service, call.region, call.mutates) != ("dynamodb", region, True):
            return None
        if kind == "5xx":
            return CallFailed(region, "dynamodb", call.operation, "ServiceUnavailable", "no")
        bench.clock.wait(5)
        return RegionUnreachable(region, "no answer")

    bench.aws.refusals = [refuse]


def row_of(bench: Bench, region: str) -> dict[str, Any]:
    row: dict[str, Any] = bench.aws.tables[(region, "shop-dr-state")]["shop|lease"]
    return row


@pytest.mark.parametrize("kind", ["5xx", "hang"])
@pytest.mark.parametrize("region", [EAST, WEST])
def test_a_lease_that_could_not_be_had_at_first_keeps_others_out_once_its_store_answers(region: str, kind: str) -> None:
    bench = Bench.of()
    silent_store(bench, region, bench.clock.now(), bench.clock.now() + 4, kind)
    others: list[ApplicationResult] = []

    def second(call: Call) -> None:
        if call.operation == "PutMetricData":  # the writer has moved, and clients are on their way
            bench.aws.after_call = lambda call: None
            held = {one: float(row_of(bench, one)["expires_at"]["N"]) > bench.clock.now() for one in (EAST, WEST)}
            assert held == {EAST: True, WEST: True}
            others.append(move(bench, replace(FAILOVER, target="primary")))

    bench.aws.after_call = second
    result = move(bench, FAILOVER)
    assert (result.status, [one.status for one in others]) == (MOVED, [REFUSED]), result.reasons
    assert any("moves shop" in reason for reason in others[0].reasons), others[0].reasons
    late = [
        event for event in told(bench, str(result.run_id)) if event["reason"] == f"the lease in {region} was taken late"
    ]
    assert [set(event["detail"]["tokens"]) for event in late] == [{EAST, WEST}]
    assert [float(row_of(bench, one)["expires_at"]["N"]) for one in (EAST, WEST)] == [0, 0], "they were given back"


@pytest.mark.parametrize("options", [DRILL, FAILOVER], ids=["planned", "unplanned"])
def test_a_lease_that_ran_out_is_had_again_once_its_store_answers(options: Options) -> None:
    bench = Bench.of()
    bench.aws.delays.promote, bench.aws.delays.dns = 80, 100

    def lose(call: Call) -> None:
        if call.service == "rds" and call.mutates:
            silent_store(bench, WEST, bench.clock.now(), bench.clock.now() + 120)

    bench.aws.after_call = lose
    result = move(bench, options)
    assert result.status == MOVED, result.reasons
    assert any(note.startswith(f"going on without a lease in {WEST}") for note in result.notes), result.notes
    (late,) = [
        event for event in told(bench, str(result.run_id)) if event["reason"] == f"the lease in {WEST} was taken late"
    ]
    assert late["detail"]["tokens"] == {EAST: 1, WEST: 1}, "nobody had it meanwhile"
    assert float(row_of(bench, WEST)["expires_at"]["N"]) == 0, "it was given back"


def test_a_move_stops_where_another_run_has_taken_the_lease_that_it_went_without() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 100
    silent_store(bench, WEST, bench.clock.now(), bench.clock.now() + 15)
    theirs = lease_of(bench, "dr", "run-9")

    def take(call: Call) -> None:
        if call.operation == "FailoverGlobalCluster":
            bench.aws.refusals = []
            theirs.acquire()

    bench.aws.after_call = take
    result = move(bench, FAILOVER)
    assert result.status == FAILED
    assert "run run-9, its lease in us-west-2" in result.reasons[0]
    assert bench.aws.made("cloudwatch", "PutMetricData") == []
    assert theirs.covers(1)


def test_a_lease_of_an_earlier_process_of_the_run_that_died_is_waited_for_and_stops_nothing() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 300
    with bench.dies_after("FailoverGlobalCluster"):
        move(bench, FAILOVER)
    bench.clock.wait(30)
    silent_store(bench, EAST, bench.clock.now(), bench.clock.now() + 4)
    result = move(bench, FAILOVER)
    assert (result.status, result.resumed) == (MOVED, True), result.reasons
    reasons = [event["reason"] for event in told(bench, str(result.run_id))]
    assert f"the lease in {EAST} was taken late" in reasons


def test_a_store_that_gives_no_lease_is_asked_now_and_then() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 200

    def deny(call: Call) -> CallFailed | None:
        bad = (call.operation, call.region) == ("UpdateItem", WEST)
        return CallFailed(WEST, "dynamodb", call.operation, "AccessDeniedException", "no") if bad else None

    bench.aws.refusals = [deny]
    assert move(bench, FAILOVER).status == MOVED
    asked = [call.at for call in bench.aws.made("dynamodb", "UpdateItem") if call.region == WEST]
    assert len(asked) > 5
    assert min(later - earlier for earlier, later in itertools.pairwise(asked)) >= AGAIN_SECONDS
