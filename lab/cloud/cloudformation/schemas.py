"""The resource types' own schemas (those that cfn-lint carries): what makes the lab as strict as CloudFormation.

CloudFormation knows a property's type and turns text into numbers and truths; it refuses properties that it does not
know; it replaces a resource whose create-only property changes; it knows which attributes `Fn::GetAtt` may ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from lab.cloud.cloudformation.errors import ResourceFailed

_Schema = Mapping[str, Any]
_DEPTH = 24


@cache
def _manager() -> Any:
    """cfn-lint's schemas; imported when first needed, for that takes a second."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    return PROVIDER_SCHEMA_MANAGER


@cache
def schema(region: str, type_name: str) -> dict[str, Any] | None:
    """The schema of a resource type, or None where the region has no such type."""
    from cfnlint.schema import ResourceNotFoundError

    try:
        found = _manager().get_resource_schema(region, type_name)
    except ResourceNotFoundError:
        return None
    return dict(found.schema)


def has_attribute(region: str, type_name: str, attribute: str) -> bool:
    """Whether `Fn::GetAtt` may ask for that attribute."""
    try:
        return bool(_manager().get_type_getatts(type_name, region)[attribute])
    except KeyError:
        return False


def replaced_by(region: str, type_name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The create-only properties that differ: a change to any of them takes a new resource."""
    rules = schema(region, type_name) or {}
    paths = [path.removeprefix("/properties/").split("/") for path in rules.get("createOnlyProperties", [])]
    return sorted({path[0] for path in paths if _at(before, path) != _at(after, path)})


def _at(tree: Any, path: list[str]) -> Any:
    for key in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(key)
    return tree


def shaped(region: str, type_name: str, properties: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The properties with the types that the schema wants, and what is wrong with them."""
    complaints: list[str] = []
    rules = schema(region, type_name) or {}
    value: dict[str, Any] = _Walk(rules, complaints).value(dict(properties), rules, "#", 0)
    return value, complaints


def conform(region: str, type_name: str, logical_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties as `shaped` gives them; raises `ResourceFailed` as CloudFormation words it."""
    value, complaints = shaped(region, type_name, properties)
    if complaints:
        words = "\n".join(complaints)
        raise ResourceFailed(f"Properties validation failed for resource {logical_id} with message:\n{words}")
    return value


class _Walk:
    """One pass over a value with its schema beside it."""

    def __init__(self, root: _Schema, complaints: list[str]) -> None:
        self._root = root
        self._complaints = complaints

    def value(self, value: Any, rules: _Schema, path: str, depth: int) -> Any:
        rules = self._resolved(rules)
        if depth > _DEPTH:
            return value
        value = self._typed(value, rules, path)
        if isinstance(value, dict):
            return self._object(value, rules, path, depth)
        if isinstance(value, list):
            items = rules.get("items")
            if not isinstance(items, Mapping):
                return value
            return [self.value(item, items, f"{path}/{n}", depth + 1) for n, item in enumerate(value)]
        choices = rules.get("enum")
        if choices and value not in choices:
            self._complaints.append(f"{path}: {value} is not a valid enum value")
        return value

    def _object(self, value: dict[str, Any], rules: _Schema, path: str, depth: int) -> dict[str, Any]:
        known = rules.get("properties")
        patterns = rules.get("patternProperties", {})
        if not isinstance(known, Mapping):
            return self._alternatives(value, rules, path, depth)
        extra = [key for key in value if key not in known]
        if extra and not patterns and rules.get("additionalProperties", True) is False:
            self._complaints.append(f"{path}: extraneous key [{extra[0]}] is not permitted")
        for key in rules.get("required", []):
            if key not in value:
                self._complaints.append(f"{path}: required key [{key}] not found")
        return {
            key: self.value(item, known[key], f"{path}/{key}", depth + 1) if key in known else item
            for key, item in value.items()
        }

    def _alternatives(self, value: dict[str, Any], rules: _Schema, path: str, depth: int) -> dict[str, Any]:
        """`oneOf`/`anyOf` of objects: the first branch that takes the value without complaint."""
        for branch in [*rules.get("oneOf", []), *rules.get("anyOf", [])]:
            trial: list[str] = []
            shaped = _Walk(self._root, trial).value(value, branch, path, depth + 1)
            if not trial and isinstance(shaped, dict):
                return shaped
        return value

    def _resolved(self, rules: _Schema) -> _Schema:
        while "$ref" in rules:
            target: Any = self._root
            for key in str(rules["$ref"]).removeprefix("#/").split("/"):
                target = target[key]
            rules = target
        return rules

    def _typed(self, value: Any, rules: _Schema, path: str) -> Any:
        wanted = rules.get("type")
        kinds = [wanted] if isinstance(wanted, str) else list(wanted or [])
        if not kinds or any(_is(value, kind) for kind in kinds):
            return value
        for kind in kinds:
            try:
                return _cast(value, kind)
            except (TypeError, ValueError):
                continue
        self._complaints.append(f"{path}: expected type: {'/'.join(kinds)}, found: {type(value).__name__}")
        return value


def _is(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        allowed = (int,) if kind == "integer" else (int, float)
        return isinstance(value, allowed) and not isinstance(value, bool)
    types: dict[str, type] = {"string": str, "boolean": bool, "object": dict, "array": list}
    return isinstance(value, types[kind]) if kind in types else True


def _cast(value: Any, kind: str) -> Any:
    """CloudFormation's own leniency between text, numbers and truths; raises where there is none."""
    if kind == "integer" and isinstance(value, (str, float)):
        if float(value) != int(float(value)):
            raise ValueError(value)
        return int(float(value))
    if kind == "number" and isinstance(value, str):
        return float(value)
    if kind == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "string" and isinstance(value, bool):
        return "true" if value else "false"
    if kind == "string" and isinstance(value, (int, float)):
        return str(value)
    raise TypeError(value)
