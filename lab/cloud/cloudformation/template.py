"""A template: read from YAML or JSON, and checked as far as it can be without making anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

from lab.cloud.cloudformation.errors import Refused

SECTIONS = {
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
}
RESOURCE_ATTRIBUTES = {
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "Metadata",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "CreationPolicy",
    "UpdatePolicy",
}
NOT_EMULATED = ("Transform", "Rules")
"""Sections that AWS knows and the lab does not: refused rather than passed over."""


@dataclass(frozen=True)
class Template:
    """The sections of a template, as written (functions not evaluated)."""

    body: str
    description: str
    metadata: dict[str, Any]
    parameters: dict[str, dict[str, Any]]
    mappings: dict[str, Any]
    conditions: dict[str, Any]
    resources: dict[str, dict[str, Any]]
    outputs: dict[str, dict[str, Any]]


def parse(body: str) -> Template:
    """Read a template; raises `Refused` with CloudFormation's own words."""
    tree = _load(body)
    unknown = sorted(set(tree) - SECTIONS)
    if unknown:
        raise Refused(f"Invalid template property or properties [{', '.join(unknown)}]")
    for section in NOT_EMULATED:
        if tree.get(section):
            raise Refused(f"Template format error: the lab does not emulate the section {section}")
    resources = _section(tree, "Resources")
    if not resources:
        raise Refused("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        _check_resource(name, resource)
    for name, output in _section(tree, "Outputs").items():
        if not isinstance(output, dict) or "Value" not in output:
            raise Refused(f"Template format error: Every Outputs member must contain a Value object ({name})")
    return Template(
        body=body,
        description=str(tree.get("Description") or ""),
        metadata=_section(tree, "Metadata"),
        parameters=_section(tree, "Parameters"),
        mappings=_section(tree, "Mappings"),
        conditions=_section(tree, "Conditions"),
        resources=resources,
        outputs=_section(tree, "Outputs"),
    )


def _load(body: str) -> dict[str, Any]:
    try:
        tree = json.loads(body) if body.lstrip().startswith("{") else yaml.load(body, Loader=_Loader)
    except (ValueError, yaml.YAMLError) as error:
        raise Refused(f"Template format error: YAML not well-formed. ({error})") from error
    if not isinstance(tree, dict):
        raise Refused("Template format error: unsupported structure.")
    return tree


def _section(tree: dict[str, Any], name: str) -> dict[str, Any]:
    section = tree.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise Refused(f"Template format error: {name} must be an object.")
    return section


def _check_resource(name: str, resource: Any) -> None:
    where = f"Template format error: [/Resources/{name}]"
    if not name.isalnum():
        raise Refused(f"Template format error: Resource name {name} is non alphanumeric.")
    if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
        raise Refused(f"{where} Every Resources object must contain a Type member.")
    unknown = sorted(set(resource) - RESOURCE_ATTRIBUTES)
    if unknown:
        raise Refused(f"{where} Encountered unsupported attribute {unknown[0]}")
    for attribute in ("CreationPolicy", "UpdatePolicy"):
        if attribute in resource:
            raise Refused(f"{where} the lab does not emulate the attribute {attribute}")
    if not isinstance(resource.get("Properties", {}), dict):
        raise Refused(f"{where} Properties must be an object.")


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: `!Sub` and its kin are functions, and a date (a policy's Version) is text."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise yaml.YAMLError(f"unexpected node {node}")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_multi_constructor("!", _short_form)
