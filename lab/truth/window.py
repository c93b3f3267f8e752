"""Which time is asked about: from a report, from a journal, or by hand."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.truth.losses import promotions
from lab.truth.moves import APART, Window
from lab.truth.record import Record

SETTLING = 3.0
"""Seconds after the closing of a run in which its outage may end: the probe looks on that long at least."""
_AGO = re.compile(r"^(\d+(?:\.\d+)?)([smh])$")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class NoWindow(ValueError):
    """What was given says no window; the message says what would."""


def of_report(report: Mapping[str, Any], record: Record, name: str, stable_samples: int = 10) -> Window:
    """The window of a move from its `report.json`.  Raises `NoWindow` for one that did not end."""
    opened, closed = report.get("opened_at"), report.get("closed_at")
    if opened is None or closed is None:
        raise NoWindow(f"the move {report.get('run_id')} did not end: its report has no closing")
    probe = report.get("probe") or {}
    return Window(
        opened_at=float(opened),
        until=_seen(record, float(closed) + SETTLING),
        target=str(report["to"]["region"]),
        name=(str(probe.get("host") or "") or name).rstrip(".") + ".",
        client=probe.get("client"),
        apart=stable_samples * float(probe.get("interval_seconds") or APART / stable_samples),
    )


def of_journal(path: Path, record: Record, name: str) -> Window:
    """The window of the run whose journal (JSON lines) that is.  The region that it moved to is the one written now."""
    opened = closed = None
    for event in _objects(path, [line for line in text(path).splitlines(keepends=True) if line.endswith("\n")]):
        if event.get("kind") == "run-opened" and opened is None:
            opened = float(event["at"])
        elif event.get("kind") == "run-closed":
            closed = float(event["at"])
    if opened is None:
        raise NoWindow(f"{path} holds no opening of a run")
    until = time.time() if closed is None else closed + SETTLING
    return Window(opened, _seen(record, until), _writer(record, until), name)


def read_report(path: Path) -> dict[str, Any]:
    """A `report.json`.  Raises `NoWindow` for what is none."""
    [report] = _objects(path, [text(path)])
    if not {"measured", "to", "opened_at", "closed_at"} <= set(report):
        raise NoWindow(f"{path} is no report of a move: a report.json of rto_report is wanted")
    return report


def text(path: Path) -> str:
    """What stands in a file.  Raises `NoWindow` for one that cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoWindow(f"{path} cannot be read: {error}") from error


def _objects(path: Path, texts: Iterable[str]) -> list[dict[str, Any]]:
    try:
        found = [json.loads(one) for one in texts]
    except ValueError as error:
        raise NoWindow(f"{path} is not JSON: {error}") from error
    if not all(isinstance(one, dict) for one in found):
        raise NoWindow(f"{path} holds no JSON objects")
    return found


def by_hand(since: str, until: str | None, record: Record, name: str, now: Callable[[], float] = time.time) -> Window:
    """The window since a moment (or a mark of the record), for the region that is written at its end."""
    begin = moment(since, record, now)
    end = now() if until is None else moment(until, record, now)
    if end <= begin:
        raise NoWindow(f"the window ends before it begins: {since} to {until}")
    return Window(begin, end, _writer(record, end), name)


def moment(said: str, record: Record, now: Callable[[], float] = time.time) -> float:
    """A time: seconds since the epoch, so long ago (90s, 5m, 1h), ISO 8601, or the name of a mark."""
    if said in record.marks:
        return record.marks[said]
    ago = _AGO.match(said)
    if ago:
        return now() - float(ago[1]) * _UNITS[ago[2]]
    try:
        return float(said)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        marks = ", ".join(sorted(record.marks)) or "none yet"
        raise NoWindow(f"{said!r} is no time (1780000000.5, 2026-01-31T12:00:00Z, 5m) and no mark ({marks})") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _writer(record: Record, until: float) -> str:
    """The region that took the writer over last."""
    taken = [region for moment_, region in promotions(record) if moment_ <= until]
    if not taken:
        raise NoWindow("the record knows of no database that takes writes")
    return taken[-1]


def _seen(record: Record, until: float) -> float:
    """Not later than the record itself: what has not happened yet is not known."""
    return min(until, time.time())
