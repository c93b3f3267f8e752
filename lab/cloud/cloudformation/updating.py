"""Changing a stack: in place, by replacement, and back again when that fails."""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from lab.cloud.cloudformation import existing
from lab.cloud.cloudformation import wanted as wanting
from lab.cloud.cloudformation.deletion import Deletion
from lab.cloud.cloudformation.errors import ResourceFailed
from lab.cloud.cloudformation.functions import Evaluator
from lab.cloud.cloudformation.operation import USER, World, failed
from lab.cloud.cloudformation.resources import TYPES
from lab.cloud.cloudformation.stack import Resource, Stack
from lab.cloud.cloudformation.template import Template
from lab.cloud.cloudformation.work import Script, Task, Wave


@dataclass
class Target:
    """What an update is to come to."""

    template: Template
    parameters: dict[str, str]
    tags: dict[str, str]
    notification_arns: list[str]
    capabilities: list[str]
    disable_rollback: bool = False
    revert_drift: bool = False


@dataclass
class _Undo:
    """What an update has done so far, and what of that was undone."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    replaced: list[Resource] = field(default_factory=list)
    made: list[Resource] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)


class Update(Deletion):
    """Changes a stack, and remembers how to go back until that is done."""

    def __init__(self, stack: Stack, world: World) -> None:
        super().__init__(stack, world)
        self._before = copy.copy(stack)
        self._before.resources = copy.deepcopy(stack.resources)
        self._undo = _Undo()

    def update(self, target: Target, at: float) -> Script:
        """Come to the target: make and change first, clean up last; on failure go back."""
        stack = self._stack
        stack.template, stack.parameters, stack.tags = target.template, target.parameters, target.tags
        stack.notification_arns, stack.capabilities = target.notification_arns, target.capabilities
        stack.enter("UPDATE_IN_PROGRESS", at, USER)
        evaluator = self._evaluator()
        lost = existing.missing(stack.template, stack.parameters, self._world.access)
        present = set() if lost else wanting.included(stack.template, evaluator)
        tasks = [self._change(name, evaluator, present, target.revert_drift) for name in sorted(present)]
        wave = Wave(tasks, fragile=True)
        at = yield wave
        reason = lost or self._trouble(wave, "update") or self._set_outputs(evaluator)
        if reason is None:
            yield from self._clean_up(at, [r for name, r in stack.resources.items() if name not in present])
        elif target.disable_rollback:
            stack.enter("UPDATE_FAILED", at, reason)
        else:
            yield from self.roll_back(at, reason)

    def _clean_up(self, at: float, removed: list[Resource]) -> Script:
        """Remove what the new template does not have, and what was replaced; failures here are only events."""
        stack = self._stack
        stack.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", at)
        at = yield self._deletions(removed)
        if self._undo.replaced:
            at = yield self._deletions(self._undo.replaced, old=True)
        for resource in removed:
            stack.resources.pop(resource.logical_id, None)
        stack.enter("UPDATE_COMPLETE", at)

    def _change(self, name: str, evaluator: Evaluator, present: set[str], revert: bool) -> Task:
        """Bring one resource to what the template says, whatever that takes."""
        stack = self._stack
        undo = self._undo
        verb = {"CREATE": "creation", "UPDATE": "update"}
        running: list[str] = []

        def start(at: float) -> float:
            current = stack.resources.get(name)
            if current is None or not current.physical_id:
                return create(at, None)
            if current.status == "CREATE_FAILED":
                return create(at, current)
            try:
                wanted = self._want(name, evaluator, present)
                again = revert or current.status == "UPDATE_FAILED"
                actual = self._actual(current) if again else current.properties
            except ResourceFailed as failure:
                stack.mark(current, "UPDATE_FAILED", at, str(failure))
                raise
            if actual is None:
                del stack.resources[name]
                return create(at, None)
            seen = copy.copy(current)
            seen.properties = actual
            step = wanting.difference(seen, wanted, stack.tags, stack.region)
            if step == "none":
                current.needs, current.metadata = set(wanted.needs), wanted.metadata
                current.deletion_policy, current.replace_policy = wanted.deletion_policy, wanted.replace_policy
                return 0.0
            if step == "replacement":
                return create(at, current)
            return in_place(at, current, wanted, actual)

        def create(at: float, old: Resource | None) -> float:
            resource = Resource(name, stack.template.resources[name]["Type"])
            if old is not None:
                self._may_replace(old, at, evaluator, present)
                stack.mark(
                    old,
                    "UPDATE_IN_PROGRESS",
                    at,
                    "Requested update requires the creation of a new physical resource; hence creating one.",
                )
                undo.replaced.append(old)
            undo.created.append(name)
            stack.resources[name] = resource
            running.append("UPDATE" if old else "CREATE")
            return self._begin(resource, evaluator, present, at, running[0])

        def in_place(at: float, current: Resource, wanted: wanting.Wanted, actual: dict[str, Any]) -> float:
            stack.mark(current, "UPDATE_IN_PROGRESS", at)
            tags = current.tags
            undo.updated.append(name)
            self._adopt(current, wanted)
            try:
                self._hands.update(current, actual, tags)
            except ResourceFailed as failure:
                stack.mark(current, "UPDATE_FAILED", at, str(failure))
                raise
            running.append("UPDATE")
            return self._seconds(current.type_name, ".update")

        def finish(at: float) -> None:
            if running:
                stack.mark(stack.resources[name], f"{running[0]}_COMPLETE", at)

        def cancel(at: float) -> None:
            if running:
                words = f"Resource {verb[running[0]]} cancelled"
                stack.mark(stack.resources[name], f"{running[0]}_FAILED", at, words)

        return Task(name, start, finish, cancel, frozenset(self._needs(name, present)))

    def _may_replace(self, old: Resource, at: float, evaluator: Evaluator, present: set[str]) -> None:
        """A resource with a name of its own cannot be replaced under the same name."""
        named_by = TYPES[old.type_name].named_by
        wanted = self._want(old.logical_id, evaluator, present)
        if named_by and old.properties.get(named_by) and wanted.properties.get(named_by) == old.properties[named_by]:
            reason = (
                "CloudFormation cannot update a stack when a custom-named resource requires replacing."
                f" Rename {old.properties[named_by]} and update the stack again."
            )
            self._stack.mark(old, "UPDATE_FAILED", at, reason)
            raise ResourceFailed(reason)

    def roll_back(self, at: float, reason: str | None = USER, skip: Collection[str] = ()) -> Script:
        """Go back to what was: changes undone, then what was made is removed.

        Also what RollbackStack does after `UPDATE_FAILED`, and ContinueUpdateRollback after `UPDATE_ROLLBACK_FAILED`.
        """
        stack, before, undo = self._stack, self._before, self._undo
        stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", at, reason)
        undo.made += [stack.resources.pop(name) for name in undo.created]
        for name, resource in before.resources.items():
            if name not in undo.updated:
                resource.status, resource.reason = "UPDATE_COMPLETE" if name in undo.created else resource.status, None
                stack.resources[name] = resource
        undo.created.clear()
        left = [name for name in undo.updated if name not in undo.restored and name not in skip]
        wave = Wave([self._restoration(before.resources[name]) for name in left], fragile=False)
        at = yield wave
        undo.restored += wave.done
        stack.template, stack.parameters, stack.tags = before.template, before.parameters, before.tags
        stack.notification_arns, stack.capabilities = before.notification_arns, before.capabilities
        stack.outputs = before.outputs
        if wave.failed:
            stack.enter("UPDATE_ROLLBACK_FAILED", at, failed("update", wave.failed))
            return
        stack.enter("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", at)
        at = yield self._deletions(undo.made, on_create=True)
        stack.enter("UPDATE_ROLLBACK_COMPLETE", at)

    def _restoration(self, old: Resource) -> Task:
        """Bring one resource back to its old properties, from wherever the failed update left it."""
        stack = self._stack

        def start(at: float) -> float:
            attempted = stack.resources[old.logical_id]
            stack.resources[old.logical_id] = old
            stack.mark(old, "UPDATE_IN_PROGRESS", at)
            try:
                left = self._actual(attempted) or attempted.properties
                self._hands.update(old, left, attempted.tags)
            except ResourceFailed as failure:
                stack.mark(old, "UPDATE_FAILED", at, str(failure))
                raise
            return self._seconds(old.type_name, ".update")

        def finish(at: float) -> None:
            stack.mark(old, "UPDATE_COMPLETE", at)

        return Task(old.logical_id, start, finish, needs=frozenset(old.needs))
