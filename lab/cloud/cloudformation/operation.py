"""What creation, deletion and update of a stack share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.cloud.cloudformation import graph
from lab.cloud.cloudformation import wanted as wanting
from lab.cloud.cloudformation.access import Access
from lab.cloud.cloudformation.errors import Refused, ResourceFailed
from lab.cloud.cloudformation.functions import Evaluator
from lab.cloud.cloudformation.hands import Hands
from lab.cloud.cloudformation.outputs import evaluate_outputs
from lab.cloud.cloudformation.resources import TYPES
from lab.cloud.cloudformation.scope import StackScope
from lab.cloud.cloudformation.stack import Resource, Stack
from lab.cloud.cloudformation.work import Wave
from lab.delays import DELAYS, delay
from lab.settings import Profile

USER = "User Initiated"


@dataclass(frozen=True)
class World:
    """What operations share: access, time scale, and the other stacks' exports."""

    access: Access
    profile: Profile
    imports: Callable[[str], str]
    check_exports: Callable[[Stack, dict[str, dict[str, str]]], None]


class Operation:
    """Something done to one stack.

    States and their order follow the CloudFormation user guide ("Stack status codes", "Understand CloudFormation stack
    creation events"), and R33.
    """

    def __init__(self, stack: Stack, world: World) -> None:
        self._stack = stack
        self._world = world
        self._hands = Hands(stack, world.access)

    def _begin(self, resource: Resource, evaluator: Evaluator, present: set[str], at: float, verb: str) -> float:
        """Make one resource; gives the seconds that it takes."""
        stack = self._stack
        stack.mark(resource, f"{verb}_IN_PROGRESS", at)
        try:
            self._adopt(resource, self._want(resource.logical_id, evaluator, present))
            self._hands.create(resource)
        except ResourceFailed as failure:
            stack.mark(resource, f"{verb}_FAILED", at, str(failure))
            raise
        stack.mark(resource, f"{verb}_IN_PROGRESS", at, "Resource creation Initiated")
        return self._seconds(resource.type_name)

    def _evaluator(self) -> Evaluator:
        scope = StackScope(self._stack, self._world.access, self._world.imports)
        return Evaluator(self._stack.template, self._stack.parameters, scope)

    def _want(self, name: str, evaluator: Evaluator, present: set[str]) -> wanting.Wanted:
        try:
            return wanting.want(self._stack.template, evaluator, name, present, self._stack.region)
        except Refused as error:
            raise ResourceFailed(str(error.message)) from error

    def _needs(self, name: str, present: set[str]) -> frozenset[str]:
        return frozenset(graph.needs(self._stack.template, present)[name])

    def _adopt(self, resource: Resource, wanted: wanting.Wanted) -> None:
        resource.properties, resource.needs, resource.metadata = wanted.properties, set(wanted.needs), wanted.metadata
        resource.deletion_policy, resource.replace_policy = wanted.deletion_policy, wanted.replace_policy
        resource.tags = dict(self._stack.tags)

    def _actual(self, resource: Resource) -> dict[str, Any] | None:
        if not TYPES[resource.type_name].drift_supported:
            return resource.properties
        return self._hands.actual(resource)

    def _seconds(self, type_name: str, suffix: str = "") -> float:
        specific = TYPES[type_name].delay + suffix
        return delay(specific if specific in DELAYS else f"cloudformation.resource{suffix}", self._world.profile)

    def _set_outputs(self, evaluator: Evaluator) -> str | None:
        """Evaluate the outputs; gives what is wrong with them."""
        try:
            outputs = evaluate_outputs(self._stack.template, evaluator)
            self._world.check_exports(self._stack, outputs)
        except Refused as error:
            return str(error.message)
        self._stack.outputs = outputs
        return None

    def _trouble(self, wave: Wave, verb: str) -> str | None:
        if wave.timed_out:
            return f"Stack creation time exceeded the specified timeout. {failed(verb, wave.failed)}"
        return failed(verb, wave.failed) if wave.failed else None


def failed(verb: str, names: list[str]) -> str:
    return f"The following resource(s) failed to {verb}: [{', '.join(name.split('@')[0] for name in names)}]."
