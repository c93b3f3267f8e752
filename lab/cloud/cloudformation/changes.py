"""What an update would do: the plan behind "No updates are to be performed" and behind change sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from lab.cloud.cloudformation import graph, schemas
from lab.cloud.cloudformation import wanted as wanting
from lab.cloud.cloudformation.access import Access
from lab.cloud.cloudformation.errors import Refused
from lab.cloud.cloudformation.functions import Evaluator
from lab.cloud.cloudformation.outputs import evaluate_outputs
from lab.cloud.cloudformation.resources import TYPES
from lab.cloud.cloudformation.scope import StackScope
from lab.cloud.cloudformation.stack import Resource, Stack
from lab.cloud.cloudformation.updating import Target

Actual = Callable[[Resource], "dict[str, Any] | None"]


@dataclass(frozen=True)
class Change:
    """One resource that would be added, modified or removed."""

    action: str
    logical_id: str
    type_name: str
    physical_id: str = ""
    replacement: bool = False
    scope: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    recreating: tuple[str, ...] = ()
    policy: str | None = None

    def shown(self) -> dict[str, Any]:
        """As DescribeChangeSet gives it."""
        change: dict[str, Any] = {
            "Action": self.action,
            "LogicalResourceId": self.logical_id,
            "ResourceType": self.type_name,
            "Scope": list(self.scope),
            "Details": [],
        }
        if self.physical_id:
            change["PhysicalResourceId"] = self.physical_id
        if self.policy:
            change["PolicyAction"] = self.policy
        if self.action == "Modify":
            change["Replacement"] = "True" if self.replacement else "False"
            change["Details"] = [self._detail(name) for name in self.names]
        return {"Type": "Resource", "ResourceChange": change}

    def _detail(self, name: str) -> dict[str, Any]:
        target: dict[str, str]
        if name == "Tags":
            target = {"Attribute": "Tags", "RequiresRecreation": "Never"}
        else:
            recreation = "Always" if name in self.recreating else "Never"
            target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
        return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def plan(
    stack: Stack, target: Target, access: Access, imports: Callable[[str], str], actual: Actual | None = None
) -> list[Change]:
    """Changes by resource, in the order of their needs.

    `actual` reads the resources as they are (a change set that reverts drift); otherwise what was deployed counts.
    """
    unknown: set[str] = set()
    scope = StackScope(_after(stack, target), access, imports, unknown=unknown, planning=True)
    evaluator = Evaluator(target.template, target.parameters, scope)
    present = wanting.included(target.template, evaluator)
    changes = []
    for name in TopologicalSorter(graph.needs(target.template, present)).static_order():
        wanted = wanting.want(target.template, evaluator, name, present, stack.region)
        change = _change(stack.resources.get(name), wanted, target, stack.region, actual)
        if change and (change.action == "Add" or change.replacement):
            unknown.add(name)
        if change:
            changes.append(change)
    removed = [_removal(resource) for name, resource in stack.resources.items() if name not in present]
    return changes + removed


def outputs_differ(stack: Stack, target: Target, access: Access, imports: Callable[[str], str]) -> bool:
    """Whether outputs or notification ARNs alone would change."""
    scope = StackScope(_after(stack, target), access, imports, planning=True)
    evaluator = Evaluator(target.template, target.parameters, scope)
    return evaluate_outputs(target.template, evaluator) != stack.outputs


def _after(stack: Stack, target: Target) -> Stack:
    """The stack as its template would see it."""
    return Stack(
        name=stack.name,
        region=stack.region,
        account=stack.account,
        template=target.template,
        parameters=target.parameters,
        tags=target.tags,
        created_at=stack.created_at,
        stack_id=stack.stack_id,
        notification_arns=target.notification_arns,
        resources=stack.resources,
    )


def _change(
    current: Resource | None, wanted: wanting.Wanted, target: Target, region: str, actual: Actual | None
) -> Change | None:
    if current is None or not current.physical_id:
        return Change("Add", wanted.logical_id, wanted.type_name)
    if current.type_name != wanted.type_name:
        raise Refused(
            "Update of resource type is not permitted. The new template modifies resource type of the following"
            f" resources: [{wanted.logical_id}]"
        )
    seen = current
    if actual is not None:
        properties = actual(current)
        if properties is None:
            return Change("Add", wanted.logical_id, wanted.type_name)
        seen = Resource(current.logical_id, current.type_name, properties=properties, tags=current.tags)
    step = wanting.difference(seen, wanted, target.tags, region)
    if current.status.endswith("_FAILED") and step == "none":
        step = "in place"
    metadata = current.metadata != wanted.metadata
    if step == "none" and not metadata and _policies(current) == (wanted.deletion_policy, wanted.replace_policy):
        return None
    names = wanting.changed_properties(seen, wanted)
    scope = [
        *(["Properties"] if [name for name in names if name != "Tags"] else []),
        *(["Tags"] if "Tags" in names or current.tags != target.tags else []),
        *(["Metadata"] if metadata else []),
    ]
    replacement = step == "replacement"
    recreating = schemas.replaced_by(region, wanted.type_name, seen.properties, wanted.properties)
    kept = wanted.replace_policy == "Retain"
    return Change(
        action="Modify",
        logical_id=wanted.logical_id,
        type_name=wanted.type_name,
        physical_id=current.physical_id,
        replacement=replacement,
        scope=tuple(scope),
        names=tuple(names),
        recreating=tuple({*recreating, *(set(names) & TYPES[wanted.type_name].fixed)}),
        policy=("ReplaceAndRetain" if kept else "ReplaceAndDelete") if replacement else None,
    )


def _removal(resource: Resource) -> Change:
    policy = "Retain" if resource.deletion_policy.startswith("Retain") else "Delete"
    return Change("Remove", resource.logical_id, resource.type_name, resource.physical_id, policy=policy)


def _policies(resource: Resource) -> tuple[str, str]:
    return resource.deletion_policy, resource.replace_policy
