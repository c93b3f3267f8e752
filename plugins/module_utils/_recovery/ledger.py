# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The deployment ledger: what was there before a deploy began, so that a rollback takes back only what it created.

One JSON object a line, appended and never rewritten. Runs that follow one another without success are one deployment:
what the first of them created is still "created by this deployment" when the third one fails.

========== ==========================================================================================
event      meaning
========== ==========================================================================================
begun      a run began
noted      a resource that the run manages, and whether it existed before
completed  the run reached its end; the next one begins a new deployment
failed     the run stopped in ``phase``
absent     a resource that the failed run did not get to: whoever makes it from now on, it was not that run
deleted    a rollback took the resource back
========== ==========================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .resources import Resource

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Deployment:
    """What the ledger knows of a deployment: its resources that did not exist before, in order of creation."""

    run_id: str = ""
    completed: bool = False
    created: tuple[Resource, ...] = ()


def line(event: Event) -> str:
    """Return an event as a line of the ledger; equal events make equal lines."""
    return json.dumps(event, sort_keys=True, separators=(",", ":"))


def parse(text: str) -> list[dict[str, Any]]:
    """Return the events of a ledger; a last line that was cut off by a crash is left out."""
    events = []
    for one in text.splitlines():
        try:
            event = json.loads(one)
        except ValueError:
            continue
        if isinstance(event, dict) and "event" in event:
            events.append(event)
    return events


def merge(*copies: Sequence[Event]) -> list[Event]:
    """Return the events of several copies of one ledger, each once, in order of time, then as they stood."""
    unique = {line(event): event for copy in copies for event in copy}
    return sorted(unique.values(), key=lambda event: float(event.get("at", 0)))


def run_event(event: str, run_id: str, at: float, **detail: Any) -> dict[str, Any]:
    """Return an event about a whole run. ``at`` is in seconds since the epoch."""
    return {"event": event, "run_id": run_id, "at": at, **detail}


def noted(run_id: str, at: float, order: int, resource: Resource, existed: bool) -> dict[str, Any]:
    """Return the note about one resource, made before the run created anything."""
    return {
        "event": "noted",
        "run_id": run_id,
        "at": at,
        "order": order,
        "existed": existed,
        "resource": {**asdict(resource), "stands_on": list(resource.stands_on)},
    }


def absent(run_id: str, at: float, resource: Resource) -> dict[str, Any]:
    """Return the note that a failed run has not created a resource."""
    return {**deleted(run_id, at, resource), "event": "absent"}


def deleted(run_id: str, at: float, resource: Resource) -> dict[str, Any]:
    """Return the note that a rollback took a resource back."""
    return {
        "event": "deleted",
        "run_id": run_id,
        "at": at,
        "resource": {**asdict(resource), "stands_on": list(resource.stands_on)},
    }


def resource_of(event: Event) -> Resource:
    """Return the resource that an event is about."""
    fields = dict(event["resource"])
    return Resource(**{**fields, "stands_on": tuple(fields.get("stands_on", ()))})


def creates(events: Iterable[Event], run_id: str) -> bool:
    """Return whether a run began with something to create."""
    return any(
        event["event"] == "noted"
        and event["run_id"] == run_id
        and not event["existed"]
        and not event["resource"].get("optional")
        for event in events
    )


def last_deployment(events: Iterable[Event], everything: bool = False) -> Deployment:
    """Return the last deployment, or with ``everything`` all of them as one.

    A resource counts as created when the first note about it in the deployment says that it was absent, unless the run
    did not get to it, or a rollback has taken it back since.
    """
    created: dict[tuple[str, str, str], Resource] = {}
    known: set[tuple[str, str, str]] = set()
    run_id, completed = "", False
    for event in events:
        kind = event["event"]
        if kind == "begun":
            if completed and not everything:
                created, known = {}, set()
            run_id, completed = str(event["run_id"]), False
        elif kind == "completed":
            completed = True
        elif kind == "noted":
            resource = resource_of(event)
            if not event["existed"] and resource.key not in known:
                created[resource.key] = resource
            known.add(resource.key)
        elif kind in ("deleted", "absent"):
            resource = resource_of(event)
            created.pop(resource.key, None)
            known.discard(resource.key)
    return Deployment(run_id, completed, tuple(created.values()))
