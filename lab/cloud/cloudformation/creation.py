"""Making a stack, and what becomes of it when that fails."""

from __future__ import annotations

from lab.cloud.cloudformation import existing
from lab.cloud.cloudformation import wanted as wanting
from lab.cloud.cloudformation.deletion import Deletion
from lab.cloud.cloudformation.functions import Evaluator
from lab.cloud.cloudformation.operation import USER, failed
from lab.cloud.cloudformation.stack import Resource
from lab.cloud.cloudformation.work import Script, Task, Wave


class Creation(Deletion):
    """Makes a stack."""

    def create(self, at: float) -> Script:
        """Make everything; on failure do as `OnFailure` says."""
        stack = self._stack
        stack.enter("CREATE_IN_PROGRESS", at, USER)
        lost = existing.missing(stack.template, stack.parameters, self._world.access)
        evaluator = self._evaluator()
        present = set() if lost else wanting.included(stack.template, evaluator)
        tasks = [self._creation(name, evaluator, present) for name in sorted(present)]
        deadline = at + stack.timeout_minutes * 60 if stack.timeout_minutes else None
        wave = Wave(tasks, fragile=True, deadline=deadline)
        at = yield wave
        reason = lost or self._trouble(wave, "create") or self._set_outputs(evaluator)
        if reason is None:
            stack.enter("CREATE_COMPLETE", at)
        elif stack.disable_rollback or stack.on_failure == "DO_NOTHING":
            stack.enter("CREATE_FAILED", at, reason)
        elif stack.on_failure == "DELETE":
            yield from self.delete(at, reason=reason)
        else:
            yield from self.roll_back(at, f"{reason} Rollback requested by user.")

    def roll_back(self, at: float, reason: str | None = USER) -> Script:
        """Remove what was made; also what RollbackStack does after `CREATE_FAILED`."""
        stack = self._stack
        stack.enter("ROLLBACK_IN_PROGRESS", at, reason)
        wave = self._deletions(stack.resources.values(), on_create=True)
        at = yield wave
        if wave.failed:
            stack.enter("ROLLBACK_FAILED", at, failed("delete", wave.failed))
        else:
            stack.enter("ROLLBACK_COMPLETE", at)

    def _creation(self, name: str, evaluator: Evaluator, present: set[str]) -> Task:
        stack = self._stack

        def start(at: float) -> float:
            resource = Resource(name, stack.template.resources[name]["Type"])
            stack.resources[name] = resource
            return self._begin(resource, evaluator, present, at, "CREATE")

        return Task(
            key=name,
            start=start,
            finish=lambda at: stack.mark(stack.resources[name], "CREATE_COMPLETE", at),
            cancel=lambda at: stack.mark(stack.resources[name], "CREATE_FAILED", at, "Resource creation cancelled"),
            needs=frozenset(self._needs(name, present)),
        )
