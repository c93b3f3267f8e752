# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a deploy needs: each thing that may be missing makes one line, and all of them come at once."""

from __future__ import annotations

from typing import Any

import pytest
from unit.deploy.fake_aws import FakeAws, inline, refused

from plugins.module_utils._recovery.errors import RegionUnreachable
from plugins.module_utils._recovery.prerequisites import Tool, examine, examine_tools
from plugins.module_utils._recovery.questions import Scene, table

VARIABLES: dict[str, Any] = {
    "aws_dr_primary_region": "us-east-1",
    "aws_dr_dr_region": "us-west-2",
    "aws_dr_primary_profile": "primary",
    "aws_dr_dr_profile": "dr",
    "aws_dr_traffic_profile": "dr",
    "aws_dr_primary_cluster": "shop",
    "aws_dr_global_cluster": "shop-global",
    "aws_dr_groups": [{"primary": "shop-asg", "dr": "shop-dr-asg"}],
    "aws_dr_buckets": [{"primary": "shop-primary-data", "dr": "shop-dr-data"}],
    "aws_dr_secrets": ["shop/database"],
    "aws_dr_primary_load_balancer": "shop-alb",
    "aws_dr_hosted_zone": "shop.example",
    "aws_dr_state_bucket_primary": "shop-dr-state-us-east-1",
    "aws_dr_state_bucket_dr": "shop-dr-state-us-west-2",
    "network_vpc_cidr": "10.1.0.0/16",
    "network_stack": "shop-vpc",
}

CLUSTER = {
    "DBClusterIdentifier": "shop",
    "Engine": "aurora-postgresql",
    "EngineVersion": "15.4",
    "Status": "available",
    "StorageEncrypted": True,
}


def _bucket(params: Any) -> dict[str, Any]:
    if params["Bucket"] == "shop-primary-data":
        return {"LocationConstraint": None}
    raise refused("NoSuchBucket")


def _no_stack(_params: Any) -> dict[str, Any]:
    raise refused("ValidationError")


@pytest.fixture
def aws() -> FakeAws:
    """An account in which everything is as it should be."""
    return FakeAws(
        {
            "GetCallerIdentity": {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/op"},
            "DescribeRegions": {
                "Regions": [
                    {"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"},
                    {"RegionName": "us-west-2", "OptInStatus": "opt-in-not-required"},
                    {"RegionName": "ap-east-1", "OptInStatus": "not-opted-in"},
                ]
            },
            "DescribeDBClusters": {"DBClusters": [CLUSTER]},
            "DescribeGlobalClusters": {"GlobalClusters": []},
            "DescribeVpcs": {
                "Vpcs": [
                    {
                        "VpcId": "vpc-1",
                        "CidrBlock": "10.0.0.0/16",
                        "CidrBlockAssociationSet": [{"CidrBlock": "10.0.0.0/16"}],
                    }
                ]
            },
            "DescribeAutoScalingGroups": {"AutoScalingGroups": [{"AutoScalingGroupName": "shop-asg"}]},
            "DescribeLoadBalancers": {"LoadBalancers": [{}]},
            "DescribeSecret": {"Name": "shop/database"},
            "GetBucketLocation": _bucket,
            "GetBucketVersioning": {"Status": "Enabled"},
            "ListHostedZonesByName": {"HostedZones": [{"Name": "shop.example.", "Config": {"PrivateZone": False}}]},
            "DescribeStacks": _no_stack,
        }
    )


def problems(aws: FakeAws, **changed: Any) -> list[str]:
    scene = Scene(aws, inline(), {**VARIABLES, **changed})
    return [check.problem for check in examine(scene) if check.problem]


def test_nothing_is_missing_and_nothing_is_changed(aws: FakeAws) -> None:
    assert problems(aws) == []
    assert aws.changes == []


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        ({"StorageEncrypted": False}, "it is not encrypted"),
        ({"MasterUserSecret": {"SecretArn": "arn"}}, "RDS manages its master password"),
        ({"Engine": "mysql"}, "its engine is mysql; a global database needs aurora-mysql or aurora-postgresql"),
        ({"EngineMode": "serverless"}, "its engine mode is serverless"),
        ({"Status": "stopped"}, "its status is stopped"),
    ],
)
def test_a_primary_cluster_that_cannot_found_a_global_database(aws: FakeAws, cluster: Any, said: str) -> None:
    aws.answers["DescribeDBClusters"] = {"DBClusters": [{**CLUSTER, **cluster}]}
    (problem,) = problems(aws)
    assert problem.startswith(f"aws_dr_primary_cluster is 'shop': {said}")


def test_a_primary_cluster_that_does_not_exist(aws: FakeAws) -> None:
    aws.answers["DescribeDBClusters"] = refused("DBClusterNotFoundFault")
    (problem,) = problems(aws)
    assert problem == (
        "aws_dr_primary_cluster is 'shop': there is no such cluster; "
        "the identifier of an existing Aurora cluster in us-east-1 is needed"
    )


def test_a_primary_cluster_of_another_global_database(aws: FakeAws) -> None:
    member = {"DBClusterArn": "arn:aws:rds:us-east-1:123456789012:cluster:shop", "IsWriter": True}
    aws.answers["DescribeGlobalClusters"] = {
        "GlobalClusters": [{"GlobalClusterIdentifier": "other", "GlobalClusterMembers": [member]}]
    }
    (problem,) = problems(aws)
    assert problem.startswith("aws_dr_global_cluster is 'shop-global': cluster shop already belongs to other")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refused("ExpiredToken"), "its credentials have expired"),
        (refused("InvalidClientTokenId"), "AWS does not accept its credentials"),
        (refused("ProfileNotFound"), "there is no such profile"),
        (refused("NoCredentialsError"), "has no credentials"),
    ],
)
def test_an_identity_that_aws_does_not_know_is_said_once(aws: FakeAws, error: Exception, said: str) -> None:
    aws.answers["dr GetCallerIdentity"] = error
    (problem,) = problems(aws)
    assert problem.startswith("aws_dr_dr_profile is 'dr': ")
    assert said in problem


def test_an_endpoint_that_does_not_answer(aws: FakeAws) -> None:
    aws.answers["primary GetCallerIdentity"] = RegionUnreachable("us-east-1", "no answer within 5.0 s")
    (problem,) = problems(aws)
    assert problem.startswith("aws_dr_primary_region is 'us-east-1' and aws_dr_primary_profile is 'primary': us-east-1")


def test_two_accounts(aws: FakeAws) -> None:
    aws.answers["dr GetCallerIdentity"] = {"Account": "210987654321", "Arn": "arn:aws:iam::210987654321:user/op"}
    (problem,) = problems(aws)
    assert problem.startswith("aws_dr_dr_profile is 'dr' in account 210987654321")
    assert "a global database does not span accounts" in problem


def test_dns_may_be_in_another_account(aws: FakeAws) -> None:
    aws.answers["dns GetCallerIdentity"] = {"Account": "210987654321", "Arn": "arn:aws:iam::210987654321:user/op"}
    assert problems(aws, aws_dr_traffic_profile="dns") == []


def test_a_region_that_is_not_enabled(aws: FakeAws) -> None:
    (problem,) = problems(aws, aws_dr_dr_region="ap-east-1")
    assert problem.startswith("aws_dr_dr_region is 'ap-east-1': the region is not-opted-in; enable it")


def test_networks_that_overlap(aws: FakeAws) -> None:
    (problem,) = problems(aws, network_vpc_cidr="10.0.128.0/20")
    assert problem.startswith("network_vpc_cidr is '10.0.128.0/20': it overlaps 10.0.0.0/16 of vpc-1 in us-east-1")


def test_the_network_of_a_vpc_that_is_adopted_is_not_ours_to_choose(aws: FakeAws) -> None:
    assert problems(aws, network_vpc_cidr="10.0.128.0/20", network_mode="adopt") == []


def test_what_the_primary_region_lacks_comes_all_at_once(aws: FakeAws) -> None:
    aws.answers |= {
        "DescribeAutoScalingGroups": {"AutoScalingGroups": []},
        "DescribeLoadBalancers": refused("LoadBalancerNotFound"),
        "DescribeSecret": refused("ResourceNotFoundException"),
        "GetBucketLocation": refused("NoSuchBucket"),
        "ListHostedZonesByName": {"HostedZones": [{"Name": "zzz.example."}]},
    }
    assert [problem.split(" is ")[0] for problem in problems(aws)] == [
        "aws_dr_groups[0].primary",
        "aws_dr_primary_load_balancer",
        "aws_dr_secrets[0]",
        "aws_dr_buckets[0].primary",
        "aws_dr_hosted_zone",
    ]


def test_a_bucket_name_that_another_account_has(aws: FakeAws) -> None:
    def answer(params: Any) -> dict[str, Any]:
        if params["Bucket"] == "shop-dr-data":
            raise refused("AccessDenied")
        return _bucket(params)

    aws.answers["GetBucketLocation"] = answer
    (problem,) = problems(aws)
    assert problem.startswith("aws_dr_buckets[0].dr is 'shop-dr-data': another account has a bucket of that name")


def test_versions_that_nobody_consented_to(aws: FakeAws) -> None:
    aws.answers["GetBucketVersioning"] = {}
    (problem,) = problems(aws)
    assert problem.startswith("aws_dr_buckets[0].primary is 'shop-primary-data': it keeps no versions")
    assert problems(aws, storage_primary_versioning_accepted=True) == []


def test_a_stack_of_a_network_that_is_adopted_does_not_matter(aws: FakeAws) -> None:
    aws.answers["DescribeStacks"] = {"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]}
    assert problems(aws, network_mode="adopt") == []


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_FAILED", "CREATE_FAILED"])
def test_a_stack_that_can_only_be_deleted(aws: FakeAws, status: str) -> None:
    aws.answers["DescribeStacks"] = {"Stacks": [{"StackStatus": status}]}
    (problem,) = problems(aws)
    assert f"stack shop-vpc in us-west-2 is in {status}" in problem
    assert "aws cloudformation delete-stack --stack-name shop-vpc --region us-west-2 --profile dr" in problem


def test_a_stack_that_aws_is_busy_with_is_waited_for(aws: FakeAws) -> None:
    aws.answers["DescribeStacks"] = {"Stacks": [{"StackStatus": "CREATE_IN_PROGRESS"}]}
    scene = Scene(aws, inline(), VARIABLES)
    (waiting,) = [check for check in examine(scene) if check.waiting]
    assert waiting.subject == "stack shop-vpc in us-west-2"
    assert not waiting.problem


def test_a_stack_that_was_only_reviewed_is_not_waited_for(aws: FakeAws) -> None:
    aws.answers["DescribeStacks"] = {"Stacks": [{"StackStatus": "REVIEW_IN_PROGRESS"}]}
    assert not [check for check in examine(Scene(aws, inline(), VARIABLES)) if check.waiting]


def test_a_read_that_is_not_allowed_names_the_permission(aws: FakeAws) -> None:
    aws.answers["DescribeVpcs"] = refused("UnauthorizedOperation", "DescribeVpcs")
    (problem,) = problems(aws)
    assert "allow the caller service:DescribeVpcs in us-east-1" in problem


def test_tools() -> None:
    checks = examine_tools(
        [
            Tool("Python", "3.9.2", ">=3.11"),
            Tool("boto3", "", ">=1.34.0"),
            Tool("amazon.aws", "10.1.2", ">=10.1.0,<11.0.0"),
        ]
    )
    assert [check.problem for check in checks] == [
        "Python is 3.9.2: Python >=3.11 is needed",
        "boto3 is missing: boto3 >=1.34.0 is needed",
        "",
    ]
    assert table(checks)[2] == "amazon.aws >=10.1.0,<11.0.0  10.1.2"
