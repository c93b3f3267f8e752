"""AWS::CloudWatch and AWS::Logs: alarms, dashboards, log groups."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.errors import NameTaken, ResourceFailed
from lab.cloud.cloudformation.resources.base import Handle, Type, pick, properties
from lab.cloud.cloudformation.resources.ec2_common import quietly

_ACTIONS = "ActionsEnabled AlarmDescription AlarmActions OKActions InsufficientDataActions"


class _AlarmType(Type):
    """What metric and composite alarms share: one call makes and changes, a name identifies."""

    named_by = "AlarmName"
    call: str
    described: str
    plain: str

    def create(self, it: Handle) -> None:
        name = it.properties.get("AlarmName") or it.name(255)
        if it.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=[self.described])[
            f"{self.described}s"
        ]:
            raise NameTaken(self.name, name)
        self._put(it, name, {"Tags": it.tag_list()} if it.all_tags() else {})
        it.physical_id = name
        it.attributes = {"Arn": f"arn:aws:cloudwatch:{it.region}:{it.account}:alarm:{name}"}

    def update(self, it: Handle) -> None:
        if it.changed(*self.plain.split()):
            self._put(it, it.physical_id, {})
        put, drop = it.tag_changes()
        arn = it.attributes["Arn"]
        if drop:
            it.client("cloudwatch").untag_resource(ResourceARN=arn, TagKeys=drop)
        if put:
            tags = [{"Key": key, "Value": value} for key, value in put.items()]
            it.client("cloudwatch").tag_resource(ResourceARN=arn, Tags=tags)

    def delete(self, it: Handle) -> None:
        quietly(it.client("cloudwatch").delete_alarms, AlarmNames=[it.physical_id])

    def actual(self, it: Handle) -> dict[str, Any] | None:
        found = it.client("cloudwatch").describe_alarms(AlarmNames=[it.physical_id], AlarmTypes=[self.described])
        alarms = found[f"{self.described}s"]
        return pick(alarms[0], ("AlarmName", *self.plain.split())) if alarms else None

    def _put(self, it: Handle, name: str, tags: dict[str, Any]) -> None:
        getattr(it.client("cloudwatch"), self.call)(AlarmName=name, **it.given(*self.plain.split()), **tags)


class Alarm(_AlarmType):
    """An alarm on a metric."""

    name = "AWS::CloudWatch::Alarm"
    call = "put_metric_alarm"
    described = "MetricAlarm"
    plain = (
        f"{_ACTIONS} ComparisonOperator DatapointsToAlarm Dimensions EvaluateLowSampleCountPercentile EvaluationPeriods"
        " ExtendedStatistic MetricName Metrics Namespace Period Statistic Threshold ThresholdMetricId TreatMissingData"
        " Unit"
    )
    handled = properties("AlarmName Tags", plain)


class CompositeAlarm(_AlarmType):
    """An alarm on alarms."""

    name = "AWS::CloudWatch::CompositeAlarm"
    call = "put_composite_alarm"
    described = "CompositeAlarm"
    plain = f"{_ACTIONS} AlarmRule ActionsSuppressor ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod"
    handled = properties("AlarmName Tags", plain)


class Dashboard(Type):
    """A dashboard."""

    name = "AWS::CloudWatch::Dashboard"
    handled = properties("DashboardName DashboardBody")
    named_by = "DashboardName"
    taggable = False

    def create(self, it: Handle) -> None:
        name = it.properties.get("DashboardName") or it.name(255)
        found = it.client("cloudwatch").list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
        if name in {entry["DashboardName"] for entry in found}:
            raise NameTaken(self.name, name)
        self._put(it, name)
        it.physical_id = name

    def update(self, it: Handle) -> None:
        self._put(it, it.physical_id)

    def delete(self, it: Handle) -> None:
        quietly(it.client("cloudwatch").delete_dashboards, DashboardNames=[it.physical_id])

    def _put(self, it: Handle, name: str) -> None:
        answer = it.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=it.properties["DashboardBody"])
        for message in answer.get("DashboardValidationMessages", []):
            raise ResourceFailed(str(message.get("Message")))


class LogGroup(Type):
    """A log group with its retention."""

    name = "AWS::Logs::LogGroup"
    handled = properties("LogGroupName RetentionInDays KmsKeyId LogGroupClass Tags")
    named_by = "LogGroupName"

    def create(self, it: Handle) -> None:
        name = it.properties.get("LogGroupName") or it.name(512)
        named = {"kmsKeyId": "KmsKeyId", "logGroupClass": "LogGroupClass"}
        more = {member: it.properties[name] for member, name in named.items() if name in it.properties}
        if it.all_tags():
            more["tags"] = it.all_tags()
        it.client("logs").create_log_group(logGroupName=name, **more)
        it.physical_id = name
        if "RetentionInDays" in it.properties:
            self._retention(it)
        it.attributes = {"Arn": f"arn:aws:logs:{it.region}:{it.account}:log-group:{name}:*"}

    def update(self, it: Handle) -> None:
        client = it.client("logs")
        if it.changed("RetentionInDays"):
            if "RetentionInDays" in it.properties:
                self._retention(it)
            else:
                client.delete_retention_policy(logGroupName=it.physical_id)
        if it.changed("KmsKeyId"):
            if "KmsKeyId" in it.properties:
                client.associate_kms_key(logGroupName=it.physical_id, kmsKeyId=it.properties["KmsKeyId"])
            else:
                client.disassociate_kms_key(logGroupName=it.physical_id)
        put, drop = it.tag_changes()
        if drop:
            client.untag_log_group(logGroupName=it.physical_id, tags=drop)
        if put:
            client.tag_log_group(logGroupName=it.physical_id, tags=put)

    def delete(self, it: Handle) -> None:
        quietly(it.client("logs").delete_log_group, logGroupName=it.physical_id)

    def _retention(self, it: Handle) -> None:
        days = it.properties["RetentionInDays"]
        it.client("logs").put_retention_policy(logGroupName=it.physical_id, retentionInDays=days)


TYPES = (Alarm(), CompositeAlarm(), Dashboard(), LogGroup())
