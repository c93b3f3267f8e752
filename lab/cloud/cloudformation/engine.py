"""One region's CloudFormation: its stacks, what is under way, and the rules of who may do what when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from lab.clock import Clock
from lab.cloud.cloudformation import changes, parameters, validate
from lab.cloud.cloudformation.access import access
from lab.cloud.cloudformation.change_sets import ChangeSet, ChangeSets
from lab.cloud.cloudformation.creation import Creation
from lab.cloud.cloudformation.deletion import Deletion
from lab.cloud.cloudformation.drift import Drifts
from lab.cloud.cloudformation.errors import AlreadyExists, NoSuchStack, Refused
from lab.cloud.cloudformation.exports import exports_of, imports_of
from lab.cloud.cloudformation.operation import World
from lab.cloud.cloudformation.stack import Stack
from lab.cloud.cloudformation.template import Template
from lab.cloud.cloudformation.updating import Target, Update
from lab.cloud.cloudformation.work import Run, Script
from lab.settings import Profile

UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED", "CREATE_FAILED")


class Engine:
    """CloudFormation of one account and region.  Its callers hold `turn()`, which first does all that is due."""

    def __init__(self, account: str, region: str, clock: Clock, profile: Profile) -> None:
        self.account = account
        self.region = region
        self.clock = clock
        self.stacks: dict[str, Stack] = {}
        self.access = access(account, region)
        self.change_sets = ChangeSets()
        self.drifts = Drifts()
        self.started: Callable[[], None] = lambda: None
        self._world = World(self.access, profile, self.exported, self._check_exports)
        self._runs: dict[str, Run] = {}
        self._updates: dict[str, Update] = {}
        self.lock = RLock()

    @contextmanager
    def turn(self) -> Iterator[float]:
        """The engine for oneself, up to date; gives the time."""
        with self.lock:
            self.advance()
            yield self.clock.now()

    def advance(self) -> float | None:
        """Do all that is due; gives the time of what is due next (seconds since the epoch)."""
        with self.lock:
            now = self.clock.now()
            for stack_id, run in list(self._runs.items()):
                try:
                    run.advance(now)
                except Exception as error:  # a stack must not be stuck for a fault of the lab
                    self._broken(self.stacks[stack_id], now, error)
                    continue
                if run.over:
                    del self._runs[stack_id]
            return min((due for run in self._runs.values() if (due := run.due()) is not None), default=None)

    def _broken(self, stack: Stack, now: float, error: Exception) -> None:
        del self._runs[stack.stack_id]
        verb = stack.status.split("_")[0]
        stack.enter(f"{verb}_FAILED", now, f"Internal Failure in the lab: {type(error).__name__}: {error}")

    def _run(self, stack: Stack, script: Script, at: float) -> None:
        self._runs[stack.stack_id] = Run(script, at)
        self.started()

    # Stacks

    def living(self) -> list[Stack]:
        """Stacks that can be found by name, newest first."""
        return [stack for stack in reversed(self.stacks.values()) if not stack.gone]

    def stack(self, name: str, *, deleted: bool = True) -> Stack:
        """By id (also when deleted), else by name."""
        if name in self.stacks and (deleted or not self.stacks[name].gone):
            return self.stacks[name]
        found = next((stack for stack in self.living() if stack.name == name), None)
        if found is None:
            raise NoSuchStack(name)
        return found

    def create(self, stack: Stack, at: float) -> Stack:
        """CreateStack; a request that is sent again with its token is the same request."""
        taken = next((other for other in self.living() if other.name == stack.name), None)
        if taken is not None:
            if stack.token and stack.token == taken.creation_token:
                return taken
            raise AlreadyExists(f"Stack [{stack.name}] already exists")
        stack.creation_token = stack.token
        self.stacks[stack.stack_id] = stack
        self._run(stack, Creation(stack, self._world).create(at), at)
        return stack

    def update(self, stack: Stack, target: Target, at: float) -> None:
        """UpdateStack, and the execution of a change set."""
        self.check_updatable(stack)
        if not self.differs(stack, target):
            raise Refused("No updates are to be performed.")
        self.change_sets.outdate(stack)
        update = self._updates[stack.stack_id] = Update(stack, self._world)
        self._run(stack, update.update(target, at), at)

    def roll_back(self, stack: Stack, at: float) -> None:
        """RollbackStack, of a stack whose operation failed without being rolled back."""
        if stack.status == "CREATE_FAILED":
            self._run(stack, Creation(stack, self._world).roll_back(at), at)
        elif stack.status == "UPDATE_FAILED":
            self._run(stack, self._updates[stack.stack_id].roll_back(at), at)
        else:
            raise Refused(f"Stack:{stack.stack_id} is in {stack.status} state and can not be rolled back.")

    def continue_rollback(self, stack: Stack, at: float, skip: list[str]) -> None:
        """ContinueUpdateRollback."""
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise Refused(f"Stack:{stack.stack_id} is in {stack.status} state and can not continue its rollback.")
        self._run(stack, self._updates[stack.stack_id].roll_back(at, skip=skip), at)

    def delete(self, stack: Stack, at: float, retain: list[str], token: str | None) -> None:
        """DeleteStack; also of a stack that is still being made."""
        if stack.termination_protection:
            raise Refused(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.busy and stack.status != "CREATE_IN_PROGRESS":
            if stack.status == "DELETE_IN_PROGRESS":
                return
            raise Refused(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        if retain and stack.status != "DELETE_FAILED":
            raise Refused("Invalid operation: RetainResources may only be specified for a stack in DELETE_FAILED")
        stack.token = token
        user = next((user for export in exports_of(stack) for user in self.importers(export)), None)
        if user is not None:
            name = next(export for export in exports_of(stack) if user in self.importers(export))
            stack.enter(stack.status, at, f"Delete canceled. Cannot delete export {name} as it is in use by {user}.")
            return
        self.change_sets.forget(stack)
        self._run(stack, Deletion(stack, self._world).delete(at, retain=retain), at)

    def check_updatable(self, stack: Stack) -> None:
        """Refuse an update that the stack's state forbids (R33)."""
        if stack.status not in UPDATABLE:
            raise Refused(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")

    def differs(self, stack: Stack, target: Target) -> bool:
        """Whether an update would change anything."""
        if stack.status in ("UPDATE_FAILED", "CREATE_FAILED"):
            return True
        return (
            bool(self.plan(stack, target))
            or stack.tags != target.tags
            or stack.notification_arns != target.notification_arns
            or changes.outputs_differ(stack, target, self.access, self.exported)
        )

    def plan(self, stack: Stack, target: Target) -> list[changes.Change]:
        """What an update would do, resource by resource."""
        actual = self.drifts.reader(stack, self.access) if target.revert_drift else None
        return changes.plan(stack, target, self.access, self.exported, actual)

    def execute(self, change_set: ChangeSet, at: float) -> None:
        """ExecuteChangeSet."""
        stack = self.stacks[change_set.stack_id]
        if change_set.kind == "CREATE":
            target = change_set.target
            stack.template, stack.parameters, stack.tags = target.template, target.parameters, target.tags
            self._run(stack, Creation(stack, self._world).create(at), at)
        else:
            self.update(stack, change_set.target, at)
        stack.change_set_id = change_set.change_set_id

    # Exports

    def exported(self, name: str) -> str:
        """The value of an export of this region."""
        for stack in self.living():
            for output in stack.outputs.values():
                if output.get("ExportName") == name:
                    return output["OutputValue"]
        raise Refused(f"No export named {name} found.")

    def importers(self, export: str) -> list[str]:
        """Names of the stacks that import it."""
        return [stack.name for stack in self.living() if export in imports_of(stack, self.access)]

    def _check_exports(self, stack: Stack, outputs: dict[str, dict[str, str]]) -> None:
        """Refuse an export that another stack has, and the change of one that another stack uses."""
        new = {output["ExportName"]: output["OutputValue"] for output in outputs.values() if "ExportName" in output}
        for other in self.living():
            if other is not stack:
                for name in set(exports_of(other)) & set(new):
                    raise Refused(f"Export with name {name} is already exported by stack {other.name}.")
        for name, value in exports_of(stack).items():
            if new.get(name) != value and self.importers(name):
                raise Refused(f"Export {name} cannot be updated as it is in use by {', '.join(self.importers(name))}")

    # Requests

    def template(self, body: str) -> Template:
        """Read and check a template."""
        return validate.read(body, self.region)

    def bind(self, template: Template, given: list[dict[str, Any]], old: Stack | None) -> dict[str, str]:
        """Parameters of a request, those to be kept among them."""
        values: dict[str, str] = {}
        for parameter in given:
            name = parameter["ParameterKey"]
            if parameter.get("UsePreviousValue"):
                if old is None or name not in old.parameters:
                    raise Refused(f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true")
                values[name] = old.parameters[name]
            else:
                values[name] = str(parameter.get("ParameterValue", ""))
        return parameters.bind(template.parameters, values)
