# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first position of a traffic switch (R17): kept in the state table, published as a metric.

A position that is kept already is never overwritten: it may be the one that a move has set.
"""

from __future__ import annotations

import datetime
from typing import Any

from .declared import Api, Call, Change
from .model import Application
from .store import Item, decode, encode, key, switch_item
from .switch import CLOSED, OPEN, document, keeper, metric

WORDS = {OPEN: "open", CLOSED: "closed"}
VALUES = {"open": OPEN, "closed": CLOSED}
# A publisher repeats the position every minute; a quarter of an hour without it is a gap worth mending.
FRESH_SECONDS = 900


def observe_kept(dynamodb: Api, application: Application, record: str) -> int | None:
    """The position in the state table of the region that keeps this record's switch, or None."""
    table = keeper(application, record).state_table
    params = {"TableName": table, "Key": key(application.name, switch_item(record)), "ConsistentRead": True}
    found = dynamodb.read_or_none("GetItem", params, ("ResourceNotFoundException",))
    attributes = (found or {}).get("Item")
    return int(decode(attributes).document["position"]) if attributes else None


def decide_kept(application: Application, record: str, kept: int | None, first: int, now: float) -> Change:
    """The call that keeps the first position, if there is none; another writer in between wins."""
    if kept is not None:
        return Change({"kept": WORDS[kept]}, {"kept": WORDS[kept]})
    item = encode(Item(application.name, switch_item(record), document(first, None, now)))
    params = {
        "TableName": keeper(application, record).state_table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#item)",
        "ExpressionAttributeNames": {"#item": "item"},
    }
    return Change({"kept": None}, {"kept": WORDS[first]}, (Call("PutItem", params),))


def observe_published(cloudwatch: Api, application: Application, record: str, now: float) -> int | None:
    """The newest position that the metric tells, or None when it is older than ``FRESH_SECONDS``."""
    said = metric(application, record, OPEN)
    params: dict[str, Any] = {
        "Namespace": said["Namespace"],
        "MetricName": said["MetricData"][0]["MetricName"],
        "Dimensions": said["MetricData"][0]["Dimensions"],
        "StartTime": datetime.datetime.fromtimestamp(now - FRESH_SECONDS, datetime.UTC),
        "EndTime": datetime.datetime.fromtimestamp(now + 60, datetime.UTC),
        "Period": 60,
        "Statistics": ["Minimum"],
    }
    points = cloudwatch.read("GetMetricStatistics", params).get("Datapoints") or []
    newest = max(points, key=lambda point: point["Timestamp"], default=None)
    return int(newest["Minimum"]) if newest else None


def decide_published(application: Application, record: str, published: int | None, position: int) -> Change:
    """The call that publishes the position, unless the metric tells it already."""
    before = {"published": None if published is None else WORDS[published]}
    if published == position:
        return Change(before, before)
    call = Call("PutMetricData", metric(application, record, position))
    return Change(before, {"published": WORDS[position]}, (call,))
