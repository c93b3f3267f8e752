"""Drift: what is, against what the template says (user guide, "Detect unmanaged configuration changes")."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.cloud.cloudformation.access import Access
from lab.cloud.cloudformation.errors import Refused, ResourceFailed
from lab.cloud.cloudformation.hands import Hands
from lab.cloud.cloudformation.resources import TYPES
from lab.cloud.cloudformation.stack import Resource, Stack

DRIFTED = ("MODIFIED", "DELETED")


@dataclass(frozen=True)
class Detection:
    """One detection, finished as soon as it was asked for."""

    stack_id: str
    at: float
    status: str
    drifted: int
    detection_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Drifts:
    """The detections of one region."""

    def __init__(self) -> None:
        self._detections: dict[str, Detection] = {}

    def detect(self, stack: Stack, access: Access, at: float, only: Collection[str] = ()) -> Detection:
        """Look at the stack's resources, or at some of them."""
        if stack.status.startswith("DELETE") or stack.busy:
            raise Refused(f"Drift detection is not supported for stack in status {stack.status}")
        for name, resource in stack.resources.items():
            if not only or name in only:
                look(stack, resource, access, at)
        drifted = sum(resource.drift in DRIFTED for resource in stack.resources.values())
        stack.drift, stack.drift_at = "DRIFTED" if drifted else "IN_SYNC", at
        detection = Detection(stack.stack_id, at, stack.drift, drifted)
        self._detections[detection.detection_id] = detection
        return detection

    def detection(self, identifier: str) -> Detection:
        """By its id."""
        if identifier not in self._detections:
            raise Refused(f"Drift detection with id {identifier} does not exist")
        return self._detections[identifier]

    def reader(self, stack: Stack, access: Access) -> Callable[[Resource], dict[str, Any] | None]:
        """Reads a resource's properties as they are; those as deployed where the type cannot be read."""
        hands = Hands(stack, access)

        def read(resource: Resource) -> dict[str, Any] | None:
            supported = TYPES[resource.type_name].drift_supported
            return hands.actual(resource) if supported else resource.properties

        return read


def look(stack: Stack, resource: Resource, access: Access, at: float) -> None:
    """Find the drift of one resource, and note it there."""
    if not TYPES[resource.type_name].drift_supported or not resource.physical_id:
        resource.drift, resource.drift_report = "NOT_CHECKED", None
        return
    report: dict[str, Any] = {"Timestamp": at, "ExpectedProperties": _json(resource.properties)}
    try:
        actual = Hands(stack, access).actual(resource)
    except ResourceFailed as failure:
        resource.drift, resource.drift_report = "UNKNOWN", report | {"DriftStatusReason": str(failure)}
        return
    if actual is None:
        resource.drift, resource.drift_report = "DELETED", report
        return
    differences = list(_differences("", resource.properties, actual))
    resource.drift = "MODIFIED" if differences else "IN_SYNC"
    resource.drift_report = report | {"ActualProperties": _json(actual), "PropertyDifferences": differences}


def _differences(path: str, expected: Any, actual: Any) -> Iterator[dict[str, str]]:
    """Where two values part: ADD is there but not in the template, REMOVE the other way round."""
    if expected == actual:
        return
    pairs = _members(expected, actual)
    if pairs is None:
        yield _difference(path, "NOT_EQUAL", expected, actual)
        return
    for key, old, new in pairs:
        if old is None:
            yield _difference(f"{path}/{key}", "ADD", None, new)
        elif new is None:
            yield _difference(f"{path}/{key}", "REMOVE", old, None)
        else:
            yield from _differences(f"{path}/{key}", old, new)


def _members(expected: Any, actual: Any) -> list[tuple[Any, Any, Any]] | None:
    """Members side by side; lists without regard to order, for none of ours has one."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        keys = sorted(set(expected) | set(actual))
        return [(key, expected.get(key), actual.get(key)) for key in keys]
    if isinstance(expected, list) and isinstance(actual, list):
        lost = [(n, item, None) for n, item in enumerate(expected) if item not in actual]
        new = [(n, None, item) for n, item in enumerate(actual) if item not in expected]
        return [*lost, *new]
    return None


def _difference(path: str, kind: str, expected: Any, actual: Any) -> dict[str, str]:
    return {
        "PropertyPath": path,
        "DifferenceType": kind,
        "ExpectedValue": "null" if expected is None else _text(expected),
        "ActualValue": "null" if actual is None else _text(actual),
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
