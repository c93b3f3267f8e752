"""AWS::Route53::HealthCheck (its control plane is in us-east-1, whatever the stack's region: R3)."""

from __future__ import annotations

import uuid
from typing import Any

from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.ec2_common import quietly

_FIXED = ("Type", "MeasureLatency", "RequestInterval")
"""Members of the configuration that UpdateHealthCheck does not take: a change replaces."""


class HealthCheck(Type):
    """A health check."""

    name = "AWS::Route53::HealthCheck"
    handled = properties("HealthCheckConfig HealthCheckTags")

    def create(self, it: Handle) -> None:
        client = it.client("route53")
        answer = client.create_health_check(
            CallerReference=str(uuid.uuid4()), HealthCheckConfig=it.properties["HealthCheckConfig"]
        )
        it.physical_id = answer["HealthCheck"]["Id"]
        it.attributes = {"HealthCheckId": it.physical_id}
        self._tag(it, self._all(it, it.properties, it.tags), {})

    def update(self, it: Handle) -> None:
        config = it.properties["HealthCheckConfig"]
        if it.changed("HealthCheckConfig"):
            members = {name: value for name, value in config.items() if name not in _FIXED}
            reset = [
                name
                for name in ("ChildHealthChecks", "FullyQualifiedDomainName", "Regions", "ResourcePath")
                if name in it.previous["HealthCheckConfig"] and name not in config
            ]
            it.client("route53").update_health_check(
                HealthCheckId=it.physical_id, **members, **({"ResetElements": reset} if reset else {})
            )
        self._tag(it, self._all(it, it.properties, it.tags), self._all(it, it.previous, it.previous_tags))

    def delete(self, it: Handle) -> None:
        quietly(it.client("route53").delete_health_check, HealthCheckId=it.physical_id)

    def _all(self, it: Handle, given: dict[str, Any], stack_tags: dict[str, str]) -> dict[str, str]:
        return stack_tags | {tag["Key"]: tag["Value"] for tag in given.get("HealthCheckTags", [])}

    def _tag(self, it: Handle, new: dict[str, str], old: dict[str, str]) -> None:
        put = [{"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value]
        drop = [key for key in old if key not in new]
        if put or drop:
            it.client("route53").change_tags_for_resource(
                ResourceType="healthcheck",
                ResourceId=it.physical_id,
                **({"AddTags": put} if put else {}),
                **({"RemoveTagKeys": drop} if drop else {}),
            )


TYPES = (HealthCheck(),)
