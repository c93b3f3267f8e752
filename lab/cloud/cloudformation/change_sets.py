"""Change sets: a target that is looked at before it is gone to."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal

from lab.cloud.cloudformation.changes import Change
from lab.cloud.cloudformation.errors import ChangeSetNotFound
from lab.cloud.cloudformation.stack import Stack
from lab.cloud.cloudformation.updating import Target

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


@dataclass
class ChangeSet:
    """One change set of a stack."""

    name: str
    stack_id: str
    stack_name: str
    region: str
    account: str
    kind: Literal["CREATE", "UPDATE"]
    target: Target
    changes: list[Change]
    created_at: float
    description: str | None = None
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    execution: str = "AVAILABLE"
    on_failure: str | None = None
    change_set_id: str = field(default="")

    def __post_init__(self) -> None:
        if not self.change_set_id:
            place = f"arn:aws:cloudformation:{self.region}:{self.account}"
            self.change_set_id = f"{place}:changeSet/{self.name}/{uuid.uuid4()}"


class ChangeSets:
    """The change sets of one region."""

    def __init__(self) -> None:
        self._sets: dict[str, ChangeSet] = {}

    def add(self, change_set: ChangeSet) -> None:
        """Keep it."""
        self._sets[change_set.change_set_id] = change_set

    def find(self, name: str, stack: Stack | None) -> ChangeSet:
        """By id, or by name within a stack."""
        if name in self._sets:
            return self._sets[name]
        for change_set in self._sets.values():
            if stack is not None and change_set.name == name and change_set.stack_id == stack.stack_id:
                return change_set
        raise ChangeSetNotFound(name)

    def of(self, stack: Stack) -> list[ChangeSet]:
        """Those of one stack."""
        return [change_set for change_set in self._sets.values() if change_set.stack_id == stack.stack_id]

    def remove(self, change_set: ChangeSet) -> None:
        """Forget it."""
        self._sets.pop(change_set.change_set_id, None)

    def outdate(self, stack: Stack) -> None:
        """An update makes the stack's other change sets useless: CloudFormation deletes them."""
        for change_set in self.of(stack):
            if change_set.execution == "AVAILABLE":
                self.remove(change_set)

    def forget(self, stack: Stack) -> None:
        """Those of a stack that is deleted."""
        for change_set in self.of(stack):
            self.remove(change_set)
