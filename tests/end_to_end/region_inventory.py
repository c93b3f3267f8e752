# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that stands in a region, described resource by resource, so that two moments can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError
from end_to_end.harness import Lab

# What changes by itself, or tells only when something was asked.
_VOLATILE = {
    "ResponseMetadata",
    "LatestRestorableTime",
    "LastAccessedDate",
    "StatusTransitionedTime",
    "Instances",
    "AvailableIpAddressCount",
}

_OF_AWS = ("key alias alias/aws/",)
"""AWS makes these by itself when a service first wants one, and nobody can delete them."""

_LISTS: dict[str, tuple[str, str, str, Callable[[dict[str, Any]], str]]] = {
    "vpc": ("ec2", "describe_vpcs", "Vpcs", lambda item: item["VpcId"]),
    "subnet": ("ec2", "describe_subnets", "Subnets", lambda item: item["SubnetId"]),
    "security group": ("ec2", "describe_security_groups", "SecurityGroups", lambda item: item["GroupId"]),
    "internet gateway": (
        "ec2", "describe_internet_gateways", "InternetGateways", lambda item: item["InternetGatewayId"],
    ),
    "NAT gateway": ("ec2", "describe_nat_gateways", "NatGateways", lambda item: item["NatGatewayId"]),
    "address": ("ec2", "describe_addresses", "Addresses", lambda item: item["AllocationId"]),
    "route table": ("ec2", "describe_route_tables", "RouteTables", lambda item: item["RouteTableId"]),
    "endpoint": ("ec2", "describe_vpc_endpoints", "VpcEndpoints", lambda item: item["VpcEndpointId"]),
    "launch template": ("ec2", "describe_launch_templates", "LaunchTemplates", lambda item: item["LaunchTemplateName"]),
    "load balancer": ("elbv2", "describe_load_balancers", "LoadBalancers", lambda item: item["LoadBalancerName"]),
    "target group": ("elbv2", "describe_target_groups", "TargetGroups", lambda item: item["TargetGroupName"]),
    "group": (
        "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", lambda item: item["AutoScalingGroupName"],
    ),
    "database cluster": ("rds", "describe_db_clusters", "DBClusters", lambda item: item["DBClusterIdentifier"]),
    "database instance": ("rds", "describe_db_instances", "DBInstances", lambda item: item["DBInstanceIdentifier"]),
    "subnet group": ("rds", "describe_db_subnet_groups", "DBSubnetGroups", lambda item: item["DBSubnetGroupName"]),
    "global cluster": (
        "rds", "describe_global_clusters", "GlobalClusters", lambda item: item["GlobalClusterIdentifier"],
    ),
    "alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", lambda item: item["AlarmName"]),
    "dashboard": ("cloudwatch", "list_dashboards", "DashboardEntries", lambda item: item["DashboardName"]),
    "topic": ("sns", "list_topics", "Topics", lambda item: item["TopicArn"]),
    "function": ("lambda", "list_functions", "Functions", lambda item: item["FunctionName"]),
    "schedule": ("scheduler", "list_schedules", "Schedules", lambda item: item["Name"]),
    "secret": ("secretsmanager", "list_secrets", "SecretList", lambda item: item["Name"]),
    "key alias": ("kms", "list_aliases", "Aliases", lambda item: item["AliasName"]),
    "stack": ("cloudformation", "list_stacks", "StackSummaries", lambda item: item["StackId"]),
    "log group": ("logs", "describe_log_groups", "logGroups", lambda item: item["logGroupName"]),
}  # fmt: skip


def _gone(item: dict[str, Any]) -> bool:
    """Whether it is deleted: AWS goes on listing NAT gateways and endpoints for an hour, and stacks for 90 days."""
    return str(item.get("State") or item.get("StackStatus")).lower() in ("deleted", "delete_complete")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items() if name not in _VOLATILE}
    if isinstance(value, list):
        return sorted((_plain(part) for part in value), key=repr)
    return str(value)


def _buckets(lab: Lab, place: str) -> Iterator[tuple[str, Any]]:
    s3 = lab.client("s3", place)
    region = lab.dr_region if place == "dr" else lab.primary_region
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if (s3.get_bucket_location(Bucket=name)["LocationConstraint"] or "us-east-1") != region:
            continue
        facts: dict[str, Any] = {}
        for fact in ("versioning", "replication", "encryption", "policy"):
            with suppress(ClientError):
                facts[fact] = _plain(getattr(s3, f"get_bucket_{fact}")(Bucket=name))
        yield f"bucket {name}", facts


def _tables(lab: Lab, place: str) -> Iterator[tuple[str, Any]]:
    for name in lab.client("dynamodb", place).list_tables()["TableNames"]:
        yield f"table {name}", {}


def _global(lab: Lab) -> Iterator[tuple[str, Any]]:
    iam, route53 = lab.client("iam", "primary"), lab.client("route53", "primary")
    for role in iam.list_roles()["Roles"]:
        yield f"role {role['RoleName']}", _plain(role)
    for check in route53.list_health_checks()["HealthChecks"]:
        yield f"health check {check['Id']}", _plain(check)
    for zone in route53.list_hosted_zones()["HostedZones"]:
        for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            yield f"record {record['Name']} {record['Type']} {record.get('SetIdentifier', '')}", _plain(record)


def region_inventory(lab: Lab, place: str) -> dict[str, Any]:
    """All resources of a site's region; with the primary's, what is global."""
    found: dict[str, Any] = {}
    for kind, (service, operation, member, identity) in _LISTS.items():
        client = lab.client(service, place)
        if client.can_paginate(operation):
            items = [item for page in client.get_paginator(operation).paginate() for item in page.get(member, [])]
        else:
            items = getattr(client, operation)().get(member, [])
        named = {f"{kind} {identity(item)}": _plain(item) for item in items if not _gone(item)}
        found.update({name: facts for name, facts in named.items() if not name.startswith(_OF_AWS)})
    found.update(_buckets(lab, place))
    found.update(_tables(lab, place))
    if place == "primary":
        found.update(_global(lab))
    return found


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What came, went or changed, one line each; empty where nothing did."""
    lines = [f"gone: {name}" for name in before.keys() - after.keys()]
    lines += [f"new: {name}" for name in after.keys() - before.keys()]
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            lines.append(f"changed: {name}: {before[name]} -> {after[name]}")
    return sorted(lines)
