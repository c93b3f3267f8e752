# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The old site is fenced before an unplanned promotion, or the operator has said that it need not be; and opened again.

Told on a virtual clock. R7, R25.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from simulated_aws import EAST, WEST, Bench, Call, document
from unit.recovery.simulated.fences import INGRESS, mapping_of, security_group

from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable
from plugins.module_utils._recovery.journal import read_file
from plugins.module_utils._recovery.model import parse_application
from plugins.module_utils._recovery.reconcile import reconcile
from plugins.module_utils._recovery.results import FAILED, MOVED, NOTHING, REFUSED, ApplicationResult
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.status import describe

WAIVED = ("old-site-down", "block-period")
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED)
LOST = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)
HOME = Options("primary", "planned")
DRILL = Options("dr", "planned", "drill")
SHUT = {"schedules": [], "mappings": [], "ingress": []}


def move(bench: Bench, options: Options, check: bool = False, **tools: Any) -> ApplicationResult:
    return run_move(bench.aws.applications, options, bench.tools(**tools), check=check).applications[0]


def steps(result: ApplicationResult) -> dict[str, dict[str, Any]]:
    return {step["step"]: step for step in result.steps}


def kept(bench: Bench, region: str, item: str) -> Any:
    row = bench.aws.tables[(region, "shop-dr-state")].get(f"shop|{item}")
    return json.loads(row["document"]["S"]) if row else None


def reconciled(bench: Bench) -> None:
    """The job is done, as ``reconcile`` does it."""
    for site in bench.aws.applications[0].sites:
        bench.aws.comes_back(site, snapshot=site.place == "primary", joined=True)
    result = run_move(bench.aws.applications, Options("dr", "reconcile", "reconcile"), bench.tools())
    assert result.ok, result.problem()


def at(bench: Bench, operation: str) -> float:
    return min(call.at for call in bench.aws.calls if call.operation == operation)


def test_everything_that_writes_at_the_old_site_is_shut_before_the_promotion() -> None:
    bench = Bench.of()
    result = move(bench, FAILOVER)
    assert (result.status, result.reasons) == (MOVED, ())
    primary, dr = bench.aws.applications[0].sites
    assert bench.aws.open_valves(primary) == SHUT
    assert bench.aws.open_valves(dr)["schedules"] == ["shop-dr-nightly"]
    assert bench.aws.groups[(EAST, "shop-asg")].desired == 0
    promoted = at(bench, "FailoverGlobalCluster")
    assert promoted - bench.aws.calls[0].at < 5
    for operation in ("UpdateSchedule", "UpdateEventSourceMapping", "RevokeSecurityGroupIngress"):
        assert at(bench, operation) < promoted
    fences = ("keep-fence", "fence-old-site", "stop-writers", "revoke-ingress", "leave-job")
    assert {steps(result)[name]["outcome"] for name in fences} == {"done"}


def test_a_mapping_that_is_being_disabled_is_waited_for() -> None:
    bench = Bench.of()
    move(bench, FAILOVER)
    asked = at(bench, "UpdateEventSourceMapping")
    assert at(bench, "FailoverGlobalCluster") - asked >= 2


def test_a_schedule_keeps_all_that_it_had_when_it_is_switched_off() -> None:
    bench = Bench.of()
    schedule = bench.aws.schedules[(EAST, "shop-nightly")]
    schedule.update(StartDate=datetime.fromtimestamp(bench.clock.now() + 3600, UTC), EndDate=datetime.max)
    before = {**schedule, "StartDate": schedule["StartDate"].isoformat(), "EndDate": datetime.max.isoformat()}
    move(bench, FAILOVER)
    assert bench.aws.schedules[(EAST, "shop-nightly")] == {**before, "State": "DISABLED"}


def test_a_schedule_that_has_begun_is_shut_and_opened_without_its_beginning_which_aws_takes_no_more() -> None:
    bench = Bench.of()
    before = dict(bench.aws.schedules[(EAST, "shop-nightly")])
    assert before.pop("StartDate").timestamp() < bench.clock.now()
    move(bench, FAILOVER)
    assert bench.aws.schedules[(EAST, "shop-nightly")] == {**before, "State": "DISABLED"}
    bench.clock.wait(3600)
    reconciled(bench)
    assert move(bench, HOME).status == MOVED
    assert bench.aws.schedules[(EAST, "shop-nightly")] == before


def test_what_is_shut_was_written_down_before_in_both_regions_and_in_the_journal(tmp_path: Path) -> None:
    bench = Bench.of()
    stored: list[Any] = []

    def look(call: Call) -> None:
        if call.operation == "RevokeSecurityGroupIngress":
            stored.extend(kept(bench, region, "fence#primary") for region in (WEST, EAST))

    bench.aws.after_call = look
    result = move(bench, FAILOVER, journal_dir=tmp_path)
    for item in stored:
        kinds = {entry["kind"]: entry for entry in item["kept"]}
        assert sorted(kinds) == ["event-source mapping", "ingress", "schedule"]
        assert len(kinds["ingress"]["setting"]["IpPermissions"]) == 3
    assert len(stored) == 2
    intents = [event for event in read_file(Path(str(result.journal))) if event["kind"] == "intent"]
    (revoked,) = [one for one in intents if one["call"]["operation"] == "RevokeSecurityGroupIngress"]
    assert len(revoked["detail"]["before"]["setting"]["IpPermissions"]) == 3


BLIND = {
    # what cannot be read, and what is left to be shut
    "ListEventSourceMappings": "RevokeSecurityGroupIngress",
    "GetSchedule": "RevokeSecurityGroupIngress",
    "DescribeSecurityGroups": "UpdateSchedule",
}


@pytest.mark.parametrize("unread", BLIND)
def test_what_is_shut_is_written_down_also_where_something_else_cannot_be_seen(unread: str) -> None:
    bench = Bench.of()

    def denied(call: Call) -> CallFailed | None:
        if call.operation == unread and call.region == EAST:
            return CallFailed(EAST, call.service, unread, "AccessDenied", "not you")
        return None

    bench.aws.refusals = [denied]
    before = everything(bench)
    assert move(bench, LOST).status == MOVED
    assert [call for call in bench.aws.calls if (call.operation, call.region) == (BLIND[unread], EAST)]
    bench.aws.refusals = []
    bench.clock.wait(3600)
    reconciled(bench)
    assert move(bench, HOME).status == MOVED
    bench.clock.wait(60)
    bench.aws._settle()
    assert everything(bench) == before


def test_what_is_seen_only_after_the_first_look_is_written_down_before_it_is_shut() -> None:
    bench, stored = Bench.of(), list[Any]()

    def look(call: Call) -> None:
        if call.operation in ("UpdateSchedule", "UpdateEventSourceMapping", "RevokeSecurityGroupIngress"):
            stored.extend(kept(bench, region, "fence#primary") for region in (WEST, EAST))

    bench.aws.hide_until_fenced(EAST)
    bench.aws.after_call = look
    assert move(bench, LOST).status == MOVED
    assert len(stored) == 6
    for item in stored:
        assert sorted(entry["kind"] for entry in item["kept"]) == ["event-source mapping", "ingress", "schedule"]


def test_the_plan_names_each_call_once() -> None:
    bench = Bench.of()
    plan = [
        (call["step"], call["operation"], call["region"])
        for call in move(bench, FAILOVER, check=True).plan
        if call["operation"] == "PutItem" and "fence#" in call["target"]
    ]
    assert plan == [("keep-fence", "PutItem", WEST), ("keep-fence", "PutItem", EAST)]


def test_security_groups_of_the_inventory_go_before_those_of_the_cluster() -> None:
    bench = Bench.of()
    own = "sg-0123456789abcdef0"
    bench.aws.ingress[(EAST, own)] = [dict(INGRESS[0])]
    described = document()
    described["primary"]["fencing"] = {"security_groups": [own]}
    bench.aws.applications = [parse_application(described)]
    assert move(bench, FAILOVER).status == MOVED
    assert bench.aws.ingress[(EAST, own)] == []
    assert bench.aws.ingress[(EAST, security_group(EAST, "shop"))] != []


@pytest.mark.parametrize("kind", ["hang", "refuse"])
def test_a_region_that_does_not_answer_is_refused_without_the_operators_word(kind: str) -> None:
    bench = Bench.of()
    bench.aws.outage(EAST, kind)
    began = bench.clock.now()
    result = move(bench, FAILOVER)
    assert result.status == REFUSED
    (reason,) = result.reasons
    assert reason.startswith("old-site-fence (R7): what writes in us-east-1 cannot be stopped before the promotion")
    assert reason.endswith("say accept_unfenced=true to move without that")
    assert bench.aws.mutations() == []
    assert bench.clock.now() - began <= 10


@pytest.mark.parametrize("kind", ["hang", "refuse"])
def test_with_the_operators_word_it_is_left_behind_with_a_job(kind: str) -> None:
    bench = Bench.of()
    bench.aws.outage(EAST, kind)
    result = move(bench, LOST)
    assert (result.status, result.reasons) == (MOVED, ())
    job = kept(bench, WEST, "pending#primary")
    assert (job["run_id"], job["region"], job["closed_at"]) == (result.run_id, EAST, None)
    assert sorted(job["unfenced"]) == ["groups", "ingress", "other writers"]
    assert any("run playbooks/reconcile.yml when it is back" in note for note in result.notes)
    seen = describe(bench.aws.applications, bench.tools())[0]
    assert seen["pending"]["primary"]["run_id"] == result.run_id


def test_a_region_that_was_fenced_leaves_a_job_too_as_its_lost_writes_are_to_be_saved() -> None:
    bench = Bench.of()
    result = move(bench, FAILOVER)
    job = kept(bench, WEST, "pending#primary")
    assert (job["run_id"], job["unfenced"]) == (result.run_id, {})


def lose_at(bench: Bench, operation: str) -> None:
    """The old region is lost as the call is made."""

    def strike(call: Call) -> CallFailed | RegionUnreachable | None:
        if call.operation == operation and call.region == EAST:
            bench.aws.outage(EAST, "refuse")
            return RegionUnreachable(EAST, "connection refused")
        return None

    bench.aws.refusals = [strike]


FENCING_CALLS = (
    "UpdateAutoScalingGroup",
    "UpdateSchedule",
    "UpdateEventSourceMapping",
    "RevokeSecurityGroupIngress",
)


@pytest.mark.parametrize("operation", FENCING_CALLS)
def test_a_region_that_is_lost_while_it_is_fenced_stops_the_run_before_the_promotion(operation: str) -> None:
    bench = Bench.of()
    lose_at(bench, operation)
    result = move(bench, FAILOVER)
    assert result.status == FAILED
    assert "say accept_unfenced=true to promote nevertheless, or run the same move again" in result.reasons[0]
    assert bench.aws.made("rds", "FailoverGlobalCluster") == []
    again = move(bench, LOST)
    assert (again.status, again.resumed, again.run_id) == (MOVED, True, result.run_id)
    assert kept(bench, WEST, "pending#primary")["unfenced"]


def test_who_goes_on_with_a_run_stands_in_its_journal_with_what_was_accepted(tmp_path: Path) -> None:
    bench = Bench.of()
    lose_at(bench, "UpdateSchedule")
    move(bench, replace(FAILOVER, operator="on-call"), journal_dir=tmp_path)
    result = move(bench, replace(LOST, operator="manager"), journal_dir=tmp_path)
    told = [event for event in read_file(Path(str(result.journal))) if event["kind"].startswith("run-")]
    assert [event["kind"] for event in told] == ["run-opened", "run-resumed", "run-closed"]
    assert [(event["detail"]["operator"], event["detail"]["accept_unfenced"]) for event in told[:2]] == [
        ("on-call", False), ("manager", True),
    ]  # fmt: skip


@pytest.mark.parametrize("operation", FENCING_CALLS)
def test_with_the_operators_word_it_goes_on(operation: str) -> None:
    bench, healthy = Bench.of(), Bench.of()
    move(healthy, LOST)
    lose_at(bench, operation)
    result = move(bench, LOST)
    assert (result.status, result.reasons) == (MOVED, ())
    assert kept(bench, WEST, "pending#primary")["unfenced"]
    assert bench.clock.now() - healthy.clock.now() <= 10


def test_a_fence_that_aws_does_not_allow_is_no_fence() -> None:
    bench = Bench.of()

    def forbid(call: Call) -> CallFailed | None:
        if call.operation == "RevokeSecurityGroupIngress":
            return CallFailed(call.region, "ec2", call.operation, "UnauthorizedOperation", "not you")
        return None

    bench.aws.refusals = [forbid]
    result = move(bench, FAILOVER)
    assert result.status == FAILED
    assert "UnauthorizedOperation" in result.reasons[0]
    assert bench.aws.made("rds", "FailoverGlobalCluster") == []
    assert move(bench, LOST).status == MOVED


def test_a_second_run_shuts_nothing_again() -> None:
    bench = Bench.of()
    move(bench, FAILOVER)
    bench.aws.calls.clear()
    assert move(bench, FAILOVER).status == NOTHING
    assert bench.aws.mutations() == []


def everything(bench: Bench) -> dict[str, Any]:
    """Ingress, writers and capacity of both sites."""
    found: dict[str, Any] = {site.place: bench.aws.open_valves(site) for site in bench.aws.applications[0].sites}
    groups = {name: (one.min, one.desired, one.max) for (_region, name), one in bench.aws.groups.items()}
    return {**found, "groups": groups}


def test_after_the_way_home_all_is_as_before() -> None:
    bench = Bench.of()
    before = everything(bench)
    move(bench, FAILOVER)
    bench.clock.wait(3600)
    reconciled(bench)
    result = move(bench, HOME)
    assert (result.status, result.reasons) == (MOVED, ())
    bench.clock.wait(60)
    bench.aws._settle()
    assert everything(bench) == before
    assert kept(bench, EAST, "fence#primary")["kept"] == []
    assert kept(bench, WEST, "fence#primary")["kept"] == []
    bench.aws.calls.clear()
    assert move(bench, HOME).status == NOTHING
    assert bench.aws.mutations() == []


def test_the_plan_of_the_way_home_names_what_is_opened() -> None:
    bench = Bench.of()
    move(bench, FAILOVER)
    bench.clock.wait(3600)
    reconciled(bench)
    planned = [call["operation"] for call in move(bench, HOME, check=True).plan if call["service"] != "application"]
    bench.aws.calls.clear()
    move(bench, HOME)
    made = [
        call.operation for call in bench.aws.mutations() if call.service != "dynamodb" or call.operation == "PutItem"
    ]
    assert sorted(set(made)) == sorted(set(planned))
    assert {"AuthorizeSecurityGroupIngress", "UpdateSchedule", "UpdateEventSourceMapping"} <= set(planned)


def test_the_ingress_is_opened_before_the_writer_comes_and_the_writers_after_the_clients() -> None:
    bench = Bench.of()
    move(bench, FAILOVER)
    bench.clock.wait(3600)
    reconciled(bench)
    bench.aws.calls.clear()
    move(bench, HOME)
    order = [call.operation for call in bench.aws.mutations("dynamodb", "sns")]
    assert order.index("AuthorizeSecurityGroupIngress") < order.index("SwitchoverGlobalCluster")
    assert order.index("PutMetricData") < order.index("UpdateSchedule")
    assert order.index("PutMetricData") < order.index("UpdateEventSourceMapping")


def test_only_what_was_open_is_opened_and_only_what_is_missing() -> None:
    bench = Bench.of()
    group = (EAST, security_group(EAST, "shop"))
    bench.aws.schedules[(EAST, "shop-nightly")]["State"] = "DISABLED"  # by its owner, before all this
    move(bench, FAILOVER)
    bench.clock.wait(3600)
    reconciled(bench)
    by_hand = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
    bench.aws.ingress[group] = [by_hand]
    assert move(bench, HOME).status == MOVED
    assert bench.aws.schedules[(EAST, "shop-nightly")]["State"] == "DISABLED"
    assert len(bench.aws.open_valves(bench.aws.applications[0].primary)["ingress"]) == 3


def test_what_is_there_no_more_is_said_and_holds_nothing_up() -> None:
    bench = Bench.of()
    move(bench, FAILOVER)
    bench.clock.wait(3600)
    reconciled(bench)
    del bench.aws.mappings[(EAST, mapping_of("shop-intake"))]
    result = move(bench, HOME)
    assert result.status == MOVED
    assert any("is there no more" in note for note in result.notes)


def test_the_way_home_is_refused_while_a_job_is_pending() -> None:
    bench = Bench.of()
    move(bench, FAILOVER)
    bench.clock.wait(3600)
    bench.aws.comes_back(bench.aws.applications[0].primary, joined=True)
    result = move(bench, HOME)
    assert result.status == REFUSED
    assert "reconciled (R8)" in result.reasons[0]
    assert "run playbooks/reconcile.yml first" in result.reasons[0]


def test_a_site_that_was_fenced_serves_again_also_when_the_other_one_is_lost() -> None:
    bench = Bench.of()
    before = everything(bench)["primary"]
    move(bench, FAILOVER)
    bench.clock.wait(3600)
    reconciled(bench)
    bench.aws.outage(WEST, "refuse")
    result = move(bench, Options("primary", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True))
    assert (result.status, result.reasons) == (MOVED, ())
    bench.clock.wait(60)
    bench.aws._settle()
    assert everything(bench)["primary"] == before


def test_a_drill_reads_and_opens_nothing_where_nothing_was_shut() -> None:
    bench = Bench.of()
    move(bench, DRILL)
    assert {call.service for call in bench.aws.calls} & {"scheduler", "lambda"} == set()
    assert bench.aws.made("ec2", "DescribeSecurityGroups") == []


SUCCEEDED = "Attempt to block writes for DB cluster {} in Region {} succeeded."
TIMED_OUT = "Attempt to block writes for DB cluster {} in Region {} timed out."


@pytest.mark.parametrize(
    ("where", "message", "outcome"),
    [
        (EAST, SUCCEEDED.format("shop", EAST), "confirmed"),
        (WEST, SUCCEEDED.format("shop", EAST), "confirmed"),
        (WEST, SUCCEEDED.format("`shop`", f"`{EAST}`"), "confirmed"),
        (WEST, TIMED_OUT.format("shop", EAST), "timed out"),
        (WEST, SUCCEEDED.format("shop", WEST), "not seen"),
        (WEST, SUCCEEDED.format("shop-blog", EAST), "not seen"),
        (WEST, "DB instance restarted", "not seen"),
    ],
)
def test_auroras_own_fence_is_told_and_never_undoes_a_promotion(where: str, message: str, outcome: str) -> None:
    bench = Bench.of()
    bench.aws.delays.fencing_event = 1e9

    def tell(call: Call) -> None:
        if call.operation == "FailoverGlobalCluster":
            bench.aws.events.append((bench.clock.now(), where, message))

    bench.aws.after_call = tell
    result = move(bench, FAILOVER)
    assert (result.status, result.reasons) == (MOVED, ())
    assert steps(result)["fencing-events"]["detail"]["outcome"] == outcome


def test_instances_that_drain_hold_up_no_promotion_and_writes_have_stopped_only_when_they_are_gone() -> None:
    bench = Bench.of()
    bench.aws.delays.drain = 25.0
    result = move(bench, FAILOVER)
    assert result.status == MOVED
    done = steps(result)
    assert at(bench, "FailoverGlobalCluster") - bench.aws.calls[0].at < 5
    assert done["old-site-empty"]["ended_at"] - done["fence-old-site"]["ended_at"] >= 24


def test_instances_that_do_not_end_leave_the_stop_of_writes_unknown() -> None:
    bench = Bench.of()
    bench.aws.delays.drain = 300.0
    result = move(bench, FAILOVER)
    assert result.status == MOVED
    assert steps(result)["old-site-empty"]["outcome"] == "given up"
    assert any("when the old site's last write was is not known" in note for note in result.notes)


def test_what_is_listed_and_is_not_there_is_told_as_not_fenced() -> None:
    bench = Bench.of()
    bench.aws.schedules.clear()
    result = move(bench, FAILOVER)
    assert result.status == MOVED
    (note,) = (note for note in result.notes if note.startswith("stop-writers"))
    assert "schedule default/shop-nightly is not there in us-east-1" in note
    assert list(steps(result)["leave-job"]["detail"]["unfenced"]) == ["other writers"]
    (said,) = (note for note in result.notes if note.startswith("leave-job"))
    assert "us-east-1 is not fenced: other writers" in said
    assert list(kept(bench, WEST, "pending#primary")["unfenced"]) == ["other writers"]
    assert steps(result)["stop-writers"]["detail"]["missing"] == ["schedule default/shop-nightly"]


def refused_for_good(bench: Bench) -> None:
    """The promotion may not be asked for."""

    def denied(call: Call) -> CallFailed | None:
        if call.operation != "FailoverGlobalCluster":
            return None
        return CallFailed(call.region, "rds", call.operation, "AccessDenied", "not authorized")

    bench.aws.refusals.append(denied)


def test_a_promotion_that_is_refused_after_the_fence_says_that_nobody_serves_and_what_opens_the_old_site() -> None:
    bench = Bench.of()
    refused_for_good(bench)
    result = move(bench, FAILOVER)
    assert (result.status, bench.aws.open_valves(bench.aws.applications[0].primary)) == (FAILED, SHUT)
    (line,) = (reason for reason in result.reasons if "served from nowhere" in reason)
    assert line.startswith("us-east-1 is shut and the writer was not moved")
    assert "playbooks/failback.yml opens it again" in line


@pytest.mark.parametrize("reconciles", [False, True])
def test_a_site_that_a_refused_failover_has_shut_is_opened_by_the_planned_move_to_it(reconciles: bool) -> None:
    bench = Bench.of()
    before = everything(bench)["primary"]
    refused_for_good(bench)
    move(bench, FAILOVER)
    bench.clock.wait(600)
    if reconciles:
        left = reconcile(bench.aws.applications, "primary", bench.tools())[0]
        assert left.status == "reconciled"
        assert [line for line in left.exposed if "nobody serves: playbooks/failback.yml opens it again" in line]
        assert not [note for note in left.notes if "new volume" in note]
    result = move(bench, HOME)
    assert (result.status, result.reasons) == (MOVED, ())
    assert bench.aws.made("rds", "SwitchoverGlobalCluster") == []
    bench.clock.wait(60)
    bench.aws._settle()
    assert everything(bench)["primary"] == before
    after = reconcile(bench.aws.applications, "primary", bench.tools())[0]
    assert (after.ok, after.exposed) == (True, ())
    assert move(bench, DRILL).status == MOVED


def test_dr_that_a_refused_failover_has_shut_is_opened_by_the_command_that_is_said() -> None:
    bench = Bench.of()
    assert move(bench, DRILL).status == MOVED
    bench.clock.wait(7200)
    refused_for_good(bench)
    result = move(bench, replace(FAILOVER, target="primary"))
    assert result.status == FAILED
    options = "-e failover_target=dr -e failover_mode=planned -e failover_confirm=shop"
    assert any(f"playbooks/failover.yml {options} opens it again" in reason for reason in result.reasons)
    assert move(bench, Options("dr", "planned")).status == MOVED
    bench.clock.wait(60)
    bench.aws._settle()
    assert all(bench.aws.open_valves(bench.aws.applications[0].dr).values())


def test_a_move_that_failed_before_its_fence_says_nothing_of_a_site_that_is_shut() -> None:
    bench = Bench.of()

    def denied(call: Call) -> CallFailed | None:
        if not call.mutates or call.service not in ("autoscaling", "scheduler", "lambda", "ec2"):
            return None
        return (
            CallFailed(call.region, call.service, call.operation, "AccessDenied", "no") if call.region == EAST else None
        )

    bench.aws.refusals.append(denied)
    result = move(bench, FAILOVER)
    assert result.status == FAILED
    assert not [reason for reason in result.reasons if "is shut" in reason]
