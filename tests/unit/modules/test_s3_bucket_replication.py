"""Rules are merged by id; what is not ours is kept, and what cannot be kept is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import replication
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused

ROLE = "arn:aws:iam::123456789012:role/dr-webapp-s3-replication-role"
THEIR_ROLE = "arn:aws:iam::123456789012:role/theirs"
KEY = "arn:aws:kms:us-west-2:123456789012:key/2c6f4b6e-0000-4000-8000-000000000000"
OURS = {"id": "pilotlight-to-dr", "destination_bucket": "there", "replica_key_arn": KEY}


def foreign(priority: int = 7, **more: Any) -> dict[str, Any]:
    return {
        "ID": "theirs",
        "Priority": priority,
        "Status": "Enabled",
        "Filter": {"Prefix": "logs/"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::archive"},
        **more,
    }


@pytest.fixture
def buckets(cloud: Any) -> Any:
    for name, region in (("here", "us-east-1"), ("there", "us-west-2"), ("archive", "us-east-1")):
        cloud.run("s3_protected_bucket", name=name, region=region)
    return cloud


def held(cloud: Any) -> dict[str, Any]:
    return cloud.client("s3").get_bucket_replication(Bucket="here")["ReplicationConfiguration"]


def test_a_rule_of_ours_replicates_all_that_s3_can(buckets: Any) -> None:
    done = buckets.settled("s3_bucket_replication", bucket="here", role=ROLE, rules=[OURS])
    assert done["operations"] == ["PutBucketReplication"]
    rule = held(buckets)["Rules"][0]
    assert rule["DeleteMarkerReplication"]["Status"] == "Enabled"
    assert rule["SourceSelectionCriteria"] == {
        "ReplicaModifications": {"Status": "Enabled"},
        "SseKmsEncryptedObjects": {"Status": "Enabled"},
    }
    assert rule["Destination"]["ReplicationTime"] == {"Status": "Enabled", "Time": {"Minutes": 15}}
    assert rule["Destination"]["Metrics"]["Status"] == "Enabled"
    assert rule["Destination"]["EncryptionConfiguration"] == {"ReplicaKmsKeyID": KEY}


def test_rules_of_others_are_sent_back_as_they_were(buckets: Any) -> None:
    buckets.client("s3").put_bucket_replication(
        Bucket="here", ReplicationConfiguration={"Role": ROLE, "Rules": [foreign()]}
    )
    buckets.settled("s3_bucket_replication", bucket="here", role=ROLE, rules=[OURS])
    by_id = {rule["ID"]: rule for rule in held(buckets)["Rules"]}
    assert by_id["theirs"]["Filter"] == {"Prefix": "logs/"}
    assert by_id["pilotlight-to-dr"]["Priority"] == 8
    buckets.settled("s3_bucket_replication", bucket="here", state="absent", rules=[{"id": "pilotlight-to-dr"}])
    assert [rule["ID"] for rule in held(buckets)["Rules"]] == ["theirs"]


def test_the_last_rule_takes_the_configuration_with_it(buckets: Any) -> None:
    buckets.run("s3_bucket_replication", bucket="here", role=ROLE, rules=[OURS])
    done = buckets.settled("s3_bucket_replication", bucket="here", state="absent", rules=[{"id": "pilotlight-to-dr"}])
    assert done["operations"] == ["DeleteBucketReplication"]


def test_a_role_that_rules_of_others_depend_on_is_not_replaced(buckets: Any) -> None:
    buckets.client("s3").put_bucket_replication(
        Bucket="here", ReplicationConfiguration={"Role": THEIR_ROLE, "Rules": [foreign()]}
    )
    refused = buckets.run("s3_bucket_replication", bucket="here", role=ROLE, rules=[OURS])
    assert refused["failed"]
    assert THEIR_ROLE in refused["msg"]
    assert not buckets.mutations


def test_a_role_of_rules_that_are_all_ours_is_replaced(buckets: Any) -> None:
    buckets.run("s3_bucket_replication", bucket="here", role=THEIR_ROLE, rules=[OURS])
    buckets.settled("s3_bucket_replication", bucket="here", role=ROLE, rules=[OURS])
    assert held(buckets)["Role"] == ROLE


def test_a_bucket_without_versions_is_refused_and_planned_around(cloud: Any) -> None:
    cloud.client("s3").create_bucket(Bucket="plain")
    arguments = {"bucket": "plain", "role": ROLE, "rules": [OURS]}
    refused = cloud.run("s3_bucket_replication", **arguments)
    assert "keeps no versions" in refused["msg"]
    planned = cloud.run("s3_bucket_replication", check=True, **arguments)
    assert planned["changed"]
    assert "keeps no versions" in planned["assumed"][0]
    assert not cloud.mutations


def test_old_rules_cannot_stand_beside_ours() -> None:
    old = {"ID": "old", "Prefix": "", "Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::x"}}
    with pytest.raises(Refused, match="first version of the schema"):
        replication.decide_present("b", {"Role": ROLE, "Rules": [old]}, ROLE, [replication.Rule("a", "x")])


def test_a_priority_that_belongs_to_another_rule_is_refused() -> None:
    current = {"Role": ROLE, "Rules": [foreign(3)]}
    with pytest.raises(Refused, match="priority 3"):
        replication.decide_present("b", current, ROLE, [replication.Rule("a", "x", priority=3)])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (foreign(), "objects outside the prefix logs/"),
        (foreign(), "delete markers: an object deleted here stays there"),
        (foreign(), "changes of metadata made on replicas"),
        (foreign(), "objects encrypted under SSE-KMS"),
        (foreign(), "any promise of time: Replication Time Control (15 minutes) is off"),
        (foreign(), "objects written before the rule was made: S3 Batch Replication copies them"),
        (
            foreign(Filter={"Tag": {"Key": "a", "Value": "b"}}),
            "objects without the tags of the filter, and every delete marker",
        ),
        (foreign(Status="Disabled"), "everything: the rule is disabled"),
    ],
)
def test_a_rule_says_what_it_leaves_out(rule: dict[str, Any], said: str) -> None:
    assert said in replication.not_covered(rule)


def test_a_complete_rule_leaves_out_only_what_s3_never_replicates() -> None:
    ours = replication.to_aws(replication.Rule("a", "x", replica_key_arn=KEY), 1)
    assert replication.not_covered(ours) == [
        "objects written before the rule was made: S3 Batch Replication copies them",
        "deletions of a named version, and what lifecycle rules do: never replicated by S3",
    ]
