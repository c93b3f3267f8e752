# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a step is.

A step is level-triggered: ``observe`` says where the thing is, and only where it is not yet where it should be are the
``calls`` made; making them twice does no harm. Both are pure functions of a world. The runner makes the calls, so that
the plan, the journal and AWS see the same ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..calls import CallOutcome, PlannedCall
from ..model import Application, Site
from ..snapshot import Facet, Snapshot

RECONCILE = "reconcile"
TARGET = "target"
SOURCE = "source"


@dataclass(frozen=True)
class Watch:
    """A facet that a step looks at, at the site that is moved to (target) or away from (source)."""

    facet: Facet
    side: str


@dataclass(frozen=True)
class Move:
    """One application's move."""

    application: Application
    place: str  # of the target
    planned: bool
    intent: str
    run_id: str
    accept_data_loss: bool = False
    opened_at: float = 0.0
    writer_at_start: str | None = None  # ARN: the state on which the plan was made (compare and set)
    version_at_start: str | None = None  # the engine version of the global cluster, likewise
    break_lease: str = ""  # the run whose lease may be taken away from it
    accept_unfenced: bool = False  # promote although the old site's writers could not be stopped (R7)
    overwrite_secrets: tuple[str, ...] = ()  # named by the operator: their copy in the old region may be replaced
    without_job: bool = False  # reconcile although no job was kept: the operator knows of the unplanned move

    @property
    def mode(self) -> str:
        """planned, unplanned, or reconcile: not a move, but what is left of one when the old region is back."""
        if self.intent == RECONCILE:
            return RECONCILE
        return "planned" if self.planned else "unplanned"

    @property
    def target(self) -> Site:
        """The site that becomes active."""
        return self.application.site(self.place)

    @property
    def source(self) -> Site:
        """The site that is left."""
        return self.application.other(self.place)

    def side(self, side: str) -> Site:
        """The site that TARGET or SOURCE stands for."""
        return self.target if side == TARGET else self.source


@dataclass(frozen=True)
class World:
    """All that a step may look at."""

    move: Move
    snapshot: Snapshot
    now: float
    outcomes: tuple[CallOutcome, ...] = ()  # of this step's own calls in this run, oldest first

    @property
    def last(self) -> CallOutcome | None:
        """The newest outcome of this step's calls."""
        return self.outcomes[-1] if self.outcomes else None


class State(Enum):
    """Where a thing is."""

    DONE = "done"
    NEEDED = "needed"  # not where it should be: make the calls
    UNDERWAY = "under way"  # asked for; wait
    UNREACHABLE = "unreachable"  # cannot be seen nor changed
    IMPOSSIBLE = "impossible"  # waiting will not help


@dataclass(frozen=True)
class Observation:
    """What ``observe`` found; ``reason`` is what is being waited for, or why it cannot be."""

    state: State
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


DONE = Observation(State.DONE)


def done_but(warning: str, **detail: object) -> Observation:
    """Done as far as it can be; the warning is told and kept."""
    return Observation(State.DONE, warning, {**detail, "warning": warning})


def needed(reason: str) -> Observation:
    """Not where it should be."""
    return Observation(State.NEEDED, reason)


def underway(reason: str) -> Observation:
    """On its way."""
    return Observation(State.UNDERWAY, reason)


def unreachable(reason: str) -> Observation:
    """Cannot be seen."""
    return Observation(State.UNREACHABLE, reason)


def impossible(reason: str) -> Observation:
    """Cannot be done."""
    return Observation(State.IMPOSSIBLE, reason)


class Expects(Enum):
    """What the global cluster must be like right before a mutating call of a step (compare and set)."""

    AS_PLANNED = "the writer that the plan was made on, or the target"
    NOT_MOVED = "the writer that the plan was made on, and no operation under way"
    TARGET_IS_WRITER = "the target"
    NOTHING = "nothing: the call changes nothing that anybody else could have changed"


class Step(ABC):
    """One thing that a move changes, and the check that says that it is done."""

    name: str
    stage: str
    deadline_seconds: float
    deadline_reason: str
    poll_seconds: float = 1.0
    repeat_seconds: float = 10.0
    """Calls are not made again before this, so that what AWS has accepted has time to show."""
    accompanies: bool = False
    """True: goes along when something else is to be moved, and is no reason for a move by itself."""
    remembered: bool = True
    """Whether what was done in an earlier, interrupted process of the same run still counts."""

    makes: tuple[tuple[str, str], ...] = ()
    """Its mutating calls, as "service Operation", each with the side to whose region it is sent (R1)."""
    expects: Expects = Expects.AS_PLANNED
    """What is compared before each of its mutating calls."""
    blind: bool = True
    """Whether they are sent all the same while that cannot be read."""
    absolute: bool = False
    """True: what it sets does not depend on what was there, such as a fence; only the global cluster is compared."""

    def when_late(self, move: Move) -> str:
        """What it means that its deadline is over, and what to do."""
        del move
        return self.deadline_reason

    @abstractmethod
    def watches(self, move: Move) -> frozenset[Watch]:
        """What must be read before ``observe``."""

    @abstractmethod
    def observe(self, world: World) -> Observation:
        """Where the thing is."""

    @abstractmethod
    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """The calls that bring it where it should be, in order; none where it is there already."""


def watching(*pairs: tuple[Facet, str]) -> frozenset[Watch]:
    """Shorthand."""
    return frozenset(Watch(facet, side) for facet, side in pairs)


def never(move: Move) -> bool:
    """Nothing is forgiven."""
    del move
    return False


@dataclass(frozen=True)
class Row:
    """A step in a mode: after which others it may begin, and whether the move fails with it.

    ``forgiven`` says in which moves a required step may be given up, because the operator has accepted that.
    """

    step: Step
    needs: tuple[str, ...] = ()
    required: bool = True
    forgiven: Callable[[Move], bool] = never

    def demanded(self, move: Move) -> bool:
        """Whether this move fails with the step."""
        return self.required and not self.forgiven(move)
