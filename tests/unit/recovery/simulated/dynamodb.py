# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""DynamoDB of the simulated AWS, as much of it as a state table needs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from plugins.module_utils._recovery.errors import CallFailed

from .base import World


class DynamoDb(World):
    """Tables of both regions; a table that is not in ``tables`` does not exist."""

    keeps_back: set[str] = set()  # replaced as a whole: tables of which a batch never gives anything

    def _dynamodb_batch_get_item(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        assert sum(len(request["Keys"]) for request in params["RequestItems"].values()) <= 100
        found: dict[str, Any] = {}
        left = {table: request for table, request in params["RequestItems"].items() if table in self.keeps_back}
        for table, request in params["RequestItems"].items():
            rows = self._rows(region, table)
            if table not in left:
                found[table] = [rows[_key(key)] for key in request["Keys"] if _key(key) in rows]
        return {"Responses": found, "UnprocessedKeys": left}

    def _dynamodb_batch_write_item(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        assert sum(map(len, params["RequestItems"].values())) <= 25
        for table in params["RequestItems"]:
            self._rows(region, table)  # a missing one fails the call as a whole
        for table, requests in params["RequestItems"].items():
            for request in requests:
                item = request["PutRequest"]["Item"]
                self._rows(region, table)[_key(item)] = item
        return {"UnprocessedItems": {}}

    def _dynamodb_put_item(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        rows = self._rows(region, params["TableName"])
        item = rows.get(_key(params["Item"]), {})
        names, values = params.get("ExpressionAttributeNames", {}), params.get("ExpressionAttributeValues", {})
        if "ConditionExpression" in params and not _condition(params["ConditionExpression"], item, names, values):
            raise self._fail(region, "dynamodb", "PutItem", "ConditionalCheckFailedException", "no")
        rows[_key(params["Item"])] = params["Item"]
        return {}

    def _dynamodb_query(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        values = params["ExpressionAttributeValues"]
        prefix = f"{values[':application']['S']}|{values[':prefix']['S']}"
        rows = self._rows(region, params["TableName"])
        return {"Items": [rows[key] for key in sorted(rows) if key.startswith(prefix)]}

    def _dynamodb_update_item(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        rows = self._rows(region, params["TableName"])
        item = dict(rows.get(_key(params["Key"]), params["Key"]))
        names, values = params.get("ExpressionAttributeNames", {}), params["ExpressionAttributeValues"]
        if not _condition(params["ConditionExpression"], item, names, values):
            raise self._fail(region, "dynamodb", "UpdateItem", "ConditionalCheckFailedException", "no")
        used = set(re.findall(r"[:#]\w+", params["UpdateExpression"] + " " + params["ConditionExpression"]))
        assert used == set(names) | set(values), "DynamoDB refuses names and values that no expression uses"
        sets, _space, adds = params["UpdateExpression"].removeprefix("SET ").partition(" ADD ")
        for part in sets.split(", "):
            name, value = part.split(" = ")
            item[names.get(name, name)] = values[value]
        for name, value in [adds.split(" ")] if adds else []:
            old = float(item.get(names.get(name, name), {"N": "0"})["N"])
            item[names.get(name, name)] = {"N": repr(old + float(values[value]["N"]))}
        rows[_key(params["Key"])] = item
        return {"Attributes": item}

    def _dynamodb_transact_write_items(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """All or nothing; the reasons stand in the order of the items."""
        updates = [one["Update"] for one in params["TransactItems"]]
        keys = [(one["TableName"], _key(one["Key"])) for one in updates]
        assert len(updates) <= 100
        assert len(set(keys)) == len(keys), "DynamoDB refuses two operations on one item"
        before = {key: self._rows(region, key[0]).get(key[1]) for key in keys}
        try:
            for update in updates:
                self._dynamodb_update_item(region, update)
        except CallFailed as error:
            for (table, name), row in before.items():
                self._rows(region, table).pop(name, None)
                if row is not None:
                    self._rows(region, table)[name] = row
            code = "TransactionCanceledException"
            raise self._fail(region, "dynamodb", "TransactWriteItems", code, error.code) from error
        return {}

    def _rows(self, region: str, table: str) -> dict[str, dict[str, Any]]:
        if (region, table) not in self.tables:
            raise self._fail(region, "dynamodb", "any", "ResourceNotFoundException", f"no table {table}")
        return self.tables[(region, table)]


def journaled(rows: Mapping[str, Mapping[str, Any]], run_id: str = "") -> list[dict[str, Any]]:
    """The events of a run's journal that a table holds, or of all runs, in order."""
    items = [json.loads(rows[key]["document"]["S"]) for key in sorted(rows) if f"|journal#{run_id}" in key]
    found = {(event["application"], event["run_id"], event["seq"]): event for item in items for event in item["events"]}
    return [found[key] for key in sorted(found)]


def _key(attributes: Mapping[str, Any]) -> str:
    return f"{attributes['application']['S']}|{attributes['item']['S']}"


def _condition(text: str, item: Mapping[str, Any], names: Mapping[str, str], values: Mapping[str, Any]) -> bool:
    def plain(value: Mapping[str, str]) -> float | str:
        return float(value["N"]) if "N" in value else value["S"]

    def one(part: str) -> bool:
        absent = re.fullmatch(r"attribute_not_exists\((\S+)\)", part)
        if absent:
            return names.get(absent[1], absent[1]) not in item
        name, sign, value = part.split(" ")
        stored = item.get(names.get(name, name))
        if stored is None:
            return False
        left, right = plain(stored), plain(values[value])
        return left < right if sign == "<" else left == right  # type: ignore[operator]

    return any(all(one(part) for part in both.split(" AND ")) for both in text.split(" OR "))
