"""The member that is declared to be the writer becomes it, once, by a call in the region that AWS wants."""

from __future__ import annotations

from typing import Any

import pytest

NAME = "dr-webapp-global"
EAST = "arn:aws:rds:us-east-1:123456789012:cluster:dr-webapp"
WEST = "arn:aws:rds:us-west-2:123456789012:cluster:dr-webapp-dr-cluster"


@pytest.fixture
def pair(cloud: Any) -> Any:
    rds = cloud.client("rds")
    engine = {"Engine": "aurora-postgresql"}
    rds.create_db_cluster(
        DBClusterIdentifier="dr-webapp",
        EngineVersion="16.6",
        MasterUsername="admin1",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=True,
        **engine,
    )
    cloud.clock.wait(5)
    rds.create_global_cluster(GlobalClusterIdentifier=NAME, SourceDBClusterIdentifier=EAST)
    key = cloud.client("kms", "us-west-2").create_key()["KeyMetadata"]["Arn"]
    west = cloud.client("rds", "us-west-2")
    west.create_db_cluster(
        DBClusterIdentifier="dr-webapp-dr-cluster", GlobalClusterIdentifier=NAME, KmsKeyId=key, **engine
    )
    for client, cluster in ((rds, "dr-webapp"), (west, "dr-webapp-dr-cluster")):
        client.create_db_instance(
            DBInstanceIdentifier=f"{cluster}-1", DBInstanceClass="db.r6g.large", DBClusterIdentifier=cluster, **engine
        )
    cloud.clock.wait(5)
    rds.describe_global_clusters()
    return cloud


def declare(cloud: Any, writer: str = WEST, **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = cloud.run(
        "rds_global_cluster_writer", global_cluster_identifier=NAME, writer=writer, wait=False, **more
    )
    return result


def test_the_switchover_is_asked_for_in_the_region_of_the_current_writer(pair: Any) -> None:
    done = declare(pair)
    assert (done["failed"], done["changed"]) == (False, True), done
    assert done["operations"] == ["SwitchoverGlobalCluster"]
    assert [(region, name) for region, name, _ in pair.calls if name == "SwitchoverGlobalCluster"] == [
        ("us-east-1", "SwitchoverGlobalCluster")
    ]
    assert done["diff"] == {"before": {"writer": EAST}, "after": {"writer": WEST}}


def test_a_failover_is_asked_for_in_the_region_of_the_new_writer(pair: Any) -> None:
    assert declare(pair, allow_data_loss=True)["operations"] == ["FailoverGlobalCluster"]
    assert {region for region, _name, _params in pair.calls} == {"us-west-2"}


def test_check_mode_says_what_would_be_done_and_does_nothing(pair: Any) -> None:
    done = declare(pair, check=True)
    assert (done["changed"], done["operations"]) == (True, ["SwitchoverGlobalCluster"])
    assert pair.mutations == []


def test_the_writer_stays_what_it_is_without_a_call(pair: Any) -> None:
    done = declare(pair, EAST)
    assert (done["changed"], done["operations"], pair.mutations) == (False, [], [])


def test_one_that_is_on_its_way_is_not_asked_for_again(pair: Any) -> None:
    declare(pair)
    assert declare(pair)["operations"] == []
    pair.clock.wait(10)
    assert declare(pair)["changed"] is False
    assert pair.mutations == []


@pytest.mark.parametrize(
    ("writer", "said"),
    [
        ("dr-webapp", "writer is 'dr-webapp': the ARN of a cluster is wanted"),
        (WEST + "-other", "is no member of dr-webapp-global"),
    ],
)
def test_what_cannot_be_the_writer_is_refused(pair: Any, writer: str, said: str) -> None:
    done = declare(pair, writer)
    assert done["failed"]
    assert said in done["msg"]
    assert pair.mutations == []
