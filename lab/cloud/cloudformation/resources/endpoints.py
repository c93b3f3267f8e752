"""AWS::EC2: VPC endpoints and flow logs."""

from __future__ import annotations

from lab.cloud.cloudformation.errors import ResourceFailed
from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.documents import as_text
from lab.cloud.cloudformation.resources.ec2_common import tag_specification, update_tags

_LISTS = {
    "RouteTableIds": ("AddRouteTableIds", "RemoveRouteTableIds"),
    "SubnetIds": ("AddSubnetIds", "RemoveSubnetIds"),
    "SecurityGroupIds": ("AddSecurityGroupIds", "RemoveSecurityGroupIds"),
}


class VpcEndpoint(Type):
    """A gateway or interface endpoint."""

    name = "AWS::EC2::VPCEndpoint"
    handled = properties("VpcId ServiceName VpcEndpointType PolicyDocument PrivateDnsEnabled Tags", " ".join(_LISTS))
    delay = "cloudformation.vpc_endpoint"

    def create(self, it: Handle) -> None:
        answer = it.client("ec2").create_vpc_endpoint(
            VpcEndpointType=it.properties.get("VpcEndpointType", "Gateway"),
            **it.given("VpcId", "ServiceName", "PrivateDnsEnabled", *_LISTS),
            **self._policy(it),
            TagSpecifications=tag_specification(it, "vpc-endpoint"),
        )["VpcEndpoint"]
        it.physical_id = answer["VpcEndpointId"]
        it.attributes = {
            "Id": it.physical_id,
            "DnsEntries": [f"{e['HostedZoneId']}:{e['DnsName']}" for e in answer.get("DnsEntries", [])],
            "NetworkInterfaceIds": answer.get("NetworkInterfaceIds", []),
        }

    def update(self, it: Handle) -> None:
        change = {**self._policy(it), **it.given("PrivateDnsEnabled")}
        for name, (add, remove) in _LISTS.items():
            old, new = it.previous.get(name, []), it.properties.get(name, [])
            change |= {
                add: [item for item in new if item not in old],
                remove: [item for item in old if item not in new],
            }
        it.client("ec2").modify_vpc_endpoint(VpcEndpointId=it.physical_id, **{k: v for k, v in change.items() if v})
        update_tags(it, it.physical_id)

    def delete(self, it: Handle) -> None:
        answer = it.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[it.physical_id])
        for failure in answer.get("Unsuccessful", []):
            if "NotFound" not in failure["Error"]["Code"]:
                raise ResourceFailed(failure["Error"]["Message"])

    def _policy(self, it: Handle) -> dict[str, str]:
        return {"PolicyDocument": as_text(it.properties["PolicyDocument"])} if "PolicyDocument" in it.properties else {}


class FlowLog(Type):
    """Flow logs of one VPC, subnet or interface."""

    name = "AWS::EC2::FlowLog"
    _plain = (
        "TrafficType LogGroupName LogDestination LogDestinationType DeliverLogsPermissionArn LogFormat"
        " MaxAggregationInterval ResourceType"
    )
    handled = properties(_plain, "ResourceId Tags")

    def create(self, it: Handle) -> None:
        answer = it.client("ec2").create_flow_logs(
            ResourceIds=[it.properties["ResourceId"]],
            **it.given(*self._plain.split()),
            TagSpecifications=tag_specification(it, "vpc-flow-log"),
        )
        for failure in answer.get("Unsuccessful", []):
            raise ResourceFailed(failure["Error"]["Message"])
        it.physical_id = answer["FlowLogIds"][0]
        it.attributes = {"Id": it.physical_id}

    def update(self, it: Handle) -> None:
        update_tags(it, it.physical_id)

    def delete(self, it: Handle) -> None:
        it.client("ec2").delete_flow_logs(FlowLogIds=[it.physical_id])


TYPES = (VpcEndpoint(), FlowLog())
