"""A VPC with public and private subnets in two zones, and the security groups of the three tiers."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from lab.seed.site import Site


@dataclass(frozen=True)
class Network:
    """What later parts need of a network."""

    vpc: str
    public: tuple[str, ...]
    private: tuple[str, ...]


@dataclass(frozen=True)
class Groups:
    """Ids of the security groups of the three tiers."""

    alb: str
    ec2: str
    aurora: str


def build_network(site: Site, name: str, cidr: str) -> Network:
    """The VPC of that name, made where it is not there."""
    ec2 = site.client("ec2")
    vpc = _by_name(ec2.describe_vpcs, "Vpcs", name)
    if vpc is None:
        vpc = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=site.tag_specification("vpc", name))["Vpc"]
        ec2.modify_vpc_attribute(VpcId=vpc["VpcId"], EnableDnsHostnames={"Value": True})
    vpc_id = str(vpc["VpcId"])
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    block = ipaddress.ip_network(cidr)
    pieces = list(block.subnets(new_prefix=min(block.prefixlen + 4, 28)))
    public = [_subnet(site, vpc_id, f"{name}-public-{n + 1}", str(pieces[n]), zone) for n, zone in enumerate(zones)]
    private = [
        _subnet(site, vpc_id, f"{name}-private-{n + 1}", str(pieces[n + 2]), zone) for n, zone in enumerate(zones)
    ]
    gateway = _gateway(site, vpc_id, f"{name}-igw")
    _routes(site, vpc_id, f"{name}-public", public, GatewayId=gateway)
    nat = _nat(site, vpc_id, f"{name}-nat", public[0])
    _routes(site, vpc_id, f"{name}-private", private, NatGatewayId=nat)
    return Network(vpc_id, tuple(public), tuple(private))


def build_groups(site: Site, network: Network) -> Groups:
    """Security groups: the world to the load balancer, it to the instances, they to the database."""
    alb = _group(site, network.vpc, "alb-sg", "Load balancer: HTTPS and HTTP from everywhere")
    ec2 = _group(site, network.vpc, "ec2-sg", "Application instances: from the load balancer")
    aurora = _group(site, network.vpc, "aurora-sg", "Aurora: from the application instances")
    everyone = [{"CidrIp": "0.0.0.0/0", "Description": "clients"}]
    _allow(site, alb, 443, {"IpRanges": everyone})
    _allow(site, alb, 80, {"IpRanges": everyone})
    _allow(site, ec2, 80, {"UserIdGroupPairs": [{"GroupId": alb, "Description": "load balancer"}]})
    _allow(site, aurora, 3306, {"UserIdGroupPairs": [{"GroupId": ec2, "Description": "application"}]})
    return Groups(alb, ec2, aurora)


def _by_name(describe: Any, member: str, name: str) -> dict[str, Any] | None:
    found = describe(Filters=[{"Name": "tag:Name", "Values": [name]}])[member]
    return dict(found[0]) if found else None


def _subnet(site: Site, vpc: str, name: str, cidr: str, zone: str) -> str:
    ec2 = site.client("ec2")
    found = _by_name(ec2.describe_subnets, "Subnets", name)
    if found is None:
        found = ec2.create_subnet(
            VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone, TagSpecifications=site.tag_specification("subnet", name)
        )["Subnet"]
    return str(found["SubnetId"])


def _gateway(site: Site, vpc: str, name: str) -> str:
    ec2 = site.client("ec2")
    found = _by_name(ec2.describe_internet_gateways, "InternetGateways", name)
    if found is None:
        found = ec2.create_internet_gateway(
            TagSpecifications=site.tag_specification("internet-gateway", name)
        )["InternetGateway"]  # fmt: skip
    if not found["Attachments"]:
        ec2.attach_internet_gateway(InternetGatewayId=found["InternetGatewayId"], VpcId=vpc)
    return str(found["InternetGatewayId"])


def _nat(site: Site, vpc: str, name: str, subnet: str) -> str:
    ec2 = site.client("ec2")
    found = ec2.describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NatGateways"]
    alive = [one for one in found if one["State"] in ("pending", "available")]
    if alive:
        return str(alive[0]["NatGatewayId"])
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=site.tag_specification("elastic-ip", name))
    return str(
        ec2.create_nat_gateway(
            SubnetId=subnet,
            AllocationId=address["AllocationId"],
            TagSpecifications=site.tag_specification("natgateway", name),
        )["NatGateway"]["NatGatewayId"]
    )


def _routes(site: Site, vpc: str, name: str, subnets: list[str], **target: str) -> None:
    ec2 = site.client("ec2")
    if _by_name(ec2.describe_route_tables, "RouteTables", name) is not None:
        return
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=site.tag_specification("route-table", name))
    table_id = table["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", **target)
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet)


def _group(site: Site, vpc: str, suffix: str, description: str) -> str:
    ec2, name = site.client("ec2"), site.name(suffix)
    found = ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc]}]
    )["SecurityGroups"]
    if found:
        return str(found[0]["GroupId"])
    return str(
        ec2.create_security_group(
            GroupName=name,
            Description=description,
            VpcId=vpc,
            TagSpecifications=site.tag_specification("security-group", name),
        )["GroupId"]
    )


def _allow(site: Site, group: str, port: int, source: dict[str, Any]) -> None:
    ec2 = site.client("ec2")
    rules = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    if any(rule.get("FromPort") == port for rule in rules):
        return
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}]
    )
