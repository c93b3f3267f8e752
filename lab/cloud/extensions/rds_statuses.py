"""Clusters and instances take time to come and to go.

Aurora user guide, "Viewing DB cluster status": `creating`, then `available`; `deleting` until it is gone.  In moto a
cluster is available at its second read, an instance at once, and what is deleted vanishes.
"""

from __future__ import annotations

from typing import Any

from moto.rds.exceptions import DBClusterNotFoundError, InvalidDBClusterStateFault, RDSClientError
from moto.rds.models import DBCluster, DBInstance, DBInstanceClustered, RDSBackend
from moto.rds.responses import RDSResponse

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap


def install(world: worlds.World) -> None:
    """Patch the life cycle."""
    DBCluster.status = property(_status, _set_status)  # type: ignore[method-assign,assignment]
    DBCluster._members = property(_living_members)  # type: ignore[assignment]
    _patch_creation()
    _patch_deletion()


def _status(cluster: Any) -> str:
    return str(cluster._status)


def _set_status(cluster: Any, value: str) -> None:
    cluster._status = value


def _living_members(cluster: Any) -> list[DBInstanceClustered]:
    """An instance that is being deleted is a member no more."""
    return [
        instance
        for instance in list(cluster.backend.databases.values())
        if isinstance(instance, DBInstanceClustered)
        and instance.db_cluster_identifier == cluster.resource_id
        and instance.status != "deleting"
    ]


def _patch_creation() -> None:
    @wrap(DBCluster, "__init__")
    def create_cluster(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self._status = "creating"
        _settle(self, "creating", "available", "rds.cluster.create")

    @wrap(DBInstance, "__init__")
    def create_instance(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.status = "creating"
        _settle(self, "creating", "available", "rds.instance.create")

    @wrap(RDSBackend, "create_db_cluster")
    def create_db_cluster(original: Any, self: Any, kwargs: Any) -> Any:
        if kwargs["db_cluster_identifier"] in self.clusters:
            raise RDSClientError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
        return original(self, kwargs)

    @wrap(RDSBackend, "modify_db_cluster")
    def modify_db_cluster(original: Any, self: Any, kwargs: Any) -> Any:
        cluster = self.clusters.get(kwargs["db_cluster_identifier"])
        if cluster is None:
            raise DBClusterNotFoundError(kwargs["db_cluster_identifier"])
        status = cluster._status
        try:
            return original(self, kwargs)
        finally:
            cluster._status = status  # a change of settings hurries nothing


def _settle(resource: Any, before: str, after: str, delay: str) -> None:
    world = worlds.current()

    def settle() -> None:
        if resource.status == before:
            resource.status = after

    world.after(world.delay(delay), settle, f"{resource.resource_id} is {after}")


def _patch_deletion() -> None:
    @wrap(RDSResponse, "delete_db_cluster")
    def final_snapshot(original: Any, self: Any) -> Any:
        if not self.params.get("FinalDBSnapshotIdentifier") and not self.params.get("SkipFinalSnapshot"):
            raise RDSClientError(
                "InvalidParameterCombination",
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
            )
        return original(self)

    @wrap(RDSBackend, "delete_db_cluster")
    def delete_cluster(original: Any, self: Any, cluster_identifier: str, *args: Any, **kwargs: Any) -> Any:
        existing = self.clusters.get(cluster_identifier)
        if existing is not None and existing.status == "deleting":
            raise InvalidDBClusterStateFault(f"DB cluster {cluster_identifier} is being deleted.")
        if existing is not None and existing.global_cluster_identifier:
            # RDS API, DeleteDBCluster: a member of a global database has to be removed from it first
            raise InvalidDBClusterStateFault(
                "This cluster is a part of a global cluster, please remove it from globalcluster first"
            )
        cluster = original(self, cluster_identifier, *args, **kwargs)
        return _fade(self.clusters, cluster.db_cluster_identifier, cluster, "rds.cluster.delete")

    @wrap(RDSBackend, "delete_db_instance")
    def delete_instance(original: Any, self: Any, db_instance_identifier: str, *args: Any, **kwargs: Any) -> Any:
        existing = self.databases.get(db_instance_identifier)
        if existing is not None and existing.status == "deleting":
            raise RDSClientError(
                "InvalidDBInstanceState", f"Instance {db_instance_identifier} is already being deleted."
            )
        instance = original(self, db_instance_identifier, *args, **kwargs)
        return _fade(self.databases, instance.db_instance_identifier, instance, "rds.instance.delete")


def _fade(table: Any, name: str, resource: Any, delay: str) -> Any:
    world = worlds.current()
    resource.status = "deleting"
    table[name] = resource

    def vanish() -> None:
        if table.get(name) is resource:
            del table[name]

    world.after(world.delay(delay), vanish, f"{name} is gone")
    return resource
