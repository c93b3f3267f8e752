"""What CloudFormation checks before it begins: types, attributes, policies and capabilities."""

from __future__ import annotations

from collections.abc import Collection

from lab.cloud.cloudformation import graph, schemas
from lab.cloud.cloudformation.errors import InsufficientCapabilities, Refused
from lab.cloud.cloudformation.resources import TYPES
from lab.cloud.cloudformation.template import Template, parse

IAM_NAMES = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
}
POLICIES = ("Delete", "Retain", "RetainExceptOnCreate")


def read(body: str, region: str) -> Template:
    """Parse and check a template."""
    template = parse(body)
    _types(template, region)
    graph.check(template)
    _attributes(template, region)
    return template


def _types(template: Template, region: str) -> None:
    used = {str(resource["Type"]) for resource in template.resources.values()}
    unknown = sorted(name for name in used if schemas.schema(region, name) is None)
    if unknown:
        raise Refused(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    beyond = sorted(used - set(TYPES))
    if beyond:
        raise Refused(f"Template format error: the lab does not emulate the resource types [{', '.join(beyond)}]")
    for name, resource in template.resources.items():
        for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
            policy = resource.get(attribute, "Delete")
            if policy not in POLICIES or (attribute == "UpdateReplacePolicy" and policy == "RetainExceptOnCreate"):
                raise Refused(f"Template error: resource {name} does not support {attribute} {policy}")


def _attributes(template: Template, region: str) -> None:
    for part in (*template.resources.values(), *template.outputs.values()):
        for target, attribute in graph.references(part):
            if attribute is None or target not in template.resources:
                continue
            kind = template.resources[target]["Type"]
            if not schemas.has_attribute(region, kind, attribute):
                raise Refused(
                    f"Template error: resource {target} does not support attribute type {attribute} in Fn::GetAtt"
                )


def capabilities(template: Template, given: Collection[str]) -> None:
    """Refuse a template that makes IAM resources without the caller's acknowledgement."""
    needed = needed_capability(template)
    accepted = {"CAPABILITY_IAM": ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")}.get(str(needed), (needed,))
    if needed and not set(accepted) & set(given):
        raise InsufficientCapabilities(needed)


def needed_capability(template: Template) -> str | None:
    """The acknowledgement that a template takes, if any."""
    iam = [resource for resource in template.resources.values() if resource["Type"].startswith("AWS::IAM::")]
    if any(IAM_NAMES.get(resource["Type"], "-") in resource.get("Properties", {}) for resource in iam):
        return "CAPABILITY_NAMED_IAM"
    return "CAPABILITY_IAM" if iam else None
