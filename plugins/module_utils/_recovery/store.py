# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state store: a DynamoDB table in each region, keys ``application`` and ``item``.

Items: ``lease``, ``run`` (the newest run), ``run#<run id>``, ``journal#<run id>#<number>`` (the events that were
stored together, by the number of the first), ``switch#<record>``,
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
from .errors import CallFailed, RecoveryError
from .model import Access
from .portions import batches

BATCH_WRITE_LIMIT = 25  # BatchWriteItem, DynamoDB API reference
BATCH_READ_LIMIT = 100  # BatchGetItem
REFUSED_BATCHES = 6
"""How often in a row DynamoDB may take, or give, only a part of a batch."""

Place = tuple[str, str, str]
"""A table, an application, an item."""

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


def journal_items(run_id: str) -> str:
    """What the names of the items of a run's journal begin with."""
    return f"journal#{run_id}#"


def journal_item(run_id: str, seq: int) -> str:
    """Where events of a run's journal are kept that begin with number ``seq``; sorts by number."""
    return f"{journal_items(run_id)}{seq:06d}"


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


def encode(item: Item) -> dict[str, Any]:
    """A DynamoDB item."""
    text = json.dumps(item.document, sort_keys=True, separators=(",", ":"))
    return {
        "application": {"S": item.application},
        "item": {"S": item.item},
        "document": {"S": text},
    }


def decode(attributes: Mapping[str, Any]) -> Item:
    """The reverse of ``encode``; scalar attributes beside the document are merged into it.

    Raises RecoveryError for a document that cannot be read: people write some by hand.
    """
    document = Document()
    for name, value in attributes.items():
        if name in ("application", "item"):
            continue
        if name == "document":
            document.update(_read_document(attributes, value.get("S")))
            document.text = value["S"]
        elif "S" in value:
            document[name] = value["S"]
        elif "N" in value:
            document[name] = float(value["N"])
    return Item(attributes["application"]["S"], attributes["item"]["S"], document)


def _read_document(attributes: Mapping[str, Any], text: object) -> dict[str, Any]:
    try:
        document = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        document = None
    if isinstance(document, dict):
        return document
    named = "/".join(str(attributes.get(name, {}).get("S")) for name in ("application", "item"))
    raise RecoveryError(f"the document of {named} is no JSON object: mend it in the state table")


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
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for batch in batches([(self.table, *one) for one in keys], BATCH_READ_LIMIT):
            for place, document in _read(self.caller, self.access, batch).items():
                if isinstance(document, CallFailed):
                    raise document
                found[place[1:]] = document
        return found

    def write(self, items: Sequence[Item]) -> None:
        """Store documents; one call for 25 of them. Writing one twice does no harm."""
        for batch in batches([(self.table, item) for item in items], BATCH_WRITE_LIMIT):
            _write(self.caller, self.access, batch)

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


def read_together(
    caller: Caller, access: Access, places: Sequence[Place]
) -> dict[Place, Mapping[str, Any] | CallFailed | None]:
    """What stands at each place, None for nothing, for at most ``BATCH_READ_LIMIT`` of them: one call for all tables.

    DynamoDB refuses such a call as a whole where one of its tables is missing or forbidden: then each table is asked by
    itself, so that no application suffers from another's. Raises RecoveryError where that can be said of all of them.
    """
    try:
        found = _read(caller, access, places)
        return {place: found.get(place) for place in places}
    except CallFailed:
        tables = list(dict.fromkeys(table for table, *_key in places))
        if len(tables) == 1:
            raise
    told: dict[Place, Mapping[str, Any] | CallFailed | None] = {}
    for table in tables:
        own = [place for place in places if place[0] == table]
        try:
            told.update(read_together(caller, access, own))
        except CallFailed as error:
            told.update(dict.fromkeys(own, error))
    return told


def write_together(caller: Caller, access: Access, items: Sequence[tuple[str, Item]]) -> dict[str, RecoveryError]:
    """Store documents in their tables, one call for 25 of them; what went wrong, by application.

    As for ``read_together``, one table that cannot be written does not hold back the others.
    """
    failed: dict[str, RecoveryError] = {}
    for batch in batches(items, BATCH_WRITE_LIMIT):
        tables = list(dict.fromkeys(table for table, _item in batch))
        try:
            _write(caller, access, batch)
        except RecoveryError as error:
            if isinstance(error, CallFailed) and len(tables) > 1:
                for table in tables:
                    failed.update(write_together(caller, access, [one for one in batch if one[0] == table]))
            else:
                failed.update({item.application: error for _table, item in batch})
    return failed


def _read(caller: Caller, access: Access, places: Sequence[Place]) -> dict[Place, Mapping[str, Any] | CallFailed]:
    wanted: dict[str, Any] = {}
    for table, application, item in places:
        keys = wanted.setdefault(table, {"Keys": [], "ConsistentRead": True})["Keys"]
        keys.append(key(application, item))
    found: dict[Place, Mapping[str, Any] | CallFailed] = {}
    if not wanted:
        return found
    for _attempt in range(REFUSED_BATCHES):
        answer = caller.call(access, "dynamodb", "BatchGetItem", {"RequestItems": wanted})
        for table, rows in (answer.get("Responses") or {}).items():
            for row in rows:
                place = (table, row["application"]["S"], row["item"]["S"])
                try:
                    found[place] = decode(row).document
                except RecoveryError as error:
                    found[place] = CallFailed(access.region, "dynamodb", "BatchGetItem", "NoDocument", str(error))
        wanted = answer.get("UnprocessedKeys") or {}
        if not wanted:
            return found
    reason = f"{', '.join(wanted)} gives no more items"
    raise CallFailed(access.region, "dynamodb", "BatchGetItem", "UnprocessedKeys", reason)


def _write(caller: Caller, access: Access, items: Sequence[tuple[str, Item]]) -> None:
    wanted: dict[str, Any] = {}
    for table, one in items:
        wanted.setdefault(table, []).append({"PutRequest": {"Item": encode(one)}})
    for _attempt in range(REFUSED_BATCHES):
        params = {"RequestItems": wanted}
        # Each request puts a whole item, whatever stood there: twice is as good as once.
        answer = caller.call(access, "dynamodb", "BatchWriteItem", params, mutates=True, repeatable=True)
        wanted = answer.get("UnprocessedItems") or {}
        if not wanted:
            return
    reason = f"{', '.join(wanted)} takes no more writes"
    raise CallFailed(access.region, "dynamodb", "BatchWriteItem", "UnprocessedItems", reason)
