"""Hands on one resource: its type's calls, with every failure told as CloudFormation tells it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lab.cloud.cloudformation import schemas
from lab.cloud.cloudformation.access import Access
from lab.cloud.cloudformation.errors import Refused, ResourceFailed
from lab.cloud.cloudformation.resources import TYPES
from lab.cloud.cloudformation.resources.base import Handle
from lab.cloud.cloudformation.stack import Resource, Stack


class Hands:
    """Makes, changes, removes and reads the resources of one stack."""

    def __init__(self, stack: Stack, access: Access) -> None:
        self._stack = stack
        self._access = access

    def create(self, resource: Resource) -> None:
        """Make the resource; what was made is noted even when it fails half-way."""
        kind = TYPES[resource.type_name]
        with _told():
            self._check(resource)
            handle = self._handle(resource)
            try:
                kind.create(handle)
            finally:
                resource.physical_id, resource.attributes = handle.physical_id, handle.attributes

    def update(self, resource: Resource, previous: dict[str, Any], previous_tags: dict[str, str]) -> None:
        """Change the resource in place to its `properties`."""
        with _told():
            self._check(resource)
            handle = self._handle(resource)
            handle.previous, handle.previous_tags = previous, previous_tags
            TYPES[resource.type_name].update(handle)
            resource.attributes = handle.attributes

    def delete(self, resource: Resource) -> None:
        """Remove the resource."""
        with _told():
            TYPES[resource.type_name].delete(self._handle(resource))

    def actual(self, resource: Resource) -> dict[str, Any] | None:
        """Those properties that the template sets, as they are now; None where the resource is gone."""
        with _told():
            handle = self._handle(resource)
            others = self._stack.resources.values()
            handle.siblings = [(other.type_name, other.properties) for other in others if other is not resource]
            now = TYPES[resource.type_name].actual(handle)
        if now is None:
            return None
        return {name: now.get(name, value) for name, value in resource.properties.items()}

    def _handle(self, resource: Resource) -> Handle:
        return Handle(
            access=self._access,
            account=self._stack.account,
            stack_name=self._stack.name,
            stack_id=self._stack.stack_id,
            logical_id=resource.logical_id,
            properties=resource.properties,
            tags=resource.tags if TYPES[resource.type_name].taggable else {},
            physical_id=resource.physical_id,
            attributes=dict(resource.attributes),
        )

    def _check(self, resource: Resource) -> None:
        region = self._access.region
        resource.properties = schemas.conform(region, resource.type_name, resource.logical_id, resource.properties)
        beyond = sorted(set(resource.properties) - TYPES[resource.type_name].handled)
        if beyond:
            raise ResourceFailed(f"the lab does not emulate {', '.join(beyond)} of {resource.type_name}")


@contextmanager
def _told() -> Iterator[None]:
    """Turn every failure into the reason of an event."""
    try:
        yield
    except ResourceFailed:
        raise
    except Refused as error:
        raise ResourceFailed(str(error.message)) from error
    except ClientError as error:
        raise ResourceFailed(_reason(error)) from error
    except BotoCoreError as error:
        raise ResourceFailed(f'Resource handler returned message: "Model validation failed ({error})"') from error
    except Exception as error:
        raise ResourceFailed(f"Internal Failure in the lab: {type(error).__name__}: {error}") from error


def _reason(error: ClientError) -> str:
    """The words of a resource handler about a service's refusal."""
    answer = error.response
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    message = answer.get("Error", {}).get("Message", str(error))
    code = answer.get("Error", {}).get("Code", "")
    service = re.sub(r"[^A-Za-z].*", "", str(error.operation_name)) or "Service"
    handler = "AlreadyExists" if re.search("Already|Duplicate", code) else "InvalidRequest"
    return (
        f'Resource handler returned message: "{message} (Service: {service}, Status Code: {status}, Error: {code})"'
        f" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {handler})"
    )
