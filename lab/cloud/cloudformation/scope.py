"""What a stack's template may refer to outside itself: its resources, exports, zones, pseudo parameters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from lab.cloud.cloudformation.access import Access
from lab.cloud.cloudformation.errors import Refused
from lab.cloud.cloudformation.functions import NO_VALUE, UNKNOWN
from lab.cloud.cloudformation.stack import Stack


class StackScope:
    """The scope of one stack; `unknown` names resources whose values exist only after a planned change."""

    def __init__(
        self,
        stack: Stack,
        access: Access,
        imports: Callable[[str], str],
        *,
        unknown: Collection[str] = (),
        planning: bool = False,
    ) -> None:
        self._stack = stack
        self._access = access
        self._imports = imports
        self._unknown = unknown
        self._planning = planning

    def reference(self, logical_id: str) -> Any:
        """The physical id."""
        if logical_id in self._unknown:
            return UNKNOWN
        resource = self._stack.resources.get(logical_id)
        if resource is None or not resource.physical_id:
            return self._missing(logical_id)
        return resource.attributes.get("Ref", resource.physical_id)

    def attribute(self, logical_id: str, name: str) -> Any:
        """An attribute of a resource that is there, or else one of its properties."""
        if logical_id in self._unknown:
            return UNKNOWN
        resource = self._stack.resources.get(logical_id)
        if resource is None:
            return self._missing(logical_id)
        for values in (resource.attributes, resource.properties):
            if name in values:
                return values[name]
        raise Refused(
            f"Template error: the lab does not emulate the attribute {name} of {logical_id} ({resource.type_name})"
        )

    def imported(self, name: str) -> str:
        """The value exported under that name in this region."""
        return self._imports(name)

    def zones(self, region: str) -> list[str]:
        """Names of the zones of the stack's region."""
        if region != self._access.region:
            raise Refused(f"Template error: Fn::GetAZs of {region} in {self._access.region}: not emulated by the lab")
        zones = self._access.client("ec2").describe_availability_zones()["AvailabilityZones"]
        return [zone["ZoneName"] for zone in zones]

    def pseudo(self) -> Mapping[str, Any]:
        """`AWS::Region` and its kin."""
        return {
            "AWS::AccountId": self._stack.account,
            "AWS::NotificationARNs": list(self._stack.notification_arns),
            "AWS::Partition": "aws",
            "AWS::Region": self._stack.region,
            "AWS::StackId": self._stack.stack_id,
            "AWS::StackName": self._stack.name,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": NO_VALUE,
        }

    def _missing(self, logical_id: str) -> Any:
        if self._planning:
            return UNKNOWN
        raise Refused(
            f"Template format error: Unresolved resource dependencies [{logical_id}]"
            " in the Resources block of the template"
        )
