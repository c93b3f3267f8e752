# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the recovery region is guarded: each hole makes one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.deploy.fake_aws import FakeAws, inline, refused

from plugins.module_utils._recovery.questions import Scene
from plugins.module_utils._recovery.security import examine

VARIABLES: dict[str, Any] = {
    "aws_dr_primary_region": "us-east-1",
    "aws_dr_dr_region": "us-west-2",
    "aws_dr_primary_cluster": "shop",
    "aws_dr_dr_cluster": "shop-dr-cluster",
    "aws_dr_groups": [{"primary": "shop-asg", "dr": "shop-dr-asg"}],
    "aws_dr_buckets": [{"primary": "shop-primary-data", "dr": "shop-dr-data"}],
    "aws_dr_secrets": ["shop/database"],
    "aws_dr_state_table": "shop-dr-state",
    "aws_dr_state_bucket_primary": "shop-dr-state-us-east-1",
    "aws_dr_state_bucket_dr": "shop-dr-state-us-west-2",
    "aws_dr_notification_topic": "shop-dr-alerts",
    "aws_dr_dr_load_balancer": "shop-dr-alb",
    "aws_dr_name_prefix": "shop",
    "security_lambda_role": "shop-lambda-role",
}
TLS_ONLY = {
    "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    ]
}
TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}
ALB = {
    "GroupId": "sg-alb",
    "GroupName": "alb",
    "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        for port in (80, 443)
    ],
}
EC2 = {
    "GroupId": "sg-ec2",
    "GroupName": "ec2",
    "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": "sg-alb"}]}],
}
AURORA = {
    "GroupId": "sg-aurora",
    "GroupName": "aurora",
    "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": "sg-ec2"}]}
    ],
}
LOCKS = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def groups(*found: Any) -> dict[str, Any]:
    return {"SecurityGroups": list(found)}


def policy(*actions: str) -> dict[str, Any]:
    return {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}}


@pytest.fixture
def aws() -> FakeAws:
    """A recovery region as it should be."""
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    arn = "arn:aws:sns:us-west-2:123456789012:shop-dr-alerts"
    return FakeAws(
        {
            "DescribeDBClusters": {
                "DBClusters": [
                    {
                        "StorageEncrypted": True,
                        "KmsKeyId": "key",
                        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-aurora"}],
                    }
                ]
            },
            "DescribeDBInstances": {"DBInstances": [{"DBInstanceIdentifier": "shop-1", "PubliclyAccessible": False}]},
            "GetBucketEncryption": {"ServerSideEncryptionConfiguration": {"Rules": rules}},
            "GetPublicAccessBlock": {"PublicAccessBlockConfiguration": LOCKS},
            "GetBucketPolicy": {"Policy": json.dumps(TLS_ONLY)},
            "DescribeTable": {"Table": {"DeletionProtectionEnabled": True}},
            "DescribeSecret": {"Name": "shop/database"},
            "ListTopics": {"Topics": [{"TopicArn": arn}]},
            "GetTopicAttributes": {"Attributes": {"KmsMasterKeyId": "key", "Policy": "{}"}},
            "DescribeKey": {"KeyMetadata": {"KeyId": "1", "KeyState": "Enabled"}},
            "GetKeyRotationStatus": {"KeyRotationEnabled": True},
            "DescribeLoadBalancers": {"LoadBalancers": [{"SecurityGroups": ["sg-alb"]}]},
            "DescribeAutoScalingGroups": {
                "AutoScalingGroups": [{"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "1"}}]
            },
            "DescribeLaunchTemplateVersions": {
                "LaunchTemplateVersions": [{"LaunchTemplateData": {"SecurityGroupIds": ["sg-ec2"]}}]
            },
            "DescribeSecurityGroups": groups(ALB, EC2, AURORA),
            "GetRole": {"Role": {"AssumeRolePolicyDocument": TRUST}},
            "ListRolePolicies": {"PolicyNames": ["orchestrator"]},
            "GetRolePolicy": policy("rds:FailoverGlobalCluster", "cloudwatch:PutMetricData"),
            "ListAttachedRolePolicies": {"AttachedPolicies": []},
        }
    )


def problems(aws: FakeAws, **changed: Any) -> list[str]:
    return [check.problem for check in examine(Scene(aws, inline(), {**VARIABLES, **changed})) if check.problem]


def test_a_region_as_it_should_be(aws: FakeAws) -> None:
    assert problems(aws) == []
    assert aws.changes == []


def test_a_cluster_that_is_not_encrypted(aws: FakeAws) -> None:
    aws.answers["us-east-1 DescribeDBClusters"] = {"DBClusters": [{"StorageEncrypted": False}]}
    (problem,) = problems(aws)
    assert problem.startswith("Aurora cluster shop (us-east-1) is not encrypted")


def test_an_instance_that_the_world_can_reach(aws: FakeAws) -> None:
    aws.answers["DescribeDBInstances"] = {"DBInstances": [{"DBInstanceIdentifier": "i", "PubliclyAccessible": True}]}
    assert problems(aws) == ["Aurora instance i is publicly accessible: modify it with PubliclyAccessible=false"]


def test_a_bucket_without_locks_and_with_plain_http(aws: FakeAws) -> None:
    aws.answers["GetPublicAccessBlock"] = {"PublicAccessBlockConfiguration": {**LOCKS, "BlockPublicPolicy": False}}
    aws.answers["GetBucketPolicy"] = refused("NoSuchBucketPolicy")
    found = problems(aws)
    assert len(found) == 6  # the dr bucket and both state buckets
    assert found[0].startswith("bucket shop-dr-data, public access is not blocked by BlockPublicPolicy")
    assert found[1].startswith("bucket shop-dr-data, transport is not TLS only")


def test_a_topic_that_is_open_to_all(aws: FakeAws) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SNS:Publish"}
    aws.answers["GetTopicAttributes"] = {
        "Attributes": {"KmsMasterKeyId": "key", "Policy": json.dumps({"Statement": [statement]})}
    }
    assert [problem.split(":")[0] for problem in problems(aws)] == [
        "topic shop-dr-alerts (us-east-1) lets everybody in",
        "topic shop-dr-alerts (us-west-2) lets everybody in",
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "on port 22"),
        ({"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, "::/0 on all ports"),
        ({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "80 to 443"),
    ],
)
def test_a_port_that_is_open_to_the_world(aws: FakeAws, rule: Any, said: str) -> None:
    aws.answers["DescribeSecurityGroups"] = groups({**ALB, "IpPermissions": [rule]}, EC2, AURORA)
    (problem,) = problems(aws)
    assert "tier alb" in problem
    assert said in problem


def test_instances_are_never_open_to_the_world(aws: FakeAws) -> None:
    aws.answers["DescribeSecurityGroups"] = groups(ALB, {**EC2, "IpPermissions": ALB["IpPermissions"]}, AURORA)
    assert len(problems(aws)) == 2


@pytest.mark.parametrize(
    "source", [{"IpRanges": [{"CidrIp": "10.1.0.0/16"}]}, {"UserIdGroupPairs": [{"GroupId": "x"}]}]
)
def test_the_database_is_reached_from_the_instances_alone(aws: FakeAws, source: Any) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, **source}
    aws.answers["DescribeSecurityGroups"] = groups(ALB, EC2, {**AURORA, "IpPermissions": [rule]})
    (problem,) = problems(aws)
    assert "the database is reached from the instances' group alone" in problem


@pytest.mark.parametrize("action", ["*", "s3:*"])
def test_a_wildcard_action(aws: FakeAws, action: str) -> None:
    aws.answers["GetRolePolicy"] = policy("s3:GetObject", action)
    (problem,) = problems(aws)
    assert problem == (
        f"IAM role shop-lambda-role policy orchestrator allows {action}: list the actions that are called"
    )


def test_a_role_that_somebody_else_may_assume(aws: FakeAws) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}
    aws.answers["GetRole"] = {"Role": {"AssumeRolePolicyDocument": {"Statement": [*TRUST["Statement"], statement]}}}
    (problem,) = problems(aws)
    assert "may be assumed by arn:aws:iam::999999999999:root" in problem


def test_a_key_that_is_disabled(aws: FakeAws) -> None:
    aws.answers["DescribeKey"] = {"KeyMetadata": {"KeyId": "1", "KeyState": "Disabled"}}
    (problem,) = problems(aws)
    assert "(R23)" in problem


def test_nothing_is_deployed_yet_and_everything_is_said(aws: FakeAws) -> None:
    aws.answers["us-west-2 DescribeDBClusters"] = refused("DBClusterNotFoundFault")
    aws.answers["DescribeTable"] = refused("ResourceNotFoundException")
    aws.answers["DescribeKey"] = refused("NotFoundException")
    aws.answers["GetRole"] = refused("NoSuchEntity")
    assert len([problem for problem in problems(aws) if "deploy it first" in problem]) == 5


def test_what_is_skipped_is_not_looked_at(aws: FakeAws) -> None:
    aws.answers["DescribeTable"] = refused("ResourceNotFoundException")
    assert problems(aws, state_mode="skip") == []
