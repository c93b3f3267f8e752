"""AWS::EC2: networks, subnets and internet gateways."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.resources.base import Handle, Type, pick, properties, tags_of
from lab.cloud.cloudformation.resources.ec2_common import quietly, tag_specification, update_tags


class Vpc(Type):
    """A VPC with its DNS attributes."""

    name = "AWS::EC2::VPC"
    handled = properties("CidrBlock InstanceTenancy EnableDnsSupport EnableDnsHostnames Tags")

    def create(self, it: Handle) -> None:
        answer = it.client("ec2").create_vpc(
            **it.given("CidrBlock", "InstanceTenancy"), TagSpecifications=tag_specification(it, "vpc")
        )
        it.physical_id = answer["Vpc"]["VpcId"]
        self._dns(it, ("EnableDnsSupport", "EnableDnsHostnames"))
        it.attributes = self._attributes(it)

    def update(self, it: Handle) -> None:
        self._dns(it, tuple(n for n in ("EnableDnsSupport", "EnableDnsHostnames") if it.changed(n)))
        update_tags(it, it.physical_id)

    def delete(self, it: Handle) -> None:
        quietly(it.client("ec2").delete_vpc, VpcId=it.physical_id)

    def actual(self, it: Handle) -> dict[str, Any] | None:
        found = it.client("ec2").describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [it.physical_id]}])["Vpcs"]
        if not found:
            return None
        now = pick(found[0], ("CidrBlock", "InstanceTenancy"))
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            member = attribute[0].lower() + attribute[1:]
            answer = it.client("ec2").describe_vpc_attribute(VpcId=it.physical_id, Attribute=member)
            now[attribute] = answer[attribute]["Value"]
        return now | _tags(it, found[0])

    def _dns(self, it: Handle, names: tuple[str, ...]) -> None:
        defaults = {"EnableDnsSupport": True, "EnableDnsHostnames": False}
        for name in names:
            if name in it.properties or name in it.previous:
                value = it.properties.get(name, defaults[name])
                it.client("ec2").modify_vpc_attribute(VpcId=it.physical_id, **{name: {"Value": value}})

    def _attributes(self, it: Handle) -> dict[str, Any]:
        by_vpc = [{"Name": "vpc-id", "Values": [it.physical_id]}]
        vpc = it.client("ec2").describe_vpcs(VpcIds=[it.physical_id])["Vpcs"][0]
        groups = it.client("ec2").describe_security_groups(Filters=by_vpc)["SecurityGroups"]
        acls = it.client("ec2").describe_network_acls(Filters=by_vpc)["NetworkAcls"]
        return {
            "VpcId": it.physical_id,
            "CidrBlock": vpc["CidrBlock"],
            "CidrBlockAssociations": [item["AssociationId"] for item in vpc["CidrBlockAssociationSet"]],
            "DefaultSecurityGroup": next(g["GroupId"] for g in groups if g["GroupName"] == "default"),
            "DefaultNetworkAcl": next((a["NetworkAclId"] for a in acls if a["IsDefault"]), ""),
        }


class Subnet(Type):
    """A subnet of one zone."""

    name = "AWS::EC2::Subnet"
    handled = properties("VpcId CidrBlock AvailabilityZone AvailabilityZoneId MapPublicIpOnLaunch Tags")

    def create(self, it: Handle) -> None:
        subnet = it.client("ec2").create_subnet(
            **it.given("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId"),
            TagSpecifications=tag_specification(it, "subnet"),
        )["Subnet"]
        it.physical_id = subnet["SubnetId"]
        it.attributes = {
            "SubnetId": it.physical_id,
            "AvailabilityZone": subnet["AvailabilityZone"],
            "AvailabilityZoneId": subnet.get("AvailabilityZoneId", ""),
            "CidrBlock": subnet["CidrBlock"],
            "VpcId": subnet["VpcId"],
        }
        if "MapPublicIpOnLaunch" in it.properties:
            self._public(it)

    def update(self, it: Handle) -> None:
        if it.changed("MapPublicIpOnLaunch"):
            self._public(it)
        update_tags(it, it.physical_id)

    def delete(self, it: Handle) -> None:
        quietly(it.client("ec2").delete_subnet, SubnetId=it.physical_id)

    def actual(self, it: Handle) -> dict[str, Any] | None:
        by_id = [{"Name": "subnet-id", "Values": [it.physical_id]}]
        found = it.client("ec2").describe_subnets(Filters=by_id)["Subnets"]
        if not found:
            return None
        names = ("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "MapPublicIpOnLaunch")
        return pick(found[0], names) | _tags(it, found[0])

    def _public(self, it: Handle) -> None:
        value = {"Value": it.properties.get("MapPublicIpOnLaunch", False)}
        it.client("ec2").modify_subnet_attribute(SubnetId=it.physical_id, MapPublicIpOnLaunch=value)


class InternetGateway(Type):
    """An internet gateway, not yet attached."""

    name = "AWS::EC2::InternetGateway"
    handled = properties("Tags")

    def create(self, it: Handle) -> None:
        answer = it.client("ec2").create_internet_gateway(TagSpecifications=tag_specification(it, "internet-gateway"))
        it.physical_id = answer["InternetGateway"]["InternetGatewayId"]
        it.attributes = {"InternetGatewayId": it.physical_id}

    def update(self, it: Handle) -> None:
        update_tags(it, it.physical_id)

    def delete(self, it: Handle) -> None:
        quietly(it.client("ec2").delete_internet_gateway, InternetGatewayId=it.physical_id)

    def actual(self, it: Handle) -> dict[str, Any] | None:
        by_id = [{"Name": "internet-gateway-id", "Values": [it.physical_id]}]
        found = it.client("ec2").describe_internet_gateways(Filters=by_id)["InternetGateways"]
        return _tags(it, found[0]) if found else None


class VpcGatewayAttachment(Type):
    """An internet gateway's attachment to a VPC."""

    name = "AWS::EC2::VPCGatewayAttachment"
    handled = properties("InternetGatewayId VpcId")
    taggable = False

    def create(self, it: Handle) -> None:
        it.client("ec2").attach_internet_gateway(**it.given("InternetGatewayId", "VpcId"))
        it.physical_id = f"IGW|{it.properties['VpcId']}"
        it.attributes = {"AttachmentType": "IGW"}

    def delete(self, it: Handle) -> None:
        quietly(it.client("ec2").detach_internet_gateway, **it.given("InternetGatewayId", "VpcId"))


def _tags(it: Handle, found: dict[str, Any]) -> dict[str, Any]:
    """The template's own tags as they are now: those of the stack are no property of the resource."""
    now = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    own = tags_of(it.properties)
    kept = {key: value for key, value in now.items() if it.tags.get(key) != value or key in own}
    return {"Tags": [{"Key": key, "Value": value} for key, value in kept.items()]}


TYPES = (Vpc(), Subnet(), InternetGateway(), VpcGatewayAttachment())
