# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security groups of a stack, held to the rules of its template.

CloudFormation compares a template with the template before it, never with the world: a rule that was added by hand
stays, and one that was removed stays away, however often the stack is updated. So the rules are compared here, with
the template as the only source, and mended directly.

Sources: CloudFormation user guide, "Detect unmanaged configuration changes to stacks and resources with drift
detection"; template reference, AWS::EC2::SecurityGroup; EC2 API reference, IpPermission.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .declared import Api, Call, Change, Refused
from .stack import status

GROUP = "AWS::EC2::SecurityGroup"
ANY_PROTOCOL = "-1"
DIRECTIONS = ("Ingress", "Egress")


@dataclass(frozen=True, order=True)
class Rule:
    """One rule. Descriptions are no part of it. Ports are -1 where the protocol has none."""

    protocol: str
    from_port: int
    to_port: int
    peer_kind: str
    peer: str

    def permission(self, description: str = "") -> dict[str, Any]:
        """The rule as EC2's IpPermission."""
        member, key = _PEERS[self.peer_kind]
        peer = {key: self.peer, **({"Description": description} if description else {})}
        ports = {} if self.protocol == ANY_PROTOCOL else {"FromPort": self.from_port, "ToPort": self.to_port}
        return {"IpProtocol": self.protocol, **ports, member: [peer]}

    def __str__(self) -> str:
        """The rule for a person."""
        if self.protocol == ANY_PROTOCOL:
            return f"everything {self.peer}"
        ports = f"{self.from_port}" if self.from_port == self.to_port else f"{self.from_port}-{self.to_port}"
        return f"{self.protocol} {ports} {self.peer}"


_PEERS = {
    "ipv4": ("IpRanges", "CidrIp"),
    "ipv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefix-list": ("PrefixListIds", "PrefixListId"),
    "group": ("UserIdGroupPairs", "GroupId"),
}

Rules = dict[str, dict[Rule, str]]
"""For each direction the rules with their descriptions."""


@dataclass(frozen=True)
class Group:
    """A group of the template: its id and what its rules should be."""

    logical_id: str
    group_id: str
    rules: Rules


def groups_of_stack(cloudformation: Api, stack_name: str, template: Mapping[str, Any]) -> list[Group]:
    """The stack's groups with the rules that its template gives them; nothing when there is no stack."""
    state, found = status(cloudformation, stack_name)
    if not state:
        return []
    resources = cloudformation.read("DescribeStackResources", {"StackName": stack_name})["StackResources"]
    ids = {one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in resources}
    values = {pair["ParameterKey"]: pair["ParameterValue"] for pair in found.get("Parameters", [])}
    return [
        Group(logical_id, ids[logical_id], _declared_rules(resource.get("Properties", {}), {**ids, **values}))
        for logical_id, resource in template.get("Resources", {}).items()
        if resource["Type"] == GROUP and ids.get(logical_id)
    ]


def observe(ec2: Api, groups: Iterable[Group]) -> dict[str, Rules]:
    """The rules of each group as they are."""
    ids = [group.group_id for group in groups]
    if not ids:
        return {}
    found = ec2.read("DescribeSecurityGroups", {"GroupIds": ids})["SecurityGroups"]
    return {
        group["GroupId"]: {
            "Ingress": _held_rules(group.get("IpPermissions", [])),
            "Egress": _held_rules(group.get("IpPermissionsEgress", [])),
        }
        for group in found
    }


def decide(groups: Iterable[Group], held: Mapping[str, Rules]) -> Change:
    """What is to be added and taken away; adding comes first, so that no wanted traffic is ever cut."""
    adding, removing = [], []
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for group in groups:
        for direction in DIRECTIONS:
            wanted, found = group.rules[direction], held[group.group_id][direction]
            title = f"{group.logical_id} {direction.lower()}"
            before[title] = sorted(str(rule) for rule in found)
            after[title] = sorted(str(rule) for rule in wanted)
            missing = [rule.permission(wanted[rule]) for rule in sorted(wanted.keys() - found.keys())]
            foreign = [rule.permission() for rule in sorted(found.keys() - wanted.keys())]
            if missing:
                adding.append(_call("Authorize", direction, group.group_id, missing))
            if foreign:
                removing.append(_call("Revoke", direction, group.group_id, foreign))
    return Change(before, after, (*adding, *removing))


def _call(verb: str, direction: str, group_id: str, permissions: list[dict[str, Any]]) -> Call:
    return Call(f"{verb}SecurityGroup{direction}", {"GroupId": group_id, "IpPermissions": permissions})


def _declared_rules(properties: Mapping[str, Any], values: Mapping[str, str]) -> Rules:
    return {
        direction: {
            _declared_rule(rule, values): str(rule.get("Description", ""))
            for rule in properties.get(f"SecurityGroup{direction}", [])
        }
        for direction in DIRECTIONS
    }


_DECLARED_PEERS = {
    "CidrIp": "ipv4",
    "CidrIpv6": "ipv6",
    "SourcePrefixListId": "prefix-list",
    "DestinationPrefixListId": "prefix-list",
    "SourceSecurityGroupId": "group",
    "DestinationSecurityGroupId": "group",
}


def _declared_rule(rule: Mapping[str, Any], values: Mapping[str, str]) -> Rule:
    peers = [(kind, rule[key]) for key, kind in _DECLARED_PEERS.items() if key in rule]
    if len(peers) != 1:
        raise Refused(f"a rule of a security group needs exactly one of {', '.join(_DECLARED_PEERS)}: {dict(rule)}")
    kind, peer = peers[0]
    return _rule(
        resolve(rule["IpProtocol"], values),
        resolve(rule.get("FromPort", -1), values),
        resolve(rule.get("ToPort", -1), values),
        kind,
        resolve(peer, values),
    )


def resolve(value: Any, values: Mapping[str, str]) -> str:
    """A template's value, where it is plain, a Ref, or the GroupId of another group."""
    if not isinstance(value, Mapping):
        return str(value)
    name = value.get("Ref")
    attribute = value.get("Fn::GetAtt")
    if isinstance(attribute, list) and attribute[1:] == ["GroupId"]:
        name = attribute[0]
    if not isinstance(name, str) or name not in values:
        raise Refused(f"rules of security groups may use Ref and Fn::GetAtt of GroupId only: {dict(value)}")
    return str(values[name])


def _held_rules(permissions: Iterable[Mapping[str, Any]]) -> dict[Rule, str]:
    """EC2's permissions, one rule for each peer."""
    found: dict[Rule, str] = {}
    for permission in permissions:
        ports = permission.get("FromPort", -1), permission.get("ToPort", -1)
        for kind, (member, key) in _PEERS.items():
            for peer in permission.get(member, []):
                found[_rule(permission["IpProtocol"], *ports, kind, peer[key])] = peer.get("Description", "")
    return found


def _rule(protocol: str, from_port: Any, to_port: Any, kind: str, peer: str) -> Rule:
    if protocol == ANY_PROTOCOL:
        return Rule(protocol, -1, -1, kind, peer)
    return Rule(protocol, int(from_port), int(to_port), kind, peer)
