# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state store: a DynamoDB table in each region, keys ``application`` and ``item``.

Items: ``lease``, ``run`` (the newest run), ``run#<run id>``, ``journal#<run id>#<number>``, ``switch#<record>``,
``readiness``, ``lag``, ``fence#<place>`` (what was shut at a site, to be opened again), ``pending#<place>`` (what is to
be done when that site's region is back). What an item says is one JSON document, so that a person can read it in the
console; only the lease has attributes of its own, because DynamoDB must compare them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .clients import Caller
from .errors import CallFailed
from .model import Access

BATCH_WRITE_LIMIT = 25  # BatchWriteItem, DynamoDB API reference
BATCH_READ_LIMIT = 100  # BatchGetItem

LEASE = "lease"
RUN = "run"
LAG = "lag"
READINESS = "readiness"


def fence_item(place: str) -> str:
    """Where it is kept what was shut at the site ``place`` when it was fenced."""
    return f"fence#{place}"


def pending_item(place: str) -> str:
    """Where the job is kept that waits for the region of the site ``place`` to be back."""
    return f"pending#{place}"


def run_item(run_id: str) -> str:
    """Where a run is kept."""
    return f"run#{run_id}"


def journal_item(run_id: str, seq: int) -> str:
    """Where an event of a run's journal is kept; sorts by number."""
    return f"journal#{run_id}#{seq:06d}"


def switch_item(record: str) -> str:
    """Where the switch position of a failover record (``primary`` or ``dr``) is kept."""
    return f"switch#{record}"


class Document(dict[str, Any]):
    """A document as it was read; ``text`` is what a conditional write compares, to the letter."""

    text: str = ""


@dataclass(frozen=True)
class Item:
    """One document under its keys."""

    application: str
    item: str
    document: Mapping[str, Any]


def document_attribute(item: str) -> str:
    """The attribute that holds the document: an event of a journal is called so."""
    return "event" if item.startswith("journal#") else "document"


def encode(item: Item) -> dict[str, Any]:
    """A DynamoDB item."""
    text = json.dumps(item.document, sort_keys=True, separators=(",", ":"))
    return {
        "application": {"S": item.application},
        "item": {"S": item.item},
        document_attribute(item.item): {"S": text},
    }


def decode(attributes: Mapping[str, Any]) -> Item:
    """The reverse of ``encode``; scalar attributes beside the document are merged into it."""
    document = Document()
    for name, value in attributes.items():
        if name in ("application", "item"):
            continue
        if name in ("document", "event"):
            document.update(json.loads(value["S"]))
            document.text = value["S"]
        elif "S" in value:
            document[name] = value["S"]
        elif "N" in value:
            document[name] = float(value["N"])
    return Item(attributes["application"]["S"], attributes["item"]["S"], document)


def unchanged(found: object) -> dict[str, Any]:
    """Parameters of a PutItem that is carried out only where the document is still as it was ``found``, or absent."""
    if isinstance(found, Document):
        return {
            "ConditionExpression": "#document = :found",
            "ExpressionAttributeNames": {"#document": "document"},
            "ExpressionAttributeValues": {":found": {"S": found.text}},
        }
    if found is None:
        return {
            "ConditionExpression": "attribute_not_exists(#document)",
            "ExpressionAttributeNames": {"#document": "document"},
        }
    return {}


def key(application: str, item: str) -> dict[str, Any]:
    """The key of an item, as DynamoDB wants it."""
    return {"application": {"S": application}, "item": {"S": item}}


@dataclass(frozen=True)
class Store:
    """One region's table."""

    caller: Caller
    access: Access
    table: str

    def read(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Mapping[str, Any]]:
        """The documents of those (application, item) that exist; one call for a hundred of them."""
        wanted = [key(*one) for one in keys]
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        while wanted:
            batch, wanted = wanted[:BATCH_READ_LIMIT], wanted[BATCH_READ_LIMIT:]
            params = {"RequestItems": {self.table: {"Keys": batch, "ConsistentRead": True}}}
            answer = self.caller.call(self.access, "dynamodb", "BatchGetItem", params)
            for attributes in answer.get("Responses", {}).get(self.table, []):
                item = decode(attributes)
                found[(item.application, item.item)] = item.document
            wanted += answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
        return found

    def write(self, items: Sequence[Item]) -> None:
        """Store documents; one call for 25 of them. Writing one twice does no harm."""
        requests = [{"PutRequest": {"Item": encode(item)}} for item in items]
        refused = 0
        while requests:
            batch, requests = requests[:BATCH_WRITE_LIMIT], requests[BATCH_WRITE_LIMIT:]
            answer = self.caller.call(
                self.access, "dynamodb", "BatchWriteItem", {"RequestItems": {self.table: batch}}, mutates=True
            )
            left = answer.get("UnprocessedItems", {}).get(self.table, [])
            refused = refused + 1 if left else 0
            if refused > 5:
                reason = f"{self.table} takes no more writes"
                raise CallFailed(self.access.region, "dynamodb", "BatchWriteItem", "UnprocessedItems", reason)
            requests = left + requests

    def documents(self, application: str, prefix: str) -> list[Item]:
        """All items whose name begins with ``prefix``, in order."""
        params: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "application = :application AND begins_with(#item, :prefix)",
            "ExpressionAttributeNames": {"#item": "item"},
            "ExpressionAttributeValues": {":application": {"S": application}, ":prefix": {"S": prefix}},
            "ConsistentRead": True,
        }
        items: list[Item] = []
        while True:
            answer = self.caller.call(self.access, "dynamodb", "Query", params)
            items += [decode(attributes) for attributes in answer.get("Items", [])]
            if not answer.get("LastEvaluatedKey"):
                return items
            params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
