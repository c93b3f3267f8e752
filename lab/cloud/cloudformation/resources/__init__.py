"""The resource types that the lab's CloudFormation makes, one file a family."""

from __future__ import annotations

from lab.cloud.cloudformation.resources import (
    cloudwatch,
    dynamodb,
    endpoints,
    events,
    functions,
    iam,
    kms,
    launch_templates,
    load_balancers,
    rds,
    route53,
    routing,
    s3,
    security_groups,
    sns,
    vpc,
)
from lab.cloud.cloudformation.resources.base import Type

_FAMILIES: tuple[tuple[Type, ...], ...] = (
    cloudwatch.TYPES,
    dynamodb.TYPES,
    endpoints.TYPES,
    events.TYPES,
    functions.TYPES,
    iam.TYPES,
    kms.TYPES,
    launch_templates.TYPES,
    load_balancers.TYPES,
    rds.TYPES,
    route53.TYPES,
    routing.TYPES,
    s3.TYPES,
    security_groups.TYPES,
    sns.TYPES,
    vpc.TYPES,
)

TYPES: dict[str, Type] = {kind.name: kind for family in _FAMILIES for kind in family}
"""All of them by name."""
