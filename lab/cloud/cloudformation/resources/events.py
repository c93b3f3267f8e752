"""AWS::Events::Rule and AWS::Scheduler::Schedule."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.errors import NameTaken, ResourceFailed
from lab.cloud.cloudformation.resources.base import Handle, Type, pick, properties
from lab.cloud.cloudformation.resources.documents import as_text
from lab.cloud.cloudformation.resources.ec2_common import quietly


class Rule(Type):
    """An EventBridge rule with its targets; the default bus's rules have their name as `Ref`."""

    name = "AWS::Events::Rule"
    _plain = ("EventBusName", "Description", "ScheduleExpression", "State", "RoleArn")
    handled = properties("Name EventPattern Targets Tags", " ".join(_plain))
    named_by = "Name"

    def create(self, it: Handle) -> None:
        name = it.properties.get("Name") or it.name(64)
        tags = {"Tags": it.tag_list()} if it.all_tags() else {}
        found = it.client("events").list_rules(NamePrefix=name, **it.given("EventBusName"))["Rules"]
        if name in {rule["Name"] for rule in found}:
            raise NameTaken(self.name, name)
        answer = self._put(it, name, tags)
        it.physical_id = name
        it.attributes = {"Arn": answer["RuleArn"]}
        self._targets(it, [])

    def update(self, it: Handle) -> None:
        self._put(it, it.physical_id, {})
        self._targets(it, it.previous.get("Targets", []))
        put, drop = it.tag_changes()
        if drop:
            it.client("events").untag_resource(ResourceARN=it.attributes["Arn"], TagKeys=drop)
        if put:
            tags = [{"Key": key, "Value": value} for key, value in put.items()]
            it.client("events").tag_resource(ResourceARN=it.attributes["Arn"], Tags=tags)

    def delete(self, it: Handle) -> None:
        client, bus = it.client("events"), it.given("EventBusName")
        ids = [target["Id"] for target in it.properties.get("Targets", [])]
        if ids:
            quietly(client.remove_targets, Rule=it.physical_id, Ids=ids, **bus)
        quietly(client.delete_rule, Name=it.physical_id, **bus)

    def _put(self, it: Handle, name: str, tags: dict[str, Any]) -> dict[str, Any]:
        pattern = it.properties.get("EventPattern")
        more = {"EventPattern": as_text(pattern)} if pattern is not None else {}
        answer: dict[str, Any] = it.client("events").put_rule(Name=name, **it.given(*self._plain), **more, **tags)
        return answer

    def _targets(self, it: Handle, old: list[dict[str, Any]]) -> None:
        client, bus = it.client("events"), it.given("EventBusName")
        new = it.properties.get("Targets", [])
        lost = {target["Id"] for target in old} - {target["Id"] for target in new}
        if lost:
            client.remove_targets(Rule=it.physical_id, Ids=sorted(lost), **bus)
        if new:
            answer = client.put_targets(Rule=it.physical_id, Targets=new, **bus)
            for failure in answer.get("FailedEntries", []):
                raise ResourceFailed(f"{failure.get('ErrorCode')}: {failure.get('ErrorMessage')}")


class Schedule(Type):
    """An EventBridge Scheduler schedule."""

    name = "AWS::Scheduler::Schedule"
    _plain = (
        "Description",
        "EndDate",
        "FlexibleTimeWindow",
        "GroupName",
        "KmsKeyArn",
        "ScheduleExpression",
        "ScheduleExpressionTimezone",
        "StartDate",
        "State",
        "Target",
    )
    handled = properties("Name", " ".join(_plain))
    named_by = "Name"
    taggable = False

    def create(self, it: Handle) -> None:
        name = it.properties.get("Name") or it.name(64)
        answer = it.client("scheduler").create_schedule(Name=name, **it.given(*self._plain))
        it.physical_id = name
        it.attributes = {"Arn": answer["ScheduleArn"]}

    def update(self, it: Handle) -> None:
        it.client("scheduler").update_schedule(Name=it.physical_id, **it.given(*self._plain))

    def delete(self, it: Handle) -> None:
        quietly(it.client("scheduler").delete_schedule, Name=it.physical_id, **it.given("GroupName"))

    def actual(self, it: Handle) -> dict[str, Any] | None:
        group = it.properties.get("GroupName", "default")
        names = {s["Name"] for s in it.client("scheduler").list_schedules(GroupName=group)["Schedules"]}
        if it.physical_id not in names:
            return None
        found = it.client("scheduler").get_schedule(Name=it.physical_id, **it.given("GroupName"))
        return pick(found, ("Description", "ScheduleExpression", "ScheduleExpressionTimezone", "State"))


TYPES = (Rule(), Schedule())
