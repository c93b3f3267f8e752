"""AWS::S3: buckets and bucket policies."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.errors import NameTaken, ResourceFailed
from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.documents import as_text
from lab.cloud.cloudformation.resources.ec2_common import quietly

_SETTINGS = (
    "VersioningConfiguration",
    "BucketEncryption",
    "PublicAccessBlockConfiguration",
    "OwnershipControls",
    "LifecycleConfiguration",
)


class Bucket(Type):
    """A bucket with the settings that this project uses."""

    name = "AWS::S3::Bucket"
    handled = properties("BucketName Tags", " ".join(_SETTINGS))
    named_by = "BucketName"

    def create(self, it: Handle) -> None:
        name = it.properties.get("BucketName") or it.name(63, lower=True)
        place = {"CreateBucketConfiguration": {"LocationConstraint": it.region}} if it.region != "us-east-1" else {}
        client = it.client("s3")
        if name in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            # S3 in us-east-1 answers 200 to the owner; CloudFormation never adopts.
            raise NameTaken(self.name, name)
        client.create_bucket(Bucket=name, **place)
        it.physical_id = name
        it.attributes = {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{it.region}.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{it.region}.amazonaws.com",
        }
        self._settings(it)

    def update(self, it: Handle) -> None:
        self._settings(it)

    def delete(self, it: Handle) -> None:
        quietly(it.client("s3").delete_bucket, Bucket=it.physical_id)

    def _settings(self, it: Handle) -> None:
        client, bucket = it.client("s3"), {"Bucket": it.physical_id}
        for name in _SETTINGS:
            if it.changed(name):
                self._set(it, name, it.properties.get(name))
        if it.all_tags() != it.all_previous_tags():
            if it.all_tags():
                client.put_bucket_tagging(**bucket, Tagging={"TagSet": it.tag_list()})
            else:
                client.delete_bucket_tagging(**bucket)

    def _set(self, it: Handle, name: str, value: Any) -> None:
        client, bucket = it.client("s3"), {"Bucket": it.physical_id}
        if name == "VersioningConfiguration":
            client.put_bucket_versioning(**bucket, VersioningConfiguration=value or {"Status": "Suspended"})
        elif name == "BucketEncryption" and value:
            client.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration=_encryption(value))
        elif name == "BucketEncryption":
            client.delete_bucket_encryption(**bucket)
        elif name == "PublicAccessBlockConfiguration" and value:
            client.put_public_access_block(**bucket, PublicAccessBlockConfiguration=value)
        elif name == "PublicAccessBlockConfiguration":
            client.delete_public_access_block(**bucket)
        elif name == "OwnershipControls" and value:
            client.put_bucket_ownership_controls(**bucket, OwnershipControls=value)
        elif name == "OwnershipControls":
            client.delete_bucket_ownership_controls(**bucket)
        elif value:
            client.put_bucket_lifecycle_configuration(**bucket, LifecycleConfiguration=_lifecycle(value))
        else:
            client.delete_bucket_lifecycle(**bucket)


class BucketPolicy(Type):
    """The policy of a bucket."""

    name = "AWS::S3::BucketPolicy"
    handled = properties("Bucket PolicyDocument")
    taggable = False

    def create(self, it: Handle) -> None:
        self.update(it)
        it.physical_id = it.properties["Bucket"]

    def update(self, it: Handle) -> None:
        policy = as_text(it.properties["PolicyDocument"])
        it.client("s3").put_bucket_policy(Bucket=it.properties["Bucket"], Policy=policy)

    def delete(self, it: Handle) -> None:
        quietly(it.client("s3").delete_bucket_policy, Bucket=it.properties["Bucket"])


def _encryption(value: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation and S3 name the same things differently."""
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        default = rule.get("ServerSideEncryptionByDefault")
        shaped = {key: item for key, item in rule.items() if key != "ServerSideEncryptionByDefault"}
        rules.append({**shaped, **({"ApplyServerSideEncryptionByDefault": default} if default else {})})
    return {"Rules": rules}


def _lifecycle(value: dict[str, Any]) -> dict[str, Any]:
    """Those members of lifecycle rules that are used here; any other fails."""
    rules = []
    for rule in value["Rules"]:
        shaped: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
        if "Id" in rule:
            shaped["ID"] = rule["Id"]
        if "ExpirationInDays" in rule:
            shaped["Expiration"] = {"Days": rule["ExpirationInDays"]}
        for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
            if name in rule:
                shaped[name] = rule[name]
        known = {"Status", "Prefix", "Id", "ExpirationInDays", "NoncurrentVersionExpiration"}
        beyond = sorted(set(rule) - known - {"AbortIncompleteMultipartUpload"})
        if beyond:
            raise ResourceFailed(f"the lab does not emulate {', '.join(beyond)} of a lifecycle rule")
        rules.append(shaped)
    return {"Rules": rules}


TYPES = (Bucket(), BucketPolicy())
