"""When an application could not be written or read, from what the lab recorded.  Pure functions.

**A region can take writes** at a moment when all of this holds: its application meets its clients (no outage of its
address, its process alive), at least one instance is in service, and its PostgreSQL takes writes.  It **can be read**
when the same holds and its PostgreSQL answers reads, be it the writer or a standby.

**An outage for a client** is a time in which the region whose address the client uses cannot do what it wants.  Which
address that is depends on the client, so there are three of them:

- `asking`: asks DNS before each request, the earliest that anybody can come back
- `believing`: may have asked at any moment, and believes the answer for its whole TTL; it is without service as soon as
  *some* such client is, so no client that obeys the TTL is later
- a named one, that is known by its requests: it obeys the TTL, and goes over to another region with the first request
  that arrives there, or when the TTL of the old answer is over, whichever comes first; with its writes and its reads
  each by itself.  It asks only when it has something to ask for, so between two requests it uses what it used last

**The outage of a move** is from the beginning of the first such time that belongs to the move to the end of the last:
those that go on when the move is opened or come later, and earlier ones that are parted from the next one, or from the
opening, by less than `apart` seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from lab.truth.record import Names, Record, Request, Timeline, Unrecorded

Want = Literal["writes", "reads"]
SERVING = "none"


@dataclass(frozen=True)
class Span:
    """A time (seconds since the epoch)."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long."""
        return self.end - self.begin


@dataclass(frozen=True)
class Use:
    """A time for which a client uses a region's address."""

    span: Span
    region: str | None


def able(record: Record, region: str, want: Want, moment: float) -> bool:
    """Whether the region can take writes, or be read, at that moment.  Raises `Unrecorded` before the record begins."""
    database = record.writes if want == "writes" else record.reads
    if region not in record.fronts or region not in record.in_service or region not in database:
        raise Unrecorded(f"nothing is recorded of {region}")
    return (
        record.fronts[region].at(moment) == SERVING
        and record.in_service[region].at(moment) > 0
        and database[region].at(moment)
    )


def unable(record: Record, region: str, want: Want, within: Span) -> tuple[Span, ...]:
    """The times within which the region cannot take writes, or be read."""
    database = record.writes if want == "writes" else record.reads
    timelines: tuple[Timeline[object], ...] = (
        record.fronts[region], record.in_service[region], database[region],
    )  # type: ignore[assignment]  # fmt: skip
    moments = sorted({moment for one in timelines for moment in one.moments() if within.begin < moment < within.end})
    edges = [within.begin, *moments, within.end]
    return joined(Span(begin, end) for begin, end in pairwise(edges) if not able(record, region, want, begin))


def asking(names: Timeline[Names], within: Span) -> tuple[Use, ...]:
    """What a client uses that asks DNS before each request."""
    uses = []
    for position, (begin, answer) in enumerate(names.changes):
        end = names.changes[position + 1][0] if position + 1 < len(names.changes) else within.end
        span = Span(max(begin, within.begin), min(end, within.end))
        if span.seconds > 0:
            uses.append(Use(span, answer.region))
    return tuple(uses)


def believing(names: Timeline[Names], within: Span) -> tuple[Use, ...]:
    """What clients may use that believe an answer for its TTL: uses that overlap, as there are many such clients."""
    uses = []
    for position, (begin, answer) in enumerate(names.changes):
        last = names.changes[position + 1][0] + answer.ttl if position + 1 < len(names.changes) else within.end
        span = Span(max(begin, within.begin), min(last, within.end))
        if span.seconds > 0:
            uses.append(Use(span, answer.region))
    return tuple(uses)


def known_by_its_requests(
    names: Timeline[Names], requests: Sequence[Request], client: str, within: Span
) -> tuple[Use, ...]:
    """What the client uses whose requests arrived where they did."""
    mine = [one for one in requests if one.client == client and within.begin <= one.at <= within.end]
    uses: list[Use] = []
    used: str | None = None
    begin = within.begin
    for position, (at, answer) in enumerate(names.changes):
        if at <= within.begin:
            used = answer.region
            continue
        if at >= within.end or answer.region == used:
            continue
        before = names.changes[position - 1][1] if position else answer
        arrived = [one.at for one in mine if one.region == answer.region and one.at >= max(begin, answer.since)]
        over = min([at + before.ttl, *arrived])
        over = min(max(over, begin), within.end)
        uses.append(Use(Span(begin, over), used))
        used, begin = answer.region, over
    uses.append(Use(Span(begin, within.end), used))
    return tuple(use for use in uses if use.span.seconds > 0)


def without(record: Record, uses: Iterable[Use], want: Want) -> tuple[Span, ...]:
    """The times in which a client that uses these addresses cannot do what it wants."""
    found: list[Span] = []
    for use in uses:
        found += [use.span] if use.region is None else unable(record, use.region, want, use.span)
    return joined(found)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same times, those that touch or overlap made one."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.begin, one.end)):
        if found and span.begin <= found[-1].end:
            found[-1] = Span(found[-1].begin, max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def of_the_move(spans: Sequence[Span], opened_at: float, apart: float) -> Span | None:
    """The outage that belongs to a move which was opened at that time; nothing where there was none."""
    first = next((position for position, span in enumerate(spans) if span.end > opened_at - apart), None)
    if first is None:
        return None
    while first > 0 and spans[first].begin - spans[first - 1].end < apart:
        first -= 1
    return Span(spans[first].begin, spans[-1].end)
