"""Snapshots of clusters take time, have names that RDS takes, and system snapshots expire.

RDS API, CopyDBClusterSnapshot: 1 to 63 letters, digits and single hyphens, a letter first;
InvalidDBClusterSnapshotStateFault for a source that is not available.  Aurora user guide, "Performing managed failovers
for Aurora global databases": the snapshot of the old storage volume is "a system snapshot that's subject to the backup
retention period configured on the old primary cluster".  In moto a snapshot is available at once, takes any name and
stays for ever.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from moto.rds.exceptions import InvalidParameterValue, RDSClientError
from moto.rds.models import RDSBackend

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap

_NAME = re.compile(r"^[A-Za-z](?!.*--)[A-Za-z0-9-]{0,62}(?<!-)$")
_DAY = 86400.0
_USUAL_RETENTION_DAYS = 1


def install(world: worlds.World) -> None:
    """Patch creation and copying."""

    @wrap(RDSBackend, "create_db_cluster_snapshot")
    def create(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        snapshot = original(self, *args, **kwargs)
        _take_time(snapshot)
        if snapshot.snapshot_type == "automated":
            _expire(self, snapshot)
        return snapshot

    @wrap(RDSBackend, "copy_db_cluster_snapshot")
    def copy(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        source = kwargs["source_db_cluster_snapshot_identifier"].partition(":cluster-snapshot:")[2]
        source = source or kwargs["source_db_cluster_snapshot_identifier"]
        name = kwargs["target_db_cluster_snapshot_identifier"]
        if not _NAME.match(name):
            raise InvalidParameterValue(f"The parameter TargetDBClusterSnapshotIdentifier is not valid: {name}")
        held = self.cluster_snapshots.get(source)
        if held is not None and held.status != "available":
            raise RDSClientError("InvalidDBClusterSnapshotStateFault", f"{source} is {held.status}")
        snapshot = original(self, *args, **{**kwargs, "source_db_cluster_snapshot_identifier": source})
        _take_time(snapshot)
        return snapshot


def _take_time(snapshot: Any) -> None:
    world = worlds.current()
    snapshot.created = datetime.datetime.fromtimestamp(world.now(), tz=datetime.UTC)
    snapshot.status = "creating"
    snapshot.percent_progress = 0

    def settle() -> None:
        snapshot.status = "available"
        snapshot.percent_progress = 100

    world.after(world.delay("rds.snapshot"), settle, f"snapshot {snapshot.resource_id}")


def _expire(backend: Any, snapshot: Any) -> None:
    """The retention is the cluster's, from when the snapshot was taken."""
    days = getattr(snapshot.cluster, "backup_retention_period", None) or _USUAL_RETENTION_DAYS

    def expire() -> None:
        for name, one in list(backend.cluster_snapshots.items()):
            if one is snapshot:
                del backend.cluster_snapshots[name]

    worlds.current().after(float(days) * _DAY, expire, f"snapshot {snapshot.resource_id} expires")
