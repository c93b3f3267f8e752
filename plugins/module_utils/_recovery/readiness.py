# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How ready applications are, on any day: the gates of a move to the standby site, asked without moving anything.

The score is the share of the gates that were asked and hold. What fails, and what would hold up a planned move because
it cannot be known, is a problem by itself, whatever the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from .errors import RecoveryError
from .fields import ModelError, Problem
from .gates.answers import ANY_DAY, Ruling, Verdict
from .gates.ruling import check_waivers, evaluate, in_the_way, to_be_said, wanted
from .model import Access, Application
from .portions import batches
from .readiness_document import ReadinessDocument, found_in
from .reading.parts import Wanted
from .reading.reader import WorldReader
from .snapshot import BreakGlass, Facet, GlobalCluster, Snapshot, Unknown
from .steps.base import Move
from .store import BATCH_READ_LIMIT, READINESS, Item, Place, read_together, write_together
from .tools import Tools

NO_RUN = "readiness"
"""In place of the id of a run: none is begun."""


@dataclass(frozen=True)
class Readiness:
    """One application's. ``active`` is None where no region could say; it is then looked at as if primary were."""

    application: Application
    active: str | None
    document: ReadinessDocument
    rulings: tuple[Ruling, ...]

    def problems(self, least_score: int = 0) -> list[str]:
        """What makes it unready, in lines; none where it is ready."""
        name, score = self.application.name, self.document.score
        found = [f"{name}: {line}" for line in in_the_way(self.rulings)]
        return [*found, f"{name}: the score is {score}, under {least_score}"] if score < least_score else found

    def lines(self) -> list[str]:
        """For people: the score, and whatever does not hold."""
        name, document = self.application.name, self.document
        active = self.active or "not known"
        head = f"{name}: score {document.score} for a move to {document.target}; the active site is {active}"
        failing = [f"  fails: {line}" for line in in_the_way(self.rulings)]
        return [head, *failing, *(f"  note: {line}" for line in to_be_said(self.rulings))]

    def as_dict(self) -> dict[str, Any]:
        """The document, with what people look for first."""
        return {
            **self.document.as_dict(),
            "active": self.active,
            "failing": list(in_the_way(self.rulings)),
            "noted": list(to_be_said(self.rulings)),
        }


def break_glass(tried_on: str, longest_days: int) -> BreakGlass:
    """What the operator says of the break-glass credentials (R30); raises ModelError for what is no date."""
    if not tried_on:
        return BreakGlass(None, longest_days * 86400.0)
    try:
        day = date.fromisoformat(tried_on)
    except ValueError:
        raise ModelError([Problem("break_glass_tried_on", tried_on, "a date such as 2026-11-24")]) from None
    return BreakGlass(datetime.combine(day, time(), UTC).timestamp(), longest_days * 86400.0)


def look(
    applications: Sequence[Application], tools: Tools, told: BreakGlass | None = None, waive: Iterable[str] = ()
) -> list[Readiness]:
    """One look at all applications; reads only. Raises RecoveryError for a waiver that is none, before it reads.

    Where the writer is must be known before it is known which site would be moved to, so that is read first.
    """
    waived = tuple(waive)
    check_waivers(waived)
    reader = WorldReader(tools.caller, tools.clock, tools.workers, tools.resolver)
    first = [Wanted(Facet.GLOBAL, one, site) for one in applications for site in one.sites]
    snapshot = reader.read(replace(Snapshot(tools.clock.now()), break_glass=told), first)
    active = {one.name: _active(one, snapshot) for one in applications}
    targets = {one.name: "primary" if active[one.name] == "dr" else "dr" for one in applications}
    rest = [wish for one in applications for wish in wanted(one, targets[one.name], ANY_DAY)]
    snapshot = reader.read(snapshot, [wish for wish in rest if wish.facet is not Facet.GLOBAL])
    return [_judge(one, active[one.name], targets[one.name], snapshot, waived) for one in applications]


def _active(application: Application, snapshot: Snapshot) -> str | None:
    view = snapshot.global_cluster(application, *application.sites)
    writer = view.writer if isinstance(view, GlobalCluster) else None
    site = application.site_in(writer.region) if writer else None
    return site.place if site else None


def _judge(
    application: Application, active: str | None, target: str, snapshot: Snapshot, waive: tuple[str, ...]
) -> Readiness:
    move = Move(application, target, planned=True, intent="failover", run_id=NO_RUN)
    rulings = evaluate(move, snapshot, waive, ANY_DAY)
    hold = sum(1 for ruling in rulings if ruling.answer.verdict is Verdict.HOLDS)
    document = ReadinessDocument(
        application=application.name,
        at=snapshot.at,
        target=target,
        score=100 * hold // len(rulings),
        gates={ruling.gate.name: ruling.described() for ruling in rulings},
    )
    return Readiness(application, active, document, rulings)


@dataclass(frozen=True)
class Kept:
    """What came of storing an application's snapshot in one region: no error, or why not."""

    application: str
    region: str
    table: str
    error: str | None = None

    def problems(self) -> list[str]:
        """Why a failover into the region could not go by it, in one line; none where it is kept."""
        where = f"{self.region} ({self.table})"
        return [f"{self.application}: the snapshot is not kept in {where}: {self.error}"] if self.error else []

    def as_dict(self) -> dict[str, Any]:
        """For results."""
        return {"application": self.application, "region": self.region, "table": self.table, "error": self.error}


def store(applications: Sequence[Application], documents: Sequence[ReadinessDocument], tools: Tools) -> list[Kept]:
    """Keep snapshots in both regions, as either may be the one that lives. A region that does not answer is told.

    What could not be known this time stays as the snapshot before told it, with the time at which that was known.
    """
    by_name = {document.application: document for document in documents}
    places = [(one, site) for one in applications for site in one.sites if one.name in by_name]
    failed: dict[Access, dict[str, RecoveryError]] = {}
    for access in dict.fromkeys(site.access for _one, site in places):
        here = [(site.state_table, one.name, READINESS) for one, site in places if site.access == access]
        before = _kept_before(here, tools, access)
        items = [
            (place[0], Item(place[1], READINESS, by_name[place[1]].remembering(before[place]).as_dict()))
            for place in here
        ]
        failed[access] = write_together(tools.caller, access, items)
    kept = []
    for one, site in places:
        error = failed[site.access].get(one.name)
        kept.append(Kept(one.name, site.region, site.state_table, str(error) if error else None))
    return kept


def _kept_before(places: Sequence[Place], tools: Tools, access: Access) -> dict[Place, ReadinessDocument | Unknown]:
    """The snapshots that stand there; what cannot be read is not known, and the writing will tell why."""
    found: dict[Place, ReadinessDocument | Unknown] = dict.fromkeys(places, Unknown("it was not read"))
    for batch in batches(places, BATCH_READ_LIMIT):
        try:
            told = read_together(tools.caller, access, batch)
        except RecoveryError:
            continue
        found.update({place: found_in(item) for place, item in told.items() if not isinstance(item, RecoveryError)})
    return found
