"""Which writes were lost: clients were told that they are stored, and the database that is written now lacks them.

Told by whom and when stands in the record; what is stored comes from PostgreSQL.  A write that was told by the region
which lost the writer, before the other one took over, and is missing there, was lost with that move.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from lab.truth.record import Record, Request

Row = tuple[str, int]
"""A write: its client and its number."""


@dataclass(frozen=True)
class Losses:
    """The writes that a move lost, in the order in which they were told."""

    writes: tuple[Request, ...]
    last_kept: float | None
    """When the last one was told that was kept and came before the first that was lost."""
    last_kept_of: Mapping[str, float] = field(default_factory=dict)
    """The same by client, among its own writes; without a client of which none was kept before."""

    def of(self, client: str) -> tuple[Request, ...]:
        """Those of one client."""
        return tuple(one for one in self.writes if one.client == client)

    @property
    def seconds(self) -> float:
        """The time that was lost: from the last write that was kept before the first lost one, to the last lost one."""
        return _seconds(self.writes, self.last_kept)

    @property
    def written_seconds(self) -> float:
        """The time in which what was lost was written: from the first lost write to the last.

        It is shorter than `seconds` by the pause before it, in which nothing was written: a standby that had all of
        that was not behind yet, so this is what a bound has to reach.
        """
        return _seconds(self.writes, None)

    def seconds_of(self, client: str) -> float:
        """The time that one client lost, by its own writes alone."""
        return _seconds(self.of(client), self.last_kept_of.get(client))


def _seconds(lost: Sequence[Request], last_kept: float | None) -> float:
    if not lost:
        return 0.0
    return told(lost[-1]) - (lost[0].at if last_kept is None else last_kept)


def told(write: Request) -> float:
    """When its client was told; seconds since the epoch."""
    return write.at if write.told_at is None else write.told_at


def promotions(record: Record) -> tuple[tuple[float, str], ...]:
    """When which region took the writer over: (seconds since the epoch, region), the first writer of the lab too."""
    found: list[tuple[float, str]] = []
    for region, timeline in record.writes.items():
        found += [(moment, region) for moment, writes in timeline.changes if writes]
    return tuple(sorted(found))


def lost_writes(record: Record, stored: Collection[Row], target: str, until: float) -> Losses:
    """What was lost when the region `target` last took over before `until`.

    `stored` is what the database holds that is written now.
    """
    taken = [(moment, region) for moment, region in promotions(record) if moment <= until]
    position = next((index for index in reversed(range(len(taken))) if taken[index][1] == target), None)
    if position is None:
        return Losses((), None)
    before = taken[position - 1][0] if position else float("-inf")
    # A region that is lost may go on telling its clients after the other one took over, where nothing fences it.
    mine = [
        one for one in record.requests
        if one.stored and one.region != target and before <= told(one) and one.at <= until
    ]  # fmt: skip
    mine.sort(key=told)
    held = frozenset(stored)
    lost = tuple(one for one in mine if (one.client, one.number) not in held)
    kept = [told(one) for one in mine if lost and told(one) < told(lost[0])]
    return Losses(lost, max(kept, default=None), _last_kept(mine, lost))


def _last_kept(writes: Iterable[Request], lost: Sequence[Request]) -> dict[str, float]:
    """By client that lost something: when the last of its writes before that was told; `writes` in that order."""
    first = {one.client: told(one) for one in reversed(lost)}
    return {one.client: told(one) for one in writes if told(one) < first.get(one.client, float("-inf"))}


def durable(record: Record, stored: Mapping[str, Collection[Row]], begin: float, end: float) -> dict[str, int]:
    """How many of the writes that were told in that time each region's PostgreSQL holds."""
    rows = {(one.client, one.number) for one in record.requests if one.stored and begin <= told(one) <= end}
    return {region: sum(row in rows for row in held) for region, held in sorted(stored.items())}


def read(conninfos: Mapping[str, str]) -> dict[str, frozenset[Row]]:
    """What each region's PostgreSQL holds; a region whose server does not answer is left out."""
    found: dict[str, frozenset[Row]] = {}
    for region, conninfo in conninfos.items():
        try:
            with psycopg.connect(conninfo) as connection:
                rows: Sequence[tuple[Any, ...]] = connection.execute("SELECT client, number FROM writes").fetchall()
        except psycopg.Error:
            continue
        found[region] = frozenset((str(client), int(number)) for client, number in rows)
    return found
