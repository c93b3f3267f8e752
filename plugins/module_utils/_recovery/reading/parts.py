# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What all readings are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from ..clients import Caller
from ..model import Access, Application, Site
from ..ports import Clock, Resolver
from ..snapshot import Facet, Snapshot


@dataclass(frozen=True)
class Wanted:
    """What is to be read: a facet of one site of an application."""

    facet: Facet
    application: Application
    site: Site


@dataclass(frozen=True)
class Reading:
    """One piece of reading. ``field`` names the snapshot's mapping; ``keys`` become unknown when it fails."""

    field: str
    keys: tuple[Any, ...]
    read: Callable[[], Mapping[Any, Any]]


class Asker(Protocol):
    """What a reading asks with."""

    caller: Caller
    clock: Clock
    resolver: Resolver
    events_since: float


Maker = Callable[[Asker, Access, Sequence[Wanted], Snapshot], list[Reading]]
"""Turns what is wanted of one region into readings; the snapshot is what earlier stages found."""


@dataclass(frozen=True)
class At:
    """Sends all calls with one access."""

    caller: Caller
    access: Access

    def call(
        self,
        at: Access | str,
        service: str,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        mutates: bool | None = None,
        repeatable: bool = False,
        deadline_seconds: float | None = None,
    ) -> dict[str, Any]:
        del at, repeatable  # only reads are made here
        return self.caller.call(
            self.access, service, operation, params, mutates=mutates, deadline_seconds=deadline_seconds
        )


def pages(
    caller: Caller,
    access: Access,
    service: str,
    operation: str,
    params: Mapping[str, Any],
    member: str,
    marker: str = "Marker",
) -> Iterable[Mapping[str, Any]]:
    """All entries of a listing, page after page."""
    request = dict(params)
    while True:
        answer = caller.call(access, service, operation, request)
        yield from answer.get(member) or []
        if not answer.get(marker):
            return
        request[marker] = answer[marker]


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as boto3 takes a time."""
    return datetime.fromtimestamp(seconds, UTC)


def seconds_of(value: Any) -> float:
    """A time of boto3 as seconds since the epoch."""
    return float(value.timestamp()) if isinstance(value, datetime) else float(value)


def newest(result: Mapping[str, Any]) -> tuple[float, float] | None:
    """The newest sample of one result of GetMetricData: when, and how much."""
    samples = zip(result.get("Timestamps") or [], result.get("Values") or [], strict=False)
    return max(((seconds_of(at), float(value)) for at, value in samples), default=None)
