"""Which resource needs which: Ref, Fn::GetAtt, Fn::Sub and DependsOn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from lab.cloud.cloudformation.errors import Refused
from lab.cloud.cloudformation.functions import VARIABLE, attribute_of
from lab.cloud.cloudformation.template import Template

PSEUDO = "AWS::"


def references(node: Any) -> Iterator[tuple[str, str | None]]:
    """All names that a part of a template refers to, with the attribute asked for (None: `Ref`)."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    if not isinstance(node, dict):
        return
    for key, argument in node.items():
        if key == "Ref" and isinstance(argument, str):
            yield argument, None
        elif key == "Fn::GetAtt":
            logical_id, attribute = attribute_of(argument)
            yield logical_id, attribute if isinstance(attribute, str) else None
            yield from references(attribute)
        elif key == "Fn::Sub":
            yield from _in_text(argument)
        else:
            yield from references(argument)


def _in_text(argument: Any) -> Iterator[tuple[str, str | None]]:
    text, own = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
    for name in VARIABLE.findall(text):
        if name.strip() not in own:
            logical_id, _, attribute = name.strip().partition(".")
            yield logical_id, attribute or None
    yield from references(own)


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    """The resource's own list of what must come first."""
    named = resource.get("DependsOn", [])
    return [named] if isinstance(named, str) else list(named)


def needs(template: Template, included: set[str]) -> dict[str, set[str]]:
    """For each resource that is there: the resources that must be there before it."""
    return {
        name: (
            {target for target, _ in references(template.resources[name].get("Properties", {}))}
            | set(depends_on(template.resources[name]))
        )
        & included
        for name in included
    }


def check(template: Template) -> None:
    """Refuse references to nothing, and circles."""
    known = set(template.resources) | set(template.parameters)
    for section, parts in (("Resources", template.resources), ("Outputs", template.outputs)):
        names = {n for part in parts.values() for n, _ in references(part)}
        names |= {n for part in parts.values() for n in depends_on(part)}
        lost = sorted(name for name in names if name not in known and not name.startswith(PSEUDO))
        if lost:
            raise Refused(
                f"Template format error: Unresolved resource dependencies [{', '.join(lost)}]"
                f" in the {section} block of the template"
            )
    try:
        TopologicalSorter(needs(template, set(template.resources))).prepare()
    except CycleError as error:
        circle = sorted(set(error.args[1]))
        raise Refused(f"Circular dependency between resources: [{', '.join(circle)}]") from error
