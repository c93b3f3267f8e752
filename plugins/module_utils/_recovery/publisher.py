# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Repeats the switch positions that a region keeps (R17): health checks follow the newest data, and must see it go on.

Run every minute in each region by a schedule; reads the table of its own region, writes metrics of its own region, and
needs no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .clients import Caller
from .model import Application
from .store import Store, switch_item
from .switch import OPEN, RECORDS, keeper, metric

METRICS_LIMIT = 1000  # PutMetricData, CloudWatch API reference


@dataclass(frozen=True)
class Published:
    """One position that was published."""

    application: str
    record: str
    position: int


def publish_switch(applications: Sequence[Application], region: str, caller: Caller) -> tuple[Published, ...]:
    """Publish every position that ``region`` keeps; one that was never set is open. Raises RecoveryError."""
    kept = [(one, record) for one in applications for record in RECORDS if keeper(one, record).region == region]
    positions: dict[tuple[str, str], int] = {}
    for store in dict.fromkeys(_store(caller, one, record) for one, record in kept):
        mine = [(one, record) for one, record in kept if _store(caller, one, record) == store]
        found = store.read([(one.name, switch_item(record)) for one, record in mine])
        for one, record in mine:
            document = found.get((one.name, switch_item(record)), {})
            positions[(one.name, record)] = int(document.get("position", OPEN))
    by_door: dict[tuple[Any, str], list[dict[str, Any]]] = {}
    for one, record in kept:
        params = metric(one, record, positions[(one.name, record)])
        by_door.setdefault((keeper(one, record).access, params["Namespace"]), []).extend(params["MetricData"])
    for (access, namespace), data in by_door.items():
        for start in range(0, len(data), METRICS_LIMIT):
            params = {"Namespace": namespace, "MetricData": data[start : start + METRICS_LIMIT]}
            caller.call(access, "cloudwatch", "PutMetricData", params, mutates=True)
    return tuple(Published(one.name, record, positions[(one.name, record)]) for one, record in kept)


def _store(caller: Caller, application: Application, record: str) -> Store:
    site = keeper(application, record)
    return Store(caller, site.access, site.state_table)
