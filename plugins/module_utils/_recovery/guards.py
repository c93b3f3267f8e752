# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Compare and set: the state that a mutating call was decided on is read anew right before the call, and compared.

AWS has no token for these calls, so what can be done is to look and then to call, within the lease. The reading is
made after the intents were stored, for all calls that are due together: one call per region and kind, whatever the
number of applications. Where the thing is as the call would leave it, or is on its way there, nothing is sent and the
step looks again: a run is never stopped by what it, or an earlier process of it, has done. Anything else that differs
stops the run before the call. DynamoDB compares by itself: a switch position carries a condition besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .calls import PlannedCall
from .model import Site
from .reading.parts import Wanted
from .snapshot import Facet, GlobalCluster, GroupState, Snapshot, Unknown
from .steps.base import Expects, Move, Step
from .store import decode

CHANGED = "ChangedMeanwhile"
LOOK_AGAIN = "LookAgain"
NOT_SENT = (CHANGED, LOOK_AGAIN, "ConditionalCheckFailedException")
"""Codes of calls that were not carried out because the state was another one."""


class Say(Enum):
    """What is to become of a call."""

    SEND = "send"
    AGAIN = "look again"
    STOP = "stop"


@dataclass(frozen=True)
class Judgement:
    """Whether a call may be sent, and if not, what was expected and what was found."""

    say: Say
    reason: str = ""


SEND = Judgement(Say.SEND)


def _stop(what: str, expected: object, found: object) -> Judgement:
    return Judgement(Say.STOP, f"expected {what} to be {expected}, found {found}: nothing was sent; plan again")


def _again(reason: str) -> Judgement:
    return Judgement(Say.AGAIN, f"not sent, looked at again: {reason}")


@dataclass(frozen=True)
class Thing:
    """What a call changes: where it is read, and which of its values nobody else may have changed.

    ``kept`` are compared with the plan's. Other values may change by themselves, such as the capacity that a scaling
    policy wants: then the step decides anew. ``readable``: nothing is sent while it cannot be read.
    """

    facet: Facet
    kept: tuple[str, ...]
    found: Callable[[Move, Site, PlannedCall, Snapshot], Mapping[str, Any] | Unknown]
    wished: Callable[[PlannedCall], Mapping[str, Any]]
    readable: bool


def _limits(_move: Move, site: Site, call: PlannedCall, snapshot: Snapshot) -> Mapping[str, Any] | Unknown:
    state = snapshot.group(site, str(call.params["AutoScalingGroupName"]))
    if isinstance(state, GroupState):
        return {"min": state.min, "desired": state.desired, "max": state.max}
    return {} if state is None else state


def _position(move: Move, site: Site, call: PlannedCall, snapshot: Snapshot) -> Mapping[str, Any] | Unknown:
    name = str(call.params["Item"]["item"]["S"])
    item = snapshot.item(move.application, site, name)
    if isinstance(item, Unknown):
        return item
    return {"position": item.get("position") if item else None}


def _wished_position(call: PlannedCall) -> Mapping[str, Any]:
    return {"position": decode(call.params["Item"]).document.get("position")}


THINGS: Mapping[tuple[str, str], Thing] = {
    ("autoscaling", "UpdateAutoScalingGroup"): Thing(
        Facet.GROUPS,
        ("min", "max"),
        _limits,
        lambda call: {"min": call.params["MinSize"], "desired": call.params["DesiredCapacity"]},
        readable=True,
    ),
    ("dynamodb", "PutItem"): Thing(Facet.POSITIONS, ("position",), _position, _wished_position, readable=False),
}


def wanted(step: Step, move: Move, call: PlannedCall) -> Iterable[Wanted]:
    """What is to be read anew before a call of a step."""
    if not call.mutates or step.expects is Expects.NOTHING:
        return
    yield Wanted(Facet.GLOBAL, move.application, _seen_from(move, call))
    thing = _thing(step, call)
    if thing:
        yield Wanted(thing.facet, move.application, _site(move, call))


def judge(step: Step, move: Move, call: PlannedCall, before: Mapping[str, Any], snapshot: Snapshot) -> Judgement:
    """Whether the call may be sent. ``before`` is the thing as the plan found it."""
    if not call.mutates or step.expects is Expects.NOTHING:
        return SEND
    said = _cluster(step, move, snapshot.global_cluster(move.application, _seen_from(move, call)))
    thing = _thing(step, call)
    if said.say is not Say.SEND or thing is None:
        return said
    return _compare(thing, call, before, thing.found(move, _site(move, call), call, snapshot))


def _thing(step: Step, call: PlannedCall) -> Thing | None:
    return None if step.absolute else THINGS.get((call.service, call.operation))


def _site(move: Move, call: PlannedCall) -> Site:
    return move.application.site_in(call.region) or move.target


def _seen_from(move: Move, call: PlannedCall) -> Site:
    """A promotion is decided where it is asked for (R1); for all else the target's region must be alive anyway."""
    return _site(move, call) if call.service == "rds" else move.target


def _cluster(step: Step, move: Move, view: GlobalCluster | Unknown | None) -> Judgement:
    name = f"global cluster {move.application.global_cluster}"
    if isinstance(view, Unknown):
        return SEND if step.blind else _again(f"{name}: {view.reason}")
    if view is None:
        return _stop(name, "there", "none")
    target = view.member(move.target)
    if target is None:
        return _stop(f"{move.target.cluster} in {move.target.region}", f"a member of {view.identifier}", "no member")
    on_its_way = view.failover_status is not None and view.failover_to == target.arn
    if view.failover_status is not None and not on_its_way:
        found = f"{view.failover_status} to {view.failover_to or 'an unnamed cluster'}"
        return _stop(f"the operation on {view.identifier}", "none", found)
    if step.expects is Expects.TARGET_IS_WRITER:
        if on_its_way:
            return _again(f"{view.identifier} is {view.failover_status}")
        writer = view.writer.arn if view.writer else "none"
        return SEND if target.writer else _stop(f"the writer of {view.identifier}", target.arn, writer)
    if move.version_at_start and view.engine_version != move.version_at_start:
        return _stop(f"the version of {view.identifier}", move.version_at_start, view.engine_version)
    moved = on_its_way or (target.writer and move.writer_at_start != target.arn)
    if moved:
        at = view.failover_status or "the target is the writer"
        return SEND if step.expects is Expects.AS_PLANNED else _again(f"{view.identifier}: {at}")
    if move.writer_at_start and view.writer and view.writer.arn != move.writer_at_start:
        return _stop(f"the writer of {view.identifier}", move.writer_at_start, view.writer.arn)
    if step.expects is Expects.NOT_MOVED and view.status != "available":
        return _stop(f"the status of {view.identifier}", "available", view.status)
    return SEND


def _compare(
    thing: Thing, call: PlannedCall, before: Mapping[str, Any], found: Mapping[str, Any] | Unknown
) -> Judgement:
    if isinstance(found, Unknown):
        return _again(f"{call.target}: {found.reason}") if thing.readable else SEND
    if not found:
        return _stop(call.target, "there", "none")
    wish = thing.wished(call)
    if all(found.get(name) == value for name, value in wish.items()):
        return _again(f"{call.target} is as it should be")
    for name in thing.kept:
        if name in before and found.get(name) not in (before[name], wish.get(name, before[name])):
            return _stop(f"{name} of {call.target}", before[name], found.get(name))
    if any(found.get(name) != value for name, value in call.before.items() if name in found):
        return _again(f"{call.target} has changed by itself")
    return SEND
