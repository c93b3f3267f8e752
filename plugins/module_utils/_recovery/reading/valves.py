# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What lets writes in to a site's database besides its groups (R25), and what of that a fence has shut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model import Access
from ..portions import batches
from ..snapshot import Snapshot
from ..valves import INGRESS, listed, read_valves, was_shut
from .parts import Asker, Reading, Wanted
from .rds import FILTER_VALUES_LIMIT


def valves(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """All that is listed for the site."""
    return _valve_readings(asker, access, (p for wish in wanted for p in listed(known, wish.application, wish.site)))


def shut_valves(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """All that was shut there, to be opened again."""
    return _valve_readings(asker, access, (p for wish in wanted for p in was_shut(known, wish.application, wish.site)))


def _valve_readings(asker: Asker, access: Access, pairs: Iterable[tuple[str, str]]) -> list[Reading]:
    """One for each schedule and function, as AWS takes one at a time, and one for all security groups."""
    every = tuple(dict.fromkeys(pairs))
    groups = tuple(name for kind, name in every if kind == INGRESS)
    portions: list[tuple[tuple[str, str], ...]] = [((kind, name),) for kind, name in every if kind != INGRESS]
    portions += [tuple((INGRESS, name) for name in batch) for batch in batches(groups, FILTER_VALUES_LIMIT)]
    return [_valve_reading(asker, access, batch) for batch in portions]


def _valve_reading(asker: Asker, access: Access, batch: tuple[tuple[str, str], ...]) -> Reading:
    keys = tuple((access, kind, name) for kind, name in batch)
    kind, names = batch[0][0], [name for _kind, name in batch]

    def read() -> Mapping[Any, Any]:
        found = read_valves(asker.caller, access, kind, names)
        return {key: found.get(key[2], ()) for key in keys}

    return Reading("valves", keys, read)
