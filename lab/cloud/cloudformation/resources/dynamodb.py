"""AWS::DynamoDB::Table."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.ec2_common import quietly


class Table(Type):
    """A table with its indexes, encryption, recovery and expiry."""

    name = "AWS::DynamoDB::Table"
    _plain = (
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "ProvisionedThroughput",
        "TableClass",
    )
    handled = properties(
        "TableName PointInTimeRecoverySpecification SSESpecification StreamSpecification TimeToLiveSpecification Tags",
        " ".join(_plain),
    )
    named_by = "TableName"

    def create(self, it: Handle) -> None:
        name = it.properties.get("TableName") or it.name(255)
        tags = {"Tags": it.tag_list()} if it.all_tags() else {}
        more = {"SSESpecification": self._encryption(it)} if "SSESpecification" in it.properties else {}
        if "StreamSpecification" in it.properties:
            more["StreamSpecification"] = self._stream(it)
        table = it.client("dynamodb").create_table(TableName=name, **it.given(*self._plain), **more, **tags)
        it.physical_id = name
        it.attributes = {"Arn": table["TableDescription"]["TableArn"]}
        if table["TableDescription"].get("LatestStreamArn"):
            it.attributes["StreamArn"] = table["TableDescription"]["LatestStreamArn"]
        self._extras(it)

    def update(self, it: Handle) -> None:
        names = ("BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput", "TableClass")
        change: dict[str, Any] = it.given(*names) if it.changed(*names) else {}
        if it.changed("SSESpecification"):
            change["SSESpecification"] = self._encryption(it)
        if it.changed("StreamSpecification"):
            change["StreamSpecification"] = self._stream(it)
        if change:
            it.client("dynamodb").update_table(TableName=it.physical_id, **change)
        if it.changed("PointInTimeRecoverySpecification", "TimeToLiveSpecification"):
            self._extras(it)
        put, drop = it.tag_changes()
        arn = it.attributes["Arn"]
        if drop:
            it.client("dynamodb").untag_resource(ResourceArn=arn, TagKeys=drop)
        if put:
            tags = [{"Key": key, "Value": value} for key, value in put.items()]
            it.client("dynamodb").tag_resource(ResourceArn=arn, Tags=tags)

    def delete(self, it: Handle) -> None:
        quietly(it.client("dynamodb").delete_table, TableName=it.physical_id)

    def _encryption(self, it: Handle) -> dict[str, Any]:
        given = dict(it.properties.get("SSESpecification") or {"SSEEnabled": False})
        enabled = {"Enabled": given.pop("SSEEnabled")}
        return enabled | given

    def _stream(self, it: Handle) -> dict[str, Any]:
        given = it.properties.get("StreamSpecification")
        return {"StreamEnabled": given is not None, **(given or {})}

    def _extras(self, it: Handle) -> None:
        client, table = it.client("dynamodb"), {"TableName": it.physical_id}
        if it.changed("PointInTimeRecoverySpecification"):
            recovery = it.properties.get("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": False})
            client.update_continuous_backups(**table, PointInTimeRecoverySpecification=recovery)
        if it.changed("TimeToLiveSpecification"):
            old = it.previous.get("TimeToLiveSpecification", {})
            expiry = it.properties.get("TimeToLiveSpecification", {**old, "Enabled": False})
            client.update_time_to_live(**table, TimeToLiveSpecification=expiry)


TYPES = (Table(),)
