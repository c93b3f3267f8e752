# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of the state store: on demand, encrypted under KMS, recoverable to any second of the last 35 days.

community.aws.dynamodb_table knows neither encryption nor point-in-time recovery.

Sources: DynamoDB developer guide, "DynamoDB encryption at rest", "Point-in-time recovery for DynamoDB", "On-demand
mode".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .declared import Api, Call, Change, Refused, missing_tags, tag_list, tags_of

ABSENT = ("ResourceNotFoundException",)


@dataclass(frozen=True)
class Wanted:
    """A table with string keys. ``kms_key`` "" is the account's own key of DynamoDB, otherwise an ARN."""

    name: str
    hash_key: str
    range_key: str
    kms_key: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """A table as DescribeTable, DescribeContinuousBackups and ListTagsOfResource tell it."""

    table: Mapping[str, Any]
    recoverable: bool
    tags: Mapping[str, str] = field(default_factory=dict)


def observe(api: Api, name: str) -> Held | None:
    """The table, or None."""
    found = api.read_or_none("DescribeTable", {"TableName": name}, ABSENT)
    if not found:
        return None
    backups = api.read_or_none("DescribeContinuousBackups", {"TableName": name}, ("TableNotFoundException",)) or {}
    recovery = backups.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
    tags = api.read("ListTagsOfResource", {"ResourceArn": found["Table"]["TableArn"]}).get("Tags")
    return Held(found["Table"], recovery.get("PointInTimeRecoveryStatus") == "ENABLED", tags_of(tags))


def decide(held: Held | None, wanted: Wanted) -> tuple[Change, ...]:
    """Changes, each to be waited for before the next: the table and its encryption, then recovery and tags."""
    recover = Call(
        "UpdateContinuousBackups",
        {
            "TableName": wanted.name,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        },
    )
    if held is None:
        return Change({}, {}, (_create(wanted),)), Change({}, _as_wanted(wanted, wanted.tags), (recover,))
    _refuse_other_keys(held, wanted)
    rest = [] if held.recoverable else [recover]
    tags = missing_tags(held.tags, wanted.tags)
    if tags:
        rest.append(Call("TagResource", {"ResourceArn": held.table["TableArn"], "Tags": tag_list(tags)}))
    updates = _updates(held, wanted)
    changed = bool(rest or updates)
    after = _as_wanted(wanted, {**held.tags, **tags}) if changed else describe(held)
    # One change to a table at a time: AWS refuses the second of two UpdateTable calls while the first is under way.
    steps = [Change(describe(held), after, (call,)) for call in updates]
    return (*steps, Change(describe(held), after, tuple(rest)))


def _create(wanted: Wanted) -> Call:
    keys = ((wanted.hash_key, "HASH"), (wanted.range_key, "RANGE"))
    params = {
        "TableName": wanted.name,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _kind in keys],
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": _encryption(wanted),
        **({"Tags": tag_list(wanted.tags)} if wanted.tags else {}),
    }
    return Call("CreateTable", params)


def _encryption(wanted: Wanted) -> dict[str, Any]:
    return {"Enabled": True, "SSEType": "KMS", **({"KMSMasterKeyId": wanted.kms_key} if wanted.kms_key else {})}


def _updates(held: Held, wanted: Wanted) -> list[Call]:
    updates: list[dict[str, Any]] = []
    if billing(held) != "PAY_PER_REQUEST":
        updates.append({"BillingMode": "PAY_PER_REQUEST"})
    described = held.table.get("SSEDescription", {})
    same_key = not wanted.kms_key or described.get("KMSMasterKeyArn") == wanted.kms_key
    if described.get("SSEType") != "KMS" or not same_key:
        updates.append({"SSESpecification": _encryption(wanted)})
    return [Call("UpdateTable", {"TableName": wanted.name, **update}) for update in updates]


def billing(held: Held) -> str:
    """How the table is paid for; AWS leaves the summary out of a provisioned table's description."""
    return str(held.table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"))


def _refuse_other_keys(held: Held, wanted: Wanted) -> None:
    keys = {part["KeyType"]: part["AttributeName"] for part in held.table["KeySchema"]}
    if keys != {"HASH": wanted.hash_key, "RANGE": wanted.range_key}:
        raise Refused(
            f"table {wanted.name} has the keys {', '.join(keys.values())}, not {wanted.hash_key}, {wanted.range_key}: "
            "keys cannot be changed, so name another table"
        )


def _as_wanted(wanted: Wanted, tags: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "keys": [wanted.hash_key, wanted.range_key],
        "billing": "PAY_PER_REQUEST",
        "encryption": "KMS",
        "kms_key": wanted.kms_key or None,
        "recoverable": True,
        "tags": dict(tags),
    }


def describe(held: Held | None) -> dict[str, Any]:
    """What diff mode shows and the module returns."""
    if held is None:
        return {}
    described = held.table.get("SSEDescription", {})
    return {
        "name": held.table["TableName"],
        "keys": [part["AttributeName"] for part in held.table["KeySchema"]],
        "billing": billing(held),
        "encryption": described.get("SSEType", "owned by DynamoDB"),
        "kms_key": described.get("KMSMasterKeyArn"),
        "recoverable": held.recoverable,
        "tags": dict(held.tags),
    }


def waiting_for(held: Held | None, name: str) -> str | None:
    """What is missing until the table takes the next change, as a sentence; None when nothing is."""
    if held is None:
        return f"table {name} does not exist yet"
    encryption = held.table.get("SSEDescription", {}).get("Status", "ENABLED")
    if held.table.get("TableStatus") != "ACTIVE":
        return f"table {name} is {held.table.get('TableStatus')}"
    return f"the encryption of table {name} is {encryption}" if encryption in ("ENABLING", "UPDATING") else None
