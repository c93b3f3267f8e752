"""The record read back: lines in, timelines and requests out.

The kinds of lines, each with `at` in seconds since the epoch:

- `front` (region, state): how the application's address meets its clients: `none` when it serves them, else the kind of
  outage, or `dead` when its process had ended
- `in-service` (region, instances): how many instances serve there
- `database` (region, writes, reads): whether the region's PostgreSQL takes writes and answers reads
- `names` (name, region, addresses, ttl, since): what DNS answers from now on; `since` is when the old answer was last
  seen, so the change lies between the two
- `request` (region, verb, client, number, status, told_at): a write or read that arrived at `at`; `told_at` is when its
  answer went out, nothing when it never did.  A write with status 201 and a `told_at` is one of which its client was
  told that it is stored, on that region's PostgreSQL
- `fault` (what, state, ...): what was done to the lab by hand, when it `began` and `ended`
- `mark` (name): a place in the record that somebody named
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from lab.truth.notebook import FOLDER, predecessor

T = TypeVar("T")


class Unrecorded(ValueError):
    """The record does not reach that far."""


@dataclass(frozen=True)
class Timeline(Generic[T]):
    """A value that changes at moments: `changes` are (seconds since the epoch, value from then on), in order."""

    changes: tuple[tuple[float, T], ...]

    def at(self, moment: float) -> T:
        """The value at a moment.  Raises `Unrecorded` for one before the first change."""
        position = bisect_right(self.changes, moment, key=lambda change: change[0])
        if position == 0:
            raise Unrecorded(f"nothing is recorded of {moment:.3f}")
        return self.changes[position - 1][1]

    def moments(self) -> tuple[float, ...]:
        """When it changes."""
        return tuple(moment for moment, _value in self.changes)


@dataclass(frozen=True)
class Names:
    """What DNS answers for a name: the region whose application it leads to (nothing where it leads elsewhere)."""

    region: str | None
    addresses: tuple[str, ...]
    ttl: float
    """Seconds for which a client may believe it."""
    since: float
    """When the answer before it was last seen."""


@dataclass(frozen=True)
class Request:
    """A numbered write or a read as the application met it."""

    at: float
    region: str
    verb: str
    client: str
    number: int | None
    status: int
    told_at: float | None

    @property
    def stored(self) -> bool:
        """Whether it is a write that its client was told is stored."""
        return self.verb == "write" and self.status == 201 and self.told_at is not None


@dataclass(frozen=True)
class Record:
    """Everything that was noted, by kind, in the order of time."""

    fronts: Mapping[str, Timeline[str]]
    in_service: Mapping[str, Timeline[int]]
    writes: Mapping[str, Timeline[bool]]
    reads: Mapping[str, Timeline[bool]]
    names: Mapping[str, Timeline[Names]]
    requests: tuple[Request, ...]
    faults: tuple[Mapping[str, Any], ...]
    marks: Mapping[str, float]

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that have an application."""
        return tuple(sorted(self.fronts))


def parse(lines: Iterable[str]) -> Record:
    """Read lines in any order.  A line that was cut off is left out: a process was killed while it wrote it."""
    found = sorted(_decoded(lines), key=lambda one: float(one["at"]))
    return Record(
        fronts=_timelines(found, "front", "region", lambda one: str(one["state"])),
        in_service=_timelines(found, "in-service", "region", lambda one: int(one["instances"])),
        writes=_timelines(found, "database", "region", lambda one: bool(one["writes"])),
        reads=_timelines(found, "database", "region", lambda one: bool(one["reads"])),
        names=_timelines(found, "names", "name", _names),
        requests=tuple(_request(one) for one in found if one["kind"] == "request"),
        faults=tuple(one for one in found if one["kind"] == "fault"),
        marks={str(one["name"]): float(one["at"]) for one in found if one["kind"] == "mark"},
    )


def load(home: Path) -> Record:
    """The record of the lab in that folder.  Raises `Unrecorded` where there is none."""
    files = sorted((home / FOLDER).glob("*.jsonl"))
    if not files:
        raise Unrecorded(f"there is no record below {home / FOLDER}: has a lab run there?")
    return parse(line for file in files for part in (predecessor(file), file) for line in _lines(part))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _decoded(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "at" in value and "kind" in value:
            yield value


def _timelines(found: list[dict[str, Any]], kind: str, key: str, value: Any) -> dict[str, Timeline[Any]]:
    changes: dict[str, list[tuple[float, Any]]] = {}
    for one in found:
        if one["kind"] != kind:
            continue
        of_key, now = changes.setdefault(str(one[key]), []), value(one)
        if not of_key or of_key[-1][1] != now:
            of_key.append((float(one["at"]), now))
    return {name: Timeline(tuple(of_key)) for name, of_key in changes.items()}


def _names(one: Mapping[str, Any]) -> Names:
    since = one.get("since")
    return Names(
        None if one.get("region") is None else str(one["region"]),
        tuple(one.get("addresses") or ()),
        float(one.get("ttl") or 0),
        float(one["at"] if since is None else since),
    )


def _request(one: Mapping[str, Any]) -> Request:
    return Request(
        float(one["at"]), str(one["region"]), str(one["verb"]), str(one["client"]), one.get("number"),
        int(one["status"]), one.get("told_at"),
    )  # fmt: skip
