"""AWS::ElasticLoadBalancingV2: load balancers, target groups, listeners and their rules."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.resources.base import Handle, Type, pick, properties
from lab.cloud.cloudformation.resources.ec2_common import quietly


def _update_tags(it: Handle) -> None:
    put, drop = it.tag_changes()
    client = it.client("elbv2")
    if drop:
        client.remove_tags(ResourceArns=[it.physical_id], TagKeys=drop)
    if put:
        client.add_tags(ResourceArns=[it.physical_id], Tags=[{"Key": k, "Value": v} for k, v in put.items()])


def _tags(it: Handle) -> dict[str, Any]:
    return {"Tags": it.tag_list()} if it.all_tags() else {}


class LoadBalancer(Type):
    """An Application or Network Load Balancer."""

    name = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    _plain = ("Scheme", "Type", "IpAddressType", "Subnets", "SubnetMappings", "SecurityGroups")
    handled = properties("Name LoadBalancerAttributes Tags", " ".join(_plain))
    named_by = "Name"
    delay = "cloudformation.load_balancer"

    def create(self, it: Handle) -> None:
        balancer = it.client("elbv2").create_load_balancer(
            Name=it.properties.get("Name") or it.name(32), **it.given(*self._plain), **_tags(it)
        )["LoadBalancers"][0]
        it.physical_id = balancer["LoadBalancerArn"]
        self._attributes(it, it.properties.get("LoadBalancerAttributes", []))
        it.attributes = {
            "LoadBalancerArn": it.physical_id,
            "LoadBalancerFullName": it.physical_id.split(":loadbalancer/")[-1],
            "LoadBalancerName": balancer["LoadBalancerName"],
            "DNSName": balancer["DNSName"],
            "CanonicalHostedZoneID": balancer["CanonicalHostedZoneId"],
            "SecurityGroups": balancer.get("SecurityGroups", []),
        }

    def update(self, it: Handle) -> None:
        client = it.client("elbv2")
        if it.changed("SecurityGroups"):
            client.set_security_groups(LoadBalancerArn=it.physical_id, **it.given("SecurityGroups"))
            it.attributes["SecurityGroups"] = it.properties.get("SecurityGroups", [])
        if it.changed("Subnets", "SubnetMappings"):
            client.set_subnets(LoadBalancerArn=it.physical_id, **it.given("Subnets", "SubnetMappings"))
        if it.changed("IpAddressType"):
            client.set_ip_address_type(LoadBalancerArn=it.physical_id, **it.given("IpAddressType"))
        if it.changed("LoadBalancerAttributes"):
            self._attributes(it, it.properties.get("LoadBalancerAttributes", []))
        _update_tags(it)

    def delete(self, it: Handle) -> None:
        quietly(it.client("elbv2").delete_load_balancer, LoadBalancerArn=it.physical_id)

    def _attributes(self, it: Handle, attributes: list[dict[str, str]]) -> None:
        if attributes:
            it.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=it.physical_id, Attributes=attributes)


class TargetGroup(Type):
    """A target group with its health check."""

    name = "AWS::ElasticLoadBalancingV2::TargetGroup"
    _check = (
        "HealthCheckEnabled",
        "HealthCheckIntervalSeconds",
        "HealthCheckPath",
        "HealthCheckPort",
        "HealthCheckProtocol",
        "HealthCheckTimeoutSeconds",
        "HealthyThresholdCount",
        "UnhealthyThresholdCount",
        "Matcher",
    )
    _fixed = ("Port", "Protocol", "ProtocolVersion", "TargetType", "IpAddressType", "VpcId")
    handled = properties("Name TargetGroupAttributes Targets Tags", " ".join(_check), " ".join(_fixed))
    named_by = "Name"

    def create(self, it: Handle) -> None:
        group = it.client("elbv2").create_target_group(
            Name=it.properties.get("Name") or it.name(32), **it.given(*self._fixed, *self._check), **_tags(it)
        )["TargetGroups"][0]
        it.physical_id = group["TargetGroupArn"]
        self._attributes(it)
        if it.properties.get("Targets"):
            it.client("elbv2").register_targets(TargetGroupArn=it.physical_id, Targets=it.properties["Targets"])
        it.attributes = {
            "TargetGroupArn": it.physical_id,
            "TargetGroupName": group["TargetGroupName"],
            "TargetGroupFullName": it.physical_id.split(":")[-1],
            "LoadBalancerArns": [],
        }

    def update(self, it: Handle) -> None:
        client = it.client("elbv2")
        if it.changed(*self._check):
            client.modify_target_group(TargetGroupArn=it.physical_id, **it.given(*self._check))
        if it.changed("TargetGroupAttributes"):
            self._attributes(it)
        if it.changed("Targets"):
            old, new = it.previous.get("Targets", []), it.properties.get("Targets", [])
            gone, come = [t for t in old if t not in new], [t for t in new if t not in old]
            if gone:
                client.deregister_targets(TargetGroupArn=it.physical_id, Targets=gone)
            if come:
                client.register_targets(TargetGroupArn=it.physical_id, Targets=come)
        _update_tags(it)

    def delete(self, it: Handle) -> None:
        quietly(it.client("elbv2").delete_target_group, TargetGroupArn=it.physical_id)

    def actual(self, it: Handle) -> dict[str, Any] | None:
        found = it.client("elbv2").describe_target_groups(Names=[it.attributes["TargetGroupName"]])["TargetGroups"]
        return pick(found[0], (*self._check, *self._fixed)) if found else None

    def _attributes(self, it: Handle) -> None:
        attributes = it.properties.get("TargetGroupAttributes")
        if attributes:
            it.client("elbv2").modify_target_group_attributes(TargetGroupArn=it.physical_id, Attributes=attributes)


class Listener(Type):
    """A listener of a load balancer."""

    name = "AWS::ElasticLoadBalancingV2::Listener"
    _plain = ("Port", "Protocol", "SslPolicy", "Certificates", "DefaultActions", "AlpnPolicy")
    handled = properties("LoadBalancerArn", " ".join(_plain))
    taggable = False

    def create(self, it: Handle) -> None:
        listener = it.client("elbv2").create_listener(**it.given("LoadBalancerArn", *self._plain))["Listeners"][0]
        it.physical_id = listener["ListenerArn"]
        it.attributes = {"ListenerArn": it.physical_id}

    def update(self, it: Handle) -> None:
        it.client("elbv2").modify_listener(ListenerArn=it.physical_id, **it.given(*self._plain))

    def delete(self, it: Handle) -> None:
        quietly(it.client("elbv2").delete_listener, ListenerArn=it.physical_id)


class ListenerRule(Type):
    """A rule of a listener."""

    name = "AWS::ElasticLoadBalancingV2::ListenerRule"
    handled = properties("ListenerArn Priority Conditions Actions")
    taggable = False

    def create(self, it: Handle) -> None:
        rule = it.client("elbv2").create_rule(**it.given("ListenerArn", "Priority", "Conditions", "Actions"))["Rules"][
            0
        ]
        it.physical_id = rule["RuleArn"]
        it.attributes = {"RuleArn": it.physical_id, "IsDefault": rule["IsDefault"]}

    def update(self, it: Handle) -> None:
        client = it.client("elbv2")
        if it.changed("Priority"):
            priority = {"RuleArn": it.physical_id, **it.given("Priority")}
            client.set_rule_priorities(RulePriorities=[priority])
        client.modify_rule(RuleArn=it.physical_id, **it.given("Conditions", "Actions"))

    def delete(self, it: Handle) -> None:
        quietly(it.client("elbv2").delete_rule, RuleArn=it.physical_id)


TYPES = (LoadBalancer(), TargetGroup(), Listener(), ListenerRule())
