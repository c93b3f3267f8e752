"""Stacks, resources, events and change sets as CloudFormation's API shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from lab.cloud.cloudformation import parameters
from lab.cloud.cloudformation.change_sets import ChangeSet
from lab.cloud.cloudformation.drift import Detection
from lab.cloud.cloudformation.stack import Event, Resource, Stack
from lab.cloud.cloudformation.template import Template

Shape = dict[str, Any]


def moment(at: float | None) -> datetime | None:
    """Seconds since the epoch as the serialiser wants them."""
    return None if at is None else datetime.fromtimestamp(at, UTC)


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as a list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _without_none(shape: Shape) -> Shape:
    return {key: value for key, value in shape.items() if value is not None}


def stack(it: Stack) -> Shape:
    """`Stack` of DescribeStacks."""
    return _without_none(
        {
            "StackId": it.stack_id,
            "StackName": it.name,
            "ChangeSetId": it.change_set_id,
            "Description": it.template.description or None,
            "Parameters": parameter_list(it.template, it.parameters),
            "CreationTime": moment(it.created_at),
            "LastUpdatedTime": moment(it.updated_at),
            "DeletionTime": moment(it.deleted_at),
            "RollbackConfiguration": {},
            "StackStatus": it.status,
            "StackStatusReason": it.reason if it.reason != "User Initiated" else None,
            "DisableRollback": it.disable_rollback,
            "NotificationARNs": it.notification_arns,
            "TimeoutInMinutes": it.timeout_minutes,
            "Capabilities": it.capabilities,
            "Outputs": list(it.outputs.values()),
            "RoleARN": it.role_arn,
            "Tags": pairs(it.tags),
            "EnableTerminationProtection": it.termination_protection,
            "DriftInformation": stack_drift(it),
        }
    )


def stack_drift(it: Stack) -> Shape:
    """`StackDriftInformation`."""
    return _without_none({"StackDriftStatus": it.drift, "LastCheckTimestamp": moment(it.drift_at)})


def summary(it: Stack) -> Shape:
    """`StackSummary` of ListStacks."""
    return _without_none(
        {
            "StackId": it.stack_id,
            "StackName": it.name,
            "TemplateDescription": it.template.description or None,
            "CreationTime": moment(it.created_at),
            "LastUpdatedTime": moment(it.updated_at),
            "DeletionTime": moment(it.deleted_at),
            "StackStatus": it.status,
            "StackStatusReason": it.reason,
            "DriftInformation": stack_drift(it),
        }
    )


def parameter_list(template: Template, values: dict[str, str]) -> list[Shape]:
    """`Parameters` with secrets masked."""
    return [
        {"ParameterKey": name, "ParameterValue": parameters.shown(template.parameters.get(name, {}), value)}
        for name, value in values.items()
    ]


def resource(of: Stack, it: Resource, time_member: str = "LastUpdatedTimestamp") -> Shape:
    """What the resource shapes share."""
    drift = _without_none({"StackResourceDriftStatus": it.drift, "LastCheckTimestamp": moment(of.drift_at)})
    return _without_none(
        {
            "LogicalResourceId": it.logical_id,
            "PhysicalResourceId": it.physical_id or None,
            "ResourceType": it.type_name,
            time_member: moment(it.updated_at),
            "ResourceStatus": it.status,
            "ResourceStatusReason": it.reason,
            "DriftInformation": drift,
        }
    )


def resource_of_stack(of: Stack, it: Resource, time_member: str) -> Shape:
    """`StackResource` and `StackResourceDetail`."""
    metadata = json.dumps(it.metadata) if it.metadata is not None else None
    more = {"StackName": of.name, "StackId": of.stack_id, "Metadata": metadata}
    return _without_none(resource(of, it, time_member) | more)


def event(of: Stack, it: Event) -> Shape:
    """`StackEvent`."""
    return _without_none(
        {
            "StackId": of.stack_id,
            "EventId": it.event_id,
            "StackName": of.name,
            "LogicalResourceId": it.logical_id,
            "PhysicalResourceId": it.physical_id,
            "ResourceType": it.type_name,
            "Timestamp": moment(it.at),
            "ResourceStatus": it.status,
            "ResourceStatusReason": it.reason,
            "ClientRequestToken": it.token,
        }
    )


def change_set(it: ChangeSet) -> Shape:
    """DescribeChangeSet."""
    return _without_none(
        change_set_summary(it)
        | {
            "Parameters": parameter_list(it.target.template, it.target.parameters),
            "NotificationARNs": it.target.notification_arns,
            "RollbackConfiguration": {},
            "Capabilities": it.target.capabilities,
            "Tags": pairs(it.target.tags),
            "Changes": [change.shown() for change in it.changes],
            "DeploymentMode": "REVERT_DRIFT" if it.target.revert_drift else None,
        }
    )


def change_set_summary(it: ChangeSet) -> Shape:
    """`ChangeSetSummary`."""
    return _without_none(
        {
            "StackId": it.stack_id,
            "StackName": it.stack_name,
            "ChangeSetId": it.change_set_id,
            "ChangeSetName": it.name,
            "ExecutionStatus": it.execution,
            "Status": it.status,
            "StatusReason": it.reason,
            "CreationTime": moment(it.created_at),
            "Description": it.description,
            "IncludeNestedStacks": False,
        }
    )


def detection(it: Detection) -> Shape:
    """DescribeStackDriftDetectionStatus."""
    return {
        "StackId": it.stack_id,
        "StackDriftDetectionId": it.detection_id,
        "StackDriftStatus": it.status,
        "DetectionStatus": "DETECTION_COMPLETE",
        "DriftedStackResourceCount": it.drifted,
        "Timestamp": moment(it.at),
    }


def resource_drift(of: Stack, it: Resource) -> Shape:
    """`StackResourceDrift`."""
    report = dict(it.drift_report or {})
    report["Timestamp"] = moment(report["Timestamp"])
    return {
        "StackId": of.stack_id,
        "LogicalResourceId": it.logical_id,
        "PhysicalResourceId": it.physical_id,
        "ResourceType": it.type_name,
        "StackResourceDriftStatus": it.drift,
        **report,
    }


def template_parameters(template: Template) -> list[Shape]:
    """Parameters as ValidateTemplate and GetTemplateSummary show them."""
    return [
        _without_none(
            {
                "ParameterKey": name,
                "DefaultValue": None if "Default" not in spec else str(spec["Default"]),
                "NoEcho": str(spec.get("NoEcho", False)).lower() == "true",
                "Description": spec.get("Description"),
            }
        )
        for name, spec in template.parameters.items()
    ]
