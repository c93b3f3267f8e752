# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Before a move begins: what is read, which run is taken up again, the plan, and what the gates say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import results
from .errors import RecoveryError
from .gates.answers import Ruling
from .gates.ruling import evaluate, in_the_way, past_return, wanted
from .journal import new_run_id, read_file, stored_events
from .lease import last_run, unreleased_run
from .model import Application
from .options import Options
from .plan import Plan, make_plan
from .reading.parts import Wanted
from .results import ApplicationResult
from .snapshot import Facet, GlobalCluster, Snapshot, Unknown
from .steps.base import Move
from .steps.registry import Mode, is_move
from .store import LEASE, RUN, Store
from .tools import Tools

FORGOTTEN_SECONDS = 86400.0
"""A run that was left alone for a day is not gone on with: a new one begins, with all that goes with it."""

SURVEYED = (Facet.CLUSTERS, Facet.GROUPS, Facet.STATE, Facet.FENCE_STATE, Facet.POSITIONS)
SURVEYED_OF_TARGET = (Facet.GLOBAL, Facet.HOSTS, Facet.TARGETS, Facet.LAG, Facet.DNS)
"""What the plan is made on, beside what the gates ask."""


@dataclass(frozen=True)
class Candidate:
    """An application before its move has begun."""

    move: Move
    plan: Plan
    rulings: tuple[Ruling, ...]
    events: tuple[dict[str, Any], ...] = ()
    resumed: bool = False

    @property
    def name(self) -> str:
        """The application's."""
        return self.move.application.name

    @property
    def idle(self) -> bool:
        """Nothing is to be done, and nothing was left undone."""
        return self.plan.empty and not self.resumed

    @property
    def blocking(self) -> tuple[str, ...]:
        """What stands in the way, in lines."""
        return in_the_way(self.rulings)

    def gates(self) -> tuple[dict[str, Any], ...]:
        """The gates' answers as plain data."""
        return tuple(ruling.described() for ruling in self.rulings)

    def result(self, status: str, reasons: tuple[str, ...] = ()) -> ApplicationResult:
        """What comes of it when nothing is begun."""
        return ApplicationResult(
            application=self.name,
            status=status,
            run_id=self.move.run_id if self.resumed else None,
            changed=status == results.PLANNED,
            reasons=reasons,
            gates=self.gates(),
            plan=tuple(self.plan.described()),
            bookkeeping=tuple(self.plan.bookkeeping()),
            resumed=self.resumed,
        )


def survey(applications: Iterable[Application], options: Options, mode: Mode) -> Iterable[Wanted]:
    """All that gates and steps look at, read once."""
    for application in applications:
        yield from wanted(application, options.target, mode.name)
        target = application.site(options.target)
        source = application.other(options.target)
        facets = {target: [*SURVEYED, *SURVEYED_OF_TARGET], source: [*SURVEYED]}
        if application.secrets_promote != "never" and mode.loses_data:
            facets[target].append(Facet.SECRETS)
        facets[target].append(Facet.SHUT_VALVES)
        if mode.loses_data:
            facets[source].append(Facet.VALVES)
        if not mode.moves:
            facets[target] = [*SURVEYED, Facet.GLOBAL, Facet.SECRETS, Facet.HOSTS, Facet.LAG, Facet.DNS]
            facets[source] = [*SURVEYED, Facet.VALVES, Facet.LOST_WRITES, Facet.SECRETS, Facet.LAG]
        for site, kinds in facets.items():
            for facet in kinds:
                yield Wanted(facet, application, site)


def opening(move: Move, mode: Mode, options: Options) -> dict[str, Any]:
    """What is kept of a run from its first moment: enough to go on with it."""
    return {
        "target": move.place,
        "mode": mode.name,
        "intent": move.intent,
        "writer": move.writer_at_start,
        "version": move.version_at_start,
        "from_region": move.source.region,
        "to_region": move.target.region,
        "accept_data_loss": move.accept_data_loss,
        "accept_unfenced": move.accept_unfenced,
        "waive": list(options.waive),
        "break_lease": options.break_lease or None,
        "operator": options.operator or None,
    }


def store_of(tools: Tools, move: Move) -> Store:
    """The state table of the region that will be alive (R29)."""
    return Store(tools.caller, move.target.access, move.target.state_table)


def journal_path(tools: Tools, move: Move) -> Path | None:
    """The local copy of a run's journal."""
    folder = tools.journal_dir
    return folder / move.application.name / f"{move.run_id}.jsonl" if folder else None


@dataclass
class Opening:
    """Finds out for each application what a move would be. ``run_id`` names the runs that are new."""

    options: Options
    mode: Mode
    tools: Tools
    began_at: float
    run_id: str | None = None

    def candidate(self, application: Application, snapshot: Snapshot) -> Candidate:
        """The move on this snapshot, with its plan and what the gates say."""
        target = application.site(self.options.target)
        view = snapshot.global_cluster(application, target, application.other(self.options.target))
        known = view if isinstance(view, GlobalCluster) else None
        writer = known.writer if known else None
        found = self._unfinished(application, snapshot)
        self.run_id = self.run_id or new_run_id(self.began_at, self.options.intent)
        move = Move(
            application=application,
            place=self.options.target,
            planned=self.mode.name == "planned",
            intent=self.options.intent,
            run_id=found["run_id"] if found else self.run_id,
            accept_data_loss=self.options.accept_data_loss,
            opened_at=float(found["opened_at"]) if found else self.began_at,
            writer_at_start=found.get("writer") if found else (writer.arn if writer else None),
            version_at_start=found.get("version") if found else (known.engine_version if known else None),
            break_lease=self.options.break_lease,
            accept_unfenced=self.options.accept_unfenced,
            overwrite_secrets=self.options.overwrite_secrets,
            without_job=self.options.without_job,
        )
        plan = make_plan(move, self.mode, snapshot)
        events = self._events_of(move) if found else ()
        rulings = () if plan.empty else evaluate(move, snapshot, self.options.waive)
        if found and self.mode.moves and writer is not None and known and known.member(target) == writer:
            rulings = past_return(rulings)
        return Candidate(move, plan, rulings, events, found is not None)

    def _unfinished(self, application: Application, snapshot: Snapshot) -> dict[str, Any] | None:
        """The run of the same move that has not ended, from the store or else from the local journals."""
        target = application.site(self.options.target)
        stored = snapshot.item(application, target, RUN)
        local = self._unfinished_local(application)
        if isinstance(stored, Unknown):
            runs = [local] if local else []
        else:
            # A process that died between taking a lease and storing the run has left the lease only; one whose store
            # took nothing at all while it ran, its local journal only.
            leases = (snapshot.item(application, site, LEASE) for site in application.sites)
            left = [unreleased_run(lease) for lease in leases if isinstance(lease, Mapping)]
            left += [local] if local and not local["leased"] else []
            runs = [dict(stored)] if stored else []
            known = [run.get("run_id") for run in runs]
            runs += [run for run in left if run and run["run_id"] not in known]
        # A reconciliation hides no move, and no move hides it.
        alike = [run for run in runs if is_move(run) is self.mode.moves]
        newest = max(alike, key=lambda run: float(run["opened_at"]), default=None)
        same = newest and newest.get("target") == self.options.target and newest.get("mode") == self.options.mode
        if not newest or not same or newest.get("closed_at") or self._superseded(application, newest, snapshot):
            return None
        return newest

    def _superseded(self, application: Application, run: Mapping[str, Any], snapshot: Snapshot) -> bool:
        """Whether a run that never ended is history: it is old, or the application was moved the other way since.

        That may have been done by hand, which no run tells of: then the writer is neither the one on which the run was
        planned nor the one that it moves to, and going on with it would stop at its first look, again and again.
        """
        opened_at = float(run["opened_at"])
        back = snapshot.item(application, application.other(self.options.target), RUN)
        runs = [back] if isinstance(back, Mapping) else []
        # The way back may have been kept in a region that is lost by now; a planned one has left its lease here too.
        lease = snapshot.item(application, application.site(self.options.target), LEASE)
        held = last_run(lease) if isinstance(lease, Mapping) else None
        runs += [held] if held and is_move(held) and held.get("target") != self.options.target else []
        later = any(float(one.get("opened_at", 0)) > opened_at for one in runs)
        return later or self._writer_left(application, run, snapshot) or self.began_at - opened_at > FORGOTTEN_SECONDS

    def _writer_left(self, application: Application, run: Mapping[str, Any], snapshot: Snapshot) -> bool:
        target = application.site(self.options.target)
        view = snapshot.global_cluster(application, target, application.other(self.options.target))
        if not isinstance(view, GlobalCluster) or view.writer is None or view.member(target) == view.writer:
            return False
        return run.get("writer") not in (None, view.writer.arn)

    def _unfinished_local(self, application: Application) -> dict[str, Any] | None:
        folder = self.tools.journal_dir / application.name if self.tools.journal_dir else None
        for path in sorted(folder.glob("*.jsonl"), reverse=True) if folder and folder.is_dir() else ():
            events = read_file(path)
            if not events or events[0]["kind"] != "run-opened" or is_move(events[0]["detail"]) is not self.mode.moves:
                continue
            if any(one["kind"] == "run-closed" for one in events):
                return None
            opened = {"run_id": events[0]["run_id"], "opened_at": events[0]["at"], "leased": _leased(events)}
            return {**events[0]["detail"], **opened}
        return None

    def _events_of(self, move: Move) -> tuple[dict[str, Any], ...]:
        """The store's events and the local file's: each may hold some that the other one has not."""
        path = journal_path(self.tools, move)
        known = {event["seq"]: event for event in (read_file(path) if path and path.exists() else ())}
        try:
            stored = stored_events(store_of(self.tools, move), move.application.name, move.run_id)
        except RecoveryError:
            stored = []
        known.update({event["seq"]: event for event in stored})
        return tuple(known[seq] for seq in sorted(known))


def _leased(events: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a run had a lease in the region that keeps it: then the state table there was told of it."""
    regions, keeper = set[str](), None
    for event in events:
        keeper = event["detail"].get("to_region", keeper)
        regions |= set(event["detail"].get("tokens", ()))
    return keeper in regions
