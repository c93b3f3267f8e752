"""When an event of a scenario is due, told from the journal of the move.  Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lab.gameday.scenario import Event

Journal = Iterable[Mapping[str, Any]]


def moment(when: str, journal: Journal) -> float | None:
    """When the moment of that name was (seconds since the epoch); nothing while it has not come."""
    events = list(journal)
    if when == "opened":
        return _first(events, "run-opened")
    stage, _, edge = when.partition(" ")
    steps = [event for event in events if event.get("stage") == stage and event.get("step")]
    if edge == "begins":
        return _first(steps, "step-begin")
    begun = [event["step"] for event in steps if event["kind"] == "step-begin"]
    ends = {event["step"]: float(event["at"]) for event in steps if event["kind"] in ("step-done", "step-failed")}
    # A stage has ended when none of its steps is under way; a later step begins it anew, and nobody waits for that.
    return max(ends.values()) if begun and set(begun) <= set(ends) else None


def due(event: Event, journal: Journal, phase: float) -> float | None:
    """When the event is to happen; `phase` is its random part of the probe's interval (seconds)."""
    at = moment(event.when, journal)
    return None if at is None else at + event.after + phase


def _first(events: list[Mapping[str, Any]], kind: str) -> float | None:
    return min((float(event["at"]) for event in events if event["kind"] == kind), default=None)
