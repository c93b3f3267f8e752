"""Each family of resource types: made as the template says, unchanged by a second look, gone after deletion."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cloudformation_stacks import Cloud

from lab.cloud import extend

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
VPC: dict[str, Any] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}}


def subnet(n: int) -> dict[str, Any]:
    return {
        "Type": "AWS::EC2::Subnet",
        "Properties": {
            "VpcId": {"Ref": "Vpc"},
            "CidrBlock": f"10.9.{n}.0/24",
            "AvailabilityZone": {"Fn::Select": [n, {"Fn::GetAZs": ""}]},
        },
    }


FAMILIES: dict[str, dict[str, Any]] = {
    "network": {
        "Vpc": VPC,
        "Subnet": subnet(0),
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Uses": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"RouteTableId": {"Ref": "Table"}, "SubnetId": {"Ref": "Subnet"}},
        },
        "Gateway": {"Type": "AWS::EC2::InternetGateway"},
        "Attached": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
        },
        "Address": {"Type": "AWS::EC2::EIP", "DependsOn": "Attached", "Properties": {"Domain": "vpc"}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {"SubnetId": {"Ref": "Subnet"}, "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}},
        },
        "Out": {
            "Type": "AWS::EC2::Route",
            "Properties": {
                "RouteTableId": {"Ref": "Table"},
                "DestinationCidrBlock": "0.0.0.0/0",
                "NatGatewayId": {"Ref": "Nat"},
            },
        },
        "ToS3": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
                "RouteTableIds": [{"Ref": "Table"}],
                "PolicyDocument": ALLOW,
            },
        },
        "Flows": {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {
                "ResourceType": "VPC",
                "ResourceId": {"Ref": "Vpc"},
                "TrafficType": "REJECT",
                "LogGroupName": {"Ref": "FlowLogs"},
                "DeliverLogsPermissionArn": {"Fn::GetAtt": ["Role", "Arn"]},
            },
        },
        "FlowLogs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
    },
    "groups": {
        "Vpc": VPC,
        "Web": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "web", "VpcId": {"Ref": "Vpc"}}},
        "Db": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "db", "VpcId": {"Ref": "Vpc"}}},
        "In": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["Db", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "SourceSecurityGroupId": {"Ref": "Web"},
            },
        },
        "Out": {
            "Type": "AWS::EC2::SecurityGroupEgress",
            "Properties": {
                "GroupId": {"Ref": "Web"},
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "DestinationSecurityGroupId": {"Ref": "Db"},
            },
        },
        "Template": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {"LaunchTemplateData": {"InstanceType": "t3.small", "SecurityGroupIds": [{"Ref": "Web"}]}},
        },
    },
    "balancing": {
        "Vpc": VPC,
        "A": subnet(0),
        "B": subnet(1),
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {
                "Subnets": [{"Ref": "A"}, {"Ref": "B"}],
                "LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": 30}],
            },
        },
        "Targets": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {"Port": 80, "Protocol": "HTTP", "VpcId": {"Ref": "Vpc"}, "HealthCheckPath": "/health"},
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
            },
        },
        "Rule": {
            "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
            "Properties": {
                "ListenerArn": {"Ref": "Listener"},
                "Priority": 5,
                "Conditions": [{"Field": "path-pattern", "Values": ["/x"]}],
                "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
            },
        },
    },
    "watching": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "Name"}}},
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True, "PendingWindowInDays": 7}},
        "Name": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": "alias/alerts", "TargetKeyId": {"Ref": "Key"}},
        },
        "Mail": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "ops@example.com"},
        },
        "Policy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": ALLOW},
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "X",
                "MetricName": "M",
                "Statistic": "Minimum",
                "Period": "60",
                "EvaluationPeriods": 1,
                "Threshold": "1",
                "ComparisonOperator": "LessThanThreshold",
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
        "Board": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardName": "board", "DashboardBody": '{"widgets": []}'},
        },
        "Check": {
            "Type": "AWS::Route53::HealthCheck",
            "Properties": {
                "HealthCheckConfig": {
                    "Type": "CLOUDWATCH_METRIC",
                    "AlarmIdentifier": {"Name": {"Ref": "Alarm"}, "Region": {"Ref": "AWS::Region"}},
                    "InsufficientDataHealthStatus": "LastKnownStatus",
                },
                "HealthCheckTags": [{"Key": "Name", "Value": "check"}],
            },
        },
    },
    "functions": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": TRUST,
                "Policies": [{"PolicyName": "inline", "PolicyDocument": ALLOW}],
            },
        },
        "Policy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {"PolicyName": "more", "PolicyDocument": ALLOW, "Roles": [{"Ref": "Role"}]},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Timeout": "30",
                "Code": {"ZipFile": "def handler(event, context):\n    return 1\n"},
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.rds"]},
                "Targets": [{"Id": "f", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],
            },
        },
        "MayInvoke": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "Action": "lambda:InvokeFunction",
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
            },
        },
        "Minutely": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "rate(1 minute)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": {"Fn::GetAtt": ["Function", "Arn"]},
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Input": '{"task": "publish-switch"}',
                },
            },
        },
    },
    "storage": {
        "Vpc": VPC,
        "A": subnet(0),
        "B": subnet(1),
        "Subnets": {
            "Type": "AWS::RDS::DBSubnetGroup",
            "Properties": {"DBSubnetGroupDescription": "db", "SubnetIds": [{"Ref": "A"}, {"Ref": "B"}]},
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "SSESpecification": {"SSEEnabled": True},
                "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
            },
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "VersioningConfiguration": {"Status": "Enabled"},
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
                    ]
                },
                "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "RestrictPublicBuckets": True},
                "LifecycleConfiguration": {"Rules": [{"Id": "old", "Status": "Enabled", "ExpirationInDays": 30}]},
            },
        },
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": ALLOW},
        },
    },
}


def _leftovers(cloud: Cloud) -> dict[str, Any]:
    client = cloud.client
    return {
        "vpcs": len(client("ec2").describe_vpcs()["Vpcs"]),
        "subnets": len(client("ec2").describe_subnets()["Subnets"]),
        "interfaces": len(client("ec2").describe_network_interfaces()["NetworkInterfaces"]),
        "groups": len(client("ec2").describe_security_groups()["SecurityGroups"]),
        "addresses": len(client("ec2").describe_addresses()["Addresses"]),
        "templates": len(client("ec2").describe_launch_templates()["LaunchTemplates"]),
        "logs": len(client("logs").describe_log_groups()["logGroups"]),
        "roles": len(client("iam").list_roles()["Roles"]),
        "balancers": len(client("elbv2").describe_load_balancers()["LoadBalancers"]),
        "targets": len(client("elbv2").describe_target_groups()["TargetGroups"]),
        "topics": len(client("sns").list_topics()["Topics"]),
        "aliases": len([a for a in client("kms").list_aliases()["Aliases"] if "alerts" in a["AliasName"]]),
        "alarms": len(client("cloudwatch").describe_alarms()["MetricAlarms"]),
        "boards": len(client("cloudwatch").list_dashboards()["DashboardEntries"]),
        "checks": len(client("route53").list_health_checks()["HealthChecks"]),
        "functions": len(client("lambda").list_functions()["Functions"]),
        "rules": len(client("events").list_rules()["Rules"]),
        "schedules": len(client("scheduler").list_schedules()["Schedules"]),
        "tables": len(client("dynamodb").list_tables()["TableNames"]),
        "buckets": len(client("s3").list_buckets()["Buckets"]),
        "subnet groups": len(client("rds").describe_db_subnet_groups()["DBSubnetGroups"]),
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_made_left_alone_and_removed(cloud: Cloud, family: str) -> None:
    before = _leftovers(cloud)
    template = {"Resources": FAMILIES[family]}
    assert cloud.create("demo", template) == "CREATE_COMPLETE", cloud.reasons("demo")
    assert _leftovers(cloud) != before
    assert cloud.update_refused("demo", template) == "No updates are to be performed."
    assert cloud.drift("demo") == "IN_SYNC"
    assert cloud.delete("demo") == "DELETE_COMPLETE", cloud.reasons("demo")
    assert _leftovers(cloud) == before


Seen = Callable[[Cloud], Any]

CHANGES: list[tuple[str, str, dict[str, Any], Seen, Any]] = [
    (
        "watching",
        "Alarm",
        {"Threshold": 2},
        lambda c: c.client("cloudwatch").describe_alarms()["MetricAlarms"][0]["Threshold"],
        2.0,
    ),
    (
        "functions",
        "Function",
        {"Timeout": 60},
        lambda c: c.client("lambda").list_functions()["Functions"][0]["Timeout"],
        60,
    ),
    (
        "functions",
        "Minutely",
        {"ScheduleExpression": "rate(2 minutes)"},
        lambda c: c.client("scheduler").get_schedule(Name=c.physical("demo", "Minutely"))["ScheduleExpression"],
        "rate(2 minutes)",
    ),
    (
        "functions",
        "Role",
        {"Policies": [{"PolicyName": "other", "PolicyDocument": ALLOW}]},
        lambda c: sorted(c.client("iam").list_role_policies(RoleName=c.physical("demo", "Role"))["PolicyNames"]),
        ["more", "other"],
    ),
    (
        "balancing",
        "Targets",
        {"HealthCheckPath": "/alive"},
        lambda c: c.client("elbv2").describe_target_groups()["TargetGroups"][0]["HealthCheckPath"],
        "/alive",
    ),
    (
        "balancing",
        "Balancer",
        {"LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "90"}]},
        lambda c: [
            a["Value"]
            for a in c.client("elbv2").describe_load_balancer_attributes(
                LoadBalancerArn=c.physical("demo", "Balancer")
            )["Attributes"]
            if a["Key"] == "idle_timeout.timeout_seconds"
        ],
        ["90"],
    ),
    (
        "storage",
        "Table",
        {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}},
        lambda c: c.client("dynamodb").describe_continuous_backups(TableName=c.physical("demo", "Table"))[
            "ContinuousBackupsDescription"
        ]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "DISABLED",
    ),
    (
        "storage",
        "Bucket",
        {"VersioningConfiguration": {"Status": "Suspended"}},
        lambda c: c.client("s3").get_bucket_versioning(Bucket=c.physical("demo", "Bucket"))["Status"],
        "Suspended",
    ),
    (
        "watching",
        "Key",
        {"Description": "new"},
        lambda c: c.client("kms").describe_key(KeyId=c.physical("demo", "Key"))["KeyMetadata"]["Description"],
        "new",
    ),
    (
        "watching",
        "Topic",
        {"DisplayName": "new"},
        lambda c: c.client("sns").get_topic_attributes(TopicArn=c.physical("demo", "Topic"))["Attributes"][
            "DisplayName"
        ],
        "new",
    ),
    (
        "network",
        "FlowLogs",
        {"RetentionInDays": 7},
        lambda c: c.client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"],
        7,
    ),
]


@pytest.mark.parametrize(("family", "name", "change", "seen", "expected"), CHANGES)
def test_a_property_changes_in_place(
    cloud: Cloud,
    family: str,
    name: str,
    change: dict[str, Any],
    seen: Seen,
    expected: Any,
) -> None:
    template = {"Resources": FAMILIES[family]}
    assert cloud.create("demo", template) == "CREATE_COMPLETE", cloud.reasons("demo")
    before = cloud.physical("demo", name)
    changed = json.loads(json.dumps(template))
    changed["Resources"][name].setdefault("Properties", {}).update(change)
    assert cloud.update("demo", changed) == "UPDATE_COMPLETE", cloud.reasons("demo")
    assert cloud.physical("demo", name) == before
    assert seen(cloud) == expected
    assert cloud.drift("demo") == "IN_SYNC"


def test_a_composite_alarm(cloud: Cloud) -> None:
    """moto lacks PutCompositeAlarm; the lab's cloud as a whole has it."""
    extend(cloud.clock, "realistic")
    resources = {
        "Alarm": FAMILIES["watching"]["Alarm"] | {"Properties": {**FAMILIES["watching"]["Alarm"]["Properties"]}},
        "Any": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {"AlarmRule": {"Fn::Sub": "ALARM(${Alarm})"}, "AlarmDescription": "old"},
        },
    }
    del resources["Alarm"]["Properties"]["AlarmActions"]
    assert cloud.create("demo", {"Resources": resources}) == "CREATE_COMPLETE", cloud.reasons("demo")
    resources["Any"]["Properties"]["AlarmDescription"] = "new"
    assert cloud.update("demo", {"Resources": resources}) == "UPDATE_COMPLETE"
    found = cloud.client("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert [alarm["AlarmDescription"] for alarm in found] == ["new"]
    assert cloud.drift("demo") == "IN_SYNC"
    assert cloud.delete("demo") == "DELETE_COMPLETE"
