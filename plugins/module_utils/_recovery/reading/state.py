# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import CallFailed
from ..model import PLACES, Access
from ..portions import batches
from ..snapshot import Facet, Snapshot, Unknown
from ..store import (
    BATCH_READ_LIMIT,
    LAG,
    LEASE,
    READINESS,
    RUN,
    Place,
    fence_item,
    pending_item,
    read_together,
    switch_item,
)
from ..switch import RECORDS
from .parts import Asker, Reading, Wanted

ITEMS: Mapping[Facet, tuple[str, ...]] = {
    Facet.STATE: (LEASE, RUN, LAG, READINESS),
    Facet.FENCE_STATE: tuple(item(place) for item in (fence_item, pending_item) for place in PLACES),
    Facet.POSITIONS: tuple(switch_item(record) for record in RECORDS),
}
"""By what they are for: a move that waits reads no more than it waits for."""


def state(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """What is wanted of the tables, a hundred items a call, whatever applications and tables they belong to."""
    places = dict.fromkeys(
        (wish.site.state_table, wish.application.name, item) for wish in wanted for item in ITEMS[wish.facet]
    )
    return [_places(asker, access, batch) for batch in batches(tuple(places), BATCH_READ_LIMIT)]


def _places(asker: Asker, access: Access, places: tuple[Place, ...]) -> Reading:
    def read() -> Mapping[Any, Any]:
        found = read_together(asker.caller, access, places)
        return {
            (access, *place[1:]): Unknown(str(value)) if isinstance(value, CallFailed) else value
            for place, value in found.items()
        }

    return Reading("state", tuple((access, *place[1:]) for place in places), read)
