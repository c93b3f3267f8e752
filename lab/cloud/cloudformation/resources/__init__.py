"""The resource types that the lab's CloudFormation makes, one file a family."""

from __future__ import annotations

from lab.cloud.cloudformation.resources import routing, security_groups, vpc
from lab.cloud.cloudformation.resources.base import Type

TYPES: dict[str, Type] = {kind.name: kind for family in (vpc, routing, security_groups) for kind in family.TYPES}
"""All of them by name."""
