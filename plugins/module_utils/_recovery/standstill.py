# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a move has come to that did not end, as its journal tells: was the writer moved, and does anybody serve?

An unplanned move shuts the old site before it asks for the promotion. Where that is refused for good, neither site
serves, and the operator has to know that, and what opens the old one again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import NO_ANSWER
from .guards import CHANGED, LOOK_AGAIN
from .retries import SERVER_SIDE
from .steps.pending_job import opening_command
from .steps.registry import FENCES, UNPLANNED

Events = Sequence[Mapping[str, Any]]

BEGINNINGS = ("run-opened", "run-resumed")
IN_DOUBT = frozenset({None, NO_ANSWER, CHANGED, LOOK_AGAIN}) | SERVER_SIDE
"""Codes of a promotion that AWS may have carried out all the same, or that somebody else has asked for."""


def has_moved(events: Events) -> bool | None:
    """Whether the run has moved the writer; None where that is not known."""
    held = [not _lost_its_lease(event) for event in events if _lost_its_lease(event) or event["kind"] in BEGINNINGS]
    if held and not held[-1]:
        return None  # another process goes on, and who knows how far it is
    promotion = [event for event in events if event.get("step") == "promote"]
    if any(event["kind"] == "step-done" for event in promotion):
        return True
    calls = [event for event in promotion if event["kind"] in ("intent", "result")]
    if not calls:
        return None if promotion else False
    last = calls[-1]
    refused = last["kind"] == "result" and last.get("reason")
    return False if refused and (last.get("detail") or {}).get("code") not in IN_DOUBT else None


def _lost_its_lease(event: Mapping[str, Any]) -> bool:
    return event["kind"] == "lease" and bool((event.get("detail") or {}).get("lost"))


def is_shut(events: Events) -> bool:
    """Whether an unplanned move has shut the site that had the writer when it began, or a part of it."""
    opened = next((event.get("detail") or {} for event in events if event["kind"] == "run-opened"), {})
    writer = str(opened.get("writer") or "").split(":")
    if opened.get("mode") != UNPLANNED.name or writer[3:4] == [opened.get("to_region")]:
        return False
    return any(_shuts(event) for event in events if event.get("step") in FENCES)


def _shuts(event: Mapping[str, Any]) -> bool:
    if event["kind"] == "result":
        return not event.get("reason") and (event.get("call") or {}).get("service") != "dynamodb"
    return bool(event["kind"] == "step-done")


def nobody_serves(events: Events, place: str, region: str, application: str) -> str | None:
    """What an operator has to know of a move that did not end: ``place`` in ``region`` was left, and is shut."""
    moved = has_moved(events)
    if moved or not is_shut(events):
        return None
    shut, gives_back = f"{region} is shut", f"{opening_command(place, application)} opens it again"
    if moved is None:
        return (
            f"{shut}, and whether the writer was moved is not known: region_switch_info says where it is, and the same "
            f"move, run again, goes on. Where the writer is still there, {gives_back}"
        )
    return (
        f"{shut} and the writer was not moved, so {application} is served from nowhere: run the same move again once "
        f"what stood in the way is mended, or {gives_back}"
    )
