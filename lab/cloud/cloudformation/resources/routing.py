"""AWS::EC2: addresses, NAT gateways and route tables."""

from __future__ import annotations

from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.ec2_common import quietly, tag_specification, update_tags

TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "InstanceId",
    "NetworkInterfaceId",
    "VpcPeeringConnectionId",
    "TransitGatewayId",
    "VpcEndpointId",
)


class ElasticIp(Type):
    """An Elastic IP address; `Ref` is the address itself."""

    name = "AWS::EC2::EIP"
    handled = properties("Domain Tags")

    def create(self, it: Handle) -> None:
        answer = it.client("ec2").allocate_address(
            Domain=it.properties.get("Domain", "vpc"), TagSpecifications=tag_specification(it, "elastic-ip")
        )
        it.physical_id = answer["PublicIp"]
        it.attributes = {"AllocationId": answer["AllocationId"], "PublicIp": answer["PublicIp"]}

    def update(self, it: Handle) -> None:
        update_tags(it, it.attributes["AllocationId"])

    def delete(self, it: Handle) -> None:
        quietly(it.client("ec2").release_address, AllocationId=it.attributes["AllocationId"])


class NatGateway(Type):
    """A NAT gateway, public or private."""

    name = "AWS::EC2::NatGateway"
    handled = properties("SubnetId AllocationId ConnectivityType Tags")
    delay = "cloudformation.nat_gateway"

    def create(self, it: Handle) -> None:
        answer = it.client("ec2").create_nat_gateway(
            **it.given("SubnetId", "AllocationId", "ConnectivityType"),
            TagSpecifications=tag_specification(it, "natgateway"),
        )
        it.physical_id = answer["NatGateway"]["NatGatewayId"]
        it.attributes = {"NatGatewayId": it.physical_id}

    def update(self, it: Handle) -> None:
        update_tags(it, it.physical_id)

    def delete(self, it: Handle) -> None:
        client = it.client("ec2")
        found = client.describe_nat_gateways(Filter=[{"Name": "nat-gateway-id", "Values": [it.physical_id]}])
        quietly(client.delete_nat_gateway, NatGatewayId=it.physical_id)
        # The gateway's interface goes with it; moto leaves it behind.
        for address in (a for gateway in found["NatGateways"] for a in gateway["NatGatewayAddresses"]):
            if address.get("NetworkInterfaceId"):
                quietly(client.delete_network_interface, NetworkInterfaceId=address["NetworkInterfaceId"])


class RouteTable(Type):
    """A route table of a VPC."""

    name = "AWS::EC2::RouteTable"
    handled = properties("VpcId Tags")

    def create(self, it: Handle) -> None:
        answer = it.client("ec2").create_route_table(
            VpcId=it.properties["VpcId"], TagSpecifications=tag_specification(it, "route-table")
        )
        it.physical_id = answer["RouteTable"]["RouteTableId"]
        it.attributes = {"RouteTableId": it.physical_id}

    def update(self, it: Handle) -> None:
        update_tags(it, it.physical_id)

    def delete(self, it: Handle) -> None:
        quietly(it.client("ec2").delete_route_table, RouteTableId=it.physical_id)


class Route(Type):
    """One route of a table."""

    name = "AWS::EC2::Route"
    handled = properties("RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock", " ".join(TARGETS))
    taggable = False

    def create(self, it: Handle) -> None:
        destination = it.given("DestinationCidrBlock", "DestinationIpv6CidrBlock")
        it.client("ec2").create_route(RouteTableId=it.properties["RouteTableId"], **destination, **it.given(*TARGETS))
        it.physical_id = f"{it.properties['RouteTableId']}|{next(iter(destination.values()))}"
        it.attributes = {"CidrBlock": next(iter(destination.values()))}

    def update(self, it: Handle) -> None:
        destination = it.given("RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock")
        it.client("ec2").replace_route(**destination, **it.given(*TARGETS))

    def delete(self, it: Handle) -> None:
        destination = it.given("RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock")
        quietly(it.client("ec2").delete_route, **destination)


class SubnetRouteTableAssociation(Type):
    """Which table a subnet uses."""

    name = "AWS::EC2::SubnetRouteTableAssociation"
    handled = properties("RouteTableId SubnetId")
    taggable = False

    def create(self, it: Handle) -> None:
        answer = it.client("ec2").associate_route_table(**it.given("RouteTableId", "SubnetId"))
        it.physical_id = answer["AssociationId"]
        it.attributes = {"Id": it.physical_id}

    def delete(self, it: Handle) -> None:
        quietly(it.client("ec2").disassociate_route_table, AssociationId=it.physical_id)


TYPES = (ElasticIp(), NatGateway(), RouteTable(), Route(), SubnetRouteTableAssociation())
