"""RDS events of clusters, and of global databases (R7).

Messages: Aurora user guide, "Amazon RDS event categories and event messages for Aurora".  DescribeEvents gives no event
number, only the message, so it has to be AWS's to the letter.  "If the old primary cluster is reachable on the network,
Aurora records these events there.  If not, Aurora records the events on the new primary cluster."
"""

from __future__ import annotations

import datetime
from typing import Any

from moto.rds.models import RDSBackend

from lab.cloud import world as worlds
from lab.cloud.extensions.moments import seconds
from lab.cloud.extensions.patching import wrap

GLOBAL = "global failover"
FENCING = "global database"

# number: (source type, categories, message)
MESSAGES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "0170": ("db-cluster", ("creation",), "DB cluster created."),
    "0181": ("db-cluster", (GLOBAL,), "Global switchover to DB cluster {name} in Region {region} started."),
    "0182": ("db-cluster", (GLOBAL,), "Old primary DB cluster {name} in Region {region} successfully shut down."),
    "0184": ("db-cluster", (GLOBAL,), "New primary DB cluster {name} in Region {region} was successfully promoted."),
    "0185": ("db-cluster", (GLOBAL,), "Global switchover to DB cluster {name} in Region {region} finished."),
    "0186": ("db-cluster", (GLOBAL,), "Global switchover to DB cluster {name} in Region {region} is cancelled."),
    "0187": ("db-cluster", (GLOBAL,), "Global switchover to DB cluster {name} in Region {region} failed."),
    "0238": ("db-cluster", (GLOBAL,), "Global failover to DB cluster {name} in Region {region} completed."),
    "0239": ("db-cluster", (GLOBAL,), "Global failover to DB cluster {name} in Region {region} failed."),
    "0240": (
        "db-cluster",
        (GLOBAL,),
        "Started resynchronizing members of DB cluster {name} in Region {region} after global failover.",
    ),
    "0241": (
        "db-cluster",
        (GLOBAL,),
        "Finished resynchronizing members of DB cluster {name} in Region {region} after global failover.",
    ),
    "0390": (
        "db-instance",
        ("notification", FENCING),
        "Attempt to block writes for DB cluster {name} in Region {region} succeeded.",
    ),
    "0391": (
        "db-instance",
        ("notification", FENCING),
        "Attempt to block writes for DB cluster {name} in Region {region} timed out.",
    ),
    "0397": (
        "db-cluster",
        (GLOBAL,),
        "Aurora finished changing the DNS name that the global writer endpoint resolves to.",
    ),
    "0423": (
        "db-cluster",
        (GLOBAL,),
        "Waiting for data synchronization with the target DB cluster. "
        "Current target DB cluster lag behind the primary DB cluster: {lag}.",
    ),
}


class LabEvent:
    """What moto's response serialises, with the world's time."""

    def __init__(self, number: str, source: Any, **words: str) -> None:
        self.source_type, categories, message = MESSAGES[number]
        self.number = number
        self.source_identifier = source.resource_id
        self.event_categories = list(categories)
        self.message = message.format(**words)
        self.source_arn = source.arn
        self.date = datetime.datetime.fromtimestamp(worlds.current().now(), tz=datetime.UTC)


def emit(number: str, source: Any, **words: str) -> None:
    """Add an event of a cluster or instance in its own region."""
    source.backend.events.append(LabEvent(number, source, **words))


def install(world: worlds.World) -> None:
    """DescribeEvents honours its filters, with its default of the last hour."""

    @wrap(RDSBackend, "describe_events")
    def describe_events(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        events = original(self, *args, **kwargs)
        now = worlds.current().now()
        minutes = kwargs.get("duration") or 60
        begin = seconds(kwargs.get("start_time"), now - 60 * float(minutes))
        end = seconds(kwargs.get("end_time"), now)
        wanted = set(kwargs.get("event_categories") or ())
        return [
            event
            for event in events
            if begin <= seconds(event.date, now) <= end + 1 and (not wanted or wanted & set(event.event_categories))
        ]
