"""S3 replication in the lab behaves as R24 says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cloud_world import EAST, WEST, Lab

Code = Callable[..., str]

ROLE = "arn:aws:iam::123456789012:role/replication"


@pytest.fixture
def buckets(lab: Lab) -> tuple[Any, Any]:
    """`one` in the east, `two` in the west, both versioned; objects `old` in `one`."""
    east, west = lab.client("s3", EAST), lab.client("s3", WEST)
    east.create_bucket(Bucket="one")
    west.create_bucket(Bucket="two", CreateBucketConfiguration={"LocationConstraint": WEST})
    for client, name in ((east, "one"), (west, "two")):
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    east.put_object(Bucket="one", Key="data/old", Body=b"old")
    return east, west


def rule(target: str = "two", **more: Any) -> dict[str, Any]:
    return {
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": "data/"},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}},
        "Destination": {
            "Bucket": f"arn:aws:s3:::{target}",
            "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
            "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
        },
        **more,
    }


def configure(client: Any, bucket: str, *rules: dict[str, Any]) -> None:
    client.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": ROLE, "Rules": [*rules]})


def keys(client: Any, bucket: str) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_what_is_written_is_replicated_and_nothing_else(lab: Lab, buckets: tuple[Any, Any]) -> None:
    east, west = buckets
    configure(east, "one", rule())
    assert east.get_bucket_replication(Bucket="one")["ReplicationConfiguration"]["Rules"] == [rule()]
    made = east.put_object(Bucket="one", Key="data/new", Body=b"new", Metadata={"a": "b"}, Tagging="t=1")
    east.put_object(Bucket="one", Key="other", Body=b"no rule selects it")
    assert east.head_object(Bucket="one", Key="data/new")["ReplicationStatus"] == "PENDING"
    assert keys(west, "two") == []
    lab.wait(1)
    assert keys(west, "two") == ["data/new"]
    assert east.head_object(Bucket="one", Key="data/new")["ReplicationStatus"] == "COMPLETED"
    replica = west.get_object(Bucket="two", Key="data/new")
    assert replica["ReplicationStatus"] == "REPLICA"
    assert (replica["VersionId"], replica["Metadata"], replica["Body"].read()) == (
        made["VersionId"],
        {"a": "b"},
        b"new",
    )
    assert west.get_object_tagging(Bucket="two", Key="data/new")["TagSet"] == [{"Key": "t", "Value": "1"}]


def test_both_directions_make_no_circle(lab: Lab, buckets: tuple[Any, Any]) -> None:
    east, west = buckets
    configure(east, "one", rule())
    configure(west, "two", rule("one"))
    east.put_object(Bucket="one", Key="data/east", Body=b"1")
    west.put_object(Bucket="two", Key="data/west", Body=b"2")
    lab.wait(5)
    assert set(keys(east, "one")) == {"data/old", "data/east", "data/west"}
    assert set(keys(west, "two")) == {"data/east", "data/west"}
    versions = west.list_object_versions(Bucket="two", Prefix="data/east")["Versions"]
    assert len(versions) == 1
    west.put_object_tagging(Bucket="two", Key="data/east", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    lab.wait(1)
    assert east.get_object_tagging(Bucket="one", Key="data/east")["TagSet"] == [{"Key": "k", "Value": "v"}]


def test_markers_go_and_deleted_versions_stay(lab: Lab, buckets: tuple[Any, Any]) -> None:
    east, west = buckets
    configure(east, "one", rule())
    version = east.put_object(Bucket="one", Key="data/a", Body=b"1")["VersionId"]
    lab.wait(1)
    east.delete_object(Bucket="one", Key="data/a", VersionId=version)
    lab.wait(1)
    assert keys(west, "two") == ["data/a"]
    east.put_object(Bucket="one", Key="data/b", Body=b"1")
    lab.wait(1)
    east.delete_object(Bucket="one", Key="data/b")
    lab.wait(1)
    assert keys(west, "two") == ["data/a"]
    assert len(west.list_object_versions(Bucket="two")["DeleteMarkers"]) == 1


def test_a_lost_region_gets_its_objects_later(lab: Lab, buckets: tuple[Any, Any]) -> None:
    east, west = buckets
    configure(east, "one", rule())
    east.put_object(Bucket="one", Key="data/a", Body=b"1")
    lab.world.outage(WEST)
    lab.wait(60)
    assert keys(west, "two") == []
    lab.world.heal(WEST)
    lab.wait(1)
    assert keys(west, "two") == ["data/a"]


def test_encrypted_objects_are_replicated_where_selected(lab: Lab, buckets: tuple[Any, Any]) -> None:
    east, west = buckets
    ours = lab.client("kms", EAST).create_key()["KeyMetadata"]["Arn"]
    theirs = lab.client("kms", WEST).create_key()["KeyMetadata"]["Arn"]
    encrypted = {"Bucket": "one", "Body": b"1", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": ours}
    configure(east, "one", rule())
    east.put_object(Key="data/a", **encrypted)
    selected = rule(
        SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        Destination={"Bucket": "arn:aws:s3:::two", "EncryptionConfiguration": {"ReplicaKmsKeyID": theirs}},
    )
    lab.wait(1)
    configure(east, "one", selected)
    east.put_object(Key="data/b", **encrypted)
    lab.wait(1)
    assert keys(west, "two") == ["data/b"]
    assert west.head_object(Bucket="two", Key="data/b")["SSEKMSKeyId"] == theirs


@pytest.mark.parametrize(
    "wrong",
    [
        {"Destination": {"Bucket": "arn:aws:s3:::none"}},
        {"Destination": {"Bucket": "arn:aws:s3:::three"}},
        {"Destination": {**rule()["Destination"], "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 5}}}},
        {"Destination": {**rule()["Destination"], "Metrics": {"Status": "Disabled"}}},
        {"Filter": {"Tag": {"Key": "a", "Value": "b"}}},
        {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}},
    ],
)
def test_rules_that_s3_refuses(lab: Lab, buckets: tuple[Any, Any], code: Code, wrong: dict[str, Any]) -> None:
    east, _ = buckets
    east.create_bucket(Bucket="three")
    assert code(lambda: configure(east, "one", rule(**wrong))) in ("InvalidRequest", "InvalidArgument")


def test_versioning_stays_while_there_is_replication(lab: Lab, buckets: tuple[Any, Any], code: Code) -> None:
    east, _ = buckets
    configure(east, "one", rule())
    suspend = {"Bucket": "one", "VersioningConfiguration": {"Status": "Suspended"}}
    assert code(east.put_bucket_versioning, **suspend) == "InvalidBucketState"


def test_a_policy_with_a_condition_denies_where_it_holds(lab: Lab, buckets: tuple[Any, Any], code: Code) -> None:
    east, _ = buckets
    statement: dict[str, Any] = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::one/*"}

    def put(**condition: Any) -> None:
        policy = {"Version": "2012-10-17", "Statement": [{**statement, **condition}]}
        east.put_bucket_policy(Bucket="one", Policy=json.dumps(policy))

    put(Condition={"Bool": {"aws:SecureTransport": "false"}})
    assert east.get_object(Bucket="one", Key="data/old")["Body"].read() == b"old"
    put()
    assert code(east.get_object, Bucket="one", Key="data/old") in ("403", "AccessDenied")
