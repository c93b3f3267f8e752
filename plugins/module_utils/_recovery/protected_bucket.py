# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A bucket as this collection wants its own: versioned, encrypted, private, reached over TLS only.

amazon.aws.s3_bucket does the same and cannot say beforehand what it would do (it has no check mode).

Sources: S3 user guide, "How S3 Versioning works", "Blocking public access to your Amazon S3 storage", "Specifying
server-side encryption with AWS KMS", "Security best practices" (aws:SecureTransport).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .declared import Api, Call, Change, Refused, missing_tags, tag_list, tags_of
from .errors import CallFailed

TLS_SID = "PilotLightTlsOnly"
PRIVATE = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


@dataclass(frozen=True)
class Wanted:
    """A bucket as it is declared. None or False: as it is. ``kms_key`` "" is the account's own key of S3."""

    name: str
    region: str
    create: bool = True
    versioned: bool = True
    kms_key: str | None = ""
    private: bool = True
    tls_only: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    partition: str = "aws"


@dataclass(frozen=True)
class Held:
    """A bucket as it is. ``encryption`` is the default rule of S3's answer."""

    region: str
    versioning: str = ""
    encryption: Mapping[str, Any] = field(default_factory=dict)
    public_access: Mapping[str, bool] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def observe(api: Api, name: str) -> Held | None:
    """The bucket, or None when there is none; refuses when the name belongs to somebody else."""
    bucket = {"Bucket": name}
    try:
        if api.read_or_none("HeadBucket", bucket, ("404", "NoSuchBucket")) is None:
            return None
    except CallFailed as failure:
        if failure.code in ("403", "AccessDenied"):
            raise Refused(
                f"the bucket name {name} belongs to another account, or these credentials may not see it"
            ) from failure
        raise
    location = api.read("GetBucketLocation", bucket).get("LocationConstraint") or "us-east-1"
    encryption = api.read_or_none("GetBucketEncryption", bucket, ("ServerSideEncryptionConfigurationNotFoundError",))
    public = api.read_or_none("GetPublicAccessBlock", bucket, ("NoSuchPublicAccessBlockConfiguration",))
    policy = api.read_or_none("GetBucketPolicy", bucket, ("NoSuchBucketPolicy",))
    tags = api.read_or_none("GetBucketTagging", bucket, ("NoSuchTagSet",))
    return Held(
        region="eu-west-1" if location == "EU" else location,
        versioning=api.read("GetBucketVersioning", bucket).get("Status", ""),
        encryption=_default_encryption(encryption),
        public_access=(public or {}).get("PublicAccessBlockConfiguration", {}),
        policy=json.loads(policy["Policy"]) if policy else {},
        tags=tags_of((tags or {}).get("TagSet")),
    )


def _default_encryption(answer: Mapping[str, Any] | None) -> dict[str, Any]:
    rules = (answer or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules") or [{}]
    return {
        **rules[0].get("ApplyServerSideEncryptionByDefault", {}),
        "BucketKey": bool(rules[0].get("BucketKeyEnabled")),
    }


def decide(held: Held | None, wanted: Wanted) -> Change:
    """The calls that make the bucket as wanted, privacy before anything else."""
    if held is None and not wanted.create:
        raise Refused(f"there is no bucket {wanted.name} in {wanted.region}, and it is not to be made here")
    if held is not None and held.region != wanted.region:
        raise Refused(
            f"bucket {wanted.name} is in {held.region}, not in {wanted.region}: buckets cannot move, name another"
        )
    now = held or Held(wanted.region)
    parts = (
        _private(now, wanted),
        _encrypted(now, wanted),
        _versioned(now, wanted),
        _tls(now, wanted),
        _tagged(now, wanted),
    )
    calls = [] if held else [_create(wanted)]
    after = describe(now)
    for call, effect in parts:
        if call:
            calls.append(call)
            after.update(effect)
    return Change(describe(held), after, tuple(calls))


def _create(wanted: Wanted) -> Call:
    params: dict[str, Any] = {"Bucket": wanted.name}
    if wanted.region != "us-east-1":  # S3 refuses the name of its oldest region as a constraint
        params["CreateBucketConfiguration"] = {"LocationConstraint": wanted.region}
    return Call("CreateBucket", params)


def _private(held: Held, wanted: Wanted) -> tuple[Call | None, dict[str, Any]]:
    if not wanted.private or dict(held.public_access) == PRIVATE:
        return None, {}
    call = Call("PutPublicAccessBlock", {"Bucket": wanted.name, "PublicAccessBlockConfiguration": PRIVATE})
    return call, {"public_access_blocked": True}


def _encrypted(held: Held, wanted: Wanted) -> tuple[Call | None, dict[str, Any]]:
    if wanted.kms_key is None:
        return None, {}
    same_key = not wanted.kms_key or held.encryption.get("KMSMasterKeyID") == wanted.kms_key
    if held.encryption.get("SSEAlgorithm") == "aws:kms" and same_key:
        return None, {}
    default = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": wanted.kms_key} if wanted.kms_key else {})}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    call = Call("PutBucketEncryption", {"Bucket": wanted.name, "ServerSideEncryptionConfiguration": {"Rules": [rule]}})
    return call, {"encryption": "aws:kms", "kms_key": wanted.kms_key or None}


def _versioned(held: Held, wanted: Wanted) -> tuple[Call | None, dict[str, Any]]:
    if not wanted.versioned or held.versioning == "Enabled":
        return None, {}
    call = Call("PutBucketVersioning", {"Bucket": wanted.name, "VersioningConfiguration": {"Status": "Enabled"}})
    return call, {"versioning": "Enabled"}


def _tls(held: Held, wanted: Wanted) -> tuple[Call | None, dict[str, Any]]:
    """Our statement among those of others, recognised by its Sid."""
    if not wanted.tls_only:
        return None, {}
    arn = f"arn:{wanted.partition}:s3:::{wanted.name}"
    ours = {
        "Sid": TLS_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    statements = list(held.policy.get("Statement") or [])
    if ours in statements:
        return None, {}
    others = [statement for statement in statements if statement.get("Sid") != TLS_SID]
    policy = {"Version": "2012-10-17", **held.policy, "Statement": [*others, ours]}
    return Call("PutBucketPolicy", {"Bucket": wanted.name, "Policy": json.dumps(policy)}), {"tls_only": True}


def _tagged(held: Held, wanted: Wanted) -> tuple[Call | None, dict[str, Any]]:
    if not missing_tags(held.tags, wanted.tags):
        return None, {}
    tags = {**held.tags, **wanted.tags}
    return Call("PutBucketTagging", {"Bucket": wanted.name, "Tagging": {"TagSet": tag_list(tags)}}), {"tags": tags}


def describe(held: Held | None) -> dict[str, Any]:
    """What diff mode shows and the module returns."""
    if held is None:
        return {}
    return {
        "region": held.region,
        "versioning": held.versioning or "never enabled",
        "encryption": held.encryption.get("SSEAlgorithm"),
        "kms_key": held.encryption.get("KMSMasterKeyID"),
        "public_access_blocked": dict(held.public_access) == PRIVATE,
        "tls_only": any(statement.get("Sid") == TLS_SID for statement in held.policy.get("Statement") or []),
        "tags": dict(held.tags),
    }
