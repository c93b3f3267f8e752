"""The truth of one move: how long clients could not write or read, when DNS led to the new region, what was lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lab.truth import losses, outages
from lab.truth.losses import Losses, Row
from lab.truth.outages import Span, Use, Want
from lab.truth.record import Names, Record, Timeline, Unrecorded

APART = 2.5
"""Seconds of service that part an earlier hiccup from an outage: ten samples, one each quarter of a second."""

BEFORE = 600.0
"""Seconds before the opening of a move in which its outage may have begun."""


SHOWN_BEFORE = 60.0
"""Seconds before the outage, or the opening, from which on faults and instances are shown."""


@dataclass(frozen=True)
class Window:
    """A move as the lab must know it to tell its truth; times in seconds since the epoch."""

    opened_at: float
    until: float
    target: str
    name: str
    """The DNS name of the application, with the final dot."""
    client: str | None = None
    """A client that is known by its numbered writes."""
    apart: float = APART


@dataclass(frozen=True)
class Outage:
    """An outage of a move: nothing where there was none, and without an end where it was not over in the window."""

    span: Span | None
    over: bool
    down_seconds: float
    """How much of the span was really without service."""

    @property
    def seconds(self) -> float | None:
        """From the first moment without service to the last; nothing while it is not over."""
        if self.span is None:
            return 0.0
        return self.span.seconds if self.over else None


@dataclass(frozen=True)
class Truth:
    """What really happened in a window."""

    window: Window
    writes: dict[str, Outage]
    """By client: `asking`, `believing`, and the named one."""
    reads: dict[str, Outage]
    dns: float | None
    """Seconds from the beginning of the write outage (without one, from the opening) until DNS led to the target for
    good, from then to the end of the window; nothing where it never did."""
    met_by: int | None
    """Instances in service at the target when DNS led there for good; nothing where it never did."""
    losses: Losses | None
    """Nothing where PostgreSQL could not be asked."""
    told: int
    """Writes whose clients were told, from the opening on, that they are stored."""
    durable: dict[str, int]
    """How many of those each region's PostgreSQL holds; a region whose server did not answer is left out."""
    faults: tuple[dict[str, Any], ...]
    instances: dict[str, tuple[tuple[float, int], ...]]
    """By region: how many were in service from when on, in the window."""

    @property
    def client(self) -> str:
        """The client whose figures are the ones to compare with."""
        return self.window.client if self.window.client in self.writes and self.window.client else "asking"

    def lost(self) -> int | None:
        """How many writes the named client lost, or all clients where none is named."""
        if self.losses is None:
            return None
        return len(self.losses.of(self.window.client) if self.window.client else self.losses.writes)

    def lost_seconds(self) -> float | None:
        """The time that the named client lost, or all clients together where none is named."""
        if self.losses is None:
            return None
        return self.losses.seconds_of(self.window.client) if self.window.client else self.losses.seconds


def truth_of(
    record: Record,
    window: Window,
    stored: Collection[Row] | None,
    everywhere: Mapping[str, Collection[Row]] = MappingProxyType({}),
) -> Truth:
    """The truth of a window, from the record and what PostgreSQL holds: the one that is written, and each that answers.

    Raises `Unrecorded` where the record does not reach back to the opening of the move.
    """
    names = _names_of(record, window.name)
    within = Span(max(window.opened_at - BEFORE, _begin(record, names)), window.until)
    if window.opened_at < within.begin:
        raise Unrecorded(f"the record begins {within.begin - window.opened_at:.1f} s after the move was opened")
    clients: dict[str, tuple[Use, ...]] = {
        "asking": outages.asking(names, within),
        "believing": outages.believing(names, within),
    }
    writing, reading = dict(clients), dict(clients)
    if window.client and any(one.client == window.client for one in record.requests):
        # It asks DNS for a write and for a read by itself: what a read has reached, a write may not have yet.
        for uses_of, verb in ((writing, "write"), (reading, "read")):
            mine = tuple(one for one in record.requests if one.client == window.client and one.verb == verb)
            known_by = mine or record.requests
            uses_of[window.client] = outages.known_by_its_requests(names, known_by, window.client, within)
    writes = {client: _outage(record, uses, "writes", window) for client, uses in writing.items()}
    reads = {client: _outage(record, uses, "reads", window) for client, uses in reading.items()}
    begun = writes[window.client if window.client in writes and window.client else "asking"].span
    since = min(window.opened_at, window.opened_at if begun is None else begun.begin) - SHOWN_BEFORE
    shown = Span(max(since, within.begin), window.until)
    led_at = _led_at(names, window)
    return Truth(
        window=window,
        writes=writes,
        reads=reads,
        dns=None if led_at is None else max(0.0, led_at - (window.opened_at if begun is None else begun.begin)),
        met_by=None if led_at is None else record.in_service[window.target].at(max(led_at, window.opened_at)),
        losses=None if stored is None else losses.lost_writes(record, stored, window.target, window.until),
        told=sum(one.stored and window.opened_at <= losses.told(one) <= window.until for one in record.requests),
        durable=losses.durable(record, everywhere, window.opened_at, window.until),
        faults=tuple(dict(one) for one in record.faults if shown.begin <= float(one["at"]) <= shown.end),
        instances={region: _during(timeline, shown) for region, timeline in record.in_service.items()},
    )


def lost_by_client(found: Losses) -> dict[str, int]:
    """How many writes each client lost."""
    return dict(sorted(Counter(one.client for one in found.writes).items()))


def _outage(record: Record, uses: tuple[Use, ...], want: Want, window: Window) -> Outage:
    spans = outages.without(record, uses, want)
    span = outages.of_the_move(spans, window.opened_at, window.apart)
    if span is None:
        return Outage(None, over=True, down_seconds=0.0)
    down = sum(one.seconds for one in spans if one.begin >= span.begin)
    return Outage(span, over=span.end < window.until, down_seconds=down)


def _led_at(names: Timeline[Names], window: Window) -> float | None:
    """The last change to the target, if nothing changed afterwards; for ever ago where the answers always led there."""
    answers = [(moment, answer) for moment, answer in names.changes if moment <= window.until]
    if not answers or answers[-1][1].region != window.target:
        return None
    seen = [(moment, answer.since) for moment, answer in answers]
    elsewhere = [position for position, (_moment, answer) in enumerate(answers) if answer.region != window.target]
    if not elsewhere:
        return -math.inf
    # The answer changed between the last look at the old one and the first at the new one.
    moment, since = seen[elsewhere[-1] + 1]
    return (moment + since) / 2


def _names_of(record: Record, name: str) -> Timeline[Names]:
    found = record.names.get(name)
    if found is None:
        known = ", ".join(sorted(record.names)) or "none"
        raise Unrecorded(f"nothing is recorded of what DNS answers for {name} (recorded: {known})")
    return found


def _begin(record: Record, names: Timeline[Names]) -> float:
    """From when on everything that a truth rests on is recorded."""
    timelines: list[Timeline[Any]] = [names]
    for by_region in (record.fronts, record.in_service, record.writes, record.reads):
        timelines += by_region.values()
    return max(one.changes[0][0] for one in timelines)


def _during(timeline: Timeline[int], within: Span) -> tuple[tuple[float, int], ...]:
    later = tuple((moment, value) for moment, value in timeline.changes if within.begin < moment <= within.end)
    return ((within.begin, timeline.at(within.begin)), *later)
