"""Replicas of secrets, without ever touching a value."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import secret_replica
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused

DECLARED = {"name": "web/database", "replica_region": "us-west-2", "wait_interval": 1}
VALUE = "correct-horse-battery-staple"


@pytest.fixture
def secret(cloud: Any) -> Any:
    """A secret of the primary region."""
    return cloud.client("secretsmanager").create_secret(Name="web/database", SecretString=VALUE)


def test_a_secret_is_replicated_once_and_its_value_is_never_asked_for(cloud: Any, secret: Any) -> None:
    done = cloud.settled("secretsmanager_replica", **DECLARED)
    assert done["operations"] == ["ReplicateSecretToRegions"]
    assert done["replica"]["status"] == "InSync"
    assert not [operation for _, operation, _ in cloud.calls if "Value" in operation or operation == "UpdateSecret"]
    assert VALUE not in str(done)
    assert (
        cloud.client("secretsmanager", "us-west-2").get_secret_value(SecretId="web/database")["SecretString"] == VALUE
    )


def test_a_secret_that_is_not_there_is_named(cloud: Any) -> None:
    refused = cloud.run("secretsmanager_replica", **DECLARED)
    assert refused["msg"].startswith("there is no secret web/database in us-east-1")


WANTED = secret_replica.Wanted("web/database", "us-west-2", "key-b")


@pytest.mark.parametrize("held", [{"Status": "Failed", "KmsKeyId": "key-b"}, {"Status": "InSync", "KmsKeyId": "key-a"}])
def test_a_failed_replica_or_one_under_another_key_is_made_anew(held: dict[str, str]) -> None:
    change = secret_replica.decide({"ReplicationStatus": [{"Region": "us-west-2", **held}]}, WANTED)
    assert [call.operation for call in change.calls] == ["RemoveRegionsFromReplication", "ReplicateSecretToRegions"]


def test_a_replica_of_another_region_is_left_alone() -> None:
    change = secret_replica.decide({"ReplicationStatus": [{"Region": "eu-west-1", "Status": "InSync"}]}, WANTED)
    assert [call.operation for call in change.calls] == ["ReplicateSecretToRegions"]


def test_replication_that_fails_says_why() -> None:
    failed = {"Region": "us-west-2", "Status": "Failed", "StatusMessage": "the name is taken"}
    with pytest.raises(Refused, match="the replica of web/database in us-west-2 is Failed: the name is taken"):
        secret_replica.unfinished({"ReplicationStatus": [failed]}, WANTED)
