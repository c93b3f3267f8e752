"""The roles' own templates, one on top of the other: made, left alone, in step with what is, removed without a rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudformation_stacks import Cloud

ROLES = Path(__file__).resolve().parents[4] / "roles"
FIRST = ("dr-vpc", "security-groups", "dr-alb", "monitoring")
"""Those whose outputs others take."""

ORDER = (*FIRST, *sorted({path.stem for path in ROLES.glob("*/files/*.yaml")} - set(FIRST)))
VALUES = {
    "ProjectName": "demo",
    "Environment": "test",
    "VpcCidr": "10.1.0.0/16",
    "LoadBalancerName": "demo-dr-alb",
    "TopicName": "demo-dr-alerts",
    "ClusterIdentifier": "demo-dr-cluster",
    "PrimaryRegion": "us-east-1",
    "DrRegion": "us-west-2",
    "PrimaryCluster": "demo",
    "DrCluster": "demo-dr-cluster",
}
OUTPUTS = {
    "VpcId": ("dr-vpc", "VpcId"),
    "SubnetIds": ("dr-vpc", "PublicSubnetIds"),
    "SecurityGroupId": ("security-groups", "AlbSecurityGroupId"),
    "LoadBalancerFullName": ("dr-alb", "LoadBalancerFullName"),
    "TargetGroupFullName": ("dr-alb", "TargetGroupFullName"),
    "TopicArn": ("monitoring", "TopicArn"),
}
"""Parameters that are outputs of an earlier stack."""


def _request(cloud: Cloud, name: str) -> dict[str, Any]:
    (path,) = ROLES.glob(f"*/files/{name}.yaml")
    body = path.read_text()
    declared = yaml.safe_load(body)["Parameters"]
    values = {key: VALUES.get(key, key.lower()) for key, spec in declared.items() if "Default" not in spec}
    for key, (stack, output) in OUTPUTS.items():
        if key in declared and name != stack:
            values[key] = cloud.outputs(stack)[output]
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    return {"StackName": name, "TemplateBody": body, "Parameters": parameters}


def _counts(cloud: Cloud) -> dict[str, int]:
    ec2 = cloud.client("ec2")
    return {
        "vpcs": len(ec2.describe_vpcs()["Vpcs"]),
        "addresses": len(ec2.describe_addresses()["Addresses"]),
        "interfaces": len(ec2.describe_network_interfaces()["NetworkInterfaces"]),
        "groups": len(ec2.describe_security_groups()["SecurityGroups"]),
        "tables": len(ec2.describe_route_tables()["RouteTables"]),
        "topics": len(cloud.client("sns").list_topics()["Topics"]),
        "alarms": len(cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]),
    }


def test_the_catalogue(cloud: Cloud) -> None:
    before = _counts(cloud)
    for name in ORDER:
        request = _request(cloud, name)
        cloud.stacks.create_stack(**request)
        cloud.clock.wait(3600)
        assert cloud.status(name) == "CREATE_COMPLETE", cloud.reasons(name)
        with pytest.raises(cloud.stacks.exceptions.ClientError, match="No updates are to be performed"):
            cloud.stacks.update_stack(**request)
        assert cloud.drift(name) == "IN_SYNC", cloud.drifted(name)
    for name in reversed(ORDER):
        assert cloud.delete(name) == "DELETE_COMPLETE", cloud.reasons(name)
    assert _counts(cloud) == before
