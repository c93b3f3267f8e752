# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a move would do, told before it is done: the steps in order, each with the calls that it makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .calls import PlannedCall
from .snapshot import Snapshot
from .steps.base import Move, Observation, Row, State, Watch, World
from .steps.registry import Mode


@dataclass(frozen=True)
class PlannedStep:
    """A step as it stands when the plan is made."""

    row: Row
    observation: Observation
    calls: tuple[PlannedCall, ...]

    @property
    def to_do(self) -> bool:
        """Whether something is left to be done."""
        return self.observation.state is not State.DONE


@dataclass(frozen=True)
class Plan:
    """One application's plan."""

    move: Move
    mode: Mode
    steps: tuple[PlannedStep, ...]

    @property
    def empty(self) -> bool:
        """All is where it should be: steps that only accompany others do not count."""
        return not any(step.to_do for step in self.steps if not step.row.step.accompanies)

    def calls(self) -> list[tuple[str, PlannedCall]]:
        """The mutating calls in order, with the step that makes them; none when there is nothing to do.

        A step makes up for what an earlier one could not do: where that can do it, the call is that one's.
        """
        made: list[tuple[str, PlannedCall]] = []
        for step in () if self.empty else self.steps:
            before = [_stated(call) for _name, call in made]
            made += [(step.row.step.name, one) for one in step.calls if one.mutates and _stated(one) not in before]
        return made

    def described(self) -> list[dict[str, Any]]:
        """For people and for diff mode."""
        return [{"step": name, **call.described()} for name, call in self.calls()]

    def bookkeeping(self) -> list[dict[str, Any]]:
        """The calls around those of the plan: the leases, and run and journal in the region that will be alive."""
        if self.empty:
            return []
        calls = [("UpdateItem", self.move.side(side), "lease") for side in self.mode.leases]
        calls.append(("BatchWriteItem", self.move.target, "run and journal"))
        name = self.move.application.name
        return [
            PlannedCall("dynamodb", operation, site.access, f"{site.state_table}/{name}/{item}", {}).summary()
            for operation, site, item in calls
        ]


def _stated(call: PlannedCall) -> tuple[Any, ...]:
    return call.service, call.operation, call.region, call.target, call.params


def make_plan(move: Move, mode: Mode, snapshot: Snapshot) -> Plan:
    """The plan on this snapshot."""
    world = World(move, snapshot, snapshot.at)
    return Plan(
        move, mode, tuple(PlannedStep(row, row.step.observe(world), row.step.calls(world)) for row in mode.rows)
    )


def watches(mode: Mode, move: Move) -> Iterable[Watch]:
    """All that the steps of a mode look at."""
    for row in mode.rows:
        yield from row.step.watches(move)
