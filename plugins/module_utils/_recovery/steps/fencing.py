# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Our own fence of the old site, before a promotion that cannot wait for it (R7, R25).

Its instances are taken away, the schedules and event-source mappings that write are switched off, and the security
groups of its database let nobody in. Each is done, or the old site counts as not fenced: then an unplanned move goes on
only where the operator has accepted that. When the region is back, ``reconcile`` does the same with the same steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..calls import PlannedCall
from ..model import Group, Site
from ..snapshot import Facet, GlobalCluster, GroupState, Snapshot, Unknown, Valve
from ..store import Item, encode, fence_item
from ..valves import INGRESS, SHUT_BY, WRITERS, absent, entry, found, kept, kept_document, kept_in, merged, shut
from .autoscaling import group_calls
from .base import (
    DONE,
    RECONCILE,
    SOURCE,
    TARGET,
    Move,
    Observation,
    State,
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
from .pending_job import pending_job

EMPTY_SECONDS = 60.0
"""An instance that leaves service goes on for as long as its target group drains its connections, 300 s by default
(Elastic Load Balancing, "Deregistration delay"). That is waited for beside the promotion, not before it."""
FENCE_SECONDS = 30.0
"""For a region that answers: what Auto Scaling and Lambda are asked for begins within seconds (no published figure)."""
NEXT = "say accept_unfenced=true to promote nevertheless, or run the same move again when it answers"
"""Of an unplanned move; a reconcile is run again as it was."""
NO_GROUP = "no Auto Scaling group of the old site is known"


def applies(world: World) -> bool:
    """Whether the old site is to be fenced: always in an unplanned move, and while a job says so when reconciling.

    A site that serves again is never fenced: somebody has brought the application home before the job was done.
    """
    move = world.move
    if move.mode != RECONCILE:
        return True
    view = world.snapshot.global_cluster(move.application, move.target, move.source)
    member = view.member(move.target) if isinstance(view, GlobalCluster) else None
    return pending_job(world.snapshot, move) is not None and member is not None and member.writer


def not_fenced(move: Move, reason: str) -> Observation:
    """The old site's writers could not be stopped: the operator's word decides, and without it the run ends here."""
    if move.accept_unfenced or move.mode == RECONCILE:
        return unreachable(reason)
    return impossible(f"{reason}: {NEXT}")


def _gave_up(world: World) -> Observation | None:
    """An answer that was lost ends the fence only where that is accepted; else what is there is looked at again."""
    if world.last is None or world.last.reached or not world.move.accept_unfenced:
        return None
    return unreachable(str(world.last.error))


def unfenced(move: Move, snapshot: Snapshot) -> dict[str, str]:
    """What of the old site is not known to be shut, with the reason."""
    site, left = move.source, dict[str, str]()
    for group in site.groups:
        state = snapshot.group(site, group.name)
        if isinstance(state, Unknown):
            left.setdefault("groups", state.reason)
        elif isinstance(state, GroupState) and (state.desired or state.in_service):
            left.setdefault("groups", f"{group.name} has {state.in_service} instances in service")
    for name, kinds in (("other writers", WRITERS), ("ingress", (INGRESS,))):
        valves = found(snapshot, move.application, site, kinds)
        if isinstance(valves, Unknown):
            left[name] = valves.reason
        elif is_open := [f"{valve.kind} {valve.name}" for valve in valves if valve.open]:
            left[name] = f"{', '.join(is_open)} open"
    return left


def unknown_fence(move: Move, snapshot: Snapshot) -> str | None:
    """Why the old site cannot be fenced, as far as one can see before anything is changed; None where it can."""
    site = move.source
    if not site.groups:
        return NO_GROUP
    for group in site.groups:
        if isinstance(state := snapshot.group(site, group.name), Unknown):
            return state.reason
    valves = found(snapshot, move.application, site, (*WRITERS, INGRESS))
    return valves.reason if isinstance(valves, Unknown) else None


def may_be_shut(world: World) -> list[Valve]:
    """What is open at the old site, as far as it is seen: each step shuts its own kinds where it sees all of them."""
    move, seen = world.move, list[Valve]()
    for kinds in (WRITERS, (INGRESS,)):
        valves = found(world.snapshot, move.application, move.source, kinds)
        seen += [] if isinstance(valves, Unknown) else [valve for valve in valves if valve.open]
    return seen


def keep_calls(world: World, fenced: Site, valves: Sequence[Valve]) -> tuple[PlannedCall, ...]:
    """The writes that keep what is shut at a site, for each state table that says something else.

    The living region's counts; the old one's has a copy, for the way back to it when the other region is lost. A table
    that cannot be read is left out, and so is an old one that has not taken the copy.
    """
    move, wanted = world.move, [entry(valve) for valve in valves]
    item = Item(move.application.name, fence_item(fenced.place), kept_document(fenced, move.run_id, world.now, valves))
    calls = []
    for site in (move.target, move.source):
        document = world.snapshot.item(move.application, site, item.item)
        held = kept_in(document)
        refused = any(not outcome.ok and outcome.call.region == site.region for outcome in world.outcomes)
        same = wanted == [entry(valve) for valve in held.valves] if held else not wanted
        if same or isinstance(document, Unknown) or (site is move.source and refused):
            continue
        target = f"{site.state_table}/{item.application}/{item.item}"
        params = {"TableName": site.state_table, "Item": encode(item)}
        optional = site is move.source
        calls.append(PlannedCall("dynamodb", "PutItem", site.access, target, params, optional=optional))
    return tuple(calls)


class KeepFence(Step):
    """What is open at the old site is written down before it is shut, in every region that takes it."""

    name = "keep-fence"
    stage = "fence"
    deadline_seconds = FENCE_SECONDS
    deadline_reason = "what was shut at the old site is known from the journal alone"
    makes = (("dynamodb PutItem", TARGET), ("dynamodb PutItem", SOURCE))
    poll_seconds = 0.5
    accompanies = True
    absolute = True

    def watches(self, move: Move) -> frozenset[Watch]:
        """The valves, and what is kept already."""
        return watching((Facet.FENCE_STATE, TARGET), (Facet.FENCE_STATE, SOURCE), (Facet.VALVES, SOURCE))

    def observe(self, world: World) -> Observation:
        """Whether the living region's table has everything that is open."""
        move = world.move
        if not applies(world) or not may_be_shut(world):
            return DONE
        document = world.snapshot.item(move.application, move.target, fence_item(move.source.place))
        if isinstance(document, Unknown):
            return impossible(f"the state table in {move.target.region}: {document.reason}")
        return needed("what is open at the old site to be written down") if self.calls(world) else DONE

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """PutItem, where something is open that is not kept: in the living region, and in the old one as a copy."""
        move, valves = world.move, may_be_shut(world)
        if not applies(world) or not valves:
            return ()
        return keep_calls(world, move.source, merged(kept(world.snapshot, move.application, move.source), valves))


class FenceOldSite(Step):
    """The old site's instances, which may still write, are taken away."""

    name = "fence-old-site"
    stage = "fence"
    makes = (("autoscaling UpdateAutoScalingGroup", SOURCE),)
    deadline_seconds = FENCE_SECONDS
    deadline_reason = f"the old site still runs instances that may write; {NEXT}"
    poll_seconds = 0.5
    accompanies = True
    absolute = True

    def watches(self, move: Move) -> frozenset[Watch]:
        """The groups of the source."""
        return watching((Facet.GROUPS, SOURCE))

    def observe(self, world: World) -> Observation:
        """No instance of the old site is left in service."""
        move, site = world.move, world.move.source
        if not applies(world):
            return DONE
        if not site.groups:
            reason = f"{NO_GROUP}, so its writers were not stopped"
            # To promote needs the operator's word; to save what was lost does not, and no later run would see more.
            return done_but(reason) if move.mode == RECONCILE else not_fenced(move, reason)
        if (lost := _gave_up(world)) is not None:
            return lost
        for group in site.groups:
            if isinstance(state := world.snapshot.group(site, group.name), Unknown):
                return not_fenced(move, f"{group.name}: {state.reason}")
        if calls := self.calls(world):
            return needed(f"{', '.join(call.target for call in calls)} in {site.region} is not empty")
        missing = []
        for group in site.groups:
            state = world.snapshot.group(site, group.name)
            if isinstance(state, GroupState) and state.in_service:
                return underway(f"{state.in_service} instances of {group.name} to leave service")
            if state is None:
                missing.append(f"group {group.name}")
        return _shut_but_for(missing, site)

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """UpdateAutoScalingGroup to zero for each group."""
        if not applies(world):
            return ()
        return group_calls(world.move.source, world.snapshot, _emptied, optional=True)


class OldSiteEmpty(Step):
    """The instances that were taken out of service are gone: until then they may write on connections that they have.

    Nothing waits for it. It says whether the writes of the old site are known to have stopped, and when (R10).
    """

    name = "old-site-empty"
    stage = "fence"
    deadline_seconds = EMPTY_SECONDS
    deadline_reason = "when the old site's last write was is not known"
    poll_seconds = 1.0
    accompanies = True
    remembered = False

    def watches(self, move: Move) -> frozenset[Watch]:
        """The groups of the source."""
        return watching((Facet.GROUPS, SOURCE))

    def observe(self, world: World) -> Observation:
        """No instance is left, whatever it is doing."""
        site = world.move.source
        if not site.groups:
            return unreachable(NO_GROUP)
        left = 0
        for group in site.groups:
            state = world.snapshot.group(site, group.name)
            if isinstance(state, Unknown):
                return unreachable(f"{group.name}: {state.reason}")
            if state is None:
                return unreachable(f"there is no group {group.name} in {site.region}")
            left += state.instances
        return underway(f"{left} instances of {site.region} to end") if left else DONE

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """None: it only looks."""
        return ()


def _shut_but_for(missing: Sequence[str], site: Site, **detail: object) -> Observation:
    """Done; what is listed and is not there may be misspelt, and its namesake writes on."""
    if not missing:
        return Observation(State.DONE, "", detail)
    warning = f"{', '.join(missing)} is not there in {site.region}: what was meant by it was not fenced"
    return done_but(warning, **detail, missing=list(missing))


def _emptied(group: Group, state: GroupState) -> tuple[int, int]:
    del group, state
    return 0, 0


class ShutValves(Step):
    """Valves of some kinds are shut at the old site."""

    stage = "fence"
    deadline_seconds = FENCE_SECONDS
    poll_seconds = 0.5
    accompanies = True
    absolute = True

    def __init__(self, name: str, kinds: tuple[str, ...], words: str) -> None:
        self.name = name
        self._kinds = kinds
        self.makes = (*((SHUT_BY[kind], SOURCE) for kind in kinds), *KeepFence.makes)
        self.deadline_reason = f"{words}; {NEXT}"

    def watches(self, move: Move) -> frozenset[Watch]:
        """The valves of the source, and whether they were written down."""
        return watching((Facet.FENCE_STATE, TARGET), (Facet.VALVES, SOURCE))

    def observe(self, world: World) -> Observation:
        """Whether any of them is open, or not quite shut."""
        move = world.move
        if not applies(world):
            return DONE
        if (lost := _gave_up(world)) is not None:
            return lost
        valves = found(world.snapshot, move.application, move.source, self._kinds)
        if isinstance(valves, Unknown):
            return not_fenced(move, valves.reason)
        is_open = [f"{valve.kind} {valve.name}" for valve in valves if valve.open]
        if is_open:
            return needed(f"{', '.join(is_open)} in {move.source.region} to be shut")
        unsettled = [f"{valve.kind} {valve.name}" for valve in valves if not valve.settled]
        if unsettled:
            return underway(f"{', '.join(unsettled)} to be shut")
        missing = absent(world.snapshot, move.application, move.source, self._kinds)
        return _shut_but_for(missing, move.source, shut=[f"{valve.kind} {valve.name}" for valve in valves])

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """One call for each that is open, once it is written down what is."""
        move = world.move
        valves = found(world.snapshot, move.application, move.source, self._kinds) if applies(world) else []
        if isinstance(valves, Unknown):
            return ()
        is_open = [valve for valve in valves if valve.open]
        return (*_kept_late(world, is_open), *(shut(move.source.access, valve, world.now) for valve in is_open))


def _kept_late(world: World, is_open: Sequence[Valve]) -> tuple[PlannedCall, ...]:
    """Writes down what ``keep-fence`` could not see when it looked; where no table takes it, the journal has it alone.

    Of all kinds, because steps that shut side by side must not take away what the other one has written down.
    """
    move = world.move
    before = kept(world.snapshot, move.application, move.source)
    if [entry(valve) for valve in merged(before, is_open)] == [entry(valve) for valve in before]:
        return ()
    calls = keep_calls(world, move.source, merged(before, may_be_shut(world)))
    return tuple(replace(call, optional=True) for call in calls)
