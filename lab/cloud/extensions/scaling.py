"""Auto Scaling: instances take time to launch and to go, and limits are limits.

Auto Scaling user guide, "Instance lifecycle": Pending, InService, Terminating.  API reference, SetDesiredCapacity:
within the minimum and maximum size.  In moto an instance is in service at once and capacity knows no limits.
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import action, wrap

_LIVING = ("Pending", "InService")


def install(world: worlds.World) -> None:
    """Patch the group and the checks before it."""
    _patch_life()
    _patch_limits()
    _patch_answers()


def _patch_life() -> None:
    @wrap(FakeAutoScalingGroup, "active_instances")
    def active_instances(original: Any, self: Any) -> Any:
        """What counts against the desired capacity: launching instances too."""
        return [state for state in self.instance_states if state.lifecycle_state in _LIVING]

    @wrap(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
    def launch(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        known = {id(state) for state in self.instance_states}
        original(self, *args, **kwargs)
        new = [state for state in self.instance_states if id(state) not in known]
        if self.autoscaling_backend.region_name in worlds.current().no_capacity:
            _fail_launches(self, new)
            return
        for state in new:
            _launch(self, state)

    @wrap(FakeAutoScalingGroup, "set_desired_capacity")
    def set_desired_capacity(original: Any, self: Any, new_capacity: int | None) -> None:
        self.desired_capacity = self.min_size if new_capacity is None else new_capacity
        active = self.active_instances()
        missing = (self.desired_capacity or 0) - len(active)
        if missing > 0:
            self.replace_autoscaling_group_instances(missing, self.get_propagated_tags())
        elif missing < 0:
            for state in [one for one in active if not one.protected_from_scale_in][:-missing]:
                _terminate(self, state)
        if self.name in self.autoscaling_backend.autoscaling_groups:
            self.autoscaling_backend.update_attached_elbs(self.name)
            self.autoscaling_backend.update_attached_target_groups(self.name)

    @wrap(FakeAutoScalingGroup, "update")
    def update(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        """Without a desired capacity the present one is kept, within the new limits."""
        if kwargs.get("desired_capacity") is None:
            low = kwargs.get("min_size")
            high = kwargs.get("max_size")
            low = self.min_size if low is None else low
            high = self.max_size if high is None else high
            kwargs["desired_capacity"] = min(max(self.desired_capacity or 0, low or 0), high)
        policy = self.mixed_instances_policy
        original(self, *args, **kwargs)
        if kwargs.get("mixed_instances_policy") is None and not kwargs.get("launch_template"):
            self.mixed_instances_policy = policy

    @wrap(AutoScalingBackend, "update_attached_target_groups")
    def update_attached_target_groups(original: Any, self: Any, group_name: str) -> None:
        """Only living instances are registered."""
        group = self.autoscaling_groups[group_name]
        everyone = group.instance_states
        group.instance_states = [state for state in everyone if state.lifecycle_state in _LIVING]
        try:
            original(self, group_name)
        finally:
            group.instance_states = everyone

    @wrap(AutoScalingBackend, "delete_auto_scaling_group")
    def delete_auto_scaling_group(original: Any, self: Any, group_name: str) -> None:
        """With ForceDelete all instances go with the group."""
        group = self.autoscaling_groups.get(group_name)
        original(self, group_name)
        for state in list(group.instance_states):
            _gone(group, state)


def _launch(group: Any, state: Any) -> None:
    world = worlds.current()
    state.lifecycle_state = "Pending"
    state.lab_in_service_at = None
    activity = _note(group, f"Launching a new EC2 instance: {state.instance_id}")

    def in_service() -> None:
        if state.lifecycle_state == "Pending":
            state.lifecycle_state = "InService"
            state.lab_in_service_at = world.now()
            _finish(activity)

    world.after(world.delay("autoscaling.launch"), in_service, f"{state.instance_id} is in service")


def _fail_launches(group: Any, states: list[Any]) -> None:
    """Without capacity a launch fails at once and is tried again later (R21).

    Auto Scaling user guide, "Troubleshoot issues in Amazon EC2 Auto Scaling: EC2 instance launch failures": "We
    currently do not have sufficient <instance type> capacity in the Availability Zone you requested".
    """
    world = worlds.current()
    message = "We currently do not have sufficient capacity in the Availability Zone you requested."
    for state in states:
        _gone(group, state)
        _finish(_note(group, f"Launching a new EC2 instance: {state.instance_id}"))
        group.lab_activities[-1] |= {"StatusCode": "Failed", "StatusMessage": message}

    def again() -> None:
        known = group.autoscaling_backend.autoscaling_groups.get(group.name)
        if known is group and len(group.active_instances()) < (group.desired_capacity or 0):
            group.set_desired_capacity(group.desired_capacity)

    world.after(world.delay("autoscaling.launch"), again, f"{group.name} tries again to launch")


def _terminate(group: Any, state: Any) -> None:
    world = worlds.current()
    state.lifecycle_state = "Terminating"
    activity = _note(group, f"Terminating EC2 instance: {state.instance_id}")
    for arn in group.target_group_arns:
        target_group = group.autoscaling_backend.elbv2_backend.target_groups.get(arn)
        if target_group is not None:
            target_group.deregister_terminated_instances([state.instance_id])

    def gone() -> None:
        _gone(group, state)
        _finish(activity)

    world.after(world.delay("autoscaling.terminate"), gone, f"{state.instance_id} is gone")


def _gone(group: Any, state: Any) -> None:
    if state not in group.instance_states:
        return
    group.instance_states = [one for one in group.instance_states if one is not state]
    group.ec2_backend.terminate_instances([state.instance_id])


def _patch_limits() -> None:
    @wrap(AutoScalingBackend, "create_auto_scaling_group")
    def create(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        name = kwargs.get("name", args[0] if args else "")
        if name in self.autoscaling_groups:
            raise AutoscalingClientError(
                "AlreadyExists",
                f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
            )
        low, high = int(kwargs.get("min_size") or 0), int(kwargs.get("max_size") or 0)
        _check_limits(low, high, kwargs.get("desired_capacity"))
        return original(self, *args, **kwargs)

    @wrap(AutoScalingResponse, "update_auto_scaling_group")
    def update(original: Any, self: Any) -> Any:
        group = _group(self, self._get_param("AutoScalingGroupName"))
        low, high = self._get_int_param("MinSize"), self._get_int_param("MaxSize")
        _check_limits(
            group.min_size if low is None else low,
            group.max_size if high is None else high,
            self._get_int_param("DesiredCapacity"),
        )
        return original(self)

    @wrap(AutoScalingResponse, "set_desired_capacity")
    def set_desired_capacity(original: Any, self: Any) -> Any:
        group = _group(self, self._get_param("AutoScalingGroupName"))
        wanted = self._get_int_param("DesiredCapacity")
        for bound, over, word in (
            (group.max_size, wanted > group.max_size, "above max"),
            (group.min_size, wanted < group.min_size, "below min"),
        ):
            if over:
                raise ValidationError(
                    f"New SetDesiredCapacity value {wanted} is {word} value {bound} for the AutoScalingGroup."
                )
        return original(self)

    @wrap(AutoScalingResponse, "delete_auto_scaling_group")
    def delete(original: Any, self: Any) -> Any:
        group = _group(self, self._get_param("AutoScalingGroupName"))
        if group.instance_states and not self._get_bool_param("ForceDelete", False):
            raise AutoscalingClientError(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
                "still in the group.",
            )
        return original(self)


def _check_limits(low: int, high: int, desired: Any) -> None:
    if low > high:
        raise ValidationError(f"Max bound, {high}, must be greater than or equal to min bound, {low}")
    if desired not in (None, "") and not low <= int(desired) <= high:
        raise ValidationError(
            f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}"
        )


def _group(response: Any, name: str) -> Any:
    group = response.autoscaling_backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError("AutoScalingGroup name not found - null")
    return group


def _patch_answers() -> None:
    @action(AutoScalingResponse, "describe_scaling_activities")
    def describe_scaling_activities(self: Any) -> ActionResult:
        """moto has none."""
        name = self._get_param("AutoScalingGroupName")
        groups = list(self.autoscaling_backend.autoscaling_groups.values())
        activities = [
            shown
            for group in groups
            if name in (None, group.name)
            for shown in reversed(getattr(group, "lab_activities", []))
        ]
        return ActionResult({"Activities": activities[: self._get_int_param("MaxRecords", 100)]})


def _note(group: Any, description: str) -> dict[str, Any]:
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "Description": description,
        "Cause": "The desired capacity of the group was changed.",
        "StartTime": _moment(),
        "StatusCode": "InProgress",
        "Progress": 50,
    }
    if not hasattr(group, "lab_activities"):
        group.lab_activities = []
    group.lab_activities.append(activity)
    return activity


def _finish(activity: dict[str, Any]) -> None:
    activity |= {"StatusCode": "Successful", "Progress": 100, "EndTime": _moment()}


def _moment() -> datetime.datetime:
    return datetime.datetime.fromtimestamp(worlds.current().now(), tz=datetime.UTC)
