"""What the API's requests say: from their members to stacks and targets."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError

from lab.cloud.cloudformation import validate
from lab.cloud.cloudformation.engine import Engine
from lab.cloud.cloudformation.errors import Refused
from lab.cloud.cloudformation.stack import Stack
from lab.cloud.cloudformation.template import Template
from lab.cloud.cloudformation.updating import Target

Members = dict[str, Any]

LARGEST_BODY = 51_200
"""Bytes of a template in a request; from a bucket it may be larger (CloudFormation quotas)."""


def body(engine: Engine, members: Members, old: Stack | None = None) -> str:
    """The template that a request names, in whichever of the three ways."""
    given = [name for name in ("TemplateBody", "TemplateURL") if members.get(name)]
    if members.get("UsePreviousTemplate") and old is not None:
        if given:
            raise Refused("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
        return old.template.body
    if len(given) != 1:
        raise Refused("Either Template URL or Template Body must be specified.")
    if given == ["TemplateURL"]:
        return _fetch(engine, members["TemplateURL"])
    text = str(members["TemplateBody"])
    if len(text.encode()) > LARGEST_BODY:
        raise Refused(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint:"
            f" Member must have length less than or equal to {LARGEST_BODY}"
        )
    return text


def _fetch(engine: Engine, url: str) -> str:
    parts = urlparse(url)
    host, path = parts.netloc.split(":")[0], parts.path.lstrip("/")
    by_path = host.startswith(("s3.", "s3-")) or host.replace(".", "").isdigit() or host == "localhost"
    bucket, _, key = path.partition("/") if by_path else (host.split(".")[0], "", path)
    try:
        answer = engine.access.client("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise Refused(f"S3 error: {error.response['Error']['Message']}") from error
    return str(answer["Body"].read().decode())


def tags(members: Members) -> dict[str, str] | None:
    """Tags of a request; None where it does not speak of them."""
    if members.get("Tags") is None:
        return None
    found = {tag["Key"]: tag["Value"] for tag in members["Tags"]}
    if any(key.startswith("aws:") for key in found):
        raise Refused("Tag keys beginning with aws: are reserved")
    return found


def new_stack(engine: Engine, members: Members, at: float, template: Template | None = None) -> Stack:
    """The stack that CreateStack (or a change set of type CREATE) asks for."""
    template = template or engine.template(body(engine, members))
    validate.capabilities(template, members.get("Capabilities") or [])
    if members.get("OnFailure") and members.get("DisableRollback") is not None:
        raise Refused("You cannot specify both DisableRollback and OnFailure.")
    return Stack(
        name=members["StackName"],
        region=engine.region,
        account=engine.account,
        template=template,
        parameters=engine.bind(template, members.get("Parameters") or [], None),
        tags=tags(members) or {},
        created_at=at,
        notification_arns=members.get("NotificationARNs") or [],
        capabilities=members.get("Capabilities") or [],
        role_arn=members.get("RoleARN"),
        disable_rollback=bool(members.get("DisableRollback")),
        on_failure=members.get("OnFailure") or "ROLLBACK",
        timeout_minutes=members.get("TimeoutInMinutes"),
        termination_protection=bool(members.get("EnableTerminationProtection")),
        policy=members.get("StackPolicyBody"),
        token=members.get("ClientRequestToken"),
    )


def target(engine: Engine, members: Members, stack: Stack) -> Target:
    """What UpdateStack (or a change set of type UPDATE) asks for; what it does not speak of stays."""
    template = engine.template(body(engine, members, stack))
    validate.capabilities(template, members.get("Capabilities") or [])
    given = tags(members)
    arns = members.get("NotificationARNs")
    return Target(
        template=template,
        parameters=engine.bind(template, members.get("Parameters") or [], stack),
        tags=stack.tags if given is None else given,
        notification_arns=stack.notification_arns if arns is None else list(arns),
        capabilities=members.get("Capabilities") or [],
        disable_rollback=bool(members.get("DisableRollback")),
        revert_drift=members.get("DeploymentMode") == "REVERT_DRIFT",
    )
