"""What is remembered of a stack: its resources, its history, its state."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from lab.cloud.cloudformation.template import Template

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass
class Resource:
    """A resource of a stack as it was last deployed."""

    logical_id: str
    type_name: str
    physical_id: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    needs: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    metadata: Any = None
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    status: str = ""
    reason: str | None = None
    updated_at: float = 0.0
    drift: str = "NOT_CHECKED"
    drift_report: dict[str, Any] | None = None


@dataclass(frozen=True)
class Event:
    """One line of a stack's history; `at` in seconds since the epoch."""

    event_id: str
    at: float
    logical_id: str
    physical_id: str
    type_name: str
    status: str
    reason: str | None
    token: str | None
    properties: str | None = None


@dataclass
class Stack:
    """A stack, living or deleted."""

    name: str
    region: str
    account: str
    template: Template
    parameters: dict[str, str]
    tags: dict[str, str]
    created_at: float
    stack_id: str = ""
    status: str = ""
    reason: str | None = None
    updated_at: float | None = None
    deleted_at: float | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    notification_arns: list[str] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    role_arn: str | None = None
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    timeout_minutes: int | None = None
    termination_protection: bool = False
    policy: str | None = None
    change_set_id: str | None = None
    token: str | None = None
    """`ClientRequestToken` of the operation under way, or of the last one."""
    creation_token: str | None = None
    drift: str = "NOT_CHECKED"
    drift_at: float | None = None

    def __post_init__(self) -> None:
        if not self.stack_id:
            place = f"arn:aws:cloudformation:{self.region}:{self.account}"
            self.stack_id = f"{place}:stack/{self.name}/{uuid.uuid4()}"

    @property
    def busy(self) -> bool:
        """Whether an operation is under way (R33)."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def gone(self) -> bool:
        """Whether the stack can be found only by its id."""
        return self.status == "DELETE_COMPLETE"

    def enter(self, status: str, at: float, reason: str | None = None) -> None:
        """Change the stack's own state, and write it down."""
        self.status, self.reason = status, reason
        if status in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"):
            self.updated_at = at
        if status == "DELETE_COMPLETE":
            self.deleted_at = at
        self._write(at, self.name, self.stack_id, STACK_TYPE, status, reason)

    def mark(self, resource: Resource, status: str, at: float, reason: str | None = None) -> None:
        """Change a resource's state, and write it down."""
        resource.status, resource.reason, resource.updated_at = status, reason, at
        self._write(at, resource.logical_id, resource.physical_id, resource.type_name, status, reason)

    def _write(self, at: float, logical: str, physical: str, kind: str, status: str, reason: str | None) -> None:
        event_id = str(uuid.uuid4()) if kind == STACK_TYPE else f"{logical}-{status}-{uuid.uuid4()}"
        self.events.append(Event(event_id, at, logical, physical, kind, status, reason, self.token))
