# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Before a move begins: what is read, which run is taken up again, the plan, and what the gates say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import results
from .gates.answers import Ruling
from .gates.ruling import evaluate, in_the_way, past_return, wanted
from .journal import new_run_id
from .model import Application
from .options import Options
from .plan import Plan, make_plan
from .reading.parts import Wanted
from .results import ApplicationResult
from .runs import (
    LocalJournals,
    each_once,
    events_of,
    is_history,
    newest,
    told_by_leases,
    told_by_tables,
    told_locally,
)
from .snapshot import Facet, GlobalCluster, Snapshot, Unknown
from .steps.base import Move
from .steps.registry import Mode, is_move
from .store import RUN, Store
from .tools import Tools

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
    journal: Path | None = None  # where its local copy belongs
    untold: bool = False  # whether its table may have more events than it gave
    notes: tuple[str, ...] = ()

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
            notes=self.notes,
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
        journals = LocalJournals.of(self.tools, application)
        found = self._unfinished(application, snapshot, journals)
        self.run_id = self.run_id or new_run_id(self.began_at, self.options.intent)
        move = Move(
            application=application,
            place=self.options.target,
            planned=self.mode.name == "planned",
            intent=self.options.intent,
            run_id=found["run_id"] if found else self.run_id,
            accept_data_loss=self.options.accept_data_loss,
            opened_at=float(found["opened_at"]) if found else self.began_at,
            # What has changed since the run was opened has not changed since the plan, which is made anew.
            writer_at_start=writer.arn if writer else (found or {}).get("writer"),
            version_at_start=known.engine_version if known else (found or {}).get("version"),
            break_lease=self.options.break_lease,
            accept_unfenced=self.options.accept_unfenced,
            overwrite_secrets=self.options.overwrite_secrets,
            without_job=self.options.without_job,
        )
        plan = make_plan(move, self.mode, snapshot)
        events = events_of(application, found, self.tools, journals) if found else ()
        rulings = () if plan.empty else evaluate(move, snapshot, self.options.waive)
        if found and self.mode.moves and writer is not None and known and known.member(target) == writer:
            rulings = past_return(rulings)
        path = journals.path(move.run_id)
        # What cannot be read may hold what nobody else has: it is not written over.
        journal = path if path not in journals.unreadable else None
        untold = bool(journals.untold)
        return Candidate(move, plan, rulings, events, found is not None, journal, untold, journals.said())

    def _unfinished(
        self, application: Application, snapshot: Snapshot, journals: LocalJournals
    ) -> Mapping[str, Any] | None:
        """The run of the same move that has not ended, from the store or else from the local journals."""
        target = application.site(self.options.target)
        # What is known of a run by its lease alone, while its table is silent, is too little to go on with it.
        silent = isinstance(snapshot.item(application, target, RUN), Unknown)
        runs = each_once(
            told_by_tables(application, snapshot, [target]),
            () if silent else told_by_leases(application, snapshot),
            told_locally(application, snapshot, journals, self.mode.moves),
        )
        # A reconciliation hides no move, and no move hides it.
        found = newest(run for run in runs if is_move(run) is self.mode.moves)
        same = found and found.get("target") == self.options.target and found.get("mode") == self.options.mode
        if not found or not same or found.get("closed_at"):
            return None
        return None if is_history(application, found, snapshot, self.began_at) else found
