# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model import PLACES, Access
from ..snapshot import Snapshot
from ..store import LAG, LEASE, READINESS, RUN, Store, fence_item, pending_item, switch_item
from ..switch import RECORDS
from .parts import Asker, Reading, Wanted

STATE_ITEMS = (LEASE, RUN, LAG, READINESS, *(switch_item(record) for record in RECORDS))
FENCE_ITEMS = tuple(item(place) for item in (fence_item, pending_item) for place in PLACES)
"""Apart from the others, which are read each time anew while a move waits."""


def state(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """What gates and steps look at, of all applications that share a table."""
    return _tables(asker, access, wanted, STATE_ITEMS)


def fence_state(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """What a fence has left: what was shut, and what waits for the old region."""
    return _tables(asker, access, wanted, FENCE_ITEMS)


def _tables(asker: Asker, access: Access, wanted: Sequence[Wanted], items: tuple[str, ...]) -> list[Reading]:
    by_table: dict[str, list[str]] = {}
    for wish in wanted:
        by_table.setdefault(wish.site.state_table, []).append(wish.application.name)
    return [_table(asker, Store(asker.caller, access, table), tuple(names), items) for table, names in by_table.items()]


def _table(asker: Asker, store: Store, names: tuple[str, ...], items: tuple[str, ...]) -> Reading:
    keys = tuple((store.access, name, item) for name in names for item in items)

    def read() -> Mapping[Any, Any]:
        found = store.read([(name, item) for _access, name, item in keys])
        return {key: found.get((key[1], key[2])) for key in keys}

    return Reading("state", keys, read)
