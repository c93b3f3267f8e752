"""CloudFormation's actions on stacks, set on moto's response class in place of moto's own (stack sets stay moto's)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult

from lab.cloud.cloudformation import requests, shapes, validate
from lab.cloud.cloudformation.change_sets import NO_CHANGES, ChangeSet
from lab.cloud.cloudformation.engine import Engine
from lab.cloud.cloudformation.errors import AlreadyExists, InvalidChangeSetStatus, Refused
from lab.cloud.cloudformation.stack import Stack

Members = dict[str, Any]
Action = Callable[[Engine, Members, float], "dict[str, Any] | None"]

_NAME = re.compile(r"^[a-zA-Z][-a-zA-Z0-9]{0,127}$")


def install(engine_of: Callable[[str, str], Engine]) -> None:
    """Replace the actions; `engine_of(account, region)` finds the engine."""

    def method(action: Action) -> Callable[[Any], ActionResult]:
        def call(response: Any) -> ActionResult:
            engine = engine_of(response.current_account, response.region)
            with engine.turn() as now:
                result = action(engine, dict(response._get_params()), now)
            return EmptyResult() if result is None else ActionResult(result)

        return call

    for action in ACTIONS:
        setattr(CloudFormationResponse, action.__name__, method(action))
    # moto turns its own models' tags and parameters into lists on the way out; ours are lists already.
    CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER = {
        path: transformer
        for path, transformer in CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER.items()
        if "StackSet" in path
    }


def create_stack(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    if not _NAME.match(members["StackName"]):
        raise Refused(
            f"1 validation error detected: Value '{members['StackName']}' at 'stackName' failed to satisfy constraint:"
            " Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    stack = engine.create(requests.new_stack(engine, members, now), now)
    return {"StackId": stack.stack_id}


def update_stack(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    stack = _living(engine, members, "Stack [{}] does not exist")
    if members.get("ClientRequestToken") and members["ClientRequestToken"] == stack.token:
        return {"StackId": stack.stack_id}
    engine.check_updatable(stack)
    target = requests.target(engine, members, stack)
    token, stack.token = stack.token, members.get("ClientRequestToken")
    try:
        engine.update(stack, target, now)
    except Refused:
        stack.token = token
        raise
    if members.get("StackPolicyBody"):
        stack.policy = members["StackPolicyBody"]
    return {"StackId": stack.stack_id}


def delete_stack(engine: Engine, members: Members, now: float) -> None:
    found = [s for s in engine.stacks.values() if not s.gone and members["StackName"] in (s.name, s.stack_id)]
    for stack in found:
        engine.delete(stack, now, members.get("RetainResources") or [], members.get("ClientRequestToken"))


def rollback_stack(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    stack = _living(engine, members, "Stack [{}] does not exist")
    engine.roll_back(stack, now)
    return {"StackId": stack.stack_id}


def continue_update_rollback(engine: Engine, members: Members, now: float) -> None:
    stack = _living(engine, members, "Stack [{}] does not exist")
    engine.continue_rollback(stack, now, members.get("ResourcesToSkip") or [])


def update_termination_protection(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    stack = _living(engine, members, "Stack [{}] does not exist")
    stack.termination_protection = bool(members["EnableTerminationProtection"])
    return {"StackId": stack.stack_id}


def describe_stacks(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    if members.get("StackName"):
        return {"Stacks": [shapes.stack(engine.stack(members["StackName"]))]}
    return {"Stacks": [shapes.stack(stack) for stack in engine.living()]}


def list_stacks(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    wanted = members.get("StackStatusFilter") or []
    stacks = [stack for stack in reversed(engine.stacks.values()) if not wanted or stack.status in wanted]
    return {"StackSummaries": [shapes.summary(stack) for stack in stacks]}


def describe_stack_events(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    stack = _stack(engine, members)
    return {"StackEvents": [shapes.event(stack, event) for event in reversed(stack.events)]}


def list_stack_resources(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    stack = _stack(engine, members)
    return {"StackResourceSummaries": [shapes.resource(stack, it) for it in _sorted(stack)]}


def describe_stack_resource(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    stack = _stack(engine, members)
    name = members["LogicalResourceId"]
    if name not in stack.resources:
        raise Refused(f"Resource {name} does not exist for stack {stack.name}")
    return {"StackResourceDetail": shapes.resource_of_stack(stack, stack.resources[name], "LastUpdatedTimestamp")}


def describe_stack_resources(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    wanted = members.get("LogicalResourceId")
    if members.get("StackName"):
        stack = _stack(engine, members)
    else:
        physical = members.get("PhysicalResourceId")
        holders = [s for s in engine.living() if any(r.physical_id == physical for r in s.resources.values())]
        if not holders:
            raise Refused(f"Stack for {physical} does not exist")
        stack = holders[0]
    found = [it for it in _sorted(stack) if not wanted or it.logical_id == wanted]
    return {"StackResources": [shapes.resource_of_stack(stack, it, "Timestamp") for it in found]}


def get_template(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    if members.get("ChangeSetName"):
        template = _change_set(engine, members).target.template
    else:
        template = _stack(engine, members).template
    return {"TemplateBody": template.body, "StagesAvailable": ["Original", "Processed"]}


def get_template_summary(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    if members.get("StackName"):
        template = _stack(engine, members).template
    else:
        template = engine.template(requests.body(engine, members))
    needed = validate.needed_capability(template)
    parameters = shapes.template_parameters(template)
    for shape in parameters:
        spec = template.parameters[shape["ParameterKey"]]
        shape["ParameterType"] = spec.get("Type", "String")
        shape["ParameterConstraints"] = {"AllowedValues": [str(v) for v in spec.get("AllowedValues", [])]}
    return {
        "Parameters": parameters,
        "Description": template.description,
        "Capabilities": [needed] if needed else [],
        "ResourceTypes": [resource["Type"] for resource in template.resources.values()],
        "Version": "2010-09-09",
    }


def validate_template(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    template = engine.template(requests.body(engine, members))
    needed = validate.needed_capability(template)
    capabilities = {"Capabilities": [needed], "CapabilitiesReason": "The template makes IAM resources."}
    return {
        "Parameters": shapes.template_parameters(template),
        "Description": template.description,
        **(capabilities if needed else {}),
    }


def list_exports(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    return {
        "Exports": [
            {"ExportingStackId": stack.stack_id, "Name": output["ExportName"], "Value": output["OutputValue"]}
            for stack in engine.living()
            for output in stack.outputs.values()
            if "ExportName" in output
        ]
    }


def list_imports(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    users = engine.importers(members["ExportName"])
    if not users:
        raise Refused(f"Export '{members['ExportName']}' is not imported by any stack.")
    return {"Imports": users}


def get_stack_policy(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    return {"StackPolicyBody": _stack(engine, members).policy}


def set_stack_policy(engine: Engine, members: Members, now: float) -> None:
    _stack(engine, members).policy = members.get("StackPolicyBody")


def create_change_set(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    kind = members.get("ChangeSetType") or "UPDATE"
    if kind == "CREATE":
        stack = _reviewed(engine, members, now)
        target = requests.target(engine, members, stack)
    elif kind == "UPDATE":
        stack = _living(engine, members, "Stack [{}] does not exist")
        engine.check_updatable(stack)
        target = requests.target(engine, members, stack)
    else:
        raise Refused(f"the lab does not emulate change sets of type {kind}")
    name = members["ChangeSetName"]
    if any(other.name == name for other in engine.change_sets.of(stack)):
        raise AlreadyExists(f"ChangeSet {name} cannot be created due to a mismatch with existing attribute Template")
    change_set = ChangeSet(
        name=name,
        stack_id=stack.stack_id,
        stack_name=stack.name,
        region=engine.region,
        account=engine.account,
        kind="CREATE" if kind == "CREATE" else "UPDATE",
        target=target,
        changes=engine.plan(stack, target),
        created_at=now,
        description=members.get("Description"),
    )
    if kind == "UPDATE" and not engine.differs(stack, target):
        change_set.status, change_set.reason, change_set.execution = "FAILED", NO_CHANGES, "UNAVAILABLE"
    engine.change_sets.add(change_set)
    return {"Id": change_set.change_set_id, "StackId": stack.stack_id}


def describe_change_set(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    return shapes.change_set(_change_set(engine, members))


def list_change_sets(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    change_sets = engine.change_sets.of(_living(engine, members, "Stack [{}] does not exist"))
    return {"Summaries": [shapes.change_set_summary(change_set) for change_set in change_sets]}


def delete_change_set(engine: Engine, members: Members, now: float) -> None:
    engine.change_sets.remove(_change_set(engine, members))


def execute_change_set(engine: Engine, members: Members, now: float) -> None:
    change_set = _change_set(engine, members)
    if change_set.execution != "AVAILABLE":
        raise InvalidChangeSetStatus(change_set.change_set_id, change_set.status)
    change_set.target.disable_rollback = bool(members.get("DisableRollback"))
    engine.stacks[change_set.stack_id].token = members.get("ClientRequestToken")
    engine.execute(change_set, now)


def detect_stack_drift(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    stack = _stack(engine, members)
    only = members.get("LogicalResourceIds") or []
    return {"StackDriftDetectionId": engine.drifts.detect(stack, engine.access, now, only).detection_id}


def describe_stack_drift_detection_status(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    return shapes.detection(engine.drifts.detection(members["StackDriftDetectionId"]))


def describe_stack_resource_drifts(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    stack = _stack(engine, members)
    wanted = members.get("StackResourceDriftStatusFilters") or []
    seen = [it for it in _sorted(stack) if it.drift_report and (not wanted or it.drift in wanted)]
    return {"StackResourceDrifts": [shapes.resource_drift(stack, it) for it in seen]}


def detect_stack_resource_drift(engine: Engine, members: Members, now: float) -> dict[str, Any]:
    stack = _stack(engine, members)
    name = members["LogicalResourceId"]
    if name not in stack.resources:
        raise Refused(f"Resource {name} does not exist for stack {stack.name}")
    engine.drifts.detect(stack, engine.access, now, [name])
    if stack.resources[name].drift_report is None:
        raise Refused(f"Drift detection is not supported for resource type {stack.resources[name].type_name}")
    return {"StackResourceDrift": shapes.resource_drift(stack, stack.resources[name])}


def _stack(engine: Engine, members: Members) -> Stack:
    return engine.stack(str(members.get("StackName", "")))


def _living(engine: Engine, members: Members, message: str) -> Stack:
    """A stack that is not deleted; the error has the words of the actions that change stacks."""
    name = str(members.get("StackName", ""))
    for stack in engine.living():
        if name in (stack.name, stack.stack_id):
            return stack
    raise Refused(message.format(name))


def _reviewed(engine: Engine, members: Members, now: float) -> Stack:
    """The stack that a change set of type CREATE stands for: new, or already under review."""
    for stack in engine.living():
        if stack.name == members["StackName"]:
            if stack.status != "REVIEW_IN_PROGRESS":
                raise Refused(f"Stack [{stack.name}] already exists and cannot be created again with a change set.")
            return stack
    stack = requests.new_stack(engine, members, now)
    engine.stacks[stack.stack_id] = stack
    stack.enter("REVIEW_IN_PROGRESS", now, "User Initiated")
    return stack


def _change_set(engine: Engine, members: Members) -> ChangeSet:
    stack = _living(engine, members, "Stack [{}] does not exist") if members.get("StackName") else None
    return engine.change_sets.find(members["ChangeSetName"], stack)


def _sorted(stack: Stack) -> list[Any]:
    return [stack.resources[name] for name in sorted(stack.resources)]


ACTIONS: tuple[Action, ...] = (
    create_stack,
    update_stack,
    delete_stack,
    rollback_stack,
    continue_update_rollback,
    update_termination_protection,
    describe_stacks,
    list_stacks,
    describe_stack_events,
    list_stack_resources,
    describe_stack_resource,
    describe_stack_resources,
    get_template,
    get_template_summary,
    validate_template,
    list_exports,
    list_imports,
    get_stack_policy,
    set_stack_policy,
    create_change_set,
    describe_change_set,
    list_change_sets,
    delete_change_set,
    execute_change_set,
    detect_stack_drift,
    describe_stack_drift_detection_status,
    describe_stack_resource_drifts,
    detect_stack_resource_drift,
)
