# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deployment from its first note to its rollback, told as scenarios over a small AWS of Lambda functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from unit.deploy.fake_aws import FakeAws, VirtualClock, inline, operations, refused

from plugins.module_utils._recovery.declared import Refused
from plugins.module_utils._recovery.deployment import Deployment, RolledBack, announced
from plugins.module_utils._recovery.ledger_store import ledger_of
from plugins.module_utils._recovery.model import Application, parse_application
from plugins.module_utils._recovery.resources import At, Resource, declared

_GROUP = {"active": {"min": 1, "desired": 1, "max": 2}, "standby": {"min": 0, "desired": 1, "max": 2}}


def _site(place: str, region: str) -> dict[str, Any]:
    return {
        "place": place,
        "region": region,
        "profile": place,
        "cluster": f"shop-{place}",
        "groups": [{"name": f"shop-{place}-asg", **_GROUP}],
        "load_balancer": f"shop-{place}-alb",
        "state_table": "shop-state",
        "state_bucket": f"shop-state-{region}",
    }


APPLICATION: Application = parse_application(
    {
        "name": "shop",
        "global_cluster": "shop-global",
        "primary": _site("primary", "us-east-1"),
        "dr": _site("dr", "us-west-2"),
        "traffic": {"hosted_zone": "shop.example", "names": ["app.shop.example"]},
    }
)


class World(FakeAws):
    """Lambda functions that come and go, and nothing else."""

    def __init__(self, *functions: str) -> None:
        super().__init__()
        self.functions = set(functions)
        self.answers = {
            "GetFunction": self._get,
            "DeleteFunction": self._delete,
            "GetObject": refused("NoSuchBucket"),
            "PutObject": refused("NoSuchBucket"),
            "DescribeGlobalClusters": {"GlobalClusters": []},
            "ListHostedZonesByName": {"HostedZones": []},
        }

    def _get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if params["FunctionName"] not in self.functions:
            raise refused("ResourceNotFoundException")
        return {"Configuration": {}}

    def _delete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self.functions.remove(params["FunctionName"])
        return {}


RESOURCES = declared(APPLICATION, [{"phase": "orchestrator", "kind": "lambda_function", "names": ["one", "two"]}])


def deployments(world: FakeAws, folder: Path, dry: bool = False) -> Deployment:
    at = At(world, APPLICATION.dr.access)
    store = ledger_of(APPLICATION, folder, at)
    return Deployment(APPLICATION, world, inline(), VirtualClock(), store, WARNINGS.append, dry)


WARNINGS: list[str] = []


def names(done: RolledBack) -> list[str]:
    return [resource.name for resource in done.deleted]


def test_a_deploy_that_failed_takes_back_what_it_created_last_first(tmp_path: Path) -> None:
    world = World()
    begun = deployments(world, tmp_path).begin(RESOURCES, "t")
    assert [resource.name for resource in begun.absent] == ["one", "two"]
    world.functions |= {"one", "two"}
    deployments(world, tmp_path).fail(begun.run_id, "orchestrator")
    assert names(deployments(world, tmp_path).take_back((), False, "")) == ["two", "one"]
    assert world.functions == set()
    assert names(deployments(world, tmp_path).take_back((), False, "")) == []


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    world = World("one")
    begun = deployments(world, tmp_path).begin(RESOURCES, "t")
    assert [resource.name for resource in begun.existing] == ["one"]
    world.functions.add("two")
    assert names(deployments(world, tmp_path).take_back((), False, "")) == ["two"]
    assert world.functions == {"one"}


def test_what_somebody_else_made_after_a_failed_run_stays(tmp_path: Path) -> None:
    world = World()
    begun = deployments(world, tmp_path).begin(RESOURCES, "t")
    deployments(world, tmp_path).fail(begun.run_id, "network")
    world.functions.add("one")
    assert names(deployments(world, tmp_path).take_back((), False, "")) == []


def test_a_deploy_that_completed_is_taken_back_with_a_confirmation_only(tmp_path: Path) -> None:
    world = World()
    begun = deployments(world, tmp_path).begin(RESOURCES, "t")
    world.functions |= {"one", "two"}
    deployments(world, tmp_path).complete(begun.run_id)
    with pytest.raises(Refused, match=r"rollback_confirm is empty: .* say rollback_confirm=shop"):
        deployments(world, tmp_path).take_back((), False, "")
    assert world.functions == {"one", "two"}
    assert names(deployments(world, tmp_path).take_back((), False, "shop")) == ["two", "one"]


def test_a_second_deploy_has_nothing_to_take_back_unless_everything_is_asked_for(tmp_path: Path) -> None:
    world = World()
    first = deployments(world, tmp_path).begin(RESOURCES, "t")
    world.functions |= {"one", "two"}
    deployments(world, tmp_path).complete(first.run_id)
    second = deployments(world, tmp_path).begin(RESOURCES, "u")
    deployments(world, tmp_path).complete(second.run_id)
    assert names(deployments(world, tmp_path).take_back((), False, "")) == []
    with pytest.raises(Refused, match="to take back all deployments"):
        deployments(world, tmp_path).take_back((), True, "")
    assert names(deployments(world, tmp_path).take_back((), True, "shop")) == ["two", "one"]


def test_check_mode_says_and_neither_notes_nor_deletes(tmp_path: Path) -> None:
    world = World()
    assert len(deployments(world, tmp_path, dry=True).begin(RESOURCES, "t").absent) == 2
    assert not list(tmp_path.iterdir())
    deployments(world, tmp_path).begin(RESOURCES, "t")
    world.functions |= {"one", "two"}
    world.changes.clear()
    assert names(deployments(world, tmp_path, dry=True).take_back((), False, "")) == ["two", "one"]
    assert world.changes == []


def test_a_run_with_nothing_to_create_changes_nothing_at_all(tmp_path: Path) -> None:
    world = World("one", "two")
    begun = deployments(world, tmp_path).begin(RESOURCES, "t")
    deployments(world, tmp_path).go_on(begun.run_id)
    deployments(world, tmp_path).complete(begun.run_id)
    assert operations(world.changes) == []


def test_nothing_is_taken_back_while_the_application_lives_in_the_dr_region(tmp_path: Path) -> None:
    world = World()
    deployments(world, tmp_path).begin(RESOURCES, "t")
    world.functions |= {"one", "two"}
    members = [{"DBClusterArn": "arn:aws:rds:us-west-2:123456789012:cluster:shop-dr", "IsWriter": True}]
    world.answers["DescribeGlobalClusters"] = {
        "GlobalClusters": [{"GlobalClusterIdentifier": "shop-global", "GlobalClusterMembers": members}]
    }
    with pytest.raises(Refused, match="the writer of shop-global is in us-west-2; fail back first"):
        deployments(world, tmp_path).take_back((), False, "")
    assert world.functions == {"one", "two"}


def test_nothing_is_taken_back_while_failover_records_stand(tmp_path: Path) -> None:
    world = World()
    deployments(world, tmp_path).begin(RESOURCES, "t")
    world.functions |= {"one", "two"}
    world.answers["ListHostedZonesByName"] = {"HostedZones": [{"Id": "/hostedzone/Z1", "Name": "shop.example."}]}
    world.answers["ListResourceRecordSets"] = {
        "ResourceRecordSets": [{"Name": "app.shop.example.", "Type": "CNAME", "Failover": "PRIMARY"}]
    }
    with pytest.raises(Refused, match=r"app\.shop\.example has failover records"):
        deployments(world, tmp_path).take_back((), False, "")
    assert world.functions == {"one", "two"}


def test_a_copy_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    world = World()
    begun = deployments(world, tmp_path).begin(RESOURCES, "t")
    world.answers["PutObject"] = refused("AccessDenied")
    WARNINGS.clear()
    deployments(world, tmp_path).complete(begun.run_id)
    assert "was not brought up to date" in WARNINGS[0]


def test_what_is_declared_knows_where_it_is() -> None:
    entries = [
        {"kind": "iam_role", "names": ["role"], "place": "dr"},
        {"kind": "health_check", "names": ["check"], "place": "traffic"},
        {"kind": "alarm", "names": ["a", "b"], "place": "dr", "phase": "traffic", "stands_on": ["x"]},
    ]
    assert [resource.region for resource in declared(APPLICATION, entries)] == [
        "us-east-1",
        "us-east-1",
        "us-west-2",
        "us-west-2",
    ]


def test_what_cannot_be_taken_back_is_announced_as_such() -> None:
    versioning = Resource("s3_bucket_versioning", "data", "primary", "us-east-1", "storage")
    assert announced(versioning) == (
        "s3 bucket versioning data in us-east-1 (phase storage); "
        "cannot be taken back: versioning, once on, can be suspended but never taken back"
    )
