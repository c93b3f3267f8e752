# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moves clients with the data-plane switch (R17), or waits for Route 53 to do it where traffic is automatic (R16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..calls import APPLICATION, WRITE_AND_READ_BACK, PlannedCall
from ..model import Application, Site
from ..snapshot import Facet, Snapshot, Unknown
from ..store import Item, encode, switch_item, unchanged
from ..switch import OPEN, POSITIONS, Position, document, keeper, metric
from .base import (
    DONE,
    SOURCE,
    TARGET,
    Expects,
    Move,
    Observation,
    State,
    Step,
    Watch,
    World,
    needed,
    underway,
    watching,
)
from .fencing import applies, spared
from .write_probe import direct_write


def stored_position(snapshot: Snapshot, application: Application, record: str) -> int | Unknown:
    """Where a switch stands; one that was never set is open."""
    item = snapshot.item(application, keeper(application, record), switch_item(record))
    if isinstance(item, Unknown):
        return item
    return int(item.get("position", OPEN)) if item else OPEN


def led_astray(snapshot: Snapshot, application: Application, target: Site) -> str | None:
    """What clients are told that is not right yet, or None."""
    for name in application.traffic.names:
        led = snapshot.leads_to(name, target)
        if isinstance(led, Unknown):
            return f"what DNS answers for {name}: {led.reason}"
        if not led:
            return f"DNS still leads {name} away from {target.region}"
    return None


def publish_call(application: Application, record: str, value: int, optional: bool = False) -> PlannedCall:
    """The PutMetricData that publishes a position, in the region that keeps it."""
    site = keeper(application, record)
    target = f"{application.traffic.namespace}/{application.traffic.metric} {application.name}/{record}={value}"
    return PlannedCall(
        "cloudwatch",
        "PutMetricData",
        site.access,
        target,
        metric(application, record, value),
        optional=optional,
    )


def store_call(
    application: Application,
    record: str,
    value: int,
    run_id: str | None,
    at: float,
    found: Mapping[str, Any] | Unknown | None,
) -> PlannedCall:
    """The write that makes the publisher repeat the position from now on.

    DynamoDB carries it out only where the item is still as it was ``found`` (compare and set); where it could not be
    read there is nothing to compare.
    """
    site = keeper(application, record)
    item = Item(application.name, switch_item(record), document(value, run_id, at))
    before = {} if isinstance(found, Unknown) else {"position": found.get("position") if found else None}
    return PlannedCall(
        "dynamodb",
        "PutItem",
        site.access,
        f"{site.state_table}/{application.name}/{item.item}",
        {"TableName": site.state_table, "Item": encode(item), **unchanged(found)},
        optional=True,
        before=before,
    )


class SwitchTraffic(Step):
    """The positions are set and published until DNS answers with the target."""

    name = "switch-traffic"
    stage = "shift"
    deadline_seconds = 900.0
    deadline_reason = "DNS does not answer with the new site: look at the health checks of the failover records"
    poll_seconds = 0.5
    repeat_seconds = 5.0
    makes = tuple(
        (call, side) for call in ("dynamodb PutItem", "cloudwatch PutMetricData") for side in (TARGET, SOURCE)
    )
    expects = Expects.TARGET_IS_WRITER

    def watches(self, move: Move) -> frozenset[Watch]:
        """DNS, and the kept positions."""
        watched = watching((Facet.HOSTS, TARGET), (Facet.DNS, TARGET), (Facet.POSITIONS, TARGET))
        return watched | watching((Facet.POSITIONS, SOURCE)) if move.planned else watched

    def observe(self, world: World) -> Observation:
        """Positions first, then what clients are told."""
        application, target = world.move.application, world.move.target
        astray = led_astray(world.snapshot, application, target)
        if application.traffic.policy == "automatic":
            return underway(f"Route 53's own health checks: {astray}") if astray else DONE
        unkept = []
        for position in self.positions(world):
            value = stored_position(world.snapshot, application, position.record)
            if isinstance(value, Unknown):
                unkept += [position.record] if position.needed else []
            elif value != position.value and (position.needed or not self._tried(world, position)):
                why = f" ({world.last.error})" if world.last is not None and world.last.error else ""
                return needed(f"switch {position.record} to be {'open' if position.value else 'closed'}{why}")
        if astray:
            return needed(astray)
        if unkept:
            # Clients are where they should be. That matters more than the table, and the operator is told.
            warning = f"the position of switch {', '.join(unkept)} could not be stored: the publisher may undo it"
            return Observation(State.DONE, warning, {"warning": warning})
        return DONE

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """Store and publish what is not in position; publish again what is, while DNS does not agree."""
        move, application = world.move, world.move.application
        if application.traffic.policy == "automatic":
            return ()
        astray = led_astray(world.snapshot, application, move.target)
        calls: list[PlannedCall] = []
        for position in self.positions(world):
            stored = stored_position(world.snapshot, application, position.record)
            optional = not position.needed
            if isinstance(stored, Unknown) and optional:
                continue
            if stored != position.value:
                # Without the table the position is published all the same: the switch is data plane (R17).
                found = world.snapshot.item(
                    application, keeper(application, position.record), switch_item(position.record)
                )
                calls.append(store_call(application, position.record, position.value, move.run_id, world.now, found))
            elif not astray or optional or self._never_closed(position, stored):
                continue
            calls.append(publish_call(application, position.record, position.value, optional))
        return tuple(calls)

    def positions(self, world: World) -> tuple[Position, ...]:
        """Where the switches are to stand, as far as they can be reached."""
        # A region that is lost once the writer has left it must not hold clients back: what it keeps is given up.
        # It is lost while neither a call nor a reading gets there: one answer that did not come is no reason.
        move = world.move
        unreached = any(not outcome.reached and outcome.call.region == move.source.region for outcome in world.outcomes)
        kept = world.snapshot.item(move.application, move.source, switch_item(move.place))
        return POSITIONS[(move.place, move.planned and not (unreached and isinstance(kept, Unknown)))]

    @staticmethod
    def _never_closed(position: Position, stored: int | Unknown) -> bool:
        """An open switch of the place that is moved to, open already: nothing hangs on repeating it."""
        return position.record == "dr" and position.value == OPEN and stored == OPEN

    @staticmethod
    def _tried(world: World, position: Position) -> bool:
        return any(
            outcome.call.service == "dynamodb" and f"/{switch_item(position.record)}" in outcome.call.target
            for outcome in world.outcomes
        )


class SettleSwitches(SwitchTraffic):
    """What an unplanned move could not set, because the region that keeps it was lost, is set once that is back.

    After the way home from a lost dr its switch stands closed, and the primary's may: the next failover would lead
    clients nowhere, as Route 53 answers with the primary where both are closed (R16).
    """

    name = "settle-switches"
    deadline_seconds = 120.0
    deadline_reason = (
        "the next failover may not lead clients, until a planned move has set the switches, or reconcile has once the "
        "application takes writes (-e reconcile_without_job=true)"
    )
    accompanies = True
    makes = ((f"{APPLICATION} {WRITE_AND_READ_BACK}", TARGET), *SwitchTraffic.makes)

    def watches(self, move: Move) -> frozenset[Watch]:
        """DNS, and the positions that both regions keep."""
        who_serves = watching((Facet.GLOBAL, TARGET), (Facet.FENCE_STATE, TARGET))
        return SwitchTraffic.watches(self, move) | watching((Facet.POSITIONS, SOURCE)) | who_serves

    def observe(self, world: World) -> Observation:
        """As for a move, while a job says that there was an unplanned one."""
        nothing = spared(world)
        return SwitchTraffic.observe(self, world) if nothing is None else nothing

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """As for a move, once the living site has accepted a write: no switch is touched before that."""
        calls = SwitchTraffic.calls(self, world) if applies(world) is True else ()
        probe = direct_write(world, len(world.outcomes) + 1)
        return (probe, *calls) if calls and probe else ()

    def positions(self, world: World) -> tuple[Position, ...]:
        """Those of a planned move to the living site: both regions answer."""
        return POSITIONS[(world.move.place, True)]
