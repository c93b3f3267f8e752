"""Replica secrets in the lab behave as R22 says."""

from __future__ import annotations

from collections.abc import Callable

from cloud_world import EAST, WEST, Lab

Code = Callable[..., str]


def test_a_replica_is_read_only_until_it_is_promoted(lab: Lab, code: Code) -> None:
    east, west = lab.client("secretsmanager", EAST), lab.client("secretsmanager", WEST)
    east.create_secret(Name="app/database", SecretString="one")
    shown = east.replicate_secret_to_regions(SecretId="app/database", AddReplicaRegions=[{"Region": WEST}])
    assert [one["Status"] for one in shown["ReplicationStatus"]] == ["InProgress"]
    lab.wait(1)
    assert [r["Status"] for r in east.describe_secret(SecretId="app/database")["ReplicationStatus"]] == ["InSync"]
    replica = west.describe_secret(SecretId="app/database")
    assert replica["PrimaryRegion"] == EAST
    assert "ReplicationStatus" not in replica
    east.put_secret_value(SecretId="app/database", SecretString="two")
    assert west.get_secret_value(SecretId="app/database")["SecretString"] == "two"
    put = {"SecretId": "app/database", "SecretString": "three"}
    assert code(west.put_secret_value, **put) == "InvalidParameterException"

    lab.world.outage(EAST)
    assert west.stop_replication_to_replica(SecretId="app/database")["ARN"] == replica["ARN"]
    west.put_secret_value(**put)
    assert west.get_secret_value(SecretId="app/database")["SecretString"] == "three"
    assert east.get_secret_value(SecretId="app/database")["SecretString"] == "two"
    assert "PrimaryRegion" not in west.describe_secret(SecretId="app/database")
    assert code(west.stop_replication_to_replica, SecretId="app/database") == "InvalidParameterException"


def test_replication_again_does_no_harm_and_is_taken_back(lab: Lab, code: Code) -> None:
    east, west = lab.client("secretsmanager", EAST), lab.client("secretsmanager", WEST)
    east.create_secret(Name="app/database", SecretString="one", AddReplicaRegions=[{"Region": WEST}])
    east.replicate_secret_to_regions(SecretId="app/database", AddReplicaRegions=[{"Region": WEST}])
    lab.wait(1)
    assert [r["Status"] for r in east.describe_secret(SecretId="app/database")["ReplicationStatus"]] == ["InSync"]
    east.remove_regions_from_replication(SecretId="app/database", RemoveReplicaRegions=[WEST])
    assert code(west.describe_secret, SecretId="app/database") == "ResourceNotFoundException"
