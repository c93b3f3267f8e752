"""Aurora global databases in the lab behave as the rules R1, R5 to R9, R14 and R31 say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cloud_world import EAST, WEST, Lab

Code = Callable[..., str]

GLOBAL = "app-global"


def make_cluster(lab: Lab, **more: Any) -> str:
    arguments: dict[str, Any] = {
        "DBClusterIdentifier": "app",
        "Engine": "aurora-postgresql",
        "EngineVersion": "16.6",
        "MasterUsername": "postgres",
        "MasterUserPassword": "a-long-password",
        "StorageEncrypted": True,
        **more,
    }
    rds = lab.client("rds", EAST)
    cluster = rds.create_db_cluster(**arguments)["DBCluster"]
    rds.create_db_instance(
        DBInstanceIdentifier="app-1",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="app",
    )
    lab.wait(5)
    return str(cluster["DBClusterArn"])


def add_secondary(lab: Lab, instance: bool = True, **more: Any) -> str:
    key = lab.client("kms", WEST).create_key()["KeyMetadata"]["Arn"]
    rds = lab.client("rds", WEST)
    arguments: dict[str, Any] = {
        "DBClusterIdentifier": "app-dr",
        "Engine": "aurora-postgresql",
        "GlobalClusterIdentifier": GLOBAL,
        "KmsKeyId": key,
        **more,
    }
    cluster = rds.create_db_cluster(**arguments)["DBCluster"]
    if instance:
        rds.create_db_instance(
            DBInstanceIdentifier="app-dr-1",
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            DBClusterIdentifier="app-dr",
        )
    lab.wait(5)
    return str(cluster["DBClusterArn"])


@pytest.fixture
def pair(lab: Lab) -> tuple[str, str]:
    primary = make_cluster(lab)
    lab.client("rds").create_global_cluster(GlobalClusterIdentifier=GLOBAL, SourceDBClusterIdentifier=primary)
    return primary, add_secondary(lab)


def show(lab: Lab, region: str = EAST) -> dict[str, Any]:
    found = lab.client("rds", region).describe_global_clusters(GlobalClusterIdentifier=GLOBAL)["GlobalClusters"]
    return dict(found[0])


def writer(lab: Lab) -> str:
    return next(str(m["DBClusterArn"]) for m in show(lab)["GlobalClusterMembers"] if m["IsWriter"])


def messages(lab: Lab, region: str, **filters: Any) -> list[str]:
    return [event["Message"] for event in lab.client("rds", region).describe_events(**filters)["Events"]]


def test_clusters_and_instances_take_time_to_come_and_to_go(lab: Lab) -> None:
    rds = lab.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="app", Engine="aurora-postgresql", MasterUsername="u", MasterUserPassword="long-enough"
    )
    for _ in range(3):
        assert rds.describe_db_clusters()["DBClusters"][0]["Status"] == "creating"
    lab.wait(1)
    assert rds.describe_db_clusters()["DBClusters"][0]["Status"] == "available"
    rds.delete_db_cluster(DBClusterIdentifier="app", SkipFinalSnapshot=True)
    assert rds.describe_db_clusters()["DBClusters"][0]["Status"] == "deleting"
    lab.wait(1)
    assert rds.describe_db_clusters()["DBClusters"] == []


def test_a_global_cluster_is_seen_from_every_region(lab: Lab, pair: tuple[str, str]) -> None:
    assert show(lab, EAST) == show(lab, WEST)
    members = show(lab)["GlobalClusterMembers"]
    assert [(m["DBClusterArn"], m["IsWriter"], m["SynchronizationStatus"]) for m in members] == [
        (pair[0], True, "connected"),
        (pair[1], False, "connected"),
    ]
    assert ".global." in show(lab)["Endpoint"]
    secondary = lab.client("rds", WEST).describe_db_clusters()["DBClusters"][0]
    assert secondary["EngineVersion"] == "16.6"
    assert secondary["StorageEncrypted"] is True
    assert [m["IsClusterWriter"] for m in secondary["DBClusterMembers"]] == [False]


def test_a_source_cluster_is_looked_for_in_the_region_of_the_call(lab: Lab, code: Code) -> None:
    source = make_cluster(lab)
    create = {"GlobalClusterIdentifier": GLOBAL, "SourceDBClusterIdentifier": source}
    assert code(lab.client("rds", WEST).create_global_cluster, **create) == "DBClusterNotFoundFault"
    lab.client("rds", EAST).create_global_cluster(**create)
    assert code(lab.client("rds", EAST).create_global_cluster, **create) == "GlobalClusterAlreadyExistsFault"


@pytest.mark.parametrize(
    "wrong",
    [
        {"MasterUsername": "postgres"},
        {"EngineVersion": "15.4"},
        {"KmsKeyId": ""},
        {"StorageEncrypted": False},
        {"Engine": "aurora-mysql"},
    ],
)
def test_a_secondary_that_aws_refuses(lab: Lab, code: Code, wrong: dict[str, Any]) -> None:
    primary = make_cluster(lab)
    lab.client("rds").create_global_cluster(GlobalClusterIdentifier=GLOBAL, SourceDBClusterIdentifier=primary)
    assert code(add_secondary, lab=lab, **wrong) == "InvalidParameterCombination"


def test_an_unencrypted_primary_cannot_have_an_encrypted_secondary(lab: Lab, code: Code) -> None:
    primary = make_cluster(lab, StorageEncrypted=False)
    lab.client("rds").create_global_cluster(GlobalClusterIdentifier=GLOBAL, SourceDBClusterIdentifier=primary)
    assert code(add_secondary, lab=lab) == "InvalidParameterCombination"


def test_a_disabled_key_is_refused(lab: Lab, code: Code) -> None:
    primary = make_cluster(lab)
    lab.client("rds").create_global_cluster(GlobalClusterIdentifier=GLOBAL, SourceDBClusterIdentifier=primary)
    key = lab.client("kms", WEST).create_key()["KeyMetadata"]["Arn"]
    lab.client("kms", WEST).disable_key(KeyId=key)
    assert code(add_secondary, lab=lab, KmsKeyId=key) == "KMSKeyNotAccessibleFault"


def test_a_switchover_goes_through_its_states_and_loses_nothing(lab: Lab, pair: tuple[str, str]) -> None:
    primary, secondary = pair
    lab.client("rds", EAST).switchover_global_cluster(
        GlobalClusterIdentifier=GLOBAL, TargetDbClusterIdentifier=secondary
    )
    assert show(lab, WEST)["FailoverState"] == {
        "Status": "pending",
        "FromDbClusterArn": primary,
        "ToDbClusterArn": secondary,
        "IsDataLossAllowed": False,
    }
    lab.wait(0.4)
    assert show(lab, WEST)["FailoverState"]["Status"] == "switching-over"
    assert writer(lab) == primary
    assert lab.plane.calls == []
    lab.wait(2)
    assert "FailoverState" not in show(lab, WEST)
    assert writer(lab) == secondary
    assert lab.plane.calls == [("switchover", EAST, WEST)]
    fencing = messages(lab, EAST, SourceType="db-instance", SourceIdentifier="app-1")
    assert "Attempt to block writes for DB cluster app in Region us-east-1 succeeded." in fencing
    assert any("global writer endpoint" in text for text in messages(lab, WEST, SourceType="db-cluster"))


def test_a_switchover_is_called_in_the_writers_region_only(lab: Lab, pair: tuple[str, str], code: Code) -> None:
    arguments = {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": pair[1]}
    assert code(lab.client("rds", WEST).switchover_global_cluster, **arguments) == "InvalidGlobalClusterStateFault"
    assert code(lab.client("rds", WEST).failover_global_cluster, **arguments) == "InvalidGlobalClusterStateFault"
    lab.client("rds", EAST).failover_global_cluster(**arguments)  # without AllowDataLoss it is a switchover
    assert show(lab)["FailoverState"]["IsDataLossAllowed"] is False
    assert code(lab.client("rds", EAST).switchover_global_cluster, **arguments) == "InvalidGlobalClusterStateFault"


def test_a_headless_secondary_cannot_be_promoted(lab: Lab, code: Code) -> None:
    primary = make_cluster(lab)
    lab.client("rds").create_global_cluster(GlobalClusterIdentifier=GLOBAL, SourceDBClusterIdentifier=primary)
    arguments = {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": add_secondary(lab, instance=False)}
    assert code(lab.client("rds", EAST).switchover_global_cluster, **arguments) == "InvalidDBClusterStateFault"
    assert (
        code(lab.client("rds", WEST).failover_global_cluster, AllowDataLoss=True, **arguments)
        == "InvalidDBClusterStateFault"
    )


def test_a_failover_of_a_lost_region_and_how_it_comes_back(lab: Lab, pair: tuple[str, str], code: Code) -> None:
    primary, secondary = pair
    arguments = {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": secondary}
    west = lab.client("rds", WEST)
    both = code(west.failover_global_cluster, AllowDataLoss=True, Switchover=True, **arguments)
    assert both == "InvalidParameterCombination"
    lab.world.outage(EAST)
    west.failover_global_cluster(AllowDataLoss=True, **arguments)
    lab.wait(0.4)
    assert show(lab, WEST)["FailoverState"]["Status"] == "failing-over"
    lab.wait(2.5)
    assert "FailoverState" not in show(lab, WEST)
    assert writer(lab) == secondary
    assert lab.plane.calls == [("failover", WEST)]
    timed_out = "Attempt to block writes for DB cluster app in Region us-east-1 timed out."
    assert timed_out in messages(lab, WEST, SourceType="db-instance")

    lab.wait(600)
    status = {m["DBClusterArn"]: m["SynchronizationStatus"] for m in show(lab, WEST)["GlobalClusterMembers"]}
    assert status == {primary: "pending-resync", secondary: "connected"}
    home = {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": primary}
    assert code(west.switchover_global_cluster, **home) == "InvalidDBClusterStateFault"

    lab.world.heal(EAST)
    snapshots = lab.client("rds", EAST).describe_db_cluster_snapshots(DBClusterIdentifier="app")["DBClusterSnapshots"]
    names = [snapshot["DBClusterSnapshotIdentifier"] for snapshot in snapshots]
    assert any(name.startswith("rds:unplanned-global-failover-app-") for name in names)
    lab.wait(10)
    assert lab.plane.calls[-1] == ("rejoin", EAST)
    west.switchover_global_cluster(**home)
    lab.wait(3)
    assert writer(lab) == primary


def test_a_snapshot_of_lost_writes_expires_and_its_copy_stays(lab: Lab, pair: tuple[str, str], code: Code) -> None:
    _primary, secondary = pair
    lab.world.outage(EAST)
    failover = {"GlobalClusterIdentifier": GLOBAL, "TargetDbClusterIdentifier": secondary}
    lab.client("rds", WEST).failover_global_cluster(AllowDataLoss=True, **failover)
    lab.wait(5)
    lab.world.heal(EAST)
    rds = lab.client("rds", EAST)
    all_of_them = rds.describe_db_cluster_snapshots(DBClusterIdentifier="app")["DBClusterSnapshots"]
    (lost,) = [one for one in all_of_them if "unplanned" in one["DBClusterSnapshotIdentifier"]]
    assert (lost["Status"], lost["SnapshotType"]) == ("creating", "automated")
    copy = {"SourceDBClusterSnapshotIdentifier": lost["DBClusterSnapshotArn"]}
    named = {"TargetDBClusterSnapshotIdentifier": "lost-writes-app"}
    assert code(rds.copy_db_cluster_snapshot, **copy, **named) == "InvalidDBClusterSnapshotStateFault"
    lab.wait(2)
    wrong = {"TargetDBClusterSnapshotIdentifier": "rds:lost--writes"}
    assert code(rds.copy_db_cluster_snapshot, **copy, **wrong) == "InvalidParameterValue"
    copied = rds.copy_db_cluster_snapshot(**copy, **named, Tags=[{"Key": "Project", "Value": "app"}])
    assert copied["DBClusterSnapshot"]["Status"] == "creating"
    assert code(rds.copy_db_cluster_snapshot, **copy, **named) == "DBClusterSnapshotAlreadyExistsFault"
    lab.wait(2 * 86400)
    (left,) = rds.describe_db_cluster_snapshots(DBClusterIdentifier="app")["DBClusterSnapshots"]
    assert (left["DBClusterSnapshotIdentifier"], left["Status"]) == ("lost-writes-app", "available")
    assert (left["SnapshotType"], left["TagList"]) == ("manual", [{"Key": "Project", "Value": "app"}])


def test_a_region_lost_in_a_switchover_cancels_it(lab: Lab, pair: tuple[str, str]) -> None:
    primary, secondary = pair
    lab.client("rds").switchover_global_cluster(GlobalClusterIdentifier=GLOBAL, TargetDbClusterIdentifier=secondary)
    lab.wait(0.5)
    lab.world.outage(EAST)
    lab.wait(3)
    assert writer(lab) == primary
    assert lab.plane.calls == []
    cancelled = "Global switchover to DB cluster app-dr in Region us-west-2 is cancelled."
    assert cancelled in messages(lab, WEST, SourceType="db-cluster")


def test_what_is_global_is_taken_apart_in_order(lab: Lab, pair: tuple[str, str], code: Code) -> None:
    primary, secondary = pair
    rds = lab.client("rds")
    remove = rds.remove_from_global_cluster
    assert code(rds.delete_global_cluster, GlobalClusterIdentifier=GLOBAL) == "InvalidGlobalClusterStateFault"
    assert code(remove, GlobalClusterIdentifier=GLOBAL, DbClusterIdentifier=primary) == "InvalidGlobalClusterStateFault"
    absent = primary.replace(":app", ":none")
    assert code(remove, GlobalClusterIdentifier=GLOBAL, DbClusterIdentifier=absent) == "DBClusterNotFoundFault"
    assert code(remove, GlobalClusterIdentifier="none", DbClusterIdentifier=primary) == "GlobalClusterNotFoundFault"
    west = lab.client("rds", WEST)
    west.delete_db_instance(DBInstanceIdentifier="app-dr-1", SkipFinalSnapshot=True)
    lab.wait(1)
    delete = {"DBClusterIdentifier": "app-dr", "SkipFinalSnapshot": True}
    assert code(west.delete_db_cluster, **delete) == "InvalidDBClusterStateFault"
    remove(GlobalClusterIdentifier=GLOBAL, DbClusterIdentifier=secondary)
    assert len(show(lab)["GlobalClusterMembers"]) == 2
    lab.wait(1)
    assert len(show(lab)["GlobalClusterMembers"]) == 1
    west.delete_db_cluster(**delete)
    remove(GlobalClusterIdentifier=GLOBAL, DbClusterIdentifier=primary)
    lab.wait(1)
    rds.delete_global_cluster(GlobalClusterIdentifier=GLOBAL)
    assert rds.describe_global_clusters()["GlobalClusters"] == []
