"""Aurora global databases: what they are made of, seen alike from every region.

moto knows one only in us-east-1, and lets it be made of anything.  Rules: Aurora user guide, "Using Amazon Aurora
Global Database" (limitations, adding a Region, removing a cluster); R6, R31.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import (
    DBClusterNotFoundError,
    InvalidDBClusterStateFault,
    InvalidParameterCombination,
    InvalidParameterValue,
    KMSKeyNotAccessibleFault,
    RDSClientError,
)
from moto.rds.models import DBCluster, GlobalCluster, RDSBackend, rds_backends
from moto.rds.responses import RDSResponse

from lab.cloud import world as worlds
from lab.cloud.extensions import rds_events
from lab.cloud.extensions.patching import action, wrap

_ARN = re.compile(r"^arn:aws[a-z-]*:rds:(?P<region>[a-z0-9-]+):(?P<account>\d+):cluster:(?P<name>.+)$")
_NAME = re.compile(r"^[A-Za-z](?!.*--)[A-Za-z0-9-]{0,62}(?<!-)$")


@dataclass
class Move:
    """A switchover or failover under way."""

    kind: str
    """`switching-over` or `failing-over`, which is also the FailoverState once it is no longer pending."""
    source: Any
    target: Any
    allow_data_loss: bool
    status: str = "pending"


def install(world: worlds.World) -> None:
    """Patch the actions on global clusters and their members."""
    _patch_global_clusters()
    _patch_members()


def not_found(name: str) -> RDSClientError:
    """The error for a global cluster that does not exist."""
    return RDSClientError("GlobalClusterNotFoundFault", f"Global cluster {name} not found")


def invalid_state(message: str) -> RDSClientError:
    """The error for a global cluster that is in no state to do so."""
    return RDSClientError("InvalidGlobalClusterStateFault", message)


def table(account: str) -> Any:
    """Global clusters by name; moto keeps them in us-east-1, whatever the region that asks."""
    return rds_backends[account]["us-east-1"].global_clusters


def find(account: str, name: str) -> Any:
    """The global cluster of that name."""
    found = table(account).get(name)
    if found is None:
        raise not_found(name)
    return found


def member(global_cluster: Any, identifier: str) -> Any:
    """The member of that ARN (or, as AWS also takes it, that name)."""
    for cluster in global_cluster.members:
        if identifier in (cluster.db_cluster_arn, cluster.db_cluster_identifier):
            return cluster
    raise DBClusterNotFoundError(identifier)


def writer(global_cluster: Any) -> Any:
    """The member that accepts writes; none in an empty global cluster."""
    return next((cluster for cluster in global_cluster.members if cluster.is_writer), None)


def move_of(global_cluster: Any) -> Move | None:
    """The move under way."""
    move: Move | None = getattr(global_cluster, "lab_move", None)
    return move


def describe(global_cluster: Any) -> dict[str, Any]:
    """The GlobalCluster structure of the API."""
    move = move_of(global_cluster)
    shown: dict[str, Any] = {
        "GlobalClusterIdentifier": global_cluster.global_cluster_identifier,
        "GlobalClusterResourceId": global_cluster.global_cluster_resource_id,
        "GlobalClusterArn": global_cluster.arn,
        "Status": move.kind if move and move.status != "pending" else global_cluster.status,
        "Engine": global_cluster.engine,
        "EngineVersion": global_cluster.engine_version,
        "StorageEncrypted": bool(global_cluster.storage_encrypted),
        "DeletionProtection": bool(global_cluster.deletion_protection),
        "GlobalClusterMembers": [_describe_member(global_cluster, cluster) for cluster in global_cluster.members],
        "Endpoint": global_cluster.endpoint,
        "TagList": global_cluster.tags,
    }
    if move is not None:
        shown["FailoverState"] = {
            "Status": move.status,
            "FromDbClusterArn": move.source.db_cluster_arn,
            "ToDbClusterArn": move.target.db_cluster_arn,
            "IsDataLossAllowed": move.allow_data_loss,
        }
    return shown


def _describe_member(global_cluster: Any, cluster: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "DBClusterArn": cluster.db_cluster_arn,
        "IsWriter": bool(cluster.is_writer),
        "Readers": [],
        "SynchronizationStatus": getattr(cluster, "lab_synchronization", "connected"),
    }
    if cluster.is_writer:
        shown["Readers"] = [other.db_cluster_arn for other in global_cluster.members if not other.is_writer]
    else:
        shown["GlobalWriteForwardingStatus"] = "disabled"
    return shown


def _patch_global_clusters() -> None:
    @action(RDSResponse, "describe_global_clusters")
    def describe_global_clusters(self: Any) -> ActionResult:
        name = self.params.get("GlobalClusterIdentifier")
        clusters = [find(self.current_account, name)] if name else list(table(self.current_account).values())
        return ActionResult({"GlobalClusters": [describe(cluster) for cluster in clusters]})

    @action(RDSResponse, "create_global_cluster")
    def create_global_cluster(self: Any) -> ActionResult:
        with worlds.current().lock:
            return ActionResult({"GlobalCluster": describe(_create(self))})

    @action(RDSResponse, "modify_global_cluster")
    def modify_global_cluster(self: Any) -> ActionResult:
        cluster = find(self.current_account, self.params["GlobalClusterIdentifier"])
        if self.params.get("DeletionProtection") is not None:
            cluster.deletion_protection = self.params["DeletionProtection"]
        new_name = self.params.get("NewGlobalClusterIdentifier")
        if new_name:
            clusters = table(self.current_account)
            del clusters[cluster.global_cluster_identifier]
            cluster.global_cluster_identifier = new_name
            clusters[new_name] = cluster
            for one in cluster.members:
                one.global_cluster_identifier = new_name
        return ActionResult({"GlobalCluster": describe(cluster)})

    @action(RDSResponse, "delete_global_cluster")
    def delete_global_cluster(self: Any) -> ActionResult:
        cluster = find(self.current_account, self.params["GlobalClusterIdentifier"])
        if cluster.members:
            raise invalid_state("Global Cluster " + cluster.arn + " is not empty")
        if cluster.deletion_protection:
            raise InvalidParameterCombination(
                "Cannot delete protected Global Cluster, please disable deletion protection and try again."
            )
        del table(self.current_account)[cluster.global_cluster_identifier]
        shown = describe(cluster)
        shown["Status"] = "deleting"
        return ActionResult({"GlobalCluster": shown})

    @action(RDSResponse, "remove_from_global_cluster")
    def remove_from_global_cluster(self: Any) -> ActionResult:
        with worlds.current().lock:
            cluster = find(self.current_account, self.params["GlobalClusterIdentifier"])
            _remove(cluster, member(cluster, self.params["DbClusterIdentifier"]))
            return ActionResult({"GlobalCluster": describe(cluster)})

    @wrap(RDSBackend, "_get_resource_for_tagging")
    def tags(original: Any, self: Any, arn: str) -> Any:
        if ":global-cluster:" in arn:
            return find(self.account_id, arn.rsplit(":", 1)[1])
        return original(self, arn)


def _create(response: Any) -> Any:
    """RDS API, CreateGlobalCluster."""
    params = response.params
    name = params["GlobalClusterIdentifier"]
    if not _NAME.match(name):
        raise InvalidParameterValue(f"The parameter GlobalClusterIdentifier is not a valid identifier: {name}")
    if name in table(response.current_account):
        raise RDSClientError("GlobalClusterAlreadyExistsFault", f"Global cluster {name} already exists")
    source_arn = params.get("SourceDBClusterIdentifier")
    source = _source(response.backend, source_arn, params) if source_arn else None
    if source is None and params.get("Engine") is None:
        raise InvalidParameterValue("When creating standalone global cluster, value for engineName should be specified")
    created = GlobalCluster(
        backend=rds_backends[response.current_account]["us-east-1"],
        global_cluster_identifier=name,
        engine=source.engine if source else params.get("Engine"),
        engine_version=source.engine_version if source else params.get("EngineVersion"),
        storage_encrypted=source.storage_encrypted if source else params.get("StorageEncrypted"),
        deletion_protection=params.get("DeletionProtection"),
    )
    created.tags = params.get("Tags") or []
    table(response.current_account)[name] = created
    if source is not None:
        created.members.append(source)
        source.is_writer = True
        source.global_cluster_identifier = created.global_cluster_identifier
    return created


def _source(backend: Any, arn: str, params: Any) -> Any:
    match = _ARN.match(arn)
    if match is None:
        raise InvalidParameterValue("Malformed db cluster arn " + arn)
    source = backend.clusters.get(match["name"]) if match["region"] == backend.region_name else None
    if source is None:
        raise DBClusterNotFoundError(arn)
    for forbidden in ("Engine", "EngineVersion", "DatabaseName", "StorageEncrypted"):
        if params.get(forbidden) is not None:
            raise InvalidParameterCombination(
                f"When creating global cluster from existing db cluster, value for {forbidden} should not be "
                "specified since it will be inherited from source cluster"
            )
    if not source.engine.startswith("aurora"):
        raise InvalidParameterValue(f"The engine {source.engine} does not support global clusters")
    if source.global_cluster_identifier:
        raise InvalidDBClusterStateFault(f"DB cluster {source.db_cluster_identifier} is already in a global cluster")
    if source.status != "available":
        raise InvalidDBClusterStateFault(
            f"Source cluster {arn} is in a state which is not valid for physical replication: {source.status}"
        )
    if source.manage_master_user_password:
        raise InvalidParameterCombination(
            "Global clusters are not supported for DB clusters whose master user password is managed by RDS"
        )
    return source


def _remove(global_cluster: Any, cluster: Any) -> None:
    """Aurora user guide, "Removing a cluster from an Aurora global database": secondaries first, the writer last."""
    if move_of(global_cluster) is not None:
        raise invalid_state(f"Global cluster {global_cluster.arn} is in a state where it cannot be changed")
    if cluster.is_writer and len(global_cluster.members) > 1:
        raise invalid_state(f"Cannot remove {cluster.db_cluster_arn}: it is the writer, and there are secondaries")
    if getattr(cluster, "lab_leaving", False):
        raise InvalidDBClusterStateFault(f"{cluster.db_cluster_arn} is being removed already")
    cluster.lab_leaving = True
    world = worlds.current()

    def gone() -> None:
        cluster.lab_leaving = False
        cluster.is_writer = False
        cluster.global_cluster_identifier = None
        if cluster in global_cluster.members:
            global_cluster.members.remove(cluster)

    world.after(world.delay("rds.global.detach"), gone, f"{cluster.db_cluster_identifier} is detached")


def _patch_members() -> None:
    @wrap(RDSBackend, "create_db_cluster")
    def create_db_cluster(original: Any, self: Any, kwargs: Any) -> Any:
        name = kwargs.get("global_cluster_identifier")
        if not name:
            return _emit_created(original(self, kwargs))
        with worlds.current().lock:
            global_cluster = find(self.account_id, name)
            primary = writer(global_cluster)
            if primary is not None:
                _inherit(self, kwargs, global_cluster, primary)
            elif not kwargs.get("master_username"):
                raise InvalidParameterValue("The parameter MasterUsername must be provided and must not be blank.")
            cluster = original(self, kwargs)
            cluster.global_cluster_identifier = global_cluster.global_cluster_identifier
            if cluster not in global_cluster.members:
                global_cluster.members.append(cluster)
            cluster.is_writer = primary is None
            cluster.lab_synchronization = "connected"
            return _emit_created(cluster)

    @wrap(DBCluster, "get_cfg")
    def get_cfg(original: Any, self: Any) -> Any:
        """A snapshot of a member is restored outside of the global database."""
        if not hasattr(self, "_master_user_password"):
            self._master_user_password = "unknown-in-a-secondary"
        return original(self)

    members = DBCluster.db_cluster_members

    def db_cluster_members(self: Any) -> Any:
        """In a secondary no instance is a writer."""
        shown = members.fget(self)  # type: ignore[attr-defined]
        if self.global_cluster_identifier and not self.is_writer:
            for one in shown:
                one["IsClusterWriter"] = False
        return shown

    if members.fget.__name__ != "secondary_members":  # type: ignore[attr-defined]
        db_cluster_members.__name__ = "secondary_members"
        DBCluster.db_cluster_members = property(db_cluster_members)  # type: ignore[method-assign,assignment]


def _emit_created(cluster: Any) -> Any:
    rds_events.emit("0170", cluster)
    return cluster


def _inherit(backend: Any, kwargs: Any, global_cluster: Any, primary: Any) -> None:
    """Check a new secondary and give it what it has from the primary (R31)."""
    if primary.status != "available":
        raise InvalidDBClusterStateFault(f"The primary DB cluster {primary.db_cluster_arn} is not available")
    regions = [cluster.region for cluster in global_cluster.members]
    if backend.region_name in regions:
        raise InvalidParameterValue(
            f"Global Cluster {global_cluster.global_cluster_identifier} already has a cluster in {backend.region_name}"
        )
    for member_name, words in (
        ("master_username", "user name"),
        ("master_user_password", "password"),
        ("manage_master_user_password", "a managed password"),
        ("database_name", "database name"),
    ):
        if kwargs.get(member_name):
            raise InvalidParameterCombination(f"Cannot specify {words} for cross region replication cluster")
    if kwargs.get("engine") != primary.engine:
        raise InvalidParameterCombination("The engine must be that of the global cluster: " + primary.engine)
    if kwargs.get("engine_version") not in (None, primary.engine_version):
        # R6: major and minor versions have to be the same
        raise InvalidParameterCombination(
            f"The engine version must be that of the primary DB cluster: {primary.engine_version}"
        )
    kwargs["engine_version"] = primary.engine_version
    _check_encryption(backend, kwargs, primary)


def _check_encryption(backend: Any, kwargs: Any, primary: Any) -> None:
    key = kwargs.get("kms_key_id")
    if not primary.storage_encrypted:
        if kwargs.get("storage_encrypted") or key:
            raise InvalidParameterCombination(
                "Cannot create an encrypted cross region replica of a DB cluster that is not encrypted"
            )
        return
    if kwargs.get("storage_encrypted") is False:
        raise InvalidParameterCombination("Cannot create an unencrypted cross region replica of an encrypted cluster")
    if not key:
        raise InvalidParameterCombination("For encrypted cross-region replica, kmsKeyId should be explicitly specified")
    kwargs["kms_key_id"] = backend._validate_kms_key(key)
    found = backend.kms.describe_key(kwargs["kms_key_id"].rsplit("/", 1)[1])
    if found.key_state != "Enabled":
        raise KMSKeyNotAccessibleFault(key)
    kwargs["storage_encrypted"] = True
