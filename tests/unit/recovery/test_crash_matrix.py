# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A mover dies at every call that changes something, in every mode: the same move, run again, ends as if it had not.

The cells are enumerated from the log of a run that nobody interrupted, so a new step adds its own; a step whose calls
are made in no row fails a test. Requests to the application count as calls too. After each the whole simulated state is
compared, but for times and run bookkeeping.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from simulated_aws import EAST, WEST, Bench, Call, Delays, Killed
from unit.recovery.simulated.dynamodb import journaled

from plugins.module_utils._recovery.calls import CallOutcome, PlannedCall
from plugins.module_utils._recovery.course import Course, Progress
from plugins.module_utils._recovery.errors import RegionUnreachable
from plugins.module_utils._recovery.journal import Journal
from plugins.module_utils._recovery.model import Access, Application
from plugins.module_utils._recovery.performer import Performer
from plugins.module_utils._recovery.ports import HttpAnswer
from plugins.module_utils._recovery.reconcile import options_of
from plugins.module_utils._recovery.results import NOTHING, MoveResult
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.steps.base import SOURCE, TARGET
from plugins.module_utils._recovery.steps.registry import MODES
from plugins.module_utils._recovery.switch import OPEN

TO_DR = Options("dr", "planned", "drill")
HOME = Options("primary", "planned")
WAIVED = ("old-site-down", "block-period")  # the site that is left is alive here, and the last move just over
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED)
FAILOVER_HOME = Options("primary", "unplanned", accept_data_loss=True, waive=WAIVED)
LOST = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)
LOST_HOME = Options("primary", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)
RECONCILED, RECONCILED_DR = options_of("primary"), options_of("dr")
OVERWRITING = options_of("primary", ("shop/database",))


def primary_is_lost(bench: Bench) -> None:
    bench.aws.outage(EAST, "refuse")


def primary_is_back(bench: Bench) -> None:
    bench.aws.heal(EAST)
    for application in bench.aws.applications:
        bench.aws.comes_back(application.primary)


def primary_has_joined(bench: Bench) -> None:
    for application in bench.aws.applications:
        bench.aws.comes_back(application.primary, snapshot=False, joined=True)


def dr_is_lost(bench: Bench) -> None:
    bench.aws.outage(WEST, "refuse")


def dr_is_back(bench: Bench) -> None:
    bench.aws.heal(WEST)
    for application in bench.aws.applications:
        bench.aws.comes_back(application.dr)


def primary_is_seen_late(bench: Bench) -> None:
    bench.aws.hide_until_fenced(EAST)


def secrets_are_changed(bench: Bench) -> None:
    for application in bench.aws.applications:
        for name in application.dr.secrets:
            bench.aws.change_secret(WEST, name)


Before = Options | Callable[[Bench], None]

BOTH = ("shop", "blog")
INCIDENT: tuple[Before, ...] = (primary_is_lost, LOST, primary_is_back)
OVER: tuple[Before, ...] = (*INCIDENT, RECONCILED, primary_has_joined)
"""Aurora has moved and the old region is a standby again, which is fenced and whose switch is closed."""
DR_INCIDENT: tuple[Before, ...] = (TO_DR, dr_is_lost, LOST_HOME, dr_is_back)
"""The switches that dr keeps stand as they stood while clients were there."""


@dataclass(frozen=True)
class Interrupted:
    """A move that is interrupted, after what comes ``before``; ``files``: the next process has the local journals."""

    options: Options
    before: tuple[Before, ...] = ()
    names: tuple[str, ...] = BOTH
    files: bool = True


ROWS: Mapping[str, Interrupted] = {
    "planned to dr": Interrupted(TO_DR),
    # Leases are taken one by one, and the next process runs on another machine.
    "planned to dr, one application, from the store alone": Interrupted(TO_DR, names=("shop",), files=False),
    "planned home": Interrupted(HOME, (TO_DR,)),
    "planned home after an incident": Interrupted(HOME, OVER),
    "planned home after an incident, one application, from the store alone": Interrupted(HOME, OVER, ("shop",), False),
    "unplanned to dr": Interrupted(FAILOVER),
    "unplanned to dr, the other region lost": Interrupted(LOST, (primary_is_lost,)),
    "unplanned to dr, one application, its valves seen late": Interrupted(LOST, (primary_is_seen_late,), ("shop",)),
    "unplanned home": Interrupted(FAILOVER_HOME, (TO_DR,)),
    "unplanned home after an incident": Interrupted(FAILOVER_HOME, OVER),
    "reconcile": Interrupted(RECONCILED, INCIDENT),
    "reconcile, one application, its valves seen late and its secrets overwritten": Interrupted(
        OVERWRITING, (*INCIDENT, primary_is_seen_late, secrets_are_changed), ("shop",)
    ),
    "reconcile dr, whose switches are settled": Interrupted(RECONCILED_DR, DR_INCIDENT),
}
BEFORE_SENT, ANSWER_LOST, BEFORE_JOURNAL, AFTER_JOURNAL = (
    "killed before it was sent",
    "sent, but the answer lost",
    "killed after the answer and before the journal",
    "killed after the journal",
)
BETWEEN_MOVES = 7200.0


@dataclass
class Made:
    """A call that changes something, and the step that made it; none where a run keeps its leases and its journal."""

    name: str
    planned: PlannedCall | None
    step: str = ""

    @property
    def journaled(self) -> bool:
        """Whether the journal gets a result of it. Else there is no moment after the journal at which to die."""
        return self.planned is not None and self.planned.journaled


@dataclass
class Strike:
    """A bench whose mover is struck at its n-th call that changes something; none at 0."""

    bench: Bench
    folder: Path | None
    number: int = 0
    how: str = BEFORE_SENT
    made: list[Made] = field(default_factory=list)
    dying: bool = False
    under_way: PlannedCall | None = None
    due: PlannedCall | None = None
    result: Mapping[str, Any] | None = None

    @property
    def calls(self) -> list[str]:
        """The calls in order."""
        return [one.name for one in self.made]

    def move(self, options: Options) -> MoveResult:
        tools = self.bench.tools(
            caller=self.bench.clients(transport=self), client=self.request, journal_dir=self.folder
        )
        with watched(self):
            return run_move(self.bench.aws.applications, options, tools)

    def send(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        call = Call(0, access.region, service, operation, params)
        answer: dict[str, Any] = self._struck(
            call.mutates,
            f"{service} {operation} in {access.region}",
            lambda: self.bench.aws.send(access, service, operation, params, deadline_seconds),
            lambda: RegionUnreachable(access.region, "the answer was lost"),
        )
        return answer

    def request(self, method: str, **options: Any) -> HttpAnswer:
        lost = HttpAnswer(None, error="the answer was lost")
        answer = self._struck(
            method == "POST",
            f"application {method} to {options['connect']}",
            lambda: self.bench.aws.request(method, **options),
            lambda: lost,
        )
        assert isinstance(answer, HttpAnswer)
        return answer

    def _struck(self, mutates: bool, name: str, make: Callable[[], Any], lost: Callable[[], Any]) -> Any:
        if self.dying:
            raise Killed  # nothing is sent by a process that is gone, whatever its handlers try
        if not mutates:
            return make()
        self.made.append(Made(name, self.under_way))
        mine = len(self.made) == self.number
        if mine and self.how == BEFORE_SENT:
            self.die()
        answer = make()
        if mine and self.how == ANSWER_LOST:
            nothing = lost()
            if isinstance(nothing, Exception):
                raise nothing
            return nothing
        if (mine and self.how == BEFORE_JOURNAL) or self._stored():
            self.die()
        return answer

    def taken(self, step: str, planned: PlannedCall) -> None:
        """The outcome of a call is known to its step; the next line of the journal is its result."""
        for one in self.made:
            if one.planned is planned:
                one.step = step
        reached = self.how == AFTER_JOURNAL and 0 < self.number <= len(self.made)
        self.due = planned if reached and self.made[self.number - 1].planned is planned else None

    def written(self, event: Mapping[str, Any]) -> None:
        """A line was appended to the journal. Who dies after the journal dies when its result is where it is kept."""
        if self.due is None:
            return
        assert (event["kind"], event["call"]) == ("result", self.due.summary())
        self.due, self.result = None, event
        if self.folder:
            self.die()

    def _stored(self) -> bool:
        """Whether the store has the result, where no local file has it."""
        result = self.result
        if not result:
            return False
        tables = self.bench.aws.tables.values()
        return any(result in journaled(rows, str(result["run_id"])) for rows in tables)

    def die(self) -> None:
        self.dying = True
        raise Killed


@contextmanager
def watched(strike: Strike) -> Iterator[None]:
    """Tell which planned call and which step is behind what is sent, and when the journal has a line more."""
    perform, take, append_line = Performer.perform, Course.take, Journal._append_line

    def perform_and_tell(self: Performer, application: Application, call: PlannedCall) -> CallOutcome:
        strike.under_way = call
        outcome = perform(self, application, call)
        strike.under_way = None
        return outcome

    def take_and_tell(self: Course, progress: Progress, outcome: CallOutcome) -> None:
        take(self, progress, outcome)
        strike.taken(progress.step.name, outcome.call)

    def append_and_tell(self: Journal, event: Mapping[str, Any], durable: bool) -> None:
        append_line(self, event, durable)
        strike.written(event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Performer, "perform", perform_and_tell)
        patch.setattr(Course, "take", take_and_tell)
        patch.setattr(Journal, "_append_line", append_and_tell)
        yield


@pytest.fixture(autouse=True)
def _journals_of_the_dying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes die here, never the machine, and a thousand runs would wait for a disk a hundred thousand times."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def bench_for(row: Interrupted, folder: Path) -> Strike:
    """The applications, after the moves that come before; all delays short, as only their order matters."""
    return Strike(deepcopy(prepared(row.names, row.before)), folder if row.files else None)


@cache
def prepared(names: tuple[str, ...], before: tuple[Before, ...]) -> Bench:
    bench = Bench.of(*names, secrets_promote="unplanned")
    bench.aws.checks_requests = False
    bench.aws.delays = Delays(launch=1.0, promote=1.0, dns=1.0, fencing_event=0.2)
    for one in before:
        if callable(one):
            one(bench)
            continue
        with TemporaryDirectory() as folder:
            assert Strike(bench, Path(folder)).move(one).ok
        bench.clock.wait(BETWEEN_MOVES)
    bench.aws.calls.clear()
    return bench


def state(bench: Bench) -> dict[str, Any]:
    """All that a move leaves behind, but for times and run bookkeeping.

    A switch that was never set is open: one that was set to open is the same.
    """
    aws = bench.aws
    aws.writer(aws.applications[0])  # time has passed for the database too
    kept = ("|lease", "|run", "|journal#")
    return {
        "globals": aws.globals,
        "instances": aws.instances,
        "groups": {key: (one.min, one.desired, one.max) for key, one in aws.groups.items()},
        "secrets": aws.secrets,
        "snapshots": set(aws.snapshots),
        "valves": [aws.open_valves(site) for one in aws.applications for site in one.sites],
        "closed": {key for key, values in aws.positions.items() if values[-1][1] != OPEN},
        "tables": {
            table: {
                key: document
                for key, row in rows.items()
                if not any(one in key for one in kept) and (document := _without_times(row)) != {"position": OPEN}
            }
            for table, rows in aws.tables.items()
        },
        "led": {one.name: aws.resolve(one.traffic.names[0], (), 1).chain for one in aws.applications},
    }


def _without_times(row: Mapping[str, Any]) -> Any:
    """A document, but for when and by which run; whether a job is closed is no time."""
    document = json.loads(row["document"]["S"])
    kept = {name: value for name, value in document.items() if name not in ("at", "run_id", "closed_at", "closed_by")}
    return {**kept, **({"closed": bool(document["closed_at"])} if "closed_at" in document else {})}


@cache
def uninterrupted(row: str) -> tuple[tuple[Made, ...], dict[str, Any]]:
    """The calls of a run that nobody interrupts, and what it leaves behind."""
    with TemporaryDirectory() as folder:
        strike = bench_for(ROWS[row], Path(folder))
        assert strike.move(ROWS[row].options).ok
        strike.bench.clock.wait(100)
        return tuple(strike.made), state(strike.bench)


def cells(row: str, how: str) -> list[tuple[int, Made]]:
    """The calls of a row that are struck in this way. Leases and the journal itself have no line in the journal."""
    made, _whole = uninterrupted(row)
    return [(number, one) for number, one in enumerate(made, 1) if one.journaled or how != AFTER_JOURNAL]


@pytest.mark.parametrize("how", [BEFORE_SENT, ANSWER_LOST, BEFORE_JOURNAL, AFTER_JOURNAL])
@pytest.mark.parametrize("row", ROWS)
def test_the_same_move_run_again_ends_as_if_nobody_had_died(
    row: str, how: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    made, whole = uninterrupted(row)
    assert len(made) > 20
    options = ROWS[row].options
    struck, deaths = cells(row, how), 0
    for number, call in struck:
        cell = f"{row}, call {number} of {len(made)} ({call.step or 'bookkeeping'}: {call.name}), {how}"
        strike = bench_for(ROWS[row], tmp_path / str(number))
        strike.number, strike.how = number, how
        with suppress(Killed):
            strike.move(options)
        assert strike.calls[number - 1] == call.name, cell
        assert strike.dying == (how != ANSWER_LOST), cell
        deaths += strike.dying
        again = Strike(strike.bench, strike.folder)
        result = again.move(options)
        assert result.ok, f"{cell}: {result.problem()}"
        assert how != AFTER_JOURNAL or not told_again(call, again.made), cell
        strike.bench.clock.wait(100)
        assert state(strike.bench) == whole, cell
        third = Strike(strike.bench, strike.folder)
        result = third.move(options)
        assert [one.status for one in result.applications] == [NOTHING] * len(ROWS[row].names), cell
        assert third.calls == [], cell
    assert struck
    record_property("cells", len(struck))
    record_property("deaths", deaths)
    print(f"crash matrix: {row}, {how}: {len(struck)} cells, in {deaths} of them the process died")


def told_again(call: Made, made: list[Made]) -> bool:
    """Whether people are told anew what the journal says that they were told: nothing else remembers it."""
    told = {(one.step, one.planned.target) for one in made if one.planned and one.planned.service == "sns"}
    return call.planned is not None and (call.step, call.planned.target) in told


@pytest.mark.parametrize("mode", MODES)
def test_no_call_that_a_step_may_make_is_without_a_cell(mode: str) -> None:
    said = {(row.step.name, call, side) for row in MODES[mode].rows for call, side in row.step.makes}
    assert said == set().union(*(struck_calls(name) for name, row in ROWS.items() if row.options.mode == mode))


def struck_calls(row: str) -> set[tuple[str, str, str]]:
    """The calls of a row's steps, as the table of modes names them."""
    here = {"primary": EAST, "dr": WEST}[ROWS[row].options.target]
    planned = [(one.step, one.planned) for one in uninterrupted(row)[0] if one.planned]
    return {
        (step, f"{call.service} {call.operation}", TARGET if call.region == here else SOURCE) for step, call in planned
    }
