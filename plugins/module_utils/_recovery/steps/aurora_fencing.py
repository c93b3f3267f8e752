# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Aurora's own fence of the old writer, as its events tell it; reported, and never a reason to undo a promotion (R7).

Source: Aurora user guide, "Amazon RDS event categories and event messages for Aurora", DB instance events
RDS-EVENT-0390 and RDS-EVENT-0391: "Attempt to block writes for DB cluster cluster_id in Region region_id succeeded."
and the same with "timed out". They stand at the old primary where that can be reached, else at the new one ("Performing
managed failovers for Aurora global databases"). DescribeEvents brings no event numbers, so the messages are recognised.
Events are sent on a best effort basis ("Monitoring Amazon Aurora events"): not seen says nothing.
"""

from __future__ import annotations

import re

from ..calls import PlannedCall
from ..snapshot import Event, Facet, Unknown
from .base import SOURCE, TARGET, Move, Observation, State, Step, Watch, World, watching

_BLOCKING = re.compile(
    r"block writes for DB cluster (?P<cluster>\S+) in Region (?P<region>\S+).*?(?P<outcome>succeeded|timed out)",
    re.IGNORECASE,
)
_QUOTES = "`'\".,"

CONFIRMED = "confirmed"
TIMED_OUT = "timed out"
NOT_SEEN = "not seen"


def fencing_outcome(events: list[Event], cluster: str, region: str) -> tuple[str, Event | None]:
    """What the events say about blocking the writes of ``cluster``; a confirmation outweighs a time-out.

    The region counts too: both sites' clusters may have one name.
    """
    found: tuple[str, Event | None] = (NOT_SEEN, None)
    for event in events:
        match = _BLOCKING.search(event.message)
        if not match or (match["cluster"].strip(_QUOTES), match["region"].strip(_QUOTES)) != (cluster, region):
            continue
        if match["outcome"].lower() == "succeeded":
            return CONFIRMED, event
        found = (TIMED_OUT, event)
    return found


class FencingEvents(Step):
    """Looks for the events for a short time, beside the write probe."""

    name = "fencing-events"
    stage = "verify"
    deadline_seconds = 5.0
    deadline_reason = "no event told whether Aurora blocked writes at the old site: not seen"
    poll_seconds = 0.5
    accompanies = True

    def watches(self, move: Move) -> frozenset[Watch]:
        """Events of both regions: they may appear in either."""
        return watching((Facet.EVENTS, TARGET), (Facet.EVENTS, SOURCE))

    def observe(self, world: World) -> Observation:
        """Confirmed, timed out, or not seen yet."""
        events: list[Event] = []
        for site in (world.move.target, world.move.source):
            seen = world.snapshot.events.get(site.access, ())
            if not isinstance(seen, Unknown):
                events += [event for event in seen if event.at >= world.move.opened_at - 1]
        outcome, event = fencing_outcome(events, world.move.source.cluster, world.move.source.region)
        if outcome == NOT_SEEN:
            waiting = "RDS events that tell whether writes were blocked at the old site"
            return Observation(State.UNDERWAY, waiting, {"outcome": NOT_SEEN})
        detail = {"outcome": outcome, "message": event.message if event else "", "at": event.at if event else None}
        return Observation(State.DONE, f"writes at the old site: {outcome}", detail)

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """None: it only looks."""
        return ()
