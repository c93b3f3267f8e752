# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A mover dies at every call that changes something, in every mode: the same move, run again, ends as if it had not.

The cells are enumerated from the log of a run that nobody interrupted, so a new step adds its own. Requests to the
application count as calls too. After each the whole simulated state is compared, but for times and run bookkeeping.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from simulated_aws import EAST, Bench, Call, Delays, Killed

from plugins.module_utils._recovery.errors import RegionUnreachable
from plugins.module_utils._recovery.journal import Journal
from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.ports import HttpAnswer
from plugins.module_utils._recovery.reconcile import options_of
from plugins.module_utils._recovery.results import NOTHING, MoveResult
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.switch import OPEN

TO_DR = Options("dr", "planned", "drill")
HOME = Options("primary", "planned")
WAIVED = ("old-site-down", "block-period")  # the site that is left is alive here, and the last move just over

LOST = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)


def primary_is_lost(bench: Bench) -> None:
    bench.aws.outage(EAST, "refuse")


def primary_is_back(bench: Bench) -> None:
    bench.aws.heal(EAST)
    for application in bench.aws.applications:
        bench.aws.comes_back(application.primary)


Before = Options | Callable[[Bench], None]

BOTH = ("shop", "blog")


@dataclass(frozen=True)
class Interrupted:
    """A move that is interrupted, after what comes ``before``; ``files``: the next process has the local journals."""

    options: Options
    before: tuple[Before, ...] = ()
    names: tuple[str, ...] = BOTH
    files: bool = True


MODES: Mapping[str, Interrupted] = {
    "planned to dr": Interrupted(TO_DR),
    # Leases are taken one by one, and the next process runs on another machine.
    "planned to dr, one application, from the store alone": Interrupted(TO_DR, names=("shop",), files=False),
    "planned home": Interrupted(HOME, (TO_DR,)),
    "unplanned to dr": Interrupted(Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED)),
    "unplanned to dr, the other region lost": Interrupted(LOST, (primary_is_lost,)),
    "unplanned home": Interrupted(Options("primary", "unplanned", accept_data_loss=True, waive=WAIVED), (TO_DR,)),
    "reconcile": Interrupted(options_of("primary"), (primary_is_lost, LOST, primary_is_back)),
}
BEFORE_SENT, ANSWER_LOST, BEFORE_JOURNAL, AFTER_JOURNAL = (
    "killed before it was sent",
    "sent, but the answer lost",
    "killed after the answer and before the journal",
    "killed after the journal",
)
BETWEEN_MOVES = 7200.0


@dataclass
class Strike:
    """A bench whose mover is struck at its n-th call that changes something; none at 0."""

    bench: Bench
    folder: Path | None
    number: int = 0
    how: str = BEFORE_SENT
    count: int = 0
    calls: list[str] = field(default_factory=list)
    dying: bool = False

    def move(self, options: Options) -> MoveResult:
        return run_move(
            self.bench.aws.applications,
            options,
            self.bench.tools(caller=self.bench.clients(transport=self), client=self.request, journal_dir=self.folder),
        )

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
        self.count += 1
        self.calls.append(name)
        mine = self.count == self.number
        if mine and self.how == BEFORE_SENT:
            self.die()
        answer = make()
        if mine and self.how == ANSWER_LOST:
            nothing = lost()
            if isinstance(nothing, Exception):
                raise nothing
            return nothing
        if mine and self.how == BEFORE_JOURNAL:
            self.die()
        if mine and self.how == AFTER_JOURNAL:
            self.dying = True  # with the next line of the journal, or else the next call
        return answer

    def die(self) -> None:
        self.dying = True
        raise Killed


@pytest.fixture(autouse=True)
def _journals_of_the_dying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who dies after the journal dies when the next event stands in the local file."""
    append_line = Journal._append_line

    def append_and_die(self: Journal, event: Mapping[str, Any], durable: bool) -> None:
        append_line(self, event, durable)
        transport = getattr(self.store.caller, "transport", None) if self.store else None
        if isinstance(transport, Strike) and transport.dying:
            raise Killed

    monkeypatch.setattr(Journal, "_append_line", append_and_die)
    # Processes die here, never the machine, and a thousand runs would wait for a disk a hundred thousand times.
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def bench_for(mode: Interrupted, folder: Path) -> Strike:
    """The applications, after the moves that come before; all delays short, as only their order matters."""
    return Strike(deepcopy(prepared(mode.names, mode.before)), folder if mode.files else None)


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
def uninterrupted(mode: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The calls of a run that nobody interrupts, and what it leaves behind."""
    with TemporaryDirectory() as folder:
        strike = bench_for(MODES[mode], Path(folder))
        assert strike.move(MODES[mode].options).ok
        strike.bench.clock.wait(100)
        return tuple(strike.calls), state(strike.bench)


def cells(mode: str) -> int:
    return len(uninterrupted(mode)[0])


@pytest.mark.parametrize("how", [BEFORE_SENT, ANSWER_LOST, BEFORE_JOURNAL, AFTER_JOURNAL])
@pytest.mark.parametrize("mode", MODES)
def test_the_same_move_run_again_ends_as_if_nobody_had_died(
    mode: str, how: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    calls, whole = uninterrupted(mode)
    assert len(calls) > 20
    options = MODES[mode].options
    for number, call in enumerate(calls, 1):
        cell = f"{mode}, call {number} of {len(calls)} ({call}), {how}"
        strike = bench_for(MODES[mode], tmp_path / str(number))
        strike.number, strike.how = number, how
        try:
            strike.move(options)
            died = False
        except Killed:
            died = True
        assert strike.calls[number - 1] == call, cell
        # The last call of all gives the lease back: nothing is left after it at which to die.
        assert died or how == ANSWER_LOST or (how == AFTER_JOURNAL and number >= len(calls) - 1), cell
        again = Strike(strike.bench, strike.folder)
        result = again.move(options)
        assert result.ok, f"{cell}: {result.problem()}"
        strike.bench.clock.wait(100)
        assert state(strike.bench) == whole, cell
        third = Strike(strike.bench, strike.folder)
        result = third.move(options)
        assert [one.status for one in result.applications] == [NOTHING] * len(MODES[mode].names), cell
        assert third.calls == [], cell
    record_property("cells", len(calls))
    print(f"crash matrix: {mode}, {how}: {len(calls)} cells")
