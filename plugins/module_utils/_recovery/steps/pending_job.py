# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The job that an unplanned move leaves behind for the day when the old region is back (R7, R8, R9, R22).

It is kept in the living region's state table, shown by ``region_switch_info`` and in the report, and closed by
``reconcile`` when all of it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..calls import PlannedCall
from ..model import PLACES
from ..snapshot import Snapshot, Unknown
from ..store import Item, encode, pending_item, unchanged
from .base import Move


def stored_job(snapshot: Snapshot, move: Move) -> Mapping[str, Any] | Unknown | None:
    """The job that waits for the source's region, closed or not, as the target's table has it."""
    return snapshot.item(move.application, move.target, pending_item(move.source.place))


def open_job(document: Any) -> Mapping[str, Any] | None:
    """The job, where it is one and is not closed."""
    return document if isinstance(document, Mapping) and document and not document.get("closed_at") else None


def pending_job(snapshot: Snapshot, move: Move) -> Mapping[str, Any] | None:
    """The job that is still to be done; None also where nobody can say.

    ``without_job`` stands for one that could not be left: all of it, since whenever, until this run has closed it.
    """
    stored = stored_job(snapshot, move)
    job = open_job(stored)
    if job is not None or not move.without_job or isinstance(stored, Unknown):
        return job
    done = stored is not None and stored.get("closed_by") == move.run_id
    return None if done else {"job": "reconcile", "run_id": None, "place": move.source.place, "since": 0.0}


def reconcile_command(place: str) -> str:
    """What an operator runs once the region of the site at ``place`` is back."""
    return "playbooks/reconcile.yml" + ("" if place == PLACES[0] else f" -e reconcile_place={place}")


def opening_command(place: str, application: str) -> str:
    """What opens the site at ``place`` again while it has the writer: a planned move to where the writer is."""
    if place == PLACES[0]:
        return "playbooks/failback.yml"
    options = {"failover_target": place, "failover_mode": "planned", "failover_confirm": application}
    return " ".join(["playbooks/failover.yml", *(f"-e {name}={value}" for name, value in options.items())])


def job_call(move: Move, document: Mapping[str, Any], found: Mapping[str, Any] | Unknown | None) -> PlannedCall:
    """The write of a job; it is carried out only where the item is still as it was ``found``."""
    site = move.target
    item = Item(move.application.name, pending_item(move.source.place), document)
    return PlannedCall(
        "dynamodb",
        "PutItem",
        site.access,
        f"{site.state_table}/{item.application}/{item.item}",
        {"TableName": site.state_table, "Item": encode(item), **unchanged(found)},
        optional=True,
    )
