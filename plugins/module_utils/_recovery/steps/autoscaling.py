# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Capacity of Auto Scaling groups: raised where the application goes, lowered or taken away where it leaves (R20, R21).

Source: Auto Scaling API reference, UpdateAutoScalingGroup. Minimum and desired capacity change together, or target
tracking scales the group in again; the old values stand in the journal.
"""

from __future__ import annotations

from collections.abc import Callable

from ..calls import PlannedCall
from ..model import Group, Site
from ..retries import is_permanent
from ..snapshot import Facet, GroupState, Snapshot, Unknown
from .base import (
    DONE,
    SOURCE,
    TARGET,
    Expects,
    Move,
    Observation,
    Step,
    Watch,
    World,
    done_but,
    impossible,
    needed,
    underway,
    unreachable,
    watching,
)

Wish = Callable[[Group, GroupState], tuple[int, int]]
"""The minimum and desired capacity that a group should have."""


def _raised(group: Group, state: GroupState) -> tuple[int, int]:
    # Never lower: somebody may have raised the group beforehand, and knows why. Never over its maximum, which AWS would
    # refuse: a gate has said that it is too low, and who waives that wants what there is.
    least, desired = state.at_most(group.active.min), state.at_most(group.active.desired)
    return max(state.min, least), max(state.desired, desired)


def _standby(group: Group, state: GroupState) -> tuple[int, int]:
    if group.standby == group.active:  # this site is not lowered when it is left
        return state.min, state.desired
    return group.standby.min, group.standby.desired


def group_calls(site: Site, snapshot: Snapshot, wish: Wish, optional: bool = False) -> tuple[PlannedCall, ...]:
    calls = []
    for group in site.groups:
        state = snapshot.group(site, group.name)
        if not isinstance(state, GroupState):
            continue
        least, desired = wish(group, state)
        if (state.min, state.desired) != (least, desired):
            calls.append(
                PlannedCall(
                    "autoscaling",
                    "UpdateAutoScalingGroup",
                    site.access,
                    group.name,
                    {"AutoScalingGroupName": group.name, "MinSize": least, "DesiredCapacity": desired},
                    optional=optional,
                    before={"min": state.min, "desired": state.desired, "max": state.max},
                )
            )
    return tuple(calls)


class RaiseCapacity(Step):
    """The target's groups have the capacity that an active site needs, in service and healthy behind their balancer."""

    name = "raise-capacity"
    stage = "scale"
    makes = (("autoscaling UpdateAutoScalingGroup", TARGET),)
    deadline_reason = (
        "instances did not come into service: look at the group's scaling activities (quota, capacity, image)"
    )
    poll_seconds = 0.5

    def __init__(self, deadline_seconds: float = 900.0) -> None:
        self.deadline_seconds = deadline_seconds

    def watches(self, move: Move) -> frozenset[Watch]:
        """Groups and what their target groups hold for healthy."""
        return watching((Facet.GROUPS, TARGET), (Facet.TARGETS, TARGET))

    def observe(self, world: World) -> Observation:
        """Wanted, launching, in service, healthy."""
        site, hopeless = world.move.target, _hopeless(world)
        groups = [group for group in site.groups if group.name not in hopeless]
        if hopeless and (world.move.planned or not groups):
            return impossible("; ".join(hopeless.values()))
        for group in groups:
            if isinstance(state := world.snapshot.group(site, group.name), Unknown):
                return underway(f"the state of {group.name}: {state.reason}")
        if self.calls(world):
            return needed("the groups of the target are below their active capacity")
        for group in groups:
            waiting = self._waiting(world, group)
            if waiting:
                return underway(waiting)
        return done_but("; ".join(hopeless.values())) if hopeless else DONE

    def _waiting(self, world: World, group: Group) -> str | None:
        site = world.move.target
        state = world.snapshot.group(site, group.name)
        if not isinstance(state, GroupState):
            return f"the state of {group.name}"
        wanted = state.at_most(group.active.desired)
        if state.in_service < wanted:
            return f"{state.in_service} of {wanted} instances of {group.name} in service"
        for arn in state.target_groups:
            healthy = world.snapshot.healthy.get((site.access, arn), Unknown("not asked yet"))
            if isinstance(healthy, Unknown):
                return f"the health of the targets of {group.name}: {healthy.reason}"
            if healthy < wanted:
                return f"{healthy} of {wanted} targets of {group.name} healthy"
        return None

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """UpdateAutoScalingGroup for each group that is below; unplanned, one that fails holds up no other."""
        hopeless, unplanned = _hopeless(world), not world.move.planned
        calls = group_calls(world.move.target, world.snapshot, _raised, optional=unplanned)
        return tuple(call for call in calls if call.target not in hopeless)


def _hopeless(world: World) -> dict[str, str]:
    """By name why a group of the target will not be raised, however long one waits."""
    site = world.move.target
    found = {
        group.name: f"there is no Auto Scaling group {group.name} in {site.region}"
        for group in site.groups
        if world.snapshot.group(site, group.name) is None
    }
    last = {outcome.call.target: outcome for outcome in world.outcomes}
    for name, outcome in last.items():
        if outcome.code is not None and is_permanent(outcome.code):
            found[name] = f"{name} was not raised: {outcome.error}"
    return found


class LowerStandby(Step):
    """The groups of the site that was left go down to their standby capacity; instances end in their own time."""

    name = "lower-standby"
    stage = "shift"
    makes = (("autoscaling UpdateAutoScalingGroup", SOURCE),)
    deadline_seconds = 60.0
    deadline_reason = "the old site costs more than it should until its groups are lowered by hand"
    poll_seconds = 0.5
    expects = Expects.TARGET_IS_WRITER  # or the site that serves would lose its capacity
    blind = False

    def watches(self, move: Move) -> frozenset[Watch]:
        """The groups of the source."""
        return watching((Facet.GROUPS, SOURCE))

    def observe(self, world: World) -> Observation:
        """Limits only."""
        return _limits(world, self.calls(world), "above its standby capacity")

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """UpdateAutoScalingGroup for each group that is not at its standby capacity."""
        return group_calls(world.move.source, world.snapshot, _standby)


def _limits(world: World, calls: tuple[PlannedCall, ...], complaint: str) -> Observation:
    site = world.move.source
    last = world.last
    if last is not None and not last.reached:
        return unreachable(str(last.error))
    for group in site.groups:
        state = world.snapshot.group(site, group.name)
        if isinstance(state, Unknown):
            return unreachable(f"{group.name}: {state.reason}")
    return needed(f"{', '.join(call.target for call in calls)} in {site.region} is {complaint}") if calls else DONE
