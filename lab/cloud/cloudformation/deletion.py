"""Removing resources in reverse of their needs, and stacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lab.cloud.cloudformation.errors import ResourceFailed
from lab.cloud.cloudformation.operation import USER, Operation, failed
from lab.cloud.cloudformation.stack import Resource
from lab.cloud.cloudformation.work import Script, Task, Wave


class Deletion(Operation):
    """Removes a stack; what a rollback and an update's clean-up need too."""

    def delete(self, at: float, *, retain: Collection[str] = (), reason: str | None = USER) -> Script:
        """Remove everything, dependants first."""
        stack = self._stack
        stack.enter("DELETE_IN_PROGRESS", at, reason)
        wave = self._deletions(stack.resources.values(), retain=retain)
        at = yield wave
        if wave.failed:
            stack.enter("DELETE_FAILED", at, failed("delete", wave.failed))
        else:
            stack.enter("DELETE_COMPLETE", at)

    def _deletions(
        self, resources: Iterable[Resource], *, retain: Collection[str] = (), on_create: bool = False, old: bool = False
    ) -> Wave:
        """A wave that removes resources in reverse of their needs.

        `on_create`: a creation is rolled back (`RetainExceptOnCreate` does not retain); `old`: they were replaced, so
        `UpdateReplacePolicy` counts, and their names belong to their successors.
        """
        victims = list(resources)
        tasks = []
        for resource in victims:
            dependants = frozenset(_key(o) for o in victims if resource.logical_id in o.needs and o is not resource)
            policy = resource.replace_policy if old else resource.deletion_policy
            kept = policy == "Retain" or (policy == "RetainExceptOnCreate" and not on_create)
            keep = resource.logical_id in retain or kept
            tasks.append(self._deletion(resource, dependants, keep=keep))
        return Wave(tasks, fragile=False)

    def _deletion(self, resource: Resource, dependants: frozenset[str], *, keep: bool) -> Task:
        stack = self._stack
        silent = not resource.physical_id

        def start(at: float) -> float:
            if silent or keep:
                if keep and not silent:
                    stack.mark(resource, "DELETE_SKIPPED", at)
                return 0.0
            stack.mark(resource, "DELETE_IN_PROGRESS", at)
            try:
                self._hands.delete(resource)
            except ResourceFailed as failure:
                stack.mark(resource, "DELETE_FAILED", at, str(failure))
                raise
            return self._seconds(resource.type_name, ".delete")

        def finish(at: float) -> None:
            if not silent and not keep:
                stack.mark(resource, "DELETE_COMPLETE", at)
            if stack.resources.get(resource.logical_id) is resource:
                del stack.resources[resource.logical_id]

        return Task(key=_key(resource), start=start, finish=finish, needs=dependants)


def _key(resource: Resource) -> str:
    return f"{resource.logical_id}@{resource.physical_id}"
