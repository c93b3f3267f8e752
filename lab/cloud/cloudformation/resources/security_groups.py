"""AWS::EC2: security groups and their rules, inline and as resources of their own.

Drift follows the user guide ("Considerations when detecting drift"): only properties that the template sets are
compared, and rules that stand as resources of their own in the same stack are no drift of the group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lab.cloud.cloudformation.resources.base import Handle, Type, gone, properties, tags_of
from lab.cloud.cloudformation.resources.ec2_common import quietly, tag_specification, update_tags

Rule = dict[str, Any]
PREFIX = {"Ingress": "Source", "Egress": "Destination"}
"""How the members that name the other side begin."""

_RULE = "IpProtocol FromPort ToPort Description CidrIp CidrIpv6"
_DEFAULT_EGRESS: Rule = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}


class SecurityGroup(Type):
    """A group with its inline rules."""

    name = "AWS::EC2::SecurityGroup"
    handled = properties("GroupDescription GroupName VpcId SecurityGroupIngress SecurityGroupEgress Tags")
    named_by = "GroupName"

    def create(self, it: Handle) -> None:
        answer = it.client("ec2").create_security_group(
            GroupName=it.properties.get("GroupName") or it.name(255),
            Description=it.properties["GroupDescription"],
            **it.given("VpcId"),
            TagSpecifications=tag_specification(it, "security-group"),
        )
        it.physical_id = answer["GroupId"]
        it.attributes = {"GroupId": it.physical_id, "Id": it.physical_id, **it.given("VpcId")}
        _authorize(it, "Ingress", it.properties.get("SecurityGroupIngress", []))
        if it.properties.get("SecurityGroupEgress"):
            # The default rule goes only when the template gives others ("Remove the default egress rule").
            _revoke(it, "Egress", [_DEFAULT_EGRESS])
            _authorize(it, "Egress", it.properties["SecurityGroupEgress"])

    def update(self, it: Handle) -> None:
        for side, default in (("Ingress", []), ("Egress", [_DEFAULT_EGRESS])):
            name = f"SecurityGroup{side}"
            old, new = it.previous.get(name) or default, it.properties.get(name) or default
            _revoke(it, side, [rule for rule in old if not _within(rule, new)])
            _authorize(it, side, [rule for rule in new if not _within(rule, old)])
        update_tags(it, it.physical_id)

    def delete(self, it: Handle) -> None:
        quietly(it.client("ec2").delete_security_group, GroupId=it.physical_id)

    def actual(self, it: Handle) -> dict[str, Any] | None:
        by_id = [{"Name": "group-id", "Values": [it.physical_id]}]
        found = it.client("ec2").describe_security_groups(Filters=by_id)["SecurityGroups"]
        if not found:
            return None
        now: dict[str, Any] = {"GroupDescription": found[0]["Description"], "GroupName": found[0]["GroupName"]}
        now["VpcId"] = found[0].get("VpcId")
        stack_only = {key: value for key, value in it.tags.items() if key not in tags_of(it.properties)}
        now["Tags"] = [tag for tag in found[0].get("Tags", []) if stack_only.get(tag["Key"]) != tag["Value"]]
        for side in ("Ingress", "Egress"):
            elsewhere = [
                {key: value for key, value in rule.items() if key != "GroupId"}
                for kind, rule in it.siblings
                if kind == f"AWS::EC2::SecurityGroup{side}" and rule.get("GroupId") == it.physical_id
            ]
            wanted = it.properties.get(f"SecurityGroup{side}", [])
            seen = [rule for rule in _read(it, side) if not _within(rule, elsewhere)]
            now[f"SecurityGroup{side}"] = _in_order_of(wanted, seen)
        return now


class _RuleResource(Type):
    """A rule as a resource of its own."""

    side: str
    taggable = False

    def create(self, it: Handle) -> None:
        group = it.properties["GroupId"]
        answer = getattr(it.client("ec2"), f"authorize_security_group_{self.side.lower()}")(
            GroupId=group, IpPermissions=[_permission(it.properties, self.side)]
        )
        rules = answer.get("SecurityGroupRules") or [{}]
        it.physical_id = rules[0].get("SecurityGroupRuleId") or it.name(64)
        it.attributes = {"Id": it.physical_id}

    def delete(self, it: Handle) -> None:
        try:
            getattr(it.client("ec2"), f"revoke_security_group_{self.side.lower()}")(
                GroupId=it.properties["GroupId"], IpPermissions=[_permission(it.properties, self.side)]
            )
        except ClientError as error:
            if not gone(error):
                raise

    def actual(self, it: Handle) -> dict[str, Any] | None:
        wanted = {key: value for key, value in it.properties.items() if key != "GroupId"}
        found = _read(it, self.side, it.properties["GroupId"])
        return dict(it.properties) if _within(wanted, found) else None


class SecurityGroupIngress(_RuleResource):
    """An inbound rule."""

    name = "AWS::EC2::SecurityGroupIngress"
    handled = properties("GroupId", _RULE, "SourcePrefixListId SourceSecurityGroupId")
    side = "Ingress"


class SecurityGroupEgress(_RuleResource):
    """An outbound rule."""

    name = "AWS::EC2::SecurityGroupEgress"
    handled = properties("GroupId", _RULE, "DestinationPrefixListId DestinationSecurityGroupId")
    side = "Egress"


def _permission(rule: Mapping[str, Any], side: str) -> dict[str, Any]:
    """A rule as AuthorizeSecurityGroup… wants it."""
    told = {"Description": rule["Description"]} if rule.get("Description") else {}
    permission: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    if permission["IpProtocol"] != "-1":
        permission |= {key: int(rule[key]) for key in ("FromPort", "ToPort") if key in rule}
    if "CidrIp" in rule:
        permission["IpRanges"] = [{"CidrIp": rule["CidrIp"], **told}]
    if "CidrIpv6" in rule:
        permission["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **told}]
    if f"{PREFIX[side]}PrefixListId" in rule:
        permission["PrefixListIds"] = [{"PrefixListId": rule[f"{PREFIX[side]}PrefixListId"], **told}]
    if f"{PREFIX[side]}SecurityGroupId" in rule:
        permission["UserIdGroupPairs"] = [{"GroupId": rule[f"{PREFIX[side]}SecurityGroupId"], **told}]
    return permission


def _authorize(it: Handle, side: str, rules: list[Rule]) -> None:
    call = getattr(it.client("ec2"), f"authorize_security_group_{side.lower()}")
    for rule in rules:
        call(GroupId=it.physical_id, IpPermissions=[_permission(rule, side)])


def _revoke(it: Handle, side: str, rules: list[Rule]) -> None:
    call = getattr(it.client("ec2"), f"revoke_security_group_{side.lower()}")
    for rule in rules:
        try:
            call(GroupId=it.physical_id, IpPermissions=[_permission(rule, side)])
        except ClientError as error:
            if not gone(error):
                raise


def _read(it: Handle, side: str, group: str = "") -> list[Rule]:
    """The group's rules now, in CloudFormation's words."""
    found = it.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-id", "Values": [group or it.physical_id]}]
    )["SecurityGroups"]
    rules: list[Rule] = []
    member = "IpPermissions" if side == "Ingress" else "IpPermissionsEgress"
    for permission in found[0][member] if found else []:
        ports = {key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in permission}
        for ranges, key, name in (
            ("IpRanges", "CidrIp", "CidrIp"),
            ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
            ("PrefixListIds", "PrefixListId", f"{PREFIX[side]}PrefixListId"),
            ("UserIdGroupPairs", "GroupId", f"{PREFIX[side]}SecurityGroupId"),
        ):
            for entry in permission.get(ranges, []):
                told = {"Description": entry["Description"]} if entry.get("Description") else {}
                rules.append({**ports, name: entry[key], **told})
    return rules


def _key(rule: Rule) -> tuple[tuple[str, str], ...]:
    """What makes two rules the same, whatever the spelling of ports for "all protocols"."""
    known = {key: str(value) for key, value in rule.items() if key != "SourceSecurityGroupOwnerId"}
    if known.get("IpProtocol") == "-1":
        known = {key: value for key, value in known.items() if key not in ("FromPort", "ToPort")}
    return tuple(sorted(known.items()))


def _within(rule: Rule, rules: list[Rule]) -> bool:
    return _key(rule) in {_key(other) for other in rules}


def _in_order_of(wanted: list[Rule], seen: list[Rule]) -> list[Rule]:
    """The rules seen: first those wanted, as the template words them, then the others (order has no meaning)."""
    return [rule for rule in wanted if _within(rule, seen)] + [rule for rule in seen if not _within(rule, wanted)]


TYPES = (SecurityGroup(), SecurityGroupIngress(), SecurityGroupEgress())
