"""Parameters of AWS's own types: CloudFormation looks whether what they name is there.

It does so once the operation is under way ("Parameter validation failed: …" in the stack's events).
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.cloud.cloudformation.access import Access
from lab.cloud.cloudformation.parameters import typed
from lab.cloud.cloudformation.template import Template

_LOOKS = {
    "AWS::EC2::VPC::Id": ("describe_vpcs", "vpc-id", "Vpcs", "VpcId"),
    "AWS::EC2::Subnet::Id": ("describe_subnets", "subnet-id", "Subnets", "SubnetId"),
    "AWS::EC2::SecurityGroup::Id": ("describe_security_groups", "group-id", "SecurityGroups", "GroupId"),
    "AWS::EC2::AvailabilityZone::Name": (
        "describe_availability_zones",
        "zone-name",
        "AvailabilityZones",
        "ZoneName",
    ),
}


def missing(template: Template, parameters: Mapping[str, str], access: Access) -> str | None:
    """What is wrong, in CloudFormation's words; None where all is there."""
    for name, text in parameters.items():
        spec = template.parameters[name]
        kind = str(spec.get("Type")).removeprefix("List<").removesuffix(">")
        value = typed(spec, text)
        wanted = value if isinstance(value, list) else [value]
        if kind not in _LOOKS or not wanted:
            continue
        call, by, member, key = _LOOKS[kind]
        found = getattr(access.client("ec2"), call)(Filters=[{"Name": by, "Values": wanted}])[member]
        lost = [item for item in wanted if item not in {entry[key] for entry in found}]
        if lost:
            return f"Parameter validation failed: parameter value {lost[0]} for parameter name {name} does not exist."
    return None
