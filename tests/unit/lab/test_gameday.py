"""Scenarios are checked before they are played, their events come when they are due, and a wrong outcome is found."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mutants.gameday import told_of
from mutants.registry import MUTANTS

from lab.control import LabError
from lab.gameday import conductor, tables, verdict
from lab.gameday.files import journal_since, report_since
from lab.gameday.moments import due, moment
from lab.gameday.scenario import BadScenario, Event, Scenario, load, names, parse
from lab.gameday.stage import Stage, Unended, end_group, family, stopped
from lab.gameday.verdict import Happened
from lab.settings import LabSettings
from lab.truth.compare import Line

REGIONS = {"primary": "us-east-1", "dr": "us-west-2"}


def written(**changes: Any) -> dict[str, Any]:
    """A scenario as its file has it."""
    return {
        "title": "The region hangs", "rules": ["R2"], "move": "unplanned", "fails_for": ["no-allow-data-loss"],
        "events": [{"when": "before", "after": 1.5, "do": "outage", "region": "primary", "kind": "hang"}],
        "expect": {"result": "moved", "lost": "some", "says": ["moved"], "never_calls": ["iam"]}, **changes,
    }  # fmt: skip


# -- the files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
def test_every_scenario_can_be_read_and_names_faults_that_are_seeded(name: str) -> None:
    scenario = load(name)
    assert set(scenario.fails_for) <= set(MUTANTS), "tests/mutants does not know one of them"
    assert all(event.request(REGIONS)[0].startswith("/") for event in scenario.events if event.do != "deafen")


def test_a_scenario_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "quiet.yml").touch()
    with pytest.raises(BadScenario, match="'loud' is no scenario: quiet"):
        load("loud", tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": ""}, r"try: title is '': a text is wanted"),
        ({"rules": ["8"]}, r"rules: '8' is no rule such as R8"),
        ({"rules": []}, r"rules names at least one"),
        ({"fails_for": []}, r"fails_for names at least one"),
        ({"move": "sideways"}, r"move is 'sideways': one of drill, planned, unplanned is wanted"),
        ({"evnts": []}, r"'evnts' is unknown here: title, .*"),
        ({"events": {}}, r"events: a list is wanted"),
        ({"events": ["x"]}, r"event 1: fields with values are wanted, not 'x'"),
        ({"events": [{"when": "before", "do": "rain"}]}, r"event 1: do is 'rain': one of outage, "),
        ({"events": [{"when": "noon", "do": "heal"}]}, r"event 1: when is 'noon': one of before, opened, "),
        ({"events": [{"when": "before", "do": "outage", "region": "mars", "kind": "hang"}]}, r"region is 'mars'"),
        ({"events": [{"when": "before", "do": "outage", "region": "dr"}]}, r"kind is None: one of hang, "),
        ({"events": [{"when": "before", "after": -1, "do": "heal"}]}, r"after is -1: a number, 0 or more"),
        ({"events": [{"when": "before", "do": "heal", "kind": "hang"}]}, r"'kind' is unknown here: when, "),
        ({"expect": {"deaf": "yes"}}, r"expect: deaf is 'yes': one of True, False"),
        ({"expect": {"lost": "few"}}, r"expect: lost is 'few': one of none, some, any"),
        ({"expect": {"says": "moved"}}, r"expect: says is 'moved': a list of texts"),
        ({"arguments": []}, r"arguments is \[\]: fields with values"),
    ],
)
def test_what_is_wrong_in_a_scenario_is_said_with_its_field(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadScenario, match=said):
        parse("try", written(**changes))


def test_an_event_becomes_a_request_to_the_lab_with_the_regions_name() -> None:
    [event] = parse("try", written()).events
    assert event.request(REGIONS) == ("/outage", {"region": "us-east-1", "kind": "hang"})


# -- moments --------------------------------------------------------------------------------------

JOURNAL = [
    {"kind": "run-opened", "at": 10.0},
    {"kind": "step-begin", "stage": "fence", "step": "shut", "at": 11.0},
    {"kind": "step-begin", "stage": "promote", "step": "global", "at": 12.0},
    {"kind": "step-done", "stage": "fence", "step": "shut", "at": 13.0},
]


@pytest.mark.parametrize(
    ("when", "at"),
    [("opened", 10.0), ("fence begins", 11.0), ("promote begins", 12.0), ("fence ends", 13.0), ("promote ends", None)],
)
def test_a_moment_is_told_from_the_journal_once_it_has_come(when: str, at: float | None) -> None:
    assert moment(when, JOURNAL) == at


def test_an_event_meets_the_probe_at_its_own_phase() -> None:
    event = Event("promote begins", 0.5, "heal", {})
    assert due(event, JOURNAL, phase=0.11) == pytest.approx(12.61)
    assert due(event, JOURNAL[:1], phase=0.11) is None


def written_at(path: Path, text: str, at: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))


def test_the_journal_of_a_run_is_found_below_its_application_while_it_is_being_written(tmp_path: Path) -> None:
    opened = '{"kind": "run-opened", "at": 10.0}\n'
    written_at(tmp_path / "journals" / "shop" / "earlier.jsonl", opened, at=5.0)
    written_at(tmp_path / "journals" / "shop" / "now.jsonl", opened + '{"kind": "step-be', at=11.0)
    assert journal_since(tmp_path, 10.0) == [{"kind": "run-opened", "at": 10.0}]
    assert journal_since(tmp_path, 20.0) == []


def test_the_report_is_the_newest_of_its_intent(tmp_path: Path) -> None:
    for run, intent, at in (("1", "failover", 11.0), ("2", "failover", 12.0), ("3", "failback", 13.0)):
        written_at(tmp_path / f"{run}-{intent}-ab" / "report.json", json.dumps({"run": run}), at)
    assert report_since(tmp_path, "failover", 10.0) == {"run": "2"}
    assert report_since(tmp_path, "drill", 10.0) is None


def test_a_playbook_that_does_not_end_is_ended_with_everything_that_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = f"sleep 60 & echo $! > {child}.new; mv {child}.new {child}; trap '' INT; wait"
    process = subprocess.Popen(["/bin/sh", "-c", program], start_new_session=True)
    while not child.exists():
        time.sleep(0.01)
    end_group(process, patience=0.2)
    assert process.poll() is not None
    state, deadline = Path(f"/proc/{child.read_text().strip()}/stat"), time.monotonic() + 30
    while state.exists() and state.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline, "what it started goes on"
        time.sleep(0.01)


# -- the judgement --------------------------------------------------------------------------------

GOOD = (Line("write RTO (s)", 12.2, 12.1, 0.25, "agrees"), Line("lost writes", 3.0, 3.0, 0.0, "agrees"))
SEEN = Happened(True, True, "it was moved", "dr", 3, frozenset({"rds"}), 3, GOOD)


def scenario(**changes: Any) -> Scenario:
    return parse("try", written(**changes))


def test_what_went_as_expected_has_no_problem() -> None:
    assert verdict.problems(scenario(), SEEN) == ()


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        ({"succeeded": False}, "the move was to be moved, it was failed"),
        ({"succeeded": False, "begun": False}, "the move was to be moved, it was refused"),
        ({"served_from": "nowhere"}, "the application was to be served from dr, it is from nowhere"),
        ({"lost": 0}, "no write was lost, some were to be: nothing was tried"),
        ({"lost": None}, "some of the writes was to be lost; how many were is not known"),
        ({"output": "quiet"}, "the output does not say 'moved'"),
        ({"output": "moved\nTraceback (most recent call last)"}, "the output holds a traceback"),
        ({"services": {"rds", "iam"}}, "the move asked iam"),
        ({"compared": ()}, "there is no report to hold against the truth"),
        (
            {"compared": (Line("lost writes", None, 3.0, 0.0, "not measured", "it could not be read back"),)},
            "lost writes was not measured: it could not be read back",
        ),
        ({"compared": (Line("DNS (s)", 9.0, 3.0, 0.25, "DIFFERS"),)}, "DNS (s): measured 9.00, true 3.00"),
        (
            {"compared": (Line("DNS (s)", 5.0, None, 0.25, "DIFFERS", "in truth it had not come back"),)},
            "DNS (s): measured 5.00, but in truth it had not come back",
        ),
        (
            {"compared": (Line("lost writes", 3.0, None, 0.0, "not known", "no PostgreSQL could be asked"),)},
            "lost writes: measured 3.00, and the truth is not known: no PostgreSQL could be asked",
        ),
    ],
)
def test_what_went_otherwise_is_found(seen: dict[str, Any], problem: str) -> None:
    assert verdict.problems(scenario(), replace(SEEN, **seen)) == (problem,)


DEAF = Line("DNS (s)", None, 3.0, 0.25, "not measured", "the probe was deaf for 3.0 s when the answers changed")


def test_a_probe_that_was_deaf_is_excused_only_where_the_scenario_makes_it_so() -> None:
    seen = replace(SEEN, compared=(*GOOD, DEAF))
    assert verdict.problems(scenario(expect={"lost": "some", "deaf": True}), seen) == ()
    assert verdict.problems(scenario(), seen) == (f"DNS (s) was not measured: {DEAF.why}",)


def test_a_deaf_probe_that_excuses_nothing_else_and_one_that_was_never_deaf_are_found() -> None:
    expected = scenario(expect={"lost": "some", "deaf": True})
    cut = Line("lost writes", None, 3.0, 0.0, "not measured", "the probe was cut short")
    assert verdict.problems(expected, replace(SEEN, compared=(DEAF, cut))) == (
        f"lost writes was not measured: {cut.why}",
    )
    assert verdict.problems(expected, SEEN) == ("the probe was deaf, and every figure is told as measured",)


def test_of_a_move_that_was_refused_no_loss_is_asked() -> None:
    refused = replace(SEEN, succeeded=False, begun=False, served_from="primary", lost=None, compared=())
    assert verdict.problems(scenario(expect={"result": "refused"}), refused) == ()


def test_only_an_unplanned_move_has_a_probe_that_can_be_made_deaf() -> None:
    deafen = [{"when": "before", "do": "deafen", "seconds": 3}]
    assert parse("try", written(events=deafen)).events[0].values == {"seconds": 3.0}
    with pytest.raises(BadScenario, match="only an unplanned move"):
        parse("try", written(move="drill", events=deafen))


def test_a_process_that_is_made_to_stand_still_does_so_with_what_it_started_and_then_goes_on(tmp_path: Path) -> None:
    ticks = tmp_path / "ticks"
    # What it started leads a session of its own, as a worker of Ansible does.
    program = f"setsid sh -c 'while sleep 0.02; do echo >> {ticks}; done' & wait"
    process, other = subprocess.Popen(["sh", "-c", program], start_new_session=True), subprocess.Popen(["sleep", "60"])
    try:
        while not ticks.exists():
            time.sleep(0.01)
        with stopped(family(process.pid)):
            time.sleep(0.1)
            before = ticks.stat().st_size
            time.sleep(0.3)
            assert ticks.stat().st_size == before
            assert other.pid not in family(process.pid)
        deadline = time.monotonic() + 30
        while ticks.stat().st_size == before:
            assert time.monotonic() < deadline, "it does not go on"
            time.sleep(0.01)
    finally:
        for one in (*family(process.pid), other.pid):
            os.kill(one, signal.SIGKILL)


def test_a_loss_where_none_was_to_be_is_found() -> None:
    assert verdict.problems(scenario(expect={"lost": "none"}), SEEN) == ("3 writes were lost, none was to be",)


def test_lost_writes_that_no_volume_holds_are_found() -> None:
    lost = {("probe", 7), ("probe", 8)}
    assert verdict.not_kept(lost, {*lost, ("shop", 1)}) == ()
    assert verdict.not_kept(lost, {("probe", 8)}) == ("1 lost writes are on no kept volume, the first is probe 7",)


def test_the_tables_show_both_figures_and_every_reason() -> None:
    lines = [
        {"figure": "write RTO (s)", "measured": 12.2, "true": 12.1, "verdict": "agrees", "why": ""},
        {"figure": "DNS (s)", "measured": None, "true": 3.0, "verdict": "not measured", "why": "deaf for 3.0 s"},
    ]
    result = {
        "scenario": "try", "rules": ["R2"], "move": "unplanned", "seconds": 61.0, "problems": ["it fell over"],
        "compared": lines,
    }  # fmt: skip
    closing = "\n".join(tables.closing([result]))
    assert "12.20/12.10" in closing
    assert "it fell over" in closing
    assert "0 of 1 scenarios hold" in closing
    page = tables.page([result], ["try", "tomorrow"])
    assert "Not played yet: `tomorrow`." in page
    assert "12.20 / 12.10" in page
    assert "deaf for 3.0 s" in page
    assert "**does not hold**: it fell over" in page


REFUSED = {
    "scenario": "stays", "rules": ["R7"], "move": "unplanned", "seconds": 59.0, "problems": [], "compared": [],
    "at": 1_780_000_000.0, "profile": "fast",
}  # fmt: skip


def test_the_page_says_of_a_move_that_was_refused_that_there_was_none() -> None:
    assert "| `stays` | R7 | no move: nothing to measure |  |" in tables.page([REFUSED])
    without_report = {**REFUSED, "problems": ["there is no report to hold against the truth"]}
    assert "no move" not in tables.page([without_report])


def test_the_page_says_when_it_was_played_and_whose_times_these_are() -> None:
    page = tables.page([REFUSED, {**REFUSED, "scenario": "goes", "at": 1_780_100_000.0, "seconds": 121.0}])
    assert "Played: 2026-05-28 to 2026-05-30 (UTC), 2 scenarios in 3 min" in page
    assert "All times are the lab's (fast profile)" in page
    old = {name: value for name, value in REFUSED.items() if name not in ("at", "profile")}
    assert "before dates were kept" in tables.page([old])


class NoStage(Stage):
    """A lab on which nothing can be played, and from which nobody comes home."""

    def mark(self) -> int:
        raise LabError("the lab does not answer")

    def bring_home(self, log: Path, unfinished: Sequence[str] = ()) -> None:
        raise LabError("reconcile does not succeed")


class Endless(NoStage):
    """A lab whose move has begun, does not end, and is gone on with on the way home."""

    unfinished: Sequence[str] = ()

    def mark(self) -> int:
        (self.reports / "journals").mkdir(parents=True)
        (self.reports / "journals" / "run.jsonl").write_text('{"kind": "run-opened"}\n', encoding="utf-8")
        raise Unended("failover did not end within 300 s")

    def bring_home(self, log: Path, unfinished: Sequence[str] = ()) -> None:
        self.unfinished = unfinished


@pytest.mark.parametrize(("move", "more"), [("drill", []), ("unplanned", ["-e", "waive=old-site-down"])])
def test_a_move_that_does_not_end_is_noticed_and_gone_on_with_before_the_way_home(
    tmp_path: Path, move: str, more: list[str]
) -> None:
    stage = Endless(LabSettings(home=tmp_path), {}, tmp_path, lambda _text: None)
    played = conductor.play(scenario(move=move), stage, seed=1)
    assert (played.problems, played.broken) == (("failover did not end within 300 s",), ())
    assert stage.unfinished[0] == "-e"
    assert stage.unfinished[2:] == more


class Faultless(NoStage):
    """A lab that refuses every fault, on which a move goes on until that was tried."""

    tried = threading.Event()
    ends = True

    def mark(self) -> int:
        return 0

    @contextlib.contextmanager
    def watched(self, folder: Path, interval: float = 0.25) -> Iterator[list[str]]:
        yield []

    def play(self, name: str, log: Path, arguments: Sequence[str] = ()) -> bool:
        journal = self.reports / "journals" / "shop" / "run.jsonl"
        journal.parent.mkdir(parents=True, exist_ok=True)
        journal.write_text(f'{{"kind": "run-opened", "at": {time.time()}}}\n', encoding="utf-8")
        assert self.tried.wait(30)
        if not self.ends:
            raise Unended(f"{name} did not end within 300 s")
        return True

    def do(self, path: str, value: Mapping[str, Any]) -> None:
        self.tried.set()
        raise ConnectionError("no lab answers at 127.0.0.1:9999: refused")


@pytest.mark.parametrize("ends", [True, False])
def test_a_fault_that_cannot_be_done_breaks_its_scenario(tmp_path: Path, ends: bool) -> None:
    stage = Faultless(LabSettings(home=tmp_path), {}, tmp_path, lambda _text: None)
    stage.tried, stage.ends = threading.Event(), ends
    cut = [{"when": "opened", "do": "cut-replication"}]
    played = conductor.play(scenario(events=cut, interval=0.01), stage, seed=1)
    assert (played.problems, played.holds) == ((), False)
    assert played.broken[0] == (
        "these were not done: cut-replication (opened): no lab answers at 127.0.0.1:9999: refused"
    )


def test_a_probe_that_cannot_be_made_deaf_is_told_at_once(tmp_path: Path) -> None:
    stage = Faultless(LabSettings(home=tmp_path), {}, tmp_path, lambda _text: None)
    with pytest.raises(LabError, match="no probe watches"):
        stage.deafen(3)
    deaf = [{"when": "before", "do": "deafen", "seconds": 3}]
    played = conductor.play(scenario(events=deaf, interval=0.01), stage, seed=1)
    assert played.broken[0] == "no probe watches that could be made deaf"


def test_a_probe_is_deaf_for_so_long_and_goes_on_by_itself(tmp_path: Path) -> None:
    ticks = tmp_path / "ticks"
    program = f"while sleep 0.02; do echo >> {ticks}; done"
    stage = NoStage(LabSettings(home=tmp_path), {}, tmp_path, lambda _text: None)
    stage.probe = subprocess.Popen(["sh", "-c", program], start_new_session=True)
    try:
        while not ticks.exists():
            time.sleep(0.01)
        stage.deafen(1.0)
        time.sleep(0.1)
        before = ticks.stat().st_size
        time.sleep(0.3)
        assert ticks.stat().st_size == before
        deadline = time.monotonic() + 30
        while ticks.stat().st_size == before:
            assert time.monotonic() < deadline, "it does not go on"
            time.sleep(0.01)
    finally:
        for one in family(stage.probe.pid):
            os.kill(one, signal.SIGKILL)


def test_clients_that_are_led_to_fewer_instances_than_were_to_be_there_are_found() -> None:
    whole = scenario(expect={"lost": "any", "met_by_at_least": 3})
    few = ("clients were led to 1 instances, to 3 at least was right",)
    none = ("clients were led to 0 instances, to 3 at least was right",)
    for instances, wanted in ((3, ()), (1, few), (None, none)):
        assert verdict.problems(whole, replace(SEEN, met_by=instances)) == wanted


def test_a_scenario_that_was_not_played_or_did_not_come_home_does_not_hold_and_says_nothing_of_what_it_tries(
    tmp_path: Path,
) -> None:
    stage = NoStage(LabSettings(home=tmp_path), {}, tmp_path, lambda _text: None)
    played = conductor.play(scenario(), stage, seed=1)
    assert (played.holds, played.problems) == (False, ())
    result = json.loads((played.folder / "result.json").read_text())
    assert result["problems"] == result["broken"]
    assert result["broken"] == ["the lab does not answer", "afterwards, reconcile does not succeed"]
    assert told_of("try", "a-fault", result).noticed_by == ()


# -- with a seeded fault --------------------------------------------------------------------------


def test_a_fault_is_noticed_by_what_does_not_hold_and_never_by_a_failed_way_home() -> None:
    home = "afterwards, reconcile does not succeed: home.log"
    found = told_of("try", "a-fault", {"problems": ["DNS (s): measured 9.00, true 3.00", home], "broken": [home]})
    assert found.noticed_by == ("DNS (s): measured 9.00, true 3.00",)
    assert "by: DNS (s)" in "\n".join(found.lines())
    alone = told_of("try", "a-fault", {"problems": [home], "broken": [home]})
    assert "HOLDS" in alone.lines()[0]
    assert f"not counted: {home}" in alone.lines()[1]
