# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollback takes back, in which order, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from unit.deploy.fake_aws import FakeAws, VirtualClock, operations, refused

from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.resources import KINDS, At, Resource, command
from plugins.module_utils._recovery.rollback import Item, plan, take_back, unknown_names

VPC = Resource("cloudformation_stack", "vpc", "dr", "us-west-2")
SUBNETS = Resource("rds_subnet_group", "subnets", "dr", "us-west-2", stands_on=("vpc",))
SHELL = Resource("rds_global_cluster", "shell", "primary", "us-east-1")
CLUSTER = Resource("rds_cluster", "cluster", "dr", "us-west-2", stands_on=("subnets", "shell"))
INSTANCE = Resource("rds_instance", "cluster-1", "dr", "us-west-2", belongs_to="cluster", stands_on=("cluster",))
VERSIONING = Resource("s3_bucket_versioning", "data", "primary", "us-east-1")
FUNCTION = Resource("lambda_function", "function", "dr", "us-west-2")
CREATED = (VPC, SHELL, SUBNETS, CLUSTER, INSTANCE, VERSIONING, FUNCTION)


def test_data_stores_stay_with_everything_that_they_stand_on() -> None:
    items = plan(CREATED, named=())
    assert [item.resource for item in items if item.action == "delete"] == [FUNCTION]
    reasons = {item.resource.name: item.reason for item in items if item.action == "keep"}
    assert reasons["subnets"] == "cluster stands on it"
    assert reasons["vpc"] == "subnets stands on it"
    assert reasons["cluster"].startswith("a data store")


def test_what_the_operator_names_goes_with_its_parts_last_created_first() -> None:
    items = plan(CREATED, named=["cluster"])
    deleted = [item.resource for item in items if item.action == "delete"]
    assert deleted == [FUNCTION, INSTANCE, CLUSTER, SUBNETS, SHELL, VPC]


def test_what_cannot_be_taken_back_is_listed_with_a_command() -> None:
    (item,) = [item for item in plan(CREATED, ["cluster"]) if item.action == "keep"]
    assert item.resource == VERSIONING
    assert item.reason == "versioning, once on, can be suspended but never taken back"
    assert item.by_hand == (
        "aws s3api put-bucket-versioning --bucket data --versioning-configuration Status=Suspended --region us-east-1"
    )


def test_a_name_that_is_no_data_store_of_the_deployment() -> None:
    assert unknown_names(CREATED, ["cluster", "clutser", "vpc"]) == ["clutser", "vpc"]


def test_every_kind_has_a_command() -> None:
    for kind in KINDS:
        assert "{" not in command(Resource(kind, "name", "dr", "us-west-2"))


def items_of(*resources: Resource) -> list[Item]:
    return [Item(resource, "delete") for resource in resources]


def rolled_back(aws: FakeAws, *resources: Resource, clock: VirtualClock | None = None) -> tuple[list[str], list[str]]:
    gone: list[str] = []
    problems = take_back(
        items_of(*resources),
        lambda resource: At(aws, Access(resource.region)),
        clock or VirtualClock(),
        lambda resource: gone.append(resource.name),
    )
    return gone, problems


class Function:
    """A Lambda function that goes when it is deleted."""

    def __init__(self) -> None:
        self.there = True

    def get(self, _params: Mapping[str, Any]) -> dict[str, Any]:
        if not self.there:
            raise refused("ResourceNotFoundException")
        return {"Configuration": {}}

    def delete(self, _params: Mapping[str, Any]) -> dict[str, Any]:
        self.there = False
        return {}


def test_a_deletion_is_waited_for() -> None:
    function = Function()
    aws = FakeAws({"GetFunction": function.get, "DeleteFunction": function.delete})
    assert rolled_back(aws, FUNCTION) == (["function"], [])


def test_aws_is_asked_again_while_it_is_busy() -> None:
    function, asked = Function(), []

    def delete(params: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(params)
        if len(asked) < 3:
            raise refused("ResourceConflictException")
        return function.delete(params)

    aws = FakeAws({"GetFunction": function.get, "DeleteFunction": delete})
    assert rolled_back(aws, FUNCTION) == (["function"], [])
    assert len(asked) == 3


def test_what_is_still_there_after_its_deadline_is_a_problem() -> None:
    clock = VirtualClock()
    aws = FakeAws({"GetFunction": {"Configuration": {}}, "DeleteFunction": {}})
    gone, problems = rolled_back(aws, FUNCTION, clock=clock)
    assert gone == []
    assert problems == [
        "lambda function function in us-west-2 was not deleted: after 300 s it is still there",
    ]
    assert operations(aws.changes) == ["DeleteFunction"]


def test_what_a_thing_that_could_not_go_stands_on_is_left_alone() -> None:
    upper = Resource("rds_subnet_group", "subnets", "dr", "us-west-2", stands_on=("vpc",))
    aws = FakeAws({"DescribeDBSubnetGroups": {"DBSubnetGroups": [{}]}, "DeleteDBSubnetGroup": refused("AccessDenied")})
    gone, problems = rolled_back(aws, upper, VPC)
    assert gone == []
    assert (
        problems[1]
        == "cloudformation stack vpc in us-west-2 was left: rds subnet group subnets in us-west-2 stands on it"
    )


def test_a_stack_that_cannot_be_deleted_says_why() -> None:
    found = {"Stacks": [{"StackStatus": "DELETE_FAILED", "StackStatusReason": "subnet-1 has dependencies"}]}
    aws = FakeAws({"DescribeStacks": found, "DeleteStack": {}})
    _gone, problems = rolled_back(aws, VPC)
    assert problems[0].endswith("its deletion failed: subnet-1 has dependencies")


def test_the_rules_of_others_stay_when_ours_go() -> None:
    ours, theirs = {"ID": "ours"}, {"ID": "theirs"}
    rules = [ours, theirs]

    def put(params: Mapping[str, Any]) -> dict[str, Any]:
        rules[:] = params["ReplicationConfiguration"]["Rules"]
        return {}

    aws = FakeAws(
        {
            "GetBucketReplication": lambda _params: {"ReplicationConfiguration": {"Role": "r", "Rules": list(rules)}},
            "PutBucketReplication": put,
        }
    )
    assert rolled_back(aws, Resource("s3_replication_rule", "data/ours", "primary", "us-east-1")) == (["data/ours"], [])
    assert rules == [theirs]


@pytest.mark.parametrize("writer", ["us-west-2"])
def test_the_writer_of_a_global_database_is_never_deleted(writer: str) -> None:
    arn = f"arn:aws:rds:{writer}:123456789012:cluster:cluster"
    members = [{"DBClusterArn": arn, "IsWriter": True}, {"DBClusterArn": "other", "IsWriter": False}]
    aws = FakeAws(
        {
            "DescribeDBClusters": {"DBClusters": [{"DBClusterArn": arn, "DBClusterMembers": []}]},
            "DescribeGlobalClusters": {
                "GlobalClusters": [{"GlobalClusterIdentifier": "shell", "GlobalClusterMembers": members}]
            },
        }
    )
    _gone, problems = rolled_back(aws, CLUSTER)
    assert "the application lives there now" in problems[0]
    assert aws.changes == []


def test_a_table_that_is_protected_loses_its_protection_first() -> None:
    there = [True]

    def describe(_params: Mapping[str, Any]) -> dict[str, Any]:
        if not there:
            raise refused("ResourceNotFoundException")
        return {"Table": {"DeletionProtectionEnabled": True}}

    def delete(_params: Mapping[str, Any]) -> dict[str, Any]:
        there.clear()
        return {}

    aws = FakeAws({"DescribeTable": describe, "UpdateTable": {}, "DeleteTable": delete})
    assert rolled_back(aws, Resource("dynamodb_table", "state", "dr", "us-west-2")) == (["state"], [])
    assert operations(aws.changes) == ["UpdateTable", "DeleteTable"]


def test_a_role_goes_with_what_others_have_attached_to_it() -> None:
    there = [True]

    def get(_params: Mapping[str, Any]) -> dict[str, Any]:
        if not there:
            raise refused("NoSuchEntity")
        return {"Role": {}}

    def delete(_params: Mapping[str, Any]) -> dict[str, Any]:
        there.clear()
        return {}

    aws = FakeAws(
        {
            "GetRole": get,
            "ListAttachedRolePolicies": {"AttachedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/ReadOnly"}]},
            "ListRolePolicies": {"PolicyNames": ["inline"]},
            "ListInstanceProfilesForRole": {"InstanceProfiles": []},
            "DetachRolePolicy": {},
            "DeleteRolePolicy": {},
            "DeleteRole": delete,
        }
    )
    assert rolled_back(aws, Resource("iam_role", "role", "dr", "us-west-2")) == (["role"], [])
    assert operations(aws.changes) == ["DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"]


def test_a_parameter_group_goes() -> None:
    there = [{"DBClusterParameterGroupName": "parameters"}]

    def describe(_params: Mapping[str, Any]) -> dict[str, Any]:
        if not there:
            raise refused("DBParameterGroupNotFound")
        return {"DBClusterParameterGroups": there}

    def delete(_params: Mapping[str, Any]) -> dict[str, Any]:
        there.clear()
        return {}

    aws = FakeAws({"DescribeDBClusterParameterGroups": describe, "DeleteDBClusterParameterGroup": delete})
    gone = rolled_back(aws, Resource("rds_cluster_parameter_group", "parameters", "dr", "us-west-2"))
    assert gone == (["parameters"], [])
