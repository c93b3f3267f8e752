"""A bucket that keeps versions, encrypts, is private and answers over TLS only."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_a_new_bucket_is_protected_from_its_first_moment(cloud: Any, region: str) -> None:
    done = cloud.settled("s3_protected_bucket", name="dr-webapp-dr-data", tags={"Project": "dr-webapp"}, region=region)
    assert done["operations"] == [
        "CreateBucket",
        "PutPublicAccessBlock",
        "PutBucketEncryption",
        "PutBucketVersioning",
        "PutBucketPolicy",
        "PutBucketTagging",
    ]
    info = cloud.run("s3_protected_bucket_info", name="dr-webapp-dr-data", region=region)["bucket"]
    assert info == {
        "region": region,
        "versioning": "Enabled",
        "encryption": "aws:kms",
        "kms_key": None,
        "public_access_blocked": True,
        "tls_only": True,
        "tags": {"Project": "dr-webapp"},
    }


def test_what_others_wrote_into_policy_and_tags_stays(cloud: Any) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="theirs")
    theirs = {
        "Sid": "Theirs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::theirs/x",
    }
    s3.put_bucket_policy(Bucket="theirs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}))
    s3.put_bucket_tagging(Bucket="theirs", Tagging={"TagSet": [{"Key": "Owner", "Value": "them"}]})
    cloud.settled("s3_protected_bucket", name="theirs", tags={"Project": "dr-webapp"})
    statements = json.loads(s3.get_bucket_policy(Bucket="theirs")["Policy"])["Statement"]
    assert [statement["Sid"] for statement in statements] == ["Theirs", "PilotLightTlsOnly"]
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket="theirs")["TagSet"]}
    assert tags == {"Owner": "them", "Project": "dr-webapp"}


def test_versioning_alone_can_be_turned_on(cloud: Any) -> None:
    cloud.client("s3").create_bucket(Bucket="existing")
    only = {"create": False, "encrypted": False, "private": False, "tls_only": False}
    done = cloud.settled("s3_protected_bucket", name="existing", **only)
    assert done["operations"] == ["PutBucketVersioning"]
    assert done["diff"]["before"]["versioning"] == "never enabled"


def test_encryption_with_another_key_is_changed(cloud: Any) -> None:
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    cloud.run("s3_protected_bucket", name="bucket")
    done = cloud.settled("s3_protected_bucket", name="bucket", kms_key=key)
    assert done["operations"] == ["PutBucketEncryption"]


def test_a_bucket_of_another_region_is_refused(cloud: Any) -> None:
    cloud.client("s3").create_bucket(Bucket="elsewhere")
    refused = cloud.run("s3_protected_bucket", name="elsewhere", region="us-west-2")
    assert refused["msg"] == "bucket elsewhere is in us-east-1, not in us-west-2: buckets cannot move, name another"
    assert not cloud.mutations


def test_a_bucket_that_is_not_to_be_made_must_be_there(cloud: Any) -> None:
    assert "there is no bucket nowhere" in cloud.run("s3_protected_bucket", name="nowhere", create=False)["msg"]
