"""Plays one scenario: the probe, the events when their moments come, the move, the judgement, the way home."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import lost_writes
from lab.control import LabError
from lab.gameday import verdict
from lab.gameday.files import journal_since, report_since
from lab.gameday.moments import due
from lab.gameday.scenario import Event, Scenario
from lab.gameday.stage import Stage, Unended
from lab.gameday.verdict import Happened
from lab.truth import show
from lab.truth.command import judged
from lab.truth.compare import Line
from lab.truth.losses import Row
from lab.truth.record import load
from lab.truth.window import NoWindow

AWAY = "afterwards, "
"""Before what kept the application from coming home."""

_BEAT = 0.02
"""Seconds between two looks at the journal."""


@dataclass(frozen=True)
class Played:
    """What came of a scenario."""

    scenario: Scenario
    seed: int
    seconds: float
    problems: tuple[str, ...]
    compared: tuple[Line, ...]
    folder: Path
    broken: tuple[str, ...] = ()
    """What kept it from being played or judged, or from coming home: no word on what it tries."""
    profile: str = "fast"
    """Of the lab."""

    @property
    def holds(self) -> bool:
        """Whether it was played to its end and everything that it expects held."""
        return not self.problems and not self.broken

    @property
    def told(self) -> tuple[str, ...]:
        """Everything that is not as it should be."""
        return (*self.problems, *self.broken)

    def save(self) -> None:
        """Keep it beside what was seen, for the table of all scenarios."""
        value = {
            "scenario": self.scenario.name, "title": self.scenario.title, "move": self.scenario.move,
            "rules": list(self.scenario.rules), "seed": self.seed, "seconds": round(self.seconds, 1),
            "problems": list(self.told), "broken": list(self.broken), "at": time.time(), "profile": self.profile,
            "compared": [
                {
                    "figure": one.figure,
                    "measured": one.measured,
                    "true": one.true,
                    "verdict": one.verdict,
                    "why": one.why,
                }
                for one in self.compared
            ],
        }  # fmt: skip
        (self.folder / "result.json").write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def play(scenario: Scenario, stage: Stage, seed: int) -> Played:
    """Play it and bring the application home again."""
    began = time.monotonic()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    folder = stage.reports / f"{scenario.name}-{stamp}"
    folder.mkdir(parents=True)
    log = folder / "ansible.log"
    found, broken = list[str](), list[str]()
    compared: tuple[Line, ...] = ()
    lost: frozenset[Row] = frozenset()
    since = time.time()
    try:
        seen, lost = _played(scenario, stage, folder, log, random.Random(f"{scenario.name} {seed}"))
        compared = seen.compared
        found += verdict.problems(scenario, seen)
    except Unended as error:
        found.append(str(error))
    except LabError as error:
        broken.append(str(error))
    try:
        stage.bring_home(folder / "home.log", _unfinished(scenario, stage, since))
        if lost:
            found += verdict.not_kept(lost, _kept(stage, since, folder))
    except LabError as error:
        broken.append(f"{AWAY}{error}")
    played = Played(
        scenario, seed, time.monotonic() - began, tuple(found), compared, folder, tuple(broken), stage.settings.profile
    )
    played.save()
    return played


def _played(
    scenario: Scenario, stage: Stage, folder: Path, log: Path, dice: random.Random
) -> tuple[Happened, frozenset[Row]]:
    """The scenario until its move has ended and was judged; and the writes that it lost, of all clients."""
    phases = {id(event): dice.uniform(0.0, scenario.interval) for event in scenario.events}
    mark, began = stage.mark(), time.time()
    with contextlib.ExitStack() as stack:
        # A planned move waits for its own probe before it begins; for that it is too late when one is unplanned.
        unwatched = scenario.move != "unplanned"
        watching = [] if unwatched else stack.enter_context(stage.watched(folder, scenario.interval))
        begin = time.time()
        for event in sorted(_of(scenario, "before"), key=lambda one: one.after):
            _wait_until(begin + event.after + phases[id(event)])
            _do(event, stage)
        time.sleep(scenario.move_after)
        with _meanwhile(scenario, stage, phases, began):
            succeeded = stage.play("failover", log, [*_arguments(scenario, stage), *watching])
        for event in _of(scenario, "after"):
            time.sleep(event.after + phases[id(event)])
            _do(event, stage)
    output = log.read_text(encoding="utf-8", errors="replace")
    report = report_since(stage.reports, scenario.intent, began)
    journal = journal_since(stage.reports, began)
    compared: tuple[Line, ...] = ()
    lost = met_by = None
    rows: frozenset[Row] = frozenset()
    if report is not None:
        (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        # A move that did not end has no window to be judged in; that it was not to begin at all is seen without.
        with contextlib.suppress(NoWindow):
            truth, compared = judged(stage.settings, report, allowed=scenario.interval)
            lost, met_by = truth.lost(), truth.met_by
            gone = () if truth.losses is None else truth.losses.writes
            rows = frozenset((one.client, one.number) for one in gone if one.number is not None)
            told = json.dumps(show.as_data(truth, compared), indent=2)
            (folder / "truth.json").write_text(f"{told}\n", encoding="utf-8")
            (folder / "truth.txt").write_text("\n".join(show.lines(truth, compared)) + "\n", encoding="utf-8")
    begun = any(event["kind"] == "step-begin" for event in journal)
    asked, served_from = stage.calls_since(mark), stage.served_from()
    return Happened(succeeded, begun, output, served_from, lost, asked, met_by, compared), rows


def _unfinished(scenario: Scenario, stage: Stage, since: float) -> list[str]:
    """What a move that was begun and has not ended is told to go on, now that both regions are well."""
    kinds = [event["kind"] for event in journal_since(stage.reports, since)]
    if "run-opened" not in kinds or "run-closed" in kinds:
        return []
    alive = ["-e", "waive=old-site-down"] if scenario.move == "unplanned" else []
    return [*_arguments(scenario, stage), *alive]


def _kept(stage: Stage, since: float, folder: Path) -> frozenset[Row]:
    """The writes that the volumes hold which were lost since then; they are listed beside the report."""
    kept = lost_writes.all_kept(stage.settings, since)
    told = lost_writes.told_at(load(stage.settings.home))
    (folder / "lost-writes.txt").write_text("\n".join(lost_writes.lines(kept, told)) + "\n", encoding="utf-8")
    return frozenset((row.client, row.number) for one in kept for row in one.rows)


def _arguments(scenario: Scenario, stage: Stage) -> list[str]:
    """What ansible-playbook is told, as the README shows it."""
    values: dict[str, Any] = {"drill": True}
    if scenario.move != "drill":
        values = {"failover_mode": scenario.move, "failover_confirm": stage.settings.project}
    if scenario.move == "unplanned":
        values["accept_data_loss"] = True
    return ["-e", json.dumps({**values, **scenario.arguments})]


@contextlib.contextmanager
def _meanwhile(scenario: Scenario, stage: Stage, phases: Mapping[int, float], began: float) -> Iterator[None]:
    """Do what is to be done while the move runs, in a thread of its own."""
    waiting = [event for event in scenario.events if event.when not in ("before", "after")]
    ended = threading.Event()
    failed: list[Exception] = []

    def look() -> None:
        try:
            while waiting and not ended.wait(_BEAT):
                journal = journal_since(stage.reports, began)
                for event in list(waiting):
                    at = due(event, journal, phases[id(event)])
                    if at is not None and time.time() >= at:
                        _do(event, stage)
                        waiting.remove(event)
        except Exception as error:  # else the thread dies unheard, and the scenario is played without its fault
            failed.append(error)

    thread = threading.Thread(target=look, name="events", daemon=True)
    thread.start()
    unended: Unended | None = None
    try:
        yield
    except Unended as error:
        unended = error
    finally:
        ended.set()
        thread.join(10)
    late = ", ".join(f"{event.do} ({event.when})" for event in waiting)
    if failed:  # then it says nothing of the move either that this did not end
        raise LabError(f"these were not done: {late}: {failed[0]}") from failed[0]
    if unended:
        raise unended
    if waiting:
        raise LabError(f"the move ended before these were done: {late}")


def _of(scenario: Scenario, when: str) -> list[Event]:
    return [event for event in scenario.events if event.when == when]


def _do(event: Event, stage: Stage) -> None:
    if event.do == "deafen":
        stage.deafen(event.values["seconds"])
    else:
        stage.do(*event.request(stage.regions))
    stage.say(f"  {event.do} {' '.join(str(one) for one in event.values.values())}".rstrip())


def _wait_until(at: float) -> None:
    time.sleep(max(0.0, at - time.time()))
