# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal is written whatever happens, and a run can be seen and gone on with whatever became of its process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from simulated_aws import EAST, WEST, Bench, Call, Killed
from unit.recovery.simulated.dynamodb import journaled

from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable
from plugins.module_utils._recovery.journal import KINDS, read_file
from plugins.module_utils._recovery.lease import LEASE_SECONDS
from plugins.module_utils._recovery.options import Options
from plugins.module_utils._recovery.results import FAILED, MOVED, PAUSED, ApplicationResult
from plugins.module_utils._recovery.runner import run_move
from plugins.module_utils._recovery.status import describe

DRILL = Options("dr", "planned", "drill")
WAIVED = ("old-site-down", "block-period")
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED)


def move(bench: Bench, options: Options = DRILL, **tools: Any) -> ApplicationResult:
    return run_move(bench.aws.applications, options, bench.tools(**tools)).applications[0]


def seen_run(bench: Bench, **tools: Any) -> dict[str, Any]:
    run: dict[str, Any] = describe(bench.aws.applications, bench.tools(**tools))[0]["run"]
    return run


def stored(bench: Bench) -> list[dict[str, Any]]:
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    return journaled(rows)


def strike(bench: Bench, operation: str, error: BaseException, region: str | None = None) -> None:
    """What goes wrong once AWS has answered a call."""

    def after(call: Call) -> None:
        if call.operation == operation and region in (None, call.region):
            bench.aws.after_call = lambda call: None
            raise error

    bench.aws.after_call = after


@pytest.mark.parametrize("error", [ZeroDivisionError("a fault of ours"), KeyboardInterrupt()])
def test_a_process_that_is_stopped_leaves_a_whole_journal_and_the_same_run_goes_on(
    tmp_path: Path, error: BaseException
) -> None:
    bench = Bench.of()
    strike(bench, "SwitchoverGlobalCluster", error)
    with pytest.raises(type(error)):
        move(bench, journal_dir=tmp_path)
    last = stored(bench)[-1]
    assert (last["kind"], last["run_id"]) == ("run-stopped", seen_run(bench)["run_id"])
    assert type(error).__name__ in last["reason"]
    (path,) = tmp_path.glob("shop/*.jsonl")
    assert read_file(path) == stored(bench)
    again = move(bench, journal_dir=tmp_path)
    assert (again.status, again.resumed, again.run_id) == (MOVED, True, last["run_id"])
    assert again.began_at == stored(bench)[0]["at"]
    assert len(bench.aws.made("rds", "SwitchoverGlobalCluster")) == 1


def test_a_process_that_is_stopped_keeps_its_lease_as_a_call_may_still_be_on_its_way() -> None:
    bench = Bench.of()
    strike(bench, "SwitchoverGlobalCluster", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        move(bench)
    assert seen_run(bench)["state"] == "under way"


@pytest.mark.parametrize("options", [DRILL, FAILOVER], ids=["planned", "unplanned"])
def test_a_disk_that_takes_nothing_does_not_stop_a_move_and_is_said(tmp_path: Path, options: Options) -> None:
    (tmp_path / "journals").write_text("a file where a folder is wanted")
    bench = Bench.of()
    result = move(bench, options, journal_dir=tmp_path / "journals")
    assert result.status == MOVED
    assert result.journal is None
    assert any("the journal has no local copy" in note for note in result.notes)
    assert [event["seq"] for event in stored(bench)] == list(range(1, len(stored(bench)) + 1))


def test_only_events_of_known_kinds_are_written() -> None:
    bench = Bench.of()
    move(bench)
    assert {event["kind"] for event in stored(bench)} <= set(KINDS)


def test_a_process_that_died_before_it_stored_its_run_can_be_seen() -> None:
    bench = Bench.of()
    strike(bench, "UpdateItem", Killed(), WEST)
    with pytest.raises(Killed):
        move(bench)
    run = seen_run(bench)
    assert (run["state"], run["target"], run["mode"]) == ("under way", "dr", "planned")
    assert run["left"][0] == "notify-begin"
    bench.clock.wait(LEASE_SECONDS)
    assert seen_run(bench)["state"] == "stopped"
    again = move(bench)
    assert (again.status, again.run_id, again.began_at) == (MOVED, run["run_id"], run["opened_at"])
    opened = stored(bench)[0]
    assert (opened["kind"], opened["at"]) == ("run-opened", run["opened_at"]), "nobody had told of it yet"


def test_a_process_that_died_between_its_two_leases_is_gone_on_with() -> None:
    bench = Bench.of()
    strike(bench, "UpdateItem", Killed(), EAST)
    with pytest.raises(Killed):
        move(bench)
    run = seen_run(bench)
    again = move(bench)
    assert (again.status, again.resumed, again.run_id) == (MOVED, True, run["run_id"])


def test_a_planned_run_can_be_seen_without_the_region_to_which_it_moves() -> None:
    bench = Bench.of()
    strike(bench, "SwitchoverGlobalCluster", Killed())
    with pytest.raises(Killed):
        move(bench)
    known = seen_run(bench)
    bench.aws.outage(WEST, "refuse")
    run = seen_run(bench)
    assert (run["run_id"], run["state"]) == (known["run_id"], "under way")
    assert run["left"][-1] == "notify-end"


def test_a_step_that_failed_is_left_and_what_the_others_waited_for_is_told() -> None:
    bench = Bench.of()

    def deny(call: Call) -> CallFailed | None:
        bad = call.operation == "SwitchoverGlobalCluster"
        return CallFailed(call.region, "rds", call.operation, "AccessDenied", "no") if bad else None

    bench.aws.refusals = [deny]
    assert move(bench).status == FAILED
    run = seen_run(bench)
    assert run["state"] == "stopped"
    assert run["steps"]["promote"] == "failed"
    assert run["left"] == [
        "promote",
        "fencing-events",
        "write-probe",
        "switch-traffic",
        "stable",
        "resume-writers",
        "lower-standby",
        "forget-fence",
        "notify-end",
    ]


def test_what_a_dead_run_was_waiting_for_is_told() -> None:
    bench = Bench.of()
    waited = 0

    def die(call: Call) -> None:
        nonlocal waited
        waited += call.operation == "DescribeGlobalClusters" and bool(bench.aws.made("rds", "SwitchoverGlobalCluster"))
        if waited > 40:
            raise Killed

    bench.aws.after_call = die
    with pytest.raises(Killed):
        move(bench)
    bench.aws.after_call = lambda call: None
    assert "shop-global is pending" in seen_run(bench)["waiting"]["promote"]


@pytest.mark.parametrize("kind", ["hang", "5xx"])
def test_a_run_whose_record_could_not_be_stored_at_first_is_gone_on_with_by_another_machine(kind: str) -> None:
    bench = Bench.of()

    def lose_store(call: Call) -> CallFailed | RegionUnreachable | None:
        if call.operation != "BatchWriteItem" or len(bench.aws.made("dynamodb", "BatchWriteItem")) > 1:
            return None
        if kind == "5xx":
            return CallFailed(call.region, "dynamodb", call.operation, "ServiceUnavailable", "no")
        bench.clock.wait(5)
        return RegionUnreachable(call.region, "no answer")

    bench.aws.refusals = [lose_store]
    first = run_move(bench.aws.applications, FAILOVER, bench.tools(), stop_at=bench.clock.now() + 20).applications[0]
    assert first.status == PAUSED
    assert (seen_run(bench)["run_id"], seen_run(bench)["opened_at"]) == (first.run_id, first.began_at)
    again = move(bench, FAILOVER)
    assert (again.status, again.resumed, again.run_id) == (MOVED, True, first.run_id)
    assert again.began_at == first.began_at
    assert seen_run(bench)["state"] == "closed"


def test_a_process_that_lost_its_lease_does_not_store_its_record_over_that_of_another_run() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 300  # longer than a lease lasts
    rows = bench.aws.tables[(WEST, "shop-dr-state")]

    def refuse(call: Call) -> CallFailed | None:
        bad = call.operation == "BatchWriteItem"
        return CallFailed(call.region, "dynamodb", call.operation, "ServiceUnavailable", "no") if bad else None

    def rob(call: Call) -> CallFailed | None:
        if call.operation == "UpdateItem" and "run = :run" not in call.params["UpdateExpression"]:
            rows["shop|lease"].update(holder={"S": "another/1"}, token={"N": "9"})
            bench.aws.refusals = []
            return None
        return refuse(call)

    bench.aws.refusals = [rob]
    assert move(bench, FAILOVER).status == FAILED
    assert bench.aws.refusals == []
    assert "shop|run" not in rows


def nothing_is_stored(call: Call) -> CallFailed | None:
    bad = call.service == "dynamodb" and call.mutates
    return CallFailed(call.region, "dynamodb", call.operation, "ServiceUnavailable", "no") if bad else None


def test_a_run_whose_store_took_nothing_while_it_lived_is_gone_on_with_from_its_local_journal(tmp_path: Path) -> None:
    bench = Bench.of()
    bench.aws.refusals = [nothing_is_stored]
    tools = bench.tools(journal_dir=tmp_path)
    first = run_move(bench.aws.applications, FAILOVER, tools, stop_at=bench.clock.now() + 20).applications[0]
    assert first.status == PAUSED
    bench.aws.refusals = []
    bench.clock.wait(300)
    again = move(bench, FAILOVER, journal_dir=tmp_path)
    assert (again.status, again.resumed, again.run_id) == (MOVED, True, first.run_id)
    assert again.began_at == first.began_at
    assert seen_run(bench)["state"] == "closed"


def test_a_local_journal_does_not_tell_of_a_run_that_a_store_made_anew_does_not_know(tmp_path: Path) -> None:
    bench = Bench.of()
    tools = bench.tools(journal_dir=tmp_path)
    first = run_move(bench.aws.applications, DRILL, tools, stop_at=bench.clock.now() + 20).applications[0]
    assert first.status == PAUSED
    for region in (EAST, WEST):
        bench.aws.tables[(region, "shop-dr-state")].clear()
    again = move(bench, journal_dir=tmp_path)
    assert (again.status, again.resumed) == (MOVED, False)
    assert again.run_id != first.run_id


def test_a_run_whose_store_took_nothing_can_be_seen_where_its_local_journal_is(tmp_path: Path) -> None:
    bench = Bench.of()
    bench.aws.refusals = [nothing_is_stored]
    with bench.dies_after("FailoverGlobalCluster"):
        move(bench, FAILOVER, journal_dir=tmp_path)
    bench.aws.refusals = []
    bench.clock.wait(300)
    assert seen_run(bench) is None
    run = seen_run(bench, journal_dir=tmp_path)
    assert (run["state"], run["mode"], run["steps"]["stop-writers"]) == ("stopped", "unplanned", "done")
    assert "promote" in run["left"]
    assert move(bench, FAILOVER, journal_dir=tmp_path).run_id == run["run_id"]
    run = seen_run(bench, journal_dir=tmp_path)
    assert (run["state"], run["left"]) == ("closed", [])


def a_folder_in_its_place(path: Path, _monkeypatch: pytest.MonkeyPatch) -> str:
    path.unlink()
    path.mkdir()
    return "Is a directory"


def the_file_of_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    read = Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    return "Permission denied"


@pytest.mark.parametrize("spoil", [a_folder_in_its_place, the_file_of_another_user])
def test_a_local_journal_that_cannot_be_read_is_left_alone_and_the_store_tells_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path, pytest.MonkeyPatch], str]
) -> None:
    bench = Bench.of()
    with bench.dies_after("UpdateAutoScalingGroup"):
        move(bench, journal_dir=tmp_path)
    (path,) = tmp_path.glob("shop/*.jsonl")
    why = spoil(path, monkeypatch)
    before = path.stat()
    result = move(bench, journal_dir=tmp_path)
    assert (result.status, result.resumed, result.journal) == (MOVED, True, None), result.reasons
    assert [note for note in result.notes if "cannot be read" in note] == [f"{path} cannot be read: {why}"]
    assert path.stat() == before, "it may hold what nobody else has"
    assert [event["seq"] for event in stored(bench)] == list(range(1, len(stored(bench)) + 1))
    seen = describe(bench.aws.applications, bench.tools(journal_dir=tmp_path))[0]
    assert (seen["run"]["state"], seen["unknown"]) == ("closed", [f"{path} cannot be read: {why}"])


def test_a_journal_that_its_table_does_not_give_is_gone_on_with_and_nothing_of_it_is_written_over() -> None:
    bench = Bench.of()
    with bench.dies_after("UpdateAutoScalingGroup"):
        move(bench)
    before = stored(bench)

    def refuse(call: Call) -> CallFailed | None:
        refused = call.operation == "Query"
        return CallFailed(call.region, call.service, call.operation, "AccessDenied", "no") if refused else None

    bench.aws.refusals.append(refuse)
    result = move(bench)
    assert (result.status, result.resumed) == (MOVED, True), result.reasons
    (note,) = [note for note in result.notes if "cannot be read" in note]
    assert note.startswith(f"the journal of run {result.run_id} in us-west-2 cannot be read: "), note
    bench.aws.refusals.clear()
    after = stored(bench)
    assert [event for event in after if event in before] == before
    assert after[-1]["kind"] == "run-closed"


def test_journals_of_another_user_do_not_end_a_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_arguments: str, **_options: str) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    (tmp_path / "shop").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    result = move(Bench.of(), journal_dir=tmp_path)
    assert (result.status, result.journal) == (MOVED, None)
    assert f"{tmp_path / 'shop'} cannot be read: Permission denied" in result.notes
    assert any("the journal has no local copy" in note for note in result.notes)


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00\x9c", b"{}", b"7", b'{"run_id": "2026'])
def test_what_is_no_event_ends_a_local_journal_and_not_the_move(tmp_path: Path, damage: bytes) -> None:
    bench = Bench.of()
    with bench.dies_after("UpdateAutoScalingGroup"):
        move(bench, journal_dir=tmp_path)
    (path,) = tmp_path.glob("shop/*.jsonl")
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([lines[0], damage, *lines[2:]]))
    assert len(read_file(path)) == 1
    (path.parent / "zz.jsonl").write_bytes(damage)
    result = move(bench, journal_dir=tmp_path)
    assert (result.status, result.resumed) == (MOVED, True)
    assert read_file(path) == stored(bench)
