"""AWS::KMS: keys and aliases."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from lab.cloud.cloudformation.resources.base import Handle, Type, gone, properties
from lab.cloud.cloudformation.resources.documents import as_text
from lab.cloud.cloudformation.resources.ec2_common import quietly


class Key(Type):
    """A key; deletion schedules it, after `PendingWindowInDays`."""

    name = "AWS::KMS::Key"
    _plain = ("Description", "KeySpec", "KeyUsage", "MultiRegion")
    handled = properties("KeyPolicy EnableKeyRotation Enabled PendingWindowInDays Tags", " ".join(_plain))

    def create(self, it: Handle) -> None:
        policy = {"Policy": as_text(it.properties["KeyPolicy"])} if "KeyPolicy" in it.properties else {}
        tags = [{"TagKey": key, "TagValue": value} for key, value in it.all_tags().items()]
        answer = it.client("kms").create_key(**it.given(*self._plain), **policy, Tags=tags)
        it.physical_id = answer["KeyMetadata"]["KeyId"]
        it.attributes = {"Arn": answer["KeyMetadata"]["Arn"], "KeyId": it.physical_id}
        self._switches(it)

    def update(self, it: Handle) -> None:
        client = it.client("kms")
        if it.changed("Description"):
            client.update_key_description(KeyId=it.physical_id, Description=it.properties.get("Description", ""))
        if it.changed("KeyPolicy"):
            policy = as_text(it.properties["KeyPolicy"])
            client.put_key_policy(KeyId=it.physical_id, PolicyName="default", Policy=policy)
        if it.changed("EnableKeyRotation", "Enabled"):
            self._switches(it)
        put, drop = it.tag_changes()
        if drop:
            client.untag_resource(KeyId=it.physical_id, TagKeys=drop)
        if put:
            tags = [{"TagKey": key, "TagValue": value} for key, value in put.items()]
            client.tag_resource(KeyId=it.physical_id, Tags=tags)

    def delete(self, it: Handle) -> None:
        days = it.properties.get("PendingWindowInDays", 30)
        try:
            it.client("kms").schedule_key_deletion(KeyId=it.physical_id, PendingWindowInDays=days)
        except ClientError as error:
            if not gone(error, "KMSInvalidStateException"):
                raise

    def actual(self, it: Handle) -> dict[str, Any] | None:
        found = it.client("kms").describe_key(KeyId=it.physical_id)["KeyMetadata"]
        if found.get("KeyState") == "PendingDeletion":
            return None
        now = {name: found[name] for name in (*self._plain, "Enabled") if name in found}
        rotation = it.client("kms").get_key_rotation_status(KeyId=it.physical_id)
        return {**now, "EnableKeyRotation": rotation["KeyRotationEnabled"]}

    def _switches(self, it: Handle) -> None:
        client = it.client("kms")
        on, off = client.enable_key_rotation, client.disable_key_rotation
        if "EnableKeyRotation" in it.properties or "EnableKeyRotation" in it.previous:
            (on if it.properties.get("EnableKeyRotation") else off)(KeyId=it.physical_id)
        if "Enabled" in it.properties or "Enabled" in it.previous:
            on, off = client.enable_key, client.disable_key
            (on if it.properties.get("Enabled", True) else off)(KeyId=it.physical_id)


class Alias(Type):
    """A name of a key."""

    name = "AWS::KMS::Alias"
    handled = properties("AliasName TargetKeyId")
    taggable = False

    def create(self, it: Handle) -> None:
        it.client("kms").create_alias(**it.given("AliasName", "TargetKeyId"))
        it.physical_id = it.properties["AliasName"]

    def update(self, it: Handle) -> None:
        it.client("kms").update_alias(**it.given("AliasName", "TargetKeyId"))

    def delete(self, it: Handle) -> None:
        quietly(it.client("kms").delete_alias, AliasName=it.physical_id)


TYPES = (Key(), Alias())
