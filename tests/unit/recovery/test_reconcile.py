# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The old region is back: it is fenced, its lost writes are saved, secrets are linked, and the job is closed.

Told on a virtual clock. R7, R8, R9, R10, R22.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from simulated_aws import EAST, WEST, Bench, Call, document

from plugins.module_utils._recovery.errors import CallFailed
from plugins.module_utils._recovery.model import Site, parse_application
from plugins.module_utils._recovery.reconcile import CLOSED, PENDING, Reconciliation, reconcile
from plugins.module_utils._recovery.results import FAILED, MOVED, NOTHING, PAUSED, PLANNED, REFUSED
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.status import describe
from plugins.module_utils._recovery.steps.lost_writes import copy_name

WAIVED = ("old-site-down", "block-period")
LOST = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)
SHUT = {"schedules": [], "mappings": [], "ingress": []}
COPY = "lost-writes-shop-2026-11-24-14-52"


def primary(bench: Bench) -> Site:
    return bench.aws.applications[0].primary


def failed_over(kind: str | None = "refuse", **changes: Any) -> Bench:
    """The application in dr, as its primary region was lost; the region is back after an hour."""
    bench = Bench.of(**changes)
    if kind:
        bench.aws.outage(EAST, kind)
    result = run_move(bench.aws.applications, LOST, bench.tools())
    assert [one.status for one in result.applications] == [MOVED], result.problem()
    bench.clock.wait(3600)
    bench.aws.heal(EAST)
    bench.aws.calls.clear()
    return bench


def again(bench: Bench, check: bool = False, **options: Any) -> Reconciliation:
    return reconcile(bench.aws.applications, "primary", bench.tools(), check=check, **options)[0]


def job(bench: Bench) -> Any:
    return json.loads(bench.aws.tables[(WEST, "shop-dr-state")]["shop|pending#primary"]["document"]["S"])


def test_the_old_region_is_fenced_first_and_then_its_lost_writes_are_saved() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    result = again(bench)
    assert (result.status, result.reasons, result.changed) == (CLOSED, (), True)
    assert bench.aws.open_valves(primary(bench)) == SHUT
    assert bench.aws.groups[(EAST, "shop-asg")].desired == 0
    assert result.snapshots == (COPY,)
    order = [call.operation for call in bench.aws.mutations("dynamodb")]
    assert order[-1] == "CopyDBClusterSnapshot"
    assert job(bench)["closed_at"] is not None
    assert [line for line in result.exposed if "pending-resync" in line]


def test_a_second_run_changes_nothing() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    again(bench)
    bench.aws.calls.clear()
    result = again(bench)
    assert (result.status, result.changed) == (NOTHING, False)
    assert bench.aws.mutations() == []


def test_without_a_job_nothing_is_fenced() -> None:
    bench = Bench.of()
    before = bench.aws.open_valves(primary(bench))
    assert again(bench).status == NOTHING
    assert bench.aws.mutations() == []
    assert bench.aws.open_valves(primary(bench)) == before


def test_check_mode_names_the_calls_and_makes_none() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    planned = again(bench, check=True)
    assert planned.status == PLANNED
    assert bench.aws.mutations() == []
    names = [call["operation"] for call in planned.plan]
    again(bench)
    made = [
        call.operation for call in bench.aws.mutations() if call.service != "dynamodb" or call.operation == "PutItem"
    ]
    assert sorted(made) == sorted(names)


def test_a_region_that_is_not_back_is_refused_in_one_line() -> None:
    bench = failed_over()
    bench.aws.outage(EAST, "refuse")
    result = again(bench)
    assert result.status == REFUSED
    (reason,) = result.reasons
    assert "source-region" in reason
    assert bench.aws.mutations() == []


def test_an_application_without_groups_is_reconciled_and_told_that_they_were_not_fenced() -> None:
    described = document()
    for place in ("primary", "dr"):
        described[place]["groups"] = []
    bench = failed_over()
    bench.aws.applications = [parse_application(described)]
    bench.aws.comes_back(primary(bench))
    result = again(bench)
    assert (result.status, result.reasons) == (CLOSED, ())
    assert result.snapshots == (COPY,)
    assert [note for note in result.run.notes if "its writers were not stopped" in note]
    assert "accept_unfenced" not in " ".join(result.run.notes)


def test_a_snapshot_that_is_not_there_yet_keeps_the_job_open_until_it_is() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench), snapshot=False)
    first = again(bench)
    assert first.status == PENDING
    assert any("no snapshot of lost writes of shop yet" in line for line in first.left)
    assert job(bench)["closed_at"] is None
    bench.aws.comes_back(primary(bench))
    assert again(bench).status == CLOSED


def test_a_cluster_that_joined_again_without_a_snapshot_has_none() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench), snapshot=False, joined=True)
    result = again(bench)
    assert (result.status, result.snapshots) == (CLOSED, ())
    assert any("there is none" in note for note in result.notes)


def test_a_snapshot_of_an_earlier_failover_or_of_another_cluster_is_left_alone() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench), joined=True)
    (old,) = bench.aws.snapshots.values()
    old["SnapshotCreateTime"] = bench.clock.now() - 86400 * 3
    other = {**old, "DBClusterSnapshotIdentifier": "rds:shop-2026-11-24-05-10", "DBClusterSnapshotArn": "arn:daily"}
    bench.aws.snapshots[(EAST, "rds:shop-2026-11-24-05-10")] = {**other, "SnapshotCreateTime": bench.clock.now()}
    assert again(bench).status == CLOSED
    assert bench.aws.made("rds", "CopyDBClusterSnapshot") == []


def test_a_copy_that_fails_keeps_the_job_open() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    bench.aws.snapshots[(EAST, COPY)] = {
        "DBClusterSnapshotIdentifier": COPY,
        "DBClusterSnapshotArn": "arn:copy",
        "DBClusterIdentifier": "shop",
        "Status": "failed",
        "SnapshotCreateTime": bench.clock.now(),
    }
    result = again(bench)
    assert result.status == PENDING
    assert any("delete it, and reconcile again" in line for line in result.left)


@pytest.mark.parametrize("cluster", ["shop", "a" * 63, "a" * 20 + "-" + "b" * 40])
def test_a_copy_has_a_name_that_rds_takes(cluster: str) -> None:
    name = copy_name(f"rds:unplanned-global-failover-{cluster}-2026-11-24-14-52", cluster)
    assert len(name) <= 63
    assert "--" not in name
    assert name.endswith("-2026-11-24-14-52")
    assert name == copy_name(f"rds:unplanned-global-failover-{cluster}-2026-11-24-14-52", cluster)


def test_a_promoted_secret_that_did_not_change_is_linked_again() -> None:
    bench = failed_over(secrets_promote="unplanned")
    bench.aws.comes_back(primary(bench))
    assert bench.aws.secrets[(WEST, "shop/database")]["PrimaryRegion"] is None
    result = again(bench)
    assert result.status == CLOSED
    assert bench.aws.secrets[(WEST, "shop/database")]["PrimaryRegion"] == EAST
    assert bench.aws.secrets[(WEST, "shop/database")]["KmsKeyId"] == f"key-{WEST}"


def test_a_secret_that_differs_is_reported_and_left_until_the_operator_names_it() -> None:
    bench = failed_over(secrets_promote="unplanned")
    bench.aws.comes_back(primary(bench))
    bench.aws.change_secret(WEST, "shop/database")
    first = again(bench)
    assert first.status == PENDING
    assert any("name it in overwrite_secrets" in line for line in first.left)
    assert bench.aws.made("secretsmanager", "ReplicateSecretToRegions") == []
    assert again(bench, overwrite_secrets=("shop/database",)).status == CLOSED
    old = bench.aws.secrets[(EAST, "shop/database")]
    assert (old["PrimaryRegion"], "v2-us-west-2" in old["VersionIdsToStages"]) == (WEST, True)


def test_a_site_that_serves_again_is_never_fenced() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench), joined=True)
    home = Options("primary", "planned", waive=("reconciled",))
    assert run_move(bench.aws.applications, home, bench.tools()).ok
    before = bench.aws.open_valves(primary(bench))
    result = again(bench)
    assert result.status == CLOSED
    assert result.snapshots == (COPY,)
    assert bench.aws.open_valves(primary(bench)) == before
    assert bench.aws.groups[(EAST, "shop-asg")].desired == 3


def test_what_is_still_exposed_is_said() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    bench.aws.lag_ms = None
    lines = " ".join(again(bench).exposed)
    assert "no standby: shop in us-east-1 is pending-resync (R9)" in lines
    assert "alarms on the lag are silent" in lines


def test_a_region_that_is_lost_again_while_it_is_fenced_keeps_the_job() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))

    def lose(call: Any) -> None:
        if call.operation == "UpdateSchedule":
            bench.aws.outage(EAST, "refuse")

    bench.aws.after_call = lose
    result = again(bench)
    assert result.status == FAILED
    assert job(bench)["closed_at"] is None
    bench.aws.after_call = lambda call: None
    bench.aws.heal(EAST)
    assert again(bench).status == CLOSED


def test_a_run_that_goes_on_after_its_job_was_done_leaves_it_again() -> None:
    """Paused before its clients had moved; what it promotes from now on has to be linked again."""
    bench = Bench.of(secrets_promote="unplanned")
    bench.aws.delays.dns = 120
    paused = run_move(bench.aws.applications, LOST, bench.tools(), stop_at=bench.clock.now() + 100)
    assert [one.status for one in paused.applications] == [PAUSED]
    bench.aws.comes_back(primary(bench))
    assert again(bench).status == CLOSED
    gone_on = run_move(bench.aws.applications, LOST, bench.tools()).applications[0]
    assert (gone_on.status, gone_on.run_id) == (MOVED, paused.applications[0].run_id)
    assert job(bench)["closed_at"] is None
    assert again(bench).status == CLOSED


def test_reconciling_is_no_move_in_the_run_that_is_shown() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    run = bench.aws.tables[(WEST, "shop-dr-state")]["shop|run"]
    again(bench)
    assert bench.aws.tables[(WEST, "shop-dr-state")]["shop|run"] == run


def test_a_job_that_could_not_be_left_is_done_where_the_operator_says_that_it_is_missing() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    del bench.aws.tables[(WEST, "shop-dr-state")]["shop|pending#primary"]
    assert again(bench).status == NOTHING
    result = again(bench, without_job=True)
    assert (result.status, result.snapshots) == (CLOSED, (COPY,))
    assert bench.aws.open_valves(primary(bench)) == SHUT
    assert job(bench)["closed_by"] == result.run.run_id
    assert again(bench).status == NOTHING


def test_a_site_that_serves_is_not_fenced_whatever_the_operator_says() -> None:
    bench = Bench.of()
    before = bench.aws.open_valves(primary(bench))
    result = again(bench, without_job=True)
    assert result.ok
    assert bench.aws.open_valves(primary(bench)) == before
    assert bench.aws.groups[(EAST, "shop-asg")].desired > 0


def test_once_dr_is_back_the_switches_stand_so_that_clients_can_be_led_there_again() -> None:
    """dr is lost while it serves; the way home closes its switch, which Route 53 would go by for ever after (R16)."""
    bench = Bench.of()
    assert run_move(bench.aws.applications, Options("dr", "planned", "drill"), bench.tools()).ok
    bench.clock.wait(7200)
    bench.aws.outage(WEST)
    home = Options("primary", "unplanned", "failover", accept_data_loss=True, accept_unfenced=True)
    assert run_move(bench.aws.applications, home, bench.tools()).ok
    bench.clock.wait(7200)
    bench.aws.heal(WEST)
    dr = bench.aws.applications[0].dr
    bench.aws.comes_back(dr)
    result = reconcile(bench.aws.applications, "dr", bench.tools())[0]
    assert (result.status, result.left) == (CLOSED, ())
    positions = {
        record: json.loads(bench.aws.tables[(region, "shop-dr-state")][f"shop|switch#{record}"]["document"]["S"])
        for record, region in (("primary", WEST), ("dr", EAST))
    }
    assert {record: one["position"] for record, one in positions.items()} == {"primary": 1, "dr": 1}
    bench.aws.comes_back(dr, joined=True)
    bench.clock.wait(7200)
    bench.aws.outage(EAST)
    assert run_move(bench.aws.applications, LOST, bench.tools()).ok, "clients are led to dr without its keeper"


def test_a_way_home_that_died_is_gone_on_with_although_it_was_reconciled_in_between(tmp_path: Path) -> None:
    bench, home = failed_over(), Options("primary", "planned", waive=("reconciled",))
    bench.aws.comes_back(primary(bench), joined=True)
    with bench.dies_after("Publish"):
        run_move(bench.aws.applications, home, bench.tools(journal_dir=tmp_path))
    (died,) = tmp_path.glob("shop/*.jsonl")
    bench.clock.wait(100)
    assert again(bench).status == CLOSED
    bench.clock.wait(100)
    result = run_move(bench.aws.applications, home, bench.tools(journal_dir=tmp_path)).applications[0]
    assert (result.status, result.resumed, result.run_id) == (MOVED, True, died.stem), result.reasons


@pytest.mark.parametrize("store", [True, False])
def test_a_reconciliation_that_died_hides_no_failover_that_has_not_ended(tmp_path: Path, store: bool) -> None:
    bench = Bench.of()
    bench.aws.outage(EAST, "refuse")
    tools = {"journal_dir": tmp_path}
    with bench.dies_after("PutMetricData"):
        run_move(bench.aws.applications, LOST, bench.tools(**tools))
    (failover,) = tmp_path.glob("shop/*.jsonl")
    bench.clock.wait(600)
    bench.aws.heal(EAST)
    with bench.dies_after("UpdateAutoScalingGroup"):
        reconcile(bench.aws.applications, "primary", bench.tools(**tools), without_job=True)
    bench.clock.wait(600)
    shown = describe(bench.aws.applications, bench.tools())[0]["run"]
    assert (shown["run_id"], shown["state"], shown["mode"]) == (failover.stem, "stopped", "unplanned")
    if not store:
        bench.aws.refusals = [silent_store]
    result = run_move(bench.aws.applications, LOST, bench.tools(**tools)).applications[0]
    assert (result.resumed, result.run_id) == (True, failover.stem), result.reasons
    assert not store or result.status == MOVED


def silent_store(call: Call) -> CallFailed | None:
    silent = call.service == "dynamodb"
    return CallFailed(call.region, "dynamodb", call.operation, "ServiceUnavailable", "no") if silent else None


def no_one_may_ask_who_serves(bench: Bench, times: int = 10**6) -> None:
    """DescribeGlobalClusters is denied, so many times."""

    def denied(call: Call) -> CallFailed | None:
        nonlocal times
        if call.operation != "DescribeGlobalClusters" or times <= 0:
            return None
        times -= 1
        return CallFailed(call.region, "rds", call.operation, "AccessDenied", "no")

    bench.aws.refusals.append(denied)


def test_nothing_is_called_reconciled_while_nobody_can_say_which_region_serves() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    no_one_may_ask_who_serves(bench)
    result = again(bench)
    assert result.status == REFUSED
    assert ["global-cluster" in reason for reason in result.reasons] == [True]
    assert (job(bench)["closed_at"], bench.aws.mutations()) == (None, [])
    bench.aws.refusals.clear()
    assert again(bench).status == CLOSED
    assert bench.aws.open_valves(primary(bench)) == SHUT


def test_the_fence_waits_until_the_living_region_says_which_one_serves() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))

    def silent_for_a_while(call: Call) -> None:
        if call.operation == "UpdateItem" and not bench.aws.refusals:  # the lease: the gates have been asked
            no_one_may_ask_who_serves(bench, times=3)

    bench.aws.after_call = silent_for_a_while
    result = again(bench)
    assert (result.status, result.reasons) == (CLOSED, ())
    assert bench.aws.open_valves(primary(bench)) == SHUT
    assert bench.aws.groups[(EAST, "shop-asg")].desired == 0


def test_a_job_is_not_closed_where_the_living_region_falls_silent_on_who_serves() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))

    def silent(call: Call) -> None:
        if call.operation == "UpdateItem" and not bench.aws.refusals:
            no_one_may_ask_who_serves(bench)

    bench.aws.after_call = silent
    result = again(bench)
    assert result.status == FAILED
    assert "which of us-west-2 and us-east-1 serves" in result.reasons[0]
    assert "accept_unfenced" not in result.reasons[0]
    assert job(bench)["closed_at"] is None


def test_a_global_cluster_that_is_gone_closes_no_job_and_is_told() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    del bench.aws.globals["shop-global"]
    result = again(bench)
    assert result.status == FAILED
    assert "shop-global names neither as its writer" in result.reasons[0]
    assert job(bench)["closed_at"] is None


def test_what_keeps_a_job_open_is_told_also_where_no_other_step_has_a_reason() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))

    def wakes_up(call: Call) -> None:
        if call.operation == "CopyDBClusterSnapshot":  # the fence was seen to stand by now
            no_one_may_ask_who_serves(bench)

    bench.aws.after_call = wakes_up
    result = again(bench)
    assert (result.status, job(bench)["closed_at"]) == (PENDING, None)
    assert [line for line in result.left if "which of us-west-2 and us-east-1 serves" in line]
    assert [line for line in result.exposed if "whether there is a standby is not known" in line]


def test_a_group_that_is_slow_to_empty_is_waited_for_by_reconciling_again() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    stays = bench.aws._autoscaling_describe_auto_scaling_groups

    def slow(region: str, params: Any) -> Any:
        answer = stays(region, params)
        for group in answer["AutoScalingGroups"] if region == EAST else ():
            group["Instances"] = [{"InstanceId": "i-1", "LifecycleState": "InService", "HealthStatus": "Healthy"}]
        return answer

    bench.aws._autoscaling_describe_auto_scaling_groups = slow  # type: ignore[method-assign]
    result = again(bench)
    assert result.status == FAILED
    assert "reconcile again" in result.reasons[0]
    assert "accept_unfenced" not in result.reasons[0]


def test_a_name_that_nothing_is_found_behind_is_told_and_holds_no_job_open() -> None:
    described = document()
    described["primary"]["fencing"]["schedules"] = ["shop-nightyl"]
    bench = failed_over(None)
    bench.aws.applications = [parse_application(described)]
    bench.aws.comes_back(primary(bench))
    result = again(bench)
    assert (result.status, result.reasons) == (CLOSED, ())
    assert [note for note in result.notes if "default/shop-nightyl is not there" in note]


def test_the_old_region_is_not_believed_on_who_serves() -> None:
    """It was lost when the writer moved, and may tell for a while what it knew before."""
    bench = failed_over()
    bench.aws.comes_back(primary(bench))
    told = bench.aws._rds_describe_global_clusters

    def of_before(region: str, params: Any) -> Any:
        answer = json.loads(json.dumps(told(region, params)))
        for member in answer["GlobalClusters"][0]["GlobalClusterMembers"] if region == EAST else ():
            member["IsWriter"] = member["DBClusterArn"].split(":")[3] == EAST
        return answer

    bench.aws._rds_describe_global_clusters = of_before  # type: ignore[method-assign]
    assert again(bench).status == PENDING
    assert bench.aws.open_valves(primary(bench)) == SHUT
    bench.aws._rds_describe_global_clusters = told  # type: ignore[method-assign]
    assert again(bench).status == CLOSED


HOME_UNPLANNED = Options("primary", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)


def failed_over_twice() -> Bench:
    """To dr, home when dr was lost, and about to go to dr again: what the first failover lost is not saved yet."""
    bench = failed_over()
    bench.aws.comes_back(primary(bench), joined=True)
    bench.aws.outage(WEST, "refuse")
    assert run_move(bench.aws.applications, HOME_UNPLANNED, bench.tools()).ok
    bench.clock.wait(7200)
    bench.aws.heal(WEST)
    bench.aws.comes_back(bench.aws.applications[0].dr, snapshot=False, joined=True)
    assert reconcile(bench.aws.applications, "dr", bench.tools())[0].status == CLOSED, "its switch is open again"
    bench.clock.wait(7200)
    return bench


def test_a_second_failover_takes_nothing_away_from_the_job_of_the_first() -> None:
    bench = failed_over_twice()
    first = job(bench)
    bench.aws.outage(EAST, "refuse")
    second = run_move(bench.aws.applications, LOST, bench.tools()).applications[0]
    assert second.status == MOVED
    assert (job(bench)["run_id"], job(bench)["earlier"]) == (second.run_id, [first["run_id"]])
    assert job(bench)["since"] == first["since"]
    bench.clock.wait(3600)
    bench.aws.heal(EAST)
    bench.aws.comes_back(primary(bench), snapshot=False, joined=True)
    result = again(bench)
    assert (result.status, result.snapshots) == (CLOSED, (COPY,))
    assert not [note for note in result.notes if "there is none" in note]


def test_a_failover_that_dies_as_soon_as_it_was_asked_for_is_reconciled_by_whoever_does_not_go_on_with_it() -> None:
    bench = Bench.of()
    bench.aws.outage(EAST, "refuse")
    with bench.dies_after("FailoverGlobalCluster"):
        run_move(bench.aws.applications, LOST, bench.tools())
    bench.clock.wait(3600)
    bench.aws.heal(EAST)
    bench.aws.comes_back(primary(bench), joined=True)
    result = again(bench)
    assert (result.status, result.snapshots) == (CLOSED, (COPY,))


def test_a_failover_says_what_an_earlier_one_has_left() -> None:
    bench = failed_over_twice()
    first = job(bench)["run_id"]
    result = run_move(bench.aws.applications, LOST, bench.tools()).applications[0]
    assert result.status == MOVED
    assert [note for note in result.notes if f"run {first} left a job for us-east-1" in note]
    assert [note for note in result.notes if note.startswith("leave-job") and f"left of run {first}" in note]


def test_a_run_that_is_gone_on_with_does_not_take_its_own_job_for_an_earlier_one() -> None:
    bench = Bench.of()
    bench.aws.delays.dns = 120
    run_move(bench.aws.applications, LOST, bench.tools(), stop_at=bench.clock.now() + 100)
    assert job(bench)["closed_at"] is None
    result = run_move(bench.aws.applications, LOST, bench.tools()).applications[0]
    assert (result.status, job(bench)["earlier"]) == (MOVED, [])
    assert not [note for note in result.notes if note.startswith("reconciled (R8)")]


def test_a_job_that_another_run_has_left_meanwhile_is_not_written_over() -> None:
    """No lease keeps an unplanned move from another one whose state table was silent."""
    bench = Bench.of()
    bench.aws.outage(EAST, "refuse")
    other = {"job": "reconcile", "run_id": "run-0", "place": "primary", "since": 1.0, "unfenced": {}}

    def left_right_before(call: Call) -> None:
        rows = bench.aws.tables[(WEST, "shop-dr-state")]
        wrote = call.operation == "PutItem" and call.params["Item"]["item"]["S"] == "pending#primary"
        if wrote and "shop|pending#primary" not in rows:
            document = {"document": {"S": json.dumps(other)}}
            rows["shop|pending#primary"] = {"application": {"S": "shop"}, "item": {"S": "pending#primary"}, **document}

    bench.aws.refusals.append(left_right_before)
    result = run_move(bench.aws.applications, LOST, bench.tools()).applications[0]
    assert result.status == MOVED
    assert (job(bench)["since"], job(bench)["earlier"]) == (1.0, ["run-0"])


def test_a_job_that_cannot_be_read_for_a_while_does_not_make_a_fence_done() -> None:
    bench = failed_over()
    bench.aws.comes_back(primary(bench))

    denied = 0

    def denied_twice(call: Call) -> CallFailed | None:
        nonlocal denied
        begun = any(one.operation == "UpdateItem" for one in bench.aws.calls)  # the lease: the gates have been asked
        if not begun or call.operation != "BatchGetItem" or call.region != WEST or denied == 2:
            return None
        denied += 1
        return CallFailed(WEST, "dynamodb", call.operation, "AccessDeniedException", "no")

    bench.aws.refusals.append(denied_twice)
    result = again(bench)
    assert (result.status, result.left) == (CLOSED, ())
    assert bench.aws.open_valves(primary(bench)) == SHUT
