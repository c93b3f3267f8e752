# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One CloudFormation stack: what it is, what is to be done about it, and waiting for it.

amazon.aws.cloudformation creates and updates stacks too. It calls UpdateStack on every run, makes a change set in check
mode, waits without end and gives up on a stack that never came up; a deploy that is run again meets all four (R33).

Sources: CloudFormation user guide, "Understand stack creation events" (stack status codes), "Troubleshooting
CloudFormation"; API reference, CreateStack, UpdateStack ("No updates are to be performed").
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .declared import Api, Call, Change, Refused, WaitedTooLong, tag_list, tags_of
from .errors import CallFailed, RecoveryError
from .ports import Clock

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")
FIRST_LOOK_SECONDS = 0.5

NEVER_CAME_UP = ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS")
"""Such a stack can only be deleted. The second one is a change set that created a stack and was never executed."""

STUCK = {
    "CREATE_FAILED": "delete the stack",
    "ROLLBACK_FAILED": "remove what it could not delete, then delete the stack",
    "DELETE_FAILED": "remove what it could not delete, then delete the stack",
    "UPDATE_FAILED": "roll the update back (rollback-stack)",
    "UPDATE_ROLLBACK_FAILED": "continue its rollback (continue-update-rollback)",
    "IMPORT_ROLLBACK_FAILED": "continue its rollback (continue-update-rollback)",
}
"""States that need a person, with what would be right."""

SUCCEEDED = {"CreateStack": ("CREATE_COMPLETE",), "UpdateStack": ("UPDATE_COMPLETE",), "DeleteStack": ("",)}


class StackFailed(RecoveryError):
    """AWS could not do what was asked of a stack; the message has the reasons of each resource."""


@dataclass(frozen=True)
class Wanted:
    """A stack as it is declared."""

    name: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """A stack as it is. ``resources`` are the logical ids that still stand for something."""

    status: str
    stack_id: str
    template: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    resources: tuple[str, ...] = ()


def status(api: Api, name: str) -> tuple[str, dict[str, Any]]:
    """A stack's status and AWS's description of it; an empty status when there is none."""
    try:
        answer = api.read("DescribeStacks", {"StackName": name})
    except CallFailed as failure:
        if failure.code == "ValidationError" and "does not exist" in failure.message:
            return "", {}
        raise
    found = answer["Stacks"][0]
    return ("", {}) if found["StackStatus"] == "DELETE_COMPLETE" else (found["StackStatus"], found)


def observe(api: Api, name: str) -> Held | None:
    """The stack, or None when there is none."""
    state, found = status(api, name)
    if not state:
        return None
    summaries = api.read("ListStackResources", {"StackName": name}).get("StackResourceSummaries", [])
    template = api.read("GetTemplate", {"StackName": name, "TemplateStage": "Original"}).get("TemplateBody", "")
    return Held(
        status=state,
        stack_id=found["StackId"],
        template=template if isinstance(template, str) else "",
        parameters={pair["ParameterKey"]: pair.get("ParameterValue", "") for pair in found.get("Parameters", [])},
        tags=tags_of(found.get("Tags")),
        outputs={pair["OutputKey"]: pair["OutputValue"] for pair in found.get("Outputs", [])},
        resources=tuple(
            summary["LogicalResourceId"]
            for summary in summaries
            if summary["ResourceStatus"] not in ("DELETE_COMPLETE", "DELETE_SKIPPED")
        ),
    )


def decide_present(held: Held | None, wanted: Wanted) -> Change:
    """The calls that bring the stack to what is wanted; a stack that is busy must be waited for first."""
    params = _params(wanted)
    after = {"template": _substance(wanted.template), "parameters": dict(wanted.parameters), "tags": dict(wanted.tags)}
    if held is None:
        return Change({}, after, (Call("CreateStack", params),))
    before = describe(held)
    if held.status in NEVER_CAME_UP:
        if held.resources:
            raise Refused(
                f"stack {wanted.name} is in {held.status} and still holds {', '.join(held.resources)}: "
                "remove these, then delete the stack"
            )
        return Change(before, after, (Call("DeleteStack", {"StackName": held.stack_id}), Call("CreateStack", params)))
    if held.status in STUCK:
        raise Refused(f"stack {wanted.name} is in {held.status}: {STUCK[held.status]}, then run this again")
    if _differs(held, wanted):
        return Change(before, after, (Call("UpdateStack", params),))
    return Change(before, before)


def decide_absent(held: Held | None) -> Change:
    """The call that deletes the stack."""
    if held is None:
        return Change({}, {})
    return Change(describe(held), {}, (Call("DeleteStack", {"StackName": held.stack_id}),))


def carry_out(api: Api, name: str, change: Change, clock: Clock, deadline: float, longest: float) -> bool:
    """Make the calls of a change, each to its end; whether anything was changed.

    Each call has a token, so that a request which is sent again after a broken connection is the same request to AWS.
    """
    changed = False
    for call in change.calls:
        try:
            sent = Call(call.operation, {**call.params, "ClientRequestToken": str(uuid.uuid4())})
            answer = api.apply(Change(None, None, (sent,)))[0]
        except CallFailed as failure:
            if "No updates are to be performed" in failure.message:
                continue
            raise
        changed = True
        stack_id = answer.get("StackId") or call.params["StackName"]
        state = settle(api, name, clock, deadline, longest, stack_id)
        if state not in SUCCEEDED[call.operation]:
            reasons = "; ".join(_reasons(api, stack_id)) or "AWS gave no reason"
            raise StackFailed(f"{call.operation} of {name} in {api.region} ended in {state or 'nothing'}: {reasons}")
    return changed


def settle(api: Api, name: str, clock: Clock, deadline: float, longest: float, stack_id: str = "") -> str:
    """Wait until AWS is no longer busy with the stack; its status then, empty when it is gone.

    Looks often at first and then every ``longest`` seconds, for ``deadline`` seconds.
    """
    ends, pause = clock.now() + deadline, FIRST_LOOK_SECONDS
    while True:
        state = status(api, stack_id or name)[0]
        if not state.endswith("_IN_PROGRESS") or state == "REVIEW_IN_PROGRESS":
            return state
        if clock.now() >= ends:
            raise WaitedTooLong(f"stack {name} in {api.region} is still in {state} after {deadline:.0f} s")
        clock.wait(pause)
        pause = min(pause * 2, longest)


def describe(held: Held | None) -> dict[str, Any]:
    """What diff mode shows."""
    if held is None:
        return {}
    return {
        "template": _substance(held.template),
        "parameters": dict(held.parameters),
        "tags": dict(held.tags),
        **({"status": held.status} if held.status in NEVER_CAME_UP else {}),
    }


def _params(wanted: Wanted) -> dict[str, Any]:
    return {
        "StackName": wanted.name,
        "TemplateBody": wanted.template,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in sorted(wanted.parameters.items())
        ],
        "Tags": tag_list(wanted.tags),
        "Capabilities": list(CAPABILITIES),
    }


def _differs(held: Held, wanted: Wanted) -> bool:
    return (
        _substance(held.template) != _substance(wanted.template)
        or any(held.parameters.get(key) != value for key, value in wanted.parameters.items())
        or dict(held.tags) != dict(wanted.tags)
    )


def _substance(template: str) -> str:
    """A template without comments and empty lines: AWS makes no update for a change of these."""
    lines = (line.rstrip() for line in template.splitlines())
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("#"))


def _reasons(api: Api, stack_id: str) -> list[str]:
    """Why resources failed, the first failure first; what was only cancelled because of it is left out."""
    events = api.read("DescribeStackEvents", {"StackName": stack_id}).get("StackEvents", [])
    return [
        f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
        and "cancelled" not in event.get("ResourceStatusReason", "")
        and event["ResourceType"] != "AWS::CloudFormation::Stack"
    ]
