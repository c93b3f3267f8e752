# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The traffic switch as data (R17): positions, where each is kept, and the metric that publishes it.

A failover pair has two records, ``primary`` and ``dr``; each has a health check that follows an alarm, and each alarm
stands in the region of the *other* place, so that it can be closed from the region that lives. 1 is open, 0 is closed.
When both are closed Route 53 answers with the primary (R16), which no table below asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .model import Application, Site

OPEN = 1
CLOSED = 0
RECORDS = ("primary", "dr")


@dataclass(frozen=True)
class Position:
    """Where one record's switch is to stand."""

    record: str
    value: int
    needed: bool = True  # False: worth trying; the move does not depend on it


def keeper(application: Application, record: str) -> Site:
    """The site whose region keeps and publishes a record's position."""
    return application.other(record)


POSITIONS: Mapping[tuple[str, bool], tuple[Position, ...]] = {
    # (target, both sites alive): positions in the order in which they are set
    ("dr", True): (Position("dr", OPEN), Position("primary", CLOSED)),
    ("dr", False): (Position("primary", CLOSED), Position("dr", OPEN, needed=False)),
    ("primary", True): (Position("primary", OPEN), Position("dr", OPEN)),
    # The way home when dr is dead: an unhealthy secondary makes Route 53 answer with the primary.
    ("primary", False): (Position("dr", CLOSED), Position("primary", OPEN, needed=False)),
}


def document(value: int, run_id: str | None, at: float) -> dict[str, Any]:
    """What is kept in the state table under ``switch#<record>``."""
    return {"position": value, "run_id": run_id, "at": at}


def metric(application: Application, record: str, value: int) -> dict[str, Any]:
    """Parameters of the PutMetricData that publishes a position; standard resolution, one metric (R17)."""
    return {
        "Namespace": application.traffic.namespace,
        "MetricData": [
            {
                "MetricName": application.traffic.metric,
                "Dimensions": [
                    {"Name": "Application", "Value": application.name},
                    {"Name": "Record", "Value": record},
                ],
                "Value": float(value),
                "Unit": "None",
            }
        ],
    }
