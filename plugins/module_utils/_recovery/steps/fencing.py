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
from .pending_job import pending_job, stored_job

EMPTY_SECONDS = 60.0
"""An instance that leaves service goes on for as long as its target group drains its connections, 300 s by default
(Elastic Load Balancing, "Deregistration delay"). That is waited for beside the promotion, not before it."""
FENCE_SECONDS = 30.0
"""For a region that answers: what Auto Scaling and Lambda are asked for begins within seconds (no published figure)."""
NEXT = "say accept_unfenced=true to promote nevertheless, or run the same move again when it answers"
"""Of an unplanned move."""
AGAIN = "reconcile again"
NO_GROUP = "no Auto Scaling group of the old site is known"
NOT_STOPPED = f"{NO_GROUP}, so its writers were not stopped"


def applies(world: World) -> bool | Unknown:
    """Whether the old site is to be fenced: always in an unplanned move, and while a job says so when reconciling.

    A site that serves again is never fenced: somebody has brought the application home before the job was done. Where
    nobody can say which one serves it is neither fenced nor taken for fenced.
    """
    move = world.move
    if move.mode != RECONCILE:
        return True
    if isinstance(stored := stored_job(world.snapshot, move), Unknown):
        return Unknown(f"the pending job: {stored.reason}")
    if pending_job(world.snapshot, move) is None:
        return False
    # As the living region sees it: the one that was lost may not have heard yet that it is not the writer any more.
    view = world.snapshot.global_cluster(move.application, move.target)
    serving = view.writer_among(move.application.sites) if isinstance(view, GlobalCluster) else None
    if serving is not None:
        return serving == move.target
    why = view.reason if isinstance(view, Unknown) else f"{move.application.global_cluster} names neither as its writer"
    return Unknown(f"which of {move.target.region} and {move.source.region} serves: {why}")


def spared(world: World) -> Observation | None:
    """What a step of the fence observes where nothing is to be shut, or nobody can say; None: look at what is open."""
    wanted = applies(world)
    if isinstance(wanted, Unknown):
        return underway(wanted.reason)
    return None if wanted else DONE


class Fence(Step):
    """What all steps of the fence share."""

    stage = "fence"
    deadline_seconds = FENCE_SECONDS
    poll_seconds = 0.5
    accompanies = True
    absolute = True

    def when_late(self, move: Move) -> str:
        """With what the operator may do about it."""
        return f"{self.deadline_reason}; {AGAIN if move.mode == RECONCILE else NEXT}"

    def watches(self, move: Move) -> frozenset[Watch]:
        """The job and who serves, where these decide whether there is a fence."""
        reconciles = move.mode == RECONCILE
        return watching((Facet.GLOBAL, TARGET), (Facet.FENCE_STATE, TARGET)) if reconciles else frozenset()


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


def still_open(move: Move, snapshot: Snapshot) -> dict[str, str]:
    """What of the old site is open, or cannot be seen, with the reason."""
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


def unfenced(move: Move, snapshot: Snapshot) -> dict[str, str]:
    """What of the old site is not known to be shut, with the reason: also what is listed and is not there."""
    site, left = move.source, still_open(move, snapshot)
    missing = {
        "groups": [f"group {group.name}" for group in site.groups if snapshot.group(site, group.name) is None],
        "other writers": absent(snapshot, move.application, site, WRITERS),
        "ingress": absent(snapshot, move.application, site, (INGRESS,)),
    }
    if not site.groups:
        left.setdefault("groups", NOT_STOPPED)
    for what, names in missing.items():
        if names:
            left.setdefault(what, _not_there(names, site))
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


class KeepFence(Fence):
    """What is open at the old site is written down before it is shut, in every region that takes it."""

    name = "keep-fence"
    deadline_reason = "what was shut at the old site is known from the journal alone"
    makes = (("dynamodb PutItem", TARGET), ("dynamodb PutItem", SOURCE))

    def watches(self, move: Move) -> frozenset[Watch]:
        """The valves, and what is kept already."""
        kept_there = watching((Facet.FENCE_STATE, TARGET), (Facet.FENCE_STATE, SOURCE), (Facet.VALVES, SOURCE))
        return super().watches(move) | kept_there

    def when_late(self, move: Move) -> str:
        """Nothing to be done about it: the steps that shut write it down as well."""
        return self.deadline_reason

    def observe(self, world: World) -> Observation:
        """Whether the living region's table has everything that is open."""
        move = world.move
        if (nothing := spared(world)) is not None:
            return nothing
        if not may_be_shut(world):
            return DONE
        document = world.snapshot.item(move.application, move.target, fence_item(move.source.place))
        if isinstance(document, Unknown):
            return impossible(f"the state table in {move.target.region}: {document.reason}")
        return needed("what is open at the old site to be written down") if self.calls(world) else DONE

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """PutItem, where something is open that is not kept: in the living region, and in the old one as a copy."""
        move, valves = world.move, may_be_shut(world)
        if applies(world) is not True or not valves:
            return ()
        return keep_calls(world, move.source, merged(kept(world.snapshot, move.application, move.source), valves))


class FenceOldSite(Fence):
    """The old site's instances, which may still write, are taken away."""

    name = "fence-old-site"
    makes = (("autoscaling UpdateAutoScalingGroup", SOURCE),)
    deadline_reason = "the old site still runs instances that may write"

    def watches(self, move: Move) -> frozenset[Watch]:
        """The groups of the source."""
        return super().watches(move) | watching((Facet.GROUPS, SOURCE))

    def observe(self, world: World) -> Observation:
        """No instance of the old site is left in service."""
        move, site = world.move, world.move.source
        if (nothing := spared(world)) is not None:
            return nothing
        if not site.groups:
            # To promote needs the operator's word; to save what was lost does not, and no later run would see more.
            return done_but(NOT_STOPPED) if move.mode == RECONCILE else not_fenced(move, NOT_STOPPED)
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
        if applies(world) is not True:
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
    return done_but(_not_there(missing, site), **detail, missing=list(missing))


def _not_there(missing: Sequence[str], site: Site) -> str:
    return f"{', '.join(missing)} is not there in {site.region}: what was meant by it was not fenced"


def _emptied(group: Group, state: GroupState) -> tuple[int, int]:
    del group, state
    return 0, 0


class ShutValves(Fence):
    """Valves of some kinds are shut at the old site."""

    def __init__(self, name: str, kinds: tuple[str, ...], words: str) -> None:
        self.name = name
        self._kinds = kinds
        self.makes = (*((SHUT_BY[kind], SOURCE) for kind in kinds), *KeepFence.makes)
        self.deadline_reason = words

    def watches(self, move: Move) -> frozenset[Watch]:
        """The valves of the source, and whether they were written down."""
        return super().watches(move) | watching((Facet.FENCE_STATE, TARGET), (Facet.VALVES, SOURCE))

    def observe(self, world: World) -> Observation:
        """Whether any of them is open, or not quite shut."""
        move = world.move
        if (nothing := spared(world)) is not None:
            return nothing
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
        valves = found(world.snapshot, move.application, move.source, self._kinds)
        if isinstance(valves, Unknown) or applies(world) is not True:
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
