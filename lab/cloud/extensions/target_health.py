"""Target health follows the instances behind it: `initial` until they are in service and have passed their checks.

ELB user guide, "Target health status".  moto takes every running instance as healthy.
"""

from __future__ import annotations

from typing import Any

from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap


def install(world: worlds.World) -> None:
    """Patch the health of a target."""

    @wrap(FakeTargetGroup, "health_for")
    def health_for(original: Any, self: Any, target: Any, ec2_backend: Any) -> Any:
        health = original(self, target, ec2_backend)
        if health.status != "healthy":
            return health
        state = _state(ec2_backend, target["Id"])
        if state is None:
            return health
        world = worlds.current()
        since = getattr(state, "lab_in_service_at", 0.0)
        if since is None:
            reason, text = "Elb.RegistrationInProgress", "Target registration is in progress"
        elif world.now() - since < world.delay("elbv2.target.healthy"):
            reason, text = "Elb.InitialHealthChecking", "Initial health checks in progress"
        else:
            return health
        return FakeHealthStatus(health.instance_id, health.port, health.health_check_port, "initial", reason, text)


def _state(ec2_backend: Any, instance_id: str) -> Any:
    instance = ec2_backend.get_instance_by_id(instance_id)
    group = getattr(instance, "autoscaling_group", None)
    if group is None:
        return None
    return next((state for state in group.instance_states if state.instance_id == instance_id), None)
