"""Stacks as the tests talk of them, on a virtual clock."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from lab.clock import VirtualClock

REGION = "us-west-2"
LONG = 3600.0
"""Seconds in which every operation of these tests ends, realistic delays and all."""


def refusal(error: ClientError) -> str:
    """What AWS said."""
    return str(error.response["Error"]["Message"])


@cache
def _client(service: str, region: str) -> Any:
    return boto3.client(service, region_name=region)  # type: ignore[call-overload]


class Cloud:
    """boto3 clients and stacks of one region."""

    def __init__(self, clock: VirtualClock, region: str = REGION) -> None:
        self.clock = clock
        self.region = region

    def client(self, service: str) -> Any:
        return _client(service, self.region)

    @property
    def stacks(self) -> Any:
        return self.client("cloudformation")

    def create(self, name: str, template: dict[str, Any], **more: Any) -> str:
        more.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        stack_id = self.stacks.create_stack(StackName=name, TemplateBody=json.dumps(template), **more)["StackId"]
        self.clock.wait(LONG)
        return self.status(stack_id)

    def update(self, name: str, template: dict[str, Any], **more: Any) -> str:
        more.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        self.stacks.update_stack(StackName=name, TemplateBody=json.dumps(template), **more)
        self.clock.wait(LONG)
        return self.status(name)

    def update_refused(self, name: str, template: dict[str, Any], **more: Any) -> str:
        try:
            self.update(name, template, **more)
        except ClientError as error:
            return refusal(error)
        raise AssertionError("the update was not refused")

    def delete(self, name: str, **more: Any) -> str:
        stack_id = self.describe(name)["StackId"]
        self.stacks.delete_stack(StackName=name, **more)
        self.clock.wait(LONG)
        return self.status(stack_id)

    def describe(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.stacks.describe_stacks(StackName=name)["Stacks"][0]
        return found

    def status(self, name: str) -> str:
        return str(self.describe(name)["StackStatus"])

    def outputs(self, name: str) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.describe(name).get("Outputs", [])}

    def resources(self, name: str) -> dict[str, str]:
        """Logical ids and states."""
        found = self.stacks.list_stack_resources(StackName=name)["StackResourceSummaries"]
        return {resource["LogicalResourceId"]: resource["ResourceStatus"] for resource in found}

    def physical(self, name: str, logical_id: str) -> str:
        found = self.stacks.describe_stack_resource(StackName=name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def events(self, name: str) -> list[tuple[str, str]]:
        """Logical ids and states, oldest first."""
        found = self.stacks.describe_stack_events(StackName=name)["StackEvents"]
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(found)]

    def reasons(self, name: str) -> list[str]:
        """What went wrong, oldest first."""
        found = self.stacks.describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in reversed(found) if "FAILED" in event["ResourceStatus"]]
        return [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed]

    def drift(self, name: str) -> str:
        detection = self.stacks.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
        found = self.stacks.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        return str(found["StackDriftStatus"])

    def drifted(self, name: str) -> dict[str, Any]:
        """Drifted resources by logical id."""
        found = self.stacks.describe_stack_resource_drifts(
            StackName=name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
        )
        return {drift["LogicalResourceId"]: drift for drift in found["StackResourceDrifts"]}
