"""Which time is asked about: from a report, from a journal, or by hand."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
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
    for line in path.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event.get("kind") == "run-opened" and opened is None:
            opened = float(event["at"])
        elif event.get("kind") == "run-closed":
            closed = float(event["at"])
    if opened is None:
        raise NoWindow(f"{path} holds no opening of a run")
    until = time.time() if closed is None else closed + SETTLING
    return Window(opened, _seen(record, until), _writer(record, until), name)


def by_hand(since: str, until: str | None, record: Record, name: str, now: Callable[[], float] = time.time) -> Window:
    """The window since a moment (or a mark of the record), for the region that is written at its end."""
    begin = moment(since, record, now)
    end = now() if until is None else moment(until, record, now)
    if end <= begin:
        raise NoWindow(f"the window ends before it begins: {since} to {until}")
    return Window(begin, end, _writer(record, end), name)


def moment(text: str, record: Record, now: Callable[[], float] = time.time) -> float:
    """A time: seconds since the epoch, so long ago (90s, 5m, 1h), ISO 8601, or the name of a mark."""
    if text in record.marks:
        return record.marks[text]
    ago = _AGO.match(text)
    if ago:
        return now() - float(ago[1]) * _UNITS[ago[2]]
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        marks = ", ".join(sorted(record.marks)) or "none yet"
        raise NoWindow(f"{text!r} is no time (1780000000.5, 2026-01-31T12:00:00Z, 5m) and no mark ({marks})") from None
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
