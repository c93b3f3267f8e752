"""The primary buckets with objects of long standing: versions and delete markers among them (R24)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from lab.seed.site import Site, find

OBJECTS = 240
"""Objects in the first bucket; the others hold a tenth."""


def build_bucket(site: Site, suffix: str, key: str, *, first: bool) -> None:
    """The bucket `<project>-primary-<suffix>` with its objects."""
    s3, name = site.client("s3"), site.name(f"primary-{suffix}")
    if find(lambda: s3.head_bucket(Bucket=name), "404", "NoSuchBucket") is None:
        where = {} if site.region == "us-east-1" else {
            "CreateBucketConfiguration": {"LocationConstraint": site.region}
        }  # fmt: skip
        s3.create_bucket(Bucket=name, **where)
        s3.put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )  # fmt: skip
        s3.put_bucket_encryption(
            Bucket=name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": site.tags()})
        if "no-versioning" not in site.options:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        if first and "foreign-replication" in site.options:
            _replicate_elsewhere(site, name)
    _fill(site, name, OBJECTS if first else OBJECTS // 10, key)


def _fill(site: Site, bucket: str, count: int, key: str) -> None:
    """Put what is missing: every eighth object has two more versions, every twelfth is under a delete marker."""
    s3 = site.client("s3")
    there = {
        version["Key"]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        for version in page.get("Versions", [])
    }
    missing = [number for number in range(count) if _key(number) not in there]
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(partial(_put, s3, bucket, key), missing))


def _put(s3: Any, bucket: str, key: str, number: int) -> None:
    # Some are under the customer's own key: replication skips those unless it is told not to (R24).
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if number % 20 == 7 else {}
    for version in range(3 if number % 8 == 0 else 1):
        body = json.dumps({"number": number, "version": version}).encode()
        s3.put_object(Bucket=bucket, Key=_key(number), Body=body, ContentType="application/json", **encrypted)
    if number % 12 == 5:
        s3.delete_object(Bucket=bucket, Key=_key(number))


def _key(number: int) -> str:
    return f"{('orders', 'invoices', 'images')[number % 3]}/{number:05d}.json"


def _replicate_elsewhere(site: Site, bucket: str) -> None:
    """Replication to an archive of the owner's, under a role of the owner's."""
    s3, archive = site.client("s3"), f"{bucket}-archive"
    where = {} if site.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": site.region}}
    s3.create_bucket(Bucket=archive, **where)
    s3.put_bucket_versioning(Bucket=archive, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_replication(
        Bucket=bucket,
        ReplicationConfiguration={
            "Role": "arn:aws:iam::123456789012:role/owners-archive-role",
            "Rules": [
                {
                    "ID": "owners-archive",
                    "Priority": 1,
                    "Status": "Enabled",
                    "Filter": {"Prefix": "invoices/"},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "Destination": {"Bucket": f"arn:aws:s3:::{archive}"},
                }
            ],
        },
    )
