# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One application's way through a move: which steps wait, run or have ended, decided on snapshots only.

The course decides and remembers; it makes no call and waits for nothing. That is what the runner does, for all courses
together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from .calls import CallOutcome, PlannedCall
from .gates.database import decided
from .guards import CHANGED
from .journal import Journal
from .leases import Leases
from .model import Access
from .plan import Plan
from .retries import is_permanent
from .snapshot import Snapshot, Unknown
from .steps.base import Move, Observation, Row, State, Step, Watch, World, impossible
from .steps.registry import Mode


class Phase(Enum):
    """Where a step is in this run."""

    WAITING = "waiting"  # for the steps that it needs
    RUNNING = "running"
    DONE = "done"
    GIVEN_UP = "given up"  # unreachable, impossible or too late, and the move does not depend on it
    FAILED = "failed"


ENDED = (Phase.DONE, Phase.GIVEN_UP, Phase.FAILED)
SETTLED = (Phase.DONE, Phase.GIVEN_UP)
REFUSED_PAUSE_SECONDS = 2.0
"""Before a call that AWS refused for now is made again: nothing was changed, so nothing has to show first."""

HELD_UP_SECONDS = 5.0
"""Looks are a second or two apart: a process that comes so late has slept, or has waited for AWS all the while."""


@dataclass
class Progress:
    """A step under way."""

    row: Row
    phase: Phase = Phase.WAITING
    began_at: float = 0.0
    ended_at: float = 0.0
    looked_at: float | None = None  # the last time that it was not yet done
    late_since: float | None = None  # since when it may be given up for its deadline
    acted_at: float | None = None
    outcomes: list[CallOutcome] = field(default_factory=list)
    refusal: str | None = None  # AWS said no in a way that trying again cannot change
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> Step:
        """The step."""
        return self.row.step

    def summary(self) -> dict[str, Any]:
        """For results and reports."""
        return {
            "step": self.step.name,
            "stage": self.step.stage,
            "outcome": self.phase.value,
            "began_at": self.began_at or None,
            "ended_at": self.ended_at or None,
            "reason": self.reason,
            "detail": dict(self.detail),
        }


@dataclass(frozen=True)
class Due:
    """Calls that a step wants made now."""

    course: Course
    progress: Progress
    calls: tuple[PlannedCall, ...]


@dataclass
class Course:
    """One application's run."""

    move: Move
    mode: Mode
    journal: Journal
    plan: Plan | None = None
    leases: Leases = field(default_factory=Leases)
    steps: dict[str, Progress] = field(default_factory=dict)
    failure: str | None = None
    changed: bool = False
    decided: bool = False
    """The target is the writer or on its way to it, as AWS said last, whoever has asked for that."""
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steps = {row.step.name: Progress(row) for row in self.mode.rows}
        self.began_at = self.journal.clock.now()

    @property
    def ended(self) -> bool:
        """Nothing is left to be done, or it has failed."""
        return self.failure is not None or all(progress.phase in ENDED for progress in self.steps.values())

    def running(self) -> Iterable[Progress]:
        """Steps under way."""
        return (progress for progress in self.steps.values() if progress.phase is Phase.RUNNING)

    def watches(self) -> set[Watch]:
        """What must be read for the steps under way."""
        return {watch for progress in self.running() for watch in progress.step.watches(self.move)}

    def remember(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take up what an interrupted process of this run has done, as its journal tells."""
        for event in events:
            progress = self.steps.get(event.get("step") or "")
            if progress is None or event["kind"] != "result" or not progress.step.remembered or event.get("reason"):
                continue
            progress.outcomes.append(CallOutcome(_called(event), float(event["at"]), earlier=True))

    def begin_ready(self) -> bool:
        """Begin the steps that have what they need; True when any began."""
        began = False
        for progress in self.steps.values():
            needs = (self.steps[name] for name in progress.row.needs)
            if progress.phase is Phase.WAITING and all(need.phase in SETTLED for need in needs):
                progress.phase = Phase.RUNNING
                progress.began_at = self.journal.clock.now()
                self._write("step-begin", progress)
                began = True
        return began

    def look(self, snapshot: Snapshot, now: float) -> tuple[bool, list[Due]]:
        """Observe the steps under way. Says whether any ended, and what is to be done now."""
        self.see(snapshot)
        ended, due = False, []
        for progress in list(self.running()):
            world = World(self.move, snapshot, now, tuple(progress.outcomes))
            seen = progress.step.observe(world)
            if progress.refusal and seen.state is not State.DONE:
                seen = impossible(progress.refusal)
            seen = self._with_last_answer(progress, seen)
            if self._end(progress, seen, now):
                ended = True
                continue
            self._say(progress, seen)
            if seen.state is State.NEEDED and self._may_act(progress, now):
                calls = progress.step.calls(world)
                if calls:
                    due.append(Due(self, progress, calls))
        return ended, due

    def see(self, snapshot: Snapshot) -> None:
        """Take notice of where the writer is. While no region can say, it is taken to be where it was."""
        view = snapshot.global_cluster(self.move.application, self.move.target, self.move.source)
        if not isinstance(view, Unknown):
            self.decided = decided(self.move, snapshot)

    def past(self, step: str) -> bool:
        """Whether a step has done something, so that it cannot be as before."""
        progress = self.steps[step]
        return progress.phase is Phase.DONE or any(outcome.ok or outcome.in_doubt for outcome in progress.outcomes)

    def past_for_good(self, step: str) -> bool:
        """Whether a step has ended well, or the move has failed before it."""
        return self.failure is not None or self.steps[step].phase is Phase.DONE

    def planned(self, progress: Progress, call: PlannedCall) -> Mapping[str, Any]:
        """What a call changes, as the plan found it; as the step found it where this run has changed it itself."""
        acted = any(o.call.target == call.target and (o.ok or o.in_doubt) for o in progress.outcomes)
        if self.plan is None or acted:
            return call.before
        name, same = progress.step.name, (call.operation, call.region, call.target)
        planned = (one for step, one in self.plan.calls() if step == name)
        return next((one.before for one in planned if (one.operation, one.region, one.target) == same), call.before)

    def note(self, what: str, why: str = "") -> None:
        """Something that could not be done and does not stop the move: once, with the first reason."""
        if not any(note.startswith(what) for note in self.notes):
            self.notes.append(f"{what}: {why}" if why else what)

    def fail(self, reason: str) -> None:
        """The move cannot go on."""
        self.failure = self.failure or reason

    def take(self, progress: Progress, outcome: CallOutcome) -> None:
        """Remember what came of a call."""
        progress.outcomes.append(outcome)
        progress.acted_at = outcome.at
        hopeless = outcome.code is not None and is_permanent(outcome.code) and not outcome.call.optional
        if outcome.code == CHANGED or hopeless:
            progress.refusal = outcome.error
        if outcome.call.mutates and outcome.ok and outcome.call.service != "application":
            self.changed = True

    def _may_act(self, progress: Progress, now: float) -> bool:
        if progress.acted_at is None:
            return True
        last = progress.outcomes[-1] if progress.outcomes else None
        refused = last is not None and not last.ok and not last.in_doubt
        pause = min(progress.step.repeat_seconds, REFUSED_PAUSE_SECONDS) if refused else progress.step.repeat_seconds
        return now - progress.acted_at >= pause

    def _end(self, progress: Progress, seen: Observation, now: float) -> bool:
        if seen.state is State.DONE:
            if seen.detail.get("warning"):
                self.note(progress.step.name, str(seen.detail["warning"]))
            self._close(progress, Phase.DONE, seen.reason, seen.detail)
            return True
        late = self._late(progress, now)
        reason = seen.reason
        if late:
            seconds = progress.step.deadline_seconds
            reason = f"after {seconds:g} s still waiting for {seen.reason}: {progress.step.when_late(self.move)}"
        elif seen.state not in (State.UNREACHABLE, State.IMPOSSIBLE):
            return False
        elif seen.state is State.UNREACHABLE and progress.row.demanded(self.move):
            return False  # wait for it until the deadline
        detail = {"outcome": seen.state.value, **seen.detail}
        if progress.row.demanded(self.move):
            self._close(progress, Phase.FAILED, reason, detail)
            self.fail(f"{progress.step.name}: {reason}")
        else:
            self._close(progress, Phase.GIVEN_UP, reason, detail)
            self.notes.append(f"{progress.step.name}: {reason}")
        return True

    @staticmethod
    def _late(progress: Progress, now: float) -> bool:
        """Whether its time is over. Where a look comes late, or is the first, another one and an act are due."""
        before, progress.looked_at = progress.looked_at, now
        over = now - progress.began_at - progress.step.deadline_seconds
        if over < 0:
            return False
        if progress.late_since is None:
            held_up = before is None or now - before > HELD_UP_SECONDS
            progress.late_since = now if held_up else progress.began_at
        return now - progress.late_since >= progress.step.poll_seconds

    def _close(self, progress: Progress, phase: Phase, reason: str, detail: Mapping[str, Any]) -> None:
        progress.phase, progress.reason, progress.detail = phase, reason, dict(detail)
        progress.ended_at = self.journal.clock.now()
        self._write("step-done" if phase is Phase.DONE else "step-failed", progress, reason, detail)

    def _say(self, progress: Progress, seen: Observation) -> None:
        if seen.reason != progress.reason:
            progress.reason = seen.reason
            self._write("waiting", progress, seen.reason)

    @staticmethod
    def _with_last_answer(progress: Progress, seen: Observation) -> Observation:
        """What is needed and was asked for in vain is told with why, or one would wait without knowing for what."""
        error = progress.outcomes[-1].error if progress.outcomes else None
        if seen.state is not State.NEEDED or not error or error in seen.reason:
            return seen
        return replace(seen, reason=f"{seen.reason} (last answer: {error})")

    def _write(
        self, kind: str, progress: Progress, reason: str | None = None, detail: Mapping[str, Any] | None = None
    ) -> None:
        self.journal.append(kind, progress.step.stage, step=progress.step.name, reason=reason or None, detail=detail)


def _called(event: Mapping[str, Any]) -> PlannedCall:
    call = event.get("call") or {}
    return PlannedCall(
        call.get("service", ""), call.get("operation", ""), Access(call.get("region", "")), call.get("target", ""), {}
    )
