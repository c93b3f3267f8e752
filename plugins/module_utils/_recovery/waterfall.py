# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the time of an outage went: every millisecond of it in one part, and none in two.

Steps run side by side, so their times cannot be added up. What an outage waited for is one chain of steps, the
critical path: each began when the one before it had ended. The parts are cut out of the outage along that chain.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .steps.registry import MODES

DETECT, DECIDE, CLIENT, UNASSIGNED = "detect", "decide", "client", "unassigned"
PARTS = (DETECT, DECIDE, "fence", "promote", "scale", "verify", "shift", CLIENT, UNASSIGNED)
"""`unassigned` is what lies between two steps of the chain, and everything where there is no journal."""

LETS_CLIENTS_IN = "switch-traffic"
"""The last step that clients wait for. What comes after it looks on, and puts the left site in order."""

DONE, FAILED, OPEN = "done", "failed", "open"


@dataclass(frozen=True)
class StepSpan:
    """A step as the journal tells it; times are in seconds since the epoch.

    `outcome` is done, failed (given up, where `required` is false), or open when the journal does not tell its end.
    """

    name: str
    stage: str
    begin: float
    end: float
    outcome: str
    reason: str = ""
    needs: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True)
class Segment:
    """A stretch of the outage: its part, the step that it was spent on, and from when to when, in milliseconds after
    the outage began.
    """

    part: str
    step: str
    begin_ms: int
    end_ms: int

    @property
    def ms(self) -> int:
        """How long."""
        return self.end_ms - self.begin_ms


@dataclass(frozen=True)
class Waterfall:
    """An outage in segments without a gap and without an overlap; without segments, `reason` says why."""

    segments: tuple[Segment, ...] = ()
    reason: str = ""

    @property
    def ms(self) -> int:
        """The whole, in milliseconds."""
        return sum(segment.ms for segment in self.segments)

    def parts(self) -> dict[str, int]:
        """Milliseconds by part, in the order of a move."""
        return {part: sum(one.ms for one in self.segments if one.part == part) for part in PARTS}


def step_spans(events: Iterable[Mapping[str, Any]]) -> tuple[StepSpan, ...]:
    """The steps in the order in which they began.

    A run that was interrupted and gone on with begins everything again: what was done before stays done, and what had
    failed goes on from its first begin to its new end.
    """
    found: dict[str, StepSpan] = {}
    mode = ""
    for event in sorted(events, key=lambda one: (one["at"], one.get("seq", 0))):
        kind, name, at = event["kind"], str(event.get("step") or ""), float(event["at"])
        if kind == "run-opened":
            mode = str((event.get("detail") or {}).get("mode", ""))
        if not name or kind in ("gate", "lease"):
            continue
        span = found.get(name)
        if span is not None and (span.outcome == DONE or (span.outcome == FAILED and kind != "step-begin")):
            continue
        needs, required = _row(mode, name)
        found[name] = StepSpan(
            name,
            str(event.get("stage") or ""),
            span.begin if span else at,
            at,
            {"step-done": DONE, "step-failed": FAILED}.get(kind, OPEN),
            str(event.get("reason") or "") if kind in ("step-done", "step-failed") else "",
            needs,
            required,
        )
    return tuple(sorted(found.values(), key=lambda span: span.begin))


def critical_path(spans: Sequence[StepSpan]) -> tuple[StepSpan, ...]:
    """The chain of steps that clients waited for, the first one first.

    It is followed back from the step that let them in (or, where none did, from the one that ended last): what a step
    waited for is that of the steps it needs which ended last.
    """
    by_name = {span.name: span for span in spans}
    current = by_name.get(LETS_CLIENTS_IN) or max(spans, key=lambda span: span.end, default=None)
    chain: list[StepSpan] = []
    while current is not None and current not in chain:
        chain.append(current)
        needed = [by_name[name] for name in current.needs if name in by_name]
        current = max(needed, key=lambda span: span.end, default=None)
    return tuple(reversed(chain))


def waterfall(begin: float, end: float, opened_at: float | None, path: Sequence[StepSpan]) -> Waterfall:
    """Cuts the outage from `begin` to `end` (seconds since the epoch) into its parts.

    Before the run was opened it is `detect`; until the first step of the critical path began, `decide`; then each
    step's stage; after the last of them, `client`. Each cut is rounded to a millisecond once and serves both its
    neighbours, so that the parts make up the whole to the millisecond.
    """
    whole = max(0, _ms(end - begin))
    segments: list[Segment] = []
    at = 0
    for until, part, step in [*_cuts(opened_at, path), (end, CLIENT if path else UNASSIGNED, "")]:
        to = min(whole, max(at, _ms(until - begin)))
        if to > at:
            segments.append(Segment(part, step, at, to))
        at = to
    return Waterfall(tuple(segments))


def _ms(seconds: float) -> int:
    """As the report rounds seconds: to three decimals."""
    return round(round(seconds, 3) * 1000)


def _cuts(opened_at: float | None, path: Sequence[StepSpan]) -> list[tuple[float, str, str]]:
    """Up to when, which part, and on which step; a cut that lies before the one before it is empty."""
    cuts: list[tuple[float, str, str]] = []
    if opened_at is not None:
        cuts.append((opened_at, DETECT, ""))
    for number, (span, after) in enumerate(itertools.zip_longest(path, path[1:])):
        cuts.append((span.begin, UNASSIGNED if number or opened_at is None else DECIDE, ""))
        # What was given up and gone past, and tried anew when the run was gone on with, was not waited for until then.
        until = min(span.end, after.begin) if after else span.end
        cuts.append((until, span.stage if span.stage in PARTS else UNASSIGNED, span.name))
    return cuts


def _row(mode: str, step: str) -> tuple[tuple[str, ...], bool]:
    """What a step needs in this mode, and whether the move depends on it."""
    rows = MODES[mode].rows if mode in MODES else ()
    return next(((row.needs, row.required) for row in rows if row.step.name == step), ((), True))
