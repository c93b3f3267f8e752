"""Auto Scaling groups in the lab take their time and keep their limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cloud_world import WEST, Lab

Code = Callable[..., str]


@pytest.fixture
def group(lab: Lab) -> Callable[[], dict[str, Any]]:
    """A group of 1 in 0 to 3, behind a target group."""
    ec2, elb = lab.client("ec2", WEST), lab.client("elbv2", WEST)
    subnets = ec2.describe_subnets()["Subnets"]
    vpc = subnets[0]["VpcId"]
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ec2.create_launch_template(
        LaunchTemplateName="template", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro"}
    )
    balancer = elb.create_load_balancer(Name="alb", Subnets=[s["SubnetId"] for s in subnets[:2]])
    target_group = elb.create_target_group(Name="tg", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group["TargetGroupArn"]}],
    )
    lab.client("autoscaling", WEST).create_auto_scaling_group(
        AutoScalingGroupName="g",
        MinSize=0,
        MaxSize=3,
        DesiredCapacity=1,
        LaunchTemplate={"LaunchTemplateName": "template"},
        VPCZoneIdentifier=subnets[0]["SubnetId"],
        TargetGroupARNs=[target_group["TargetGroupArn"]],
    )
    lab.wait(5)

    def show() -> dict[str, Any]:
        found = lab.client("autoscaling", WEST).describe_auto_scaling_groups(AutoScalingGroupNames=["g"])
        health = elb.describe_target_health(TargetGroupArn=target_group["TargetGroupArn"])["TargetHealthDescriptions"]
        return {
            "states": sorted(i["LifecycleState"] for i in found["AutoScalingGroups"][0]["Instances"]),
            "health": sorted(h["TargetHealth"]["State"] for h in health),
        }

    return show


def test_raised_capacity_is_in_service_after_a_while(lab: Lab, group: Callable[[], dict[str, Any]]) -> None:
    scaling = lab.client("autoscaling", WEST)
    scaling.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=3, DesiredCapacity=3)
    assert group() == {"states": ["InService", "Pending", "Pending"], "health": ["healthy", "initial", "initial"]}
    scaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=3)  # again: no harm
    lab.wait(1.6)
    assert group() == {"states": ["InService"] * 3, "health": ["healthy", "initial", "initial"]}
    lab.wait(1)
    assert group()["health"] == ["healthy"] * 3
    activities = scaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]
    assert [a["StatusCode"] for a in activities] == ["Successful"] * 3


def test_lowered_capacity_goes_after_a_while(lab: Lab, group: Callable[[], dict[str, Any]]) -> None:
    scaling = lab.client("autoscaling", WEST)
    scaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=0)
    assert group() == {"states": ["Terminating"], "health": []}
    lab.wait(2)
    assert group()["states"] == []


def test_limits_are_limits(lab: Lab, group: Callable[[], dict[str, Any]], code: Code) -> None:
    scaling = lab.client("autoscaling", WEST)
    assert code(scaling.set_desired_capacity, AutoScalingGroupName="g", DesiredCapacity=4) == "ValidationError"
    update = scaling.update_auto_scaling_group
    assert code(update, AutoScalingGroupName="g", MinSize=2, DesiredCapacity=1) == "ValidationError"
    assert code(update, AutoScalingGroupName="g", MinSize=5) == "ValidationError"
    assert code(scaling.delete_auto_scaling_group, AutoScalingGroupName="g") == "ResourceInUse"
    update(AutoScalingGroupName="g", MinSize=2)  # the desired capacity follows the minimum
    lab.wait(2)
    assert group()["states"] == ["InService", "InService"]


def test_a_disabled_key_refuses_use(lab: Lab, code: Code) -> None:
    kms = lab.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.encrypt(KeyId=key, Plaintext=b"x")
    kms.disable_key(KeyId=key)
    assert code(kms.encrypt, KeyId=key, Plaintext=b"x") == "DisabledException"


def test_a_later_version_of_a_template_launches_too(lab: Lab, group: Callable[[], dict[str, Any]]) -> None:
    ec2, scaling = lab.client("ec2", WEST), lab.client("autoscaling", WEST)
    ec2.create_launch_template_version(
        LaunchTemplateName="template", SourceVersion="1",
        LaunchTemplateData={
            "ImageId": ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"], "InstanceType": "t3.micro",
            "UserData": "IyEvYmluL3NoCg==",
        },
    )  # fmt: skip
    latest = {"LaunchTemplateName": "template", "Version": "$Latest"}
    scaling.update_auto_scaling_group(AutoScalingGroupName="g", LaunchTemplate=latest)
    scaling.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=3, DesiredCapacity=3)
    lab.wait(5)
    found = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["g"])["AutoScalingGroups"][0]
    assert [one["LifecycleState"] for one in found["Instances"]] == ["InService"] * 3


def test_without_capacity_launches_fail_and_are_tried_again_until_there_is_some(
    lab: Lab, group: Callable[[], dict[str, Any]]
) -> None:
    scaling = lab.client("autoscaling", WEST)
    lab.world.no_capacity.add(WEST)
    scaling.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=3, DesiredCapacity=3)
    lab.wait(5)
    assert group()["states"] == ["InService"], "what runs goes on"
    failed = scaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"][0]
    assert failed["StatusCode"] == "Failed"
    assert "do not have sufficient capacity" in failed["StatusMessage"]
    lab.world.no_capacity.clear()
    lab.wait(2)
    lab.wait(5)
    assert group()["states"] == ["InService"] * 3
