"""A global cluster is founded by an existing cluster, keeps its members, and is taken away in order."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import global_cluster as core
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused

NAME = "dr-webapp-global"
EAST = "arn:aws:rds:us-east-1:123456789012:cluster:dr-webapp"
WEST = "arn:aws:rds:us-west-2:123456789012:cluster:dr-webapp-dr-cluster"


def existing(*members: tuple[str, bool], **more: Any) -> dict[str, Any]:
    return {
        "GlobalClusterIdentifier": NAME,
        "GlobalClusterArn": f"arn:aws:rds::123456789012:global-cluster:{NAME}",
        "Status": "available",
        "Engine": "aurora-mysql",
        "EngineVersion": "8.0.mysql_aurora.3.04.0",
        "GlobalClusterMembers": [{"DBClusterArn": arn, "IsWriter": writer} for arn, writer in members],
        **more,
    }


@pytest.fixture
def primary(cloud: Any) -> Any:
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    cloud.client("rds").create_db_cluster(
        DBClusterIdentifier="dr-webapp",
        Engine="aurora-mysql",
        EngineVersion="8.0.mysql_aurora.3.04.0",
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=True,
        KmsKeyId=key,
    )
    return cloud


class TestFounding:
    def test_an_existing_cluster_founds_it_and_is_its_writer(self, primary: Any) -> None:
        self.wait_for_cluster(primary)
        done = primary.settled(
            "rds_global_cluster",
            global_cluster_identifier=NAME,
            source_db_cluster_identifier="dr-webapp",
            wait_interval=0.01,
        )
        assert done["operations"] == ["CreateGlobalCluster"]
        assert [member["writer"] for member in done["global_cluster"]["members"]] == [True]

    @staticmethod
    def wait_for_cluster(cloud: Any) -> None:
        for _look in range(50):
            cluster = cloud.client("rds").describe_db_clusters()["DBClusters"][0]
            if cluster["Status"] == "available":
                return
            cloud.clock.wait(1)
        raise AssertionError(cluster["Status"])

    def test_a_source_that_does_not_exist_is_named(self, cloud: Any) -> None:
        refused = cloud.run(
            "rds_global_cluster", global_cluster_identifier=NAME, source_db_cluster_identifier="dr-webapp"
        )
        assert refused["msg"] == f"there is no cluster dr-webapp in us-east-1: name the one that is to found {NAME}"

    def test_an_unencrypted_source_is_refused_with_the_way_out(self) -> None:
        cluster = {
            "DBClusterIdentifier": "c",
            "Engine": "aurora-mysql",
            "Status": "available",
            "StorageEncrypted": False,
        }
        assert "restore a snapshot of it with a KMS key" in core.source_problems(cluster)[0]

    def test_a_password_managed_by_rds_is_refused(self) -> None:
        cluster = {
            "DBClusterIdentifier": "c",
            "Engine": "aurora-mysql",
            "Status": "available",
            "StorageEncrypted": True,
        }
        assert core.source_problems(cluster) == []
        assert "managed by RDS" in core.source_problems({**cluster, "MasterUserSecret": {"SecretArn": "a"}})[0]

    def test_without_source_or_engine_it_cannot_be_made(self) -> None:
        with pytest.raises(Refused, match="needs a source cluster or an engine"):
            core.decide_present(None, core.Wanted(NAME))

    def test_what_comes_from_the_source_is_not_given(self) -> None:
        wanted = core.Wanted(NAME, source_arn=EAST, engine="aurora-mysql", storage_encrypted=True)
        params = core.decide_present(None, wanted).calls[0].params
        assert dict(params) == {"GlobalClusterIdentifier": NAME, "SourceDBClusterIdentifier": EAST}


class TestKeeping:
    @pytest.mark.parametrize("writer", [EAST, WEST])
    def test_a_move_of_the_writer_is_no_drift(self, writer: str) -> None:
        current = existing((EAST, writer == EAST), (WEST, writer == WEST))
        assert not core.decide_present(current, core.Wanted(NAME, source_arn=EAST)).changed

    def test_a_global_cluster_without_the_source_is_refused(self) -> None:
        with pytest.raises(Refused, match="can only found a global cluster"):
            core.decide_present(existing((WEST, True)), core.Wanted(NAME, source_arn=EAST))

    def test_protection_and_tags_are_mended(self) -> None:
        wanted = core.Wanted(NAME, source_arn=EAST, deletion_protection=True, tags={"Project": "dr-webapp"})
        change = core.decide_present(existing((EAST, True)), wanted)
        assert [call.operation for call in change.calls] == ["ModifyGlobalCluster", "AddTagsToResource"]

    def test_another_engine_version_is_refused(self) -> None:
        with pytest.raises(Refused, match="EngineVersion"):
            core.decide_present(existing((EAST, True)), core.Wanted(NAME, engine_version="16.4"))

    def test_a_secondary_that_is_not_listed_is_detached(self) -> None:
        change = core.decide_detach(existing((EAST, True), (WEST, False)), [EAST])
        assert [call.params["DbClusterIdentifier"] for call in change.calls] == [WEST]

    def test_a_writer_is_never_detached_from_others(self) -> None:
        with pytest.raises(Refused, match="move the writer"):
            core.decide_detach(existing((EAST, True), (WEST, False)), [WEST])


class TestTakingAway:
    def test_secondaries_go_first_then_the_writer_then_the_global_cluster(self) -> None:
        changes = core.decide_absent(existing((WEST, False), (EAST, True)), detach_members=True)
        assert [(c.operation, c.params.get("DbClusterIdentifier")) for change in changes for c in change.calls] == [
            ("RemoveFromGlobalCluster", WEST),
            ("RemoveFromGlobalCluster", EAST),
            ("DeleteGlobalCluster", None),
        ]

    def test_members_are_never_detached_by_accident(self) -> None:
        with pytest.raises(Refused, match="detach_members=true"):
            core.decide_absent(existing((EAST, True)), detach_members=False)

    def test_a_protected_one_stays(self) -> None:
        with pytest.raises(Refused, match="protected against deletion"):
            core.decide_absent(existing(DeletionProtection=True), detach_members=True)

    def test_one_that_is_gone_needs_nothing(self, cloud: Any) -> None:
        done = cloud.settled("rds_global_cluster", global_cluster_identifier=NAME, state="absent")
        assert done["operations"] == []

    def test_the_member_stays_as_a_cluster_of_its_own(self, primary: Any) -> None:
        TestFounding.wait_for_cluster(primary)
        waits = {"wait_interval": 0.01, "wait_timeout": 30}
        primary.run(
            "rds_global_cluster", global_cluster_identifier=NAME, source_db_cluster_identifier="dr-webapp", **waits
        )
        done = primary.settled(
            "rds_global_cluster", global_cluster_identifier=NAME, state="absent", detach_members=True, **waits
        )
        assert done["operations"] == ["RemoveFromGlobalCluster", "DeleteGlobalCluster"]
        assert primary.client("rds").describe_db_clusters()["DBClusters"][0]["DBClusterIdentifier"] == "dr-webapp"


@pytest.mark.parametrize(
    ("current", "gone", "said"),
    [
        (None, (), "the global cluster does not exist"),
        (existing((EAST, True), Status="modifying"), (), f"{NAME} is modifying, not available"),
        (
            existing((EAST, True), FailoverState={"Status": "unheard-of"}),
            (),
            f"{NAME} is moving its writer (unheard-of)",
        ),
        (existing((EAST, True), (WEST, False)), (WEST,), f"{WEST} is still a member of {NAME}"),
        (existing((EAST, True)), (WEST,), None),
    ],
)
def test_a_wait_says_what_is_missing(current: Any, gone: tuple[str, ...], said: str | None) -> None:
    assert core.waiting_for(current, gone) == said
