"""Security groups that were edited by hand are brought back to their template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import security_groups
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused

FILE = Path(__file__).parents[3] / "roles" / "security" / "files" / "security-groups.yaml"
TEMPLATE = yaml.safe_load(FILE.read_text())
HOLE = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@pytest.fixture
def groups(cloud: Any) -> Any:
    """The stack's groups by their names in the template, as they were made."""
    vpc = cloud.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    parameters = {
        "ProjectName": "web",
        "Environment": "test",
        "VpcId": vpc,
        "VpcCidr": "10.1.0.0/16",
        "DatabasePort": 3306,
    }
    made = cloud.run("cloudformation_stack", name="groups", template_body=FILE.read_text(), parameters=parameters)
    assert not made["failed"], made
    return run(cloud)["groups"]


def run(cloud: Any, **more: Any) -> Any:
    return cloud.run("cloudformation_security_groups", stack_name="groups", template=TEMPLATE, **more)


def test_groups_as_they_were_made_are_left_alone(cloud: Any, groups: Any) -> None:
    again = run(cloud)
    assert not again["changed"]
    assert again["differences"] == []
    assert set(groups) == {"AlbSecurityGroup", "Ec2SecurityGroup", "AuroraSecurityGroup"}


def test_a_rule_that_was_added_is_reported_and_removed(cloud: Any, groups: Any) -> None:
    cloud.client("ec2").authorize_security_group_ingress(GroupId=groups["AuroraSecurityGroup"], IpPermissions=[HOLE])
    done = cloud.settled("cloudformation_security_groups", stack_name="groups", template=TEMPLATE)
    assert done["operations"] == ["RevokeSecurityGroupIngress"]
    assert done["differences"] == ["AuroraSecurityGroup ingress: tcp 3306 0.0.0.0/0 was added by hand"]


def test_a_rule_that_was_taken_away_comes_back_before_others_go(cloud: Any, groups: Any) -> None:
    ec2, alb = cloud.client("ec2"), groups["AlbSecurityGroup"]
    [group] = ec2.describe_security_groups(GroupIds=[alb])["SecurityGroups"]
    ec2.revoke_security_group_egress(GroupId=alb, IpPermissions=group["IpPermissionsEgress"])
    ec2.authorize_security_group_ingress(GroupId=groups["AuroraSecurityGroup"], IpPermissions=[HOLE])
    done = cloud.settled("cloudformation_security_groups", stack_name="groups", template=TEMPLATE)
    assert done["operations"] == ["AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress"]
    assert "AlbSecurityGroup egress: tcp 80 10.1.0.0/16 was taken away by hand" in done["differences"]


def test_without_a_stack_there_is_nothing_to_compare(cloud: Any) -> None:
    nothing = run(cloud)
    assert not nothing["changed"]
    assert nothing["groups"] == {}


def test_a_rule_that_cannot_be_resolved_is_refused() -> None:
    with pytest.raises(Refused, match="may use Ref and Fn::GetAtt of GroupId only"):
        security_groups.resolve({"Fn::Sub": "${VpcCidr}"}, {"VpcCidr": "10.1.0.0/16"})
