"""The resource types that the lab's CloudFormation makes, one file a family."""

from __future__ import annotations

from lab.cloud.cloudformation.resources import (
    cloudwatch,
    endpoints,
    kms,
    launch_templates,
    load_balancers,
    routing,
    security_groups,
    sns,
    vpc,
)
from lab.cloud.cloudformation.resources.base import Type

_FAMILIES: tuple[tuple[Type, ...], ...] = (
    cloudwatch.TYPES,
    endpoints.TYPES,
    kms.TYPES,
    launch_templates.TYPES,
    load_balancers.TYPES,
    routing.TYPES,
    security_groups.TYPES,
    sns.TYPES,
    vpc.TYPES,
)

TYPES: dict[str, Type] = {kind.name: kind for family in _FAMILIES for kind in family}
"""All of them by name."""
