# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A few hundred random worlds, the same ones each time; `make torture` lives through as many as one likes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from torture import steps
from torture.seeds import MOST_CHANGES, NO_CAPACITY, by_chance, drawn, lived, told
from torture.world import World

SEEDS = 240
CHUNK = 20
FLOORS = {
    "failovers measured": 2 * CHUNK,
    "bounded losses": 2 * CHUNK,
    "snapshots kept": 2 * CHUNK,
    "writes lost": 5 * CHUNK,
    "second movers": 5,
    "promotions fenced": 2 * CHUNK,
    "refused": 10,
    "paused": 1,
    "struck at a change": 2,
}
"""What so many worlds must have brought: one in which nothing happens shows nothing."""

ONCE_FAILED = (580, 1094, 1315, 1560, 2242, 2292, 2912, 5422, 5958, 8182, 8441, 1115, 1570, 582)

places = st.sampled_from(steps.PLACES)
troubles = st.one_of(
    st.builds(steps.Outage, places, st.sampled_from(steps.OUTAGES), st.booleans()),
    st.builds(steps.Heal, places),
    st.builds(steps.Throttle, st.sampled_from((0, 2, 3, 7))),
    st.builds(steps.ReplicationLag, st.sampled_from((0.05, 0.5, 5.0, 30.0, 90.0)), st.booleans()),
    st.builds(steps.Key, st.sampled_from(("Enabled", "Disabled", "PendingDeletion"))),
    st.builds(steps.Launches, st.sampled_from((0.0, 5.0, 40.0, NO_CAPACITY))),
    st.builds(steps.InstancesLost, places),
    st.builds(steps.MovedByHand, places),
    st.builds(steps.DnsDelay, st.sampled_from((0.0, 3.0, 20.0, 90.0))),
    st.builds(
        steps.Promotion,
        st.sampled_from((0.5, 5.0, 70.0, 400.0)),
        st.sampled_from(steps.FENCING),
        st.sampled_from((0.0, 120.0, 3000.0)),
    ),
)
strikes = st.sampled_from((steps.Kill(False), steps.Kill(True), steps.LoseAnswer()))
at_changes = st.lists(st.tuples(st.integers(1, MOST_CHANGES), strikes), max_size=1).map(tuple)
happening = troubles | strikes | st.just(steps.Abort())
moments = st.integers(1, 160)


def moves(meanwhile: st.SearchStrategy[Any]) -> st.SearchStrategy[steps.Move]:
    """Movers, with what happens while they run."""
    happenings = st.lists(st.tuples(moments, meanwhile), max_size=2).map(
        lambda found: tuple(sorted(found, key=lambda one: one[0]))
    )
    return st.builds(
        steps.Move,
        places,
        st.sampled_from(("planned", "unplanned", "reconcile")),
        st.booleans() | st.just(True),
        st.booleans() | st.just(True),
        st.booleans() | st.just(False),
        st.none() | st.sampled_from((5.0, 30.0, 100.0)),
        happenings,
        at_changes,
    )


class RandomWorld(RuleBasedStateMachine):
    """What happens is chosen by hypothesis, which shortens what fails; the invariants are the world's own."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.sound = True

    def _happen(self, step: steps.Step) -> None:
        self.sound = False
        self.world.happen(step)
        self.sound = True

    @rule(step=st.builds(steps.Pass, st.sampled_from((1.0, 15.0, 61.0, 300.0, 4000.0))))
    def time_passes(self, step: steps.Step) -> None:
        self._happen(step)

    @rule(step=st.builds(steps.ClientWrites, st.integers(1, 6), st.sampled_from((0.05, 0.4, 2.0))))
    def clients_write(self, step: steps.Step) -> None:
        self._happen(step)

    @rule(step=troubles)
    def something_breaks_or_heals(self, step: steps.Step) -> None:
        self._happen(step)

    @rule(step=moves(happening))
    def a_mover_runs(self, step: steps.Step) -> None:
        self._happen(step)

    @rule(step=moves(happening | moves(happening)))
    def two_movers_race(self, step: steps.Step) -> None:
        self._happen(step)

    def teardown(self) -> None:
        """Whatever happened, all is well once everything has healed."""
        if self.sound:
            self.world.settle()


TestRandomWorld = RandomWorld.TestCase
TestRandomWorld.settings = settings(
    max_examples=60,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_invariants_hold_in_random_worlds(first: int) -> None:
    figures: Counter[str] = Counter()
    for seed in range(first, first + CHUNK):
        world = drawn(seed)
        outcome = lived(world)
        assert outcome.failure is None, told(seed, world, outcome.failure or "")
        figures += outcome.figures
    figures["struck at a change"] = sum(count for name, count in figures.items() if name.endswith("that changes"))
    assert {name: figures[name] for name, least in FLOORS.items() if figures[name] < least} == {}


@pytest.mark.parametrize("seed", ONCE_FAILED)
def test_invariants_hold_in_worlds_that_once_failed(seed: int) -> None:
    for world in (by_chance(seed), drawn(seed)):
        failure = lived(world).failure
        assert failure is None, told(seed, world, failure or "")


def test_a_seed_is_always_the_same_world() -> None:
    assert drawn(7) == drawn(7)
    assert lived(drawn(7)).figures == lived(drawn(7)).figures
