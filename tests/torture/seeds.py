# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Random worlds by seed: what happens is drawn beforehand, so a seed is a world, and a failing one is shortened."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import steps
from .steps import Move, Step
from .world import World

MOST_STEPS = 12
MOST_MOMENT = 160
EARLY_MOMENT = 50
MOST_CHANGES = 14
NO_CAPACITY = NEVER = 1e7


def drawn(seed: int) -> tuple[Step, ...]:
    """The steps of a seed's world."""
    operators = random.Random(f"operators of {seed}")  # apart, so that what happens is the same whoever moves
    return tuple(_as_operated(step, operators) for step in by_chance(seed))


def _as_operated(step: Step, draw: random.Random) -> Step:
    """What operators say of a move, also of one that begins during another one, and where it is struck."""
    if not isinstance(step, Move):
        return step
    meanwhile = [(moment, _as_operated(one, draw)) for moment, one in step.meanwhile]
    if draw.random() < 0.2:
        other = _move(draw, nested=True)
        other = draw.choice((other, replace(other, target=step.target, mode=step.mode)))
        meanwhile.append((draw.randint(1, EARLY_MOMENT), other))
    if draw.random() < 0.1:
        moment = draw.randint(1, EARLY_MOMENT)
        hands = (
            steps.Abort(),
            steps.MovedByHand(draw.choice(steps.PLACES)),
            steps.InstancesLost(step.target),
            steps.Promotion(NEVER, draw.choice(steps.FENCING), 0.0),
        )
        meanwhile.append((moment, draw.choice(hands)))
    return replace(
        step,
        accept_unfenced=draw.random() < 0.7,
        breaks_lease=draw.random() < 0.3,
        meanwhile=tuple(sorted(meanwhile, key=lambda one: one[0])),
        strikes=((draw.randint(1, MOST_CHANGES), _strike(draw)),) if draw.random() < 0.3 else (),
    )


def by_chance(seed: int) -> tuple[Step, ...]:
    """The same with operators who accept an unfenced promotion, and break no lease."""
    draw = random.Random(seed)
    found = [_step(draw) for _ in range(draw.randint(3, MOST_STEPS))]
    if draw.random() < 0.4:
        at = draw.randint(0, len(found))
        found[at:at] = _disaster(draw)
    return tuple(found)


def _step(draw: random.Random) -> Step:
    make = draw.choices((_move, _writes, _pass, _trouble, _reconcile), weights=(5, 3, 2, 4, 2))[0]
    return make(draw)


def _reconcile(draw: random.Random) -> Step:
    strikes = ((draw.randint(1, MOST_MOMENT), _strike(draw)),) if draw.random() < 0.4 else ()
    return Move(draw.choice(steps.PLACES), "reconcile", meanwhile=strikes)


def _pass(draw: random.Random) -> Step:
    return steps.Pass(draw.choice((1.0, 15.0, 45.0, 61.0, 300.0, 4000.0)))


def _writes(draw: random.Random) -> Step:
    return steps.ClientWrites(draw.randint(1, 6), draw.choice((0.05, 0.4, 2.0)))


def _trouble(draw: random.Random) -> Step:
    place = draw.choice(steps.PLACES)
    return draw.choice(
        (
            steps.Outage(place, draw.choice(steps.OUTAGES), draw.random() < 0.5),
            steps.Outage(place, draw.choice(steps.OUTAGES), draw.random() < 0.5),
            steps.Heal(place),
            steps.Heal(place),
            steps.Throttle(draw.choice((0, 2, 3, 7))),
            steps.ReplicationLag(draw.choice((0.05, 0.5, 5.0, 30.0, 90.0)), draw.random() < 0.8),
            steps.Key(draw.choice(("Enabled", "Enabled", "Disabled", "PendingDeletion"))),
            steps.Launches(draw.choice((0.0, 5.0, 40.0, NO_CAPACITY))),
            steps.DnsDelay(draw.choice((0.0, 3.0, 20.0, 90.0))),
            steps.Promotion(
                draw.choice((0.5, 5.0, 70.0, 400.0)), draw.choice(steps.FENCING), draw.choice((0.0, 0.0, 120.0, 3000.0))
            ),
        )
    )


def _move(draw: random.Random, nested: bool = False) -> Move:
    meanwhile: list[tuple[int, Step]] = []
    for _ in range(draw.choice((0, 0, 1, 1, 2, 3))):
        kinds = (_strike, _trouble, _writes, _pass) if nested else (_strike, _trouble, _writes, _pass, _second)
        meanwhile.append((draw.randint(1, MOST_MOMENT), draw.choice(kinds)(draw)))
    return Move(
        target=draw.choice(steps.PLACES),
        mode=draw.choice(("planned", "unplanned")),
        accept_data_loss=draw.random() < 0.9,
        stop_after=draw.choice((None, None, None, 5.0, 30.0, 100.0)),
        meanwhile=tuple(sorted(meanwhile, key=lambda one: one[0])),
    )


def _disaster(draw: random.Random) -> list[Step]:
    """What chance alone brings too seldom: a standby that falls behind, clients that go on, and then a failover."""
    lost, target = draw.choice((("primary", "dr"), ("dr", "primary")))
    writes = steps.ClientWrites(draw.randint(3, 8), 0.2)
    return [
        steps.Heal(lost),
        steps.Heal(target),
        steps.Promotion(5.0, draw.choice(steps.FENCING), draw.choice((0.0, 120.0))),
        steps.ReplicationLag(draw.choice((0.05, 0.5)), True),
        Move(lost, "reconcile"),
        Move(target, "reconcile"),
        Move(lost, "planned"),
        steps.Pass(100.0),
        writes,
        steps.Outage(lost, draw.choice(steps.OUTAGES), draw.random() < 0.3),
        steps.ReplicationLag(draw.choice((0.5, 5.0, 30.0)), draw.random() < 0.8),
        steps.Pass(draw.choice((0.5, 5.0, 20.0))),
        writes,
        Move(target, "unplanned", meanwhile=((draw.randint(5, 40), writes), (draw.randint(20, 90), writes))),
    ]


def _strike(draw: random.Random) -> Step:
    return draw.choice((steps.Kill(False), steps.Kill(True), steps.LoseAnswer()))


def _second(draw: random.Random) -> Step:
    return _move(draw, nested=True)


@dataclass(frozen=True)
class Outcome:
    """What came of a world: its figures, or what did not hold."""

    figures: Counter[str]
    failure: str | None = None


def lived(happenings: Sequence[Step]) -> Outcome:
    """Let it all happen in a new world, and then let it heal."""
    world = World()
    where = "at once"
    try:
        for number, step in enumerate(happenings, 1):
            where = f"step {number}"
            world.happen(step)
        where = "when all had healed"
        world.settle()
    except AssertionError as error:
        return Outcome(world.figures, f"{where}: {error}")
    return Outcome(world.figures)


def shortened(happenings: tuple[Step, ...]) -> tuple[Step, ...]:
    """As few of them as still fail: steps are left out one at a time, and what happens during moves too."""
    smaller = True
    while smaller:
        smaller = False
        for attempt in _smaller(happenings):
            if lived(attempt).failure:
                happenings, smaller = attempt, True
                break
    return happenings


def _smaller(happenings: tuple[Step, ...]) -> list[tuple[Step, ...]]:
    found = [happenings[:index] + happenings[index + 1 :] for index in reversed(range(len(happenings)))]
    for index, step in enumerate(happenings):
        if isinstance(step, Move):
            during = step.meanwhile
            less = [replace(step, meanwhile=during[:n] + during[n + 1 :]) for n in range(len(during))]
            if step.strikes:
                less.append(replace(step, strikes=()))
            if step.stop_after is not None:
                less.append(replace(step, stop_after=None))
            found += [(*happenings[:index], one, *happenings[index + 1 :]) for one in less]
    return found


def told(seed: int, happenings: Sequence[Step], failure: str) -> str:
    """A failing world, for people: what to look at, and how to see it again."""
    lines = [f"seed {seed}: {failure}", *(f"  {number}. {step}" for number, step in enumerate(happenings, 1))]
    return "\n".join([*lines, f"  again: make torture SEED={seed}"])
