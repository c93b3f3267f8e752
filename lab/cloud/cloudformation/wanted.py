"""What a template wants of each resource, and how that differs from what is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lab.cloud.cloudformation import graph, schemas
from lab.cloud.cloudformation.functions import Evaluator
from lab.cloud.cloudformation.resources import TYPES
from lab.cloud.cloudformation.stack import Resource
from lab.cloud.cloudformation.template import Template

Difference = Literal["none", "in place", "replacement"]


@dataclass(frozen=True)
class Wanted:
    """One resource of a template, its functions evaluated."""

    logical_id: str
    type_name: str
    properties: dict[str, Any]
    needs: frozenset[str]
    metadata: Any
    deletion_policy: str
    replace_policy: str


def included(template: Template, evaluator: Evaluator) -> set[str]:
    """Resources whose conditions hold."""
    return {name for name, resource in template.resources.items() if evaluator.included(resource)}


def want(template: Template, evaluator: Evaluator, logical_id: str, present: set[str], region: str) -> Wanted:
    """Evaluate one resource; its properties have the schema's types where they can have them."""
    resource = template.resources[logical_id]
    written = evaluator.value(resource.get("Properties", {}))
    properties, _ = schemas.shaped(region, resource["Type"], written)
    return Wanted(
        logical_id=logical_id,
        type_name=resource["Type"],
        properties=properties,
        needs=frozenset(graph.needs(template, present)[logical_id]),
        metadata=resource.get("Metadata"),
        deletion_policy=resource.get("DeletionPolicy", "Delete"),
        replace_policy=resource.get("UpdateReplacePolicy", "Delete"),
    )


def difference(current: Resource, wanted: Wanted, tags: dict[str, str], region: str) -> Difference:
    """What it takes to come from the deployed resource to the wanted one."""
    kind = TYPES[wanted.type_name]
    names = changed_properties(current, wanted)
    if schemas.replaced_by(region, wanted.type_name, current.properties, wanted.properties) or set(names) & kind.fixed:
        return "replacement"
    if not names and (current.tags == tags or not kind.taggable):
        return "none"
    return "in place" if kind.updatable else "replacement"


def changed_properties(current: Resource, wanted: Wanted) -> list[str]:
    """Names of the properties that differ."""
    names = set(current.properties) | set(wanted.properties)
    return sorted(name for name in names if current.properties.get(name) != wanted.properties.get(name))
