"""An image, the load balancer with its target group, and the Auto Scaling groups with their launch template."""

from __future__ import annotations

import base64
import json
from typing import Any

from lab.seed.network import Groups, Network
from lab.seed.site import Site, find, until

IMAGE = "app"
MINIMUM, DESIRED, MAXIMUM = 3, 3, 10
_USER_DATA = "#!/bin/sh\nexec /opt/webapp/start\n"


def build_image(site: Site) -> str:
    """Id of the region's image of the application, `<project>-app`."""
    ec2, name = site.client("ec2"), site.name(IMAGE)
    found = ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": [name]}])["Images"]
    if found:
        return str(found[0]["ImageId"])
    image = ec2.register_image(
        Name=name,
        Description=f"{site.project}: the application, golden image",
        Architecture="x86_64",
        VirtualizationType="hvm",
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "VolumeType": "gp3", "Encrypted": True}}
        ],
    )["ImageId"]
    ec2.create_tags(Resources=[image], Tags=site.tags(Name=name))
    return str(image)


def build_balancer(site: Site, network: Network, groups: Groups, certificate: str) -> tuple[str, str]:
    """The load balancer `<project>-alb`: its DNS name and the ARN of its target group."""
    elb = site.client("elbv2")
    found = find(lambda: elb.describe_load_balancers(Names=[site.name("alb")]), "LoadBalancerNotFound")
    if found is None:
        found = elb.create_load_balancer(
            Name=site.name("alb"),
            Subnets=list(network.public),
            SecurityGroups=[groups.alb],
            Scheme="internet-facing",
            Type="application",
            Tags=site.tags(),
        )
    balancer = found["LoadBalancers"][0]
    found = find(lambda: elb.describe_target_groups(Names=[site.name("tg")]), "TargetGroupNotFound")
    if found is None:
        found = elb.create_target_group(
            Name=site.name("tg"),
            Protocol="HTTP",
            Port=80,
            VpcId=network.vpc,
            TargetType="instance",
            HealthCheckPath="/health",
            HealthCheckIntervalSeconds=10,
            HealthyThresholdCount=3,
            Tags=site.tags(),
        )
    target = str(found["TargetGroups"][0]["TargetGroupArn"])
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    if not any(listener["Port"] == 443 for listener in listeners):
        elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTPS",
            Port=443,
            SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
            Certificates=[{"CertificateArn": certificate}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": target}],
        )
    return str(balancer["DNSName"]), target


def build_instance_profile(site: Site) -> str:
    """Name of the instances' profile."""
    iam, name = site.client("iam"), site.name("app-role")
    if find(lambda: iam.get_role(RoleName=name), "NoSuchEntity") is None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), Tags=site.tags())
    profile = find(lambda: iam.get_instance_profile(InstanceProfileName=name), "NoSuchEntity")
    if profile is None:
        profile = iam.create_instance_profile(InstanceProfileName=name)
    if not profile["InstanceProfile"]["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return name


def build_groups(site: Site, network: Network, groups: Groups, image: str, profile: str, target: str) -> None:
    """The Auto Scaling groups; the first one stands behind the load balancer.  Returns when their instances serve."""
    template = _launch_template(site, groups, image, profile)
    scaling = site.client("autoscaling")
    names = [site.name(suffix) for suffix in site.settings.groups]
    there = {
        group["AutoScalingGroupName"]
        for group in scaling.describe_auto_scaling_groups(AutoScalingGroupNames=names)["AutoScalingGroups"]
    }
    for number, name in enumerate(names):
        if name in there:
            continue
        balanced: dict[str, Any] = (
            {"TargetGroupARNs": [target], "HealthCheckType": "ELB", "HealthCheckGracePeriod": 60} if number == 0 else {}
        )
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateName": template, "Version": "$Latest"},
            MinSize=MINIMUM,
            DesiredCapacity=DESIRED,
            MaxSize=MAXIMUM,
            VPCZoneIdentifier=",".join(network.private),
            Tags=[
                {**tag, "PropagateAtLaunch": True, "ResourceId": name, "ResourceType": "auto-scaling-group"}
                for tag in site.tags(Name=name)
            ],
            **balanced,
        )

    def serving() -> bool:
        found = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=names)["AutoScalingGroups"]
        return all(
            sum(instance["LifecycleState"] == "InService" for instance in group["Instances"])
            >= group["DesiredCapacity"]
            for group in found
        )

    until(f"the instances of {', '.join(names)}", serving)


def _launch_template(site: Site, groups: Groups, image: str, profile: str) -> str:
    ec2, name = site.client("ec2"), site.name("launch-template")
    filters = [{"Name": "launch-template-name", "Values": [name]}]
    if not ec2.describe_launch_templates(Filters=filters)["LaunchTemplates"]:
        ec2.create_launch_template(
            LaunchTemplateName=name,
            TagSpecifications=site.tag_specification("launch-template", name),
            LaunchTemplateData={
                "ImageId": image,
                "InstanceType": "t3.medium",
                "SecurityGroupIds": [groups.ec2],
                "IamInstanceProfile": {"Name": profile},
                "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
                "UserData": base64.b64encode(_USER_DATA.encode()).decode(),
            },
        )
    return name
