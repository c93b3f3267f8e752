"""What moto lacks, one file per gap; each names the AWS sentence that it restores."""

from __future__ import annotations

from lab.clock import Clock
from lab.cloud import world as worlds
from lab.cloud.extensions import (
    alarms,
    aurora_global,
    aurora_moves,
    bucket_policies,
    health_checks,
    kms_states,
    lambda_functions,
    launch_templates,
    metrics,
    quotas,
    rds_catalogue,
    rds_events,
    rds_snapshots,
    rds_statuses,
    records,
    s3_replication,
    s3_rules,
    scaling,
    schedules,
    secret_replicas,
    target_health,
    time_passes,
    transactions,
)
from lab.cloud.hooks import DatabasePlane, NoDatabasePlane
from lab.settings import Profile

__all__ = ["install"]

_EXTENSIONS = (
    time_passes,
    rds_statuses,
    rds_events,
    rds_snapshots,
    aurora_global,
    aurora_moves,
    kms_states,
    scaling,
    secret_replicas,
    s3_rules,
    bucket_policies,
    s3_replication,
    bucket_policies,
    target_health,
    metrics,
    alarms,
    health_checks,
    records,
    lambda_functions,
    launch_templates,
    schedules,
    rds_catalogue,
    quotas,
    transactions,
)


def install(clock: Clock, profile: Profile, plane: DatabasePlane | None) -> worlds.World:
    """Patch moto once per process and begin a new world."""
    world = worlds.World(clock, profile, plane or NoDatabasePlane())
    worlds.enter(world)
    for extension in _EXTENSIONS:
        extension.install(world)
    return world
