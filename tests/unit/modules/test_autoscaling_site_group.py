"""A site's Auto Scaling group: a deploy keeps it as declared and leaves its capacity to moves."""

from __future__ import annotations

from typing import Any

import pytest

STANDBY = {"min": 0, "desired": 1, "max": 10}


@pytest.fixture
def declared(cloud: Any) -> dict[str, Any]:
    """Arguments of the module, with all that the group needs."""
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    for name in ("web", "web2"):
        ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-1", "InstanceType": "t3.micro"}
        )
    [target] = cloud.client("elbv2").create_target_group(Name="tg", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"]
    return {
        "name": "web-dr-asg",
        "launch_template": "web",
        "subnets": subnets,
        "capacity": STANDBY,
        "target_group_arns": [target["TargetGroupArn"]],
        "tags": {"Project": "web"},
    }


def test_a_new_group_has_the_standby_capacity(cloud: Any, declared: Any) -> None:
    done = cloud.settled("autoscaling_site_group", **declared)
    assert done["operations"] == ["CreateAutoScalingGroup", "EnableMetricsCollection"]
    assert done["capacity"] == STANDBY


def test_the_capacity_of_an_active_site_is_left_alone_and_said(cloud: Any, declared: Any) -> None:
    cloud.run("autoscaling_site_group", **declared)
    cloud.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName="web-dr-asg", MinSize=3, DesiredCapacity=3
    )
    again = cloud.run("autoscaling_site_group", **declared)
    assert not again["changed"]
    assert not cloud.mutations
    assert again["capacity"] == {"min": 3, "desired": 3, "max": 10}
    assert again["capacity_as_declared"] is False


def test_only_what_differs_is_sent(cloud: Any, declared: Any) -> None:
    cloud.run("autoscaling_site_group", **declared)
    done = cloud.settled(
        "autoscaling_site_group", **{**declared, "launch_template": "web2", "health_check_grace_period": 90}
    )
    assert done["operations"] == ["UpdateAutoScalingGroup"]
    [group] = cloud.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group["LaunchTemplate"]["LaunchTemplateName"] == "web2"
    assert group["HealthCheckGracePeriod"] == 90


def test_target_groups_and_tags_of_others_stay(cloud: Any, declared: Any) -> None:
    cloud.run("autoscaling_site_group", **declared)
    done = cloud.settled("autoscaling_site_group", **{**declared, "target_group_arns": [], "tags": {"Owner": "us"}})
    assert done["operations"] == ["CreateOrUpdateTags"]
    [group] = cloud.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group["TargetGroupARNs"] == declared["target_group_arns"]
    assert {tag["Key"] for tag in group["Tags"]} == {"Owner", "Project"}
