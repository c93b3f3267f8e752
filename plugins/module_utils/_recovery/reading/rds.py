# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""RDS: global clusters, their members, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import CallFailed
from ..model import Access
from ..portions import batches
from ..snapshot import POSTGRESQL, Cluster, ClusterSnapshot, Event, GlobalCluster, Member, Snapshot
from .parts import Asker, Reading, Wanted, moment, pages, seconds_of

FILTER_VALUES_LIMIT = 100


def global_clusters(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """All global clusters with one listing a region."""
    names = sorted({wish.application.global_cluster for wish in wanted})
    keys = tuple((access, name) for name in names)

    def read() -> Mapping[Any, Any]:
        # One name can be asked for, which lets a policy name the resource; several come with the list of all.
        params = {"GlobalClusterIdentifier": names[0]} if len(names) == 1 else {}
        try:
            found = list(pages(asker.caller, access, "rds", "DescribeGlobalClusters", params, "GlobalClusters"))
        except CallFailed as error:
            if error.code != "GlobalClusterNotFoundFault":
                raise
            found = []
        by_name = {one["GlobalClusterIdentifier"]: global_cluster(one) for one in found}
        return {key: by_name.get(key[1]) for key in keys}

    return [Reading("globals", keys, read)]


def global_cluster(document: Mapping[str, Any]) -> GlobalCluster:
    """One entry of DescribeGlobalClusters."""
    failover = document.get("FailoverState") or {}
    members = [
        Member(one["DBClusterArn"], bool(one.get("IsWriter")), one.get("SynchronizationStatus"))
        for one in document.get("GlobalClusterMembers") or []
    ]
    return GlobalCluster(
        identifier=document["GlobalClusterIdentifier"],
        status=str(document.get("Status", "")),
        engine=str(document.get("Engine", "")),
        engine_version=str(document.get("EngineVersion", "")),
        members=tuple(members),
        # A state without a status is one that we do not know: it counts as under way (R14).
        failover_status=str(failover.get("Status") or "in an unnamed state") if failover else None,
        failover_to=failover.get("ToDbClusterArn"),
    )


def clusters(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """Member clusters, a hundred names a call."""
    names = sorted({wish.site.cluster for wish in wanted})
    return [_cluster_batch(asker, access, batch) for batch in batches(names, FILTER_VALUES_LIMIT)]


def _cluster_batch(asker: Asker, access: Access, names: tuple[str, ...]) -> Reading:
    keys = tuple((access, name) for name in names)

    def read() -> Mapping[Any, Any]:
        params = {"Filters": [{"Name": "db-cluster-id", "Values": list(names)}]}
        try:
            found = list(pages(asker.caller, access, "rds", "DescribeDBClusters", params, "DBClusters"))
        except CallFailed as error:
            if error.code != "DBClusterNotFoundFault":
                raise
            found = []
        by_name = {
            one["DBClusterIdentifier"]: Cluster(
                identifier=one["DBClusterIdentifier"],
                status=str(one.get("Status", "")),
                engine_version=str(one.get("EngineVersion", "")),
                instances=tuple(member["DBInstanceIdentifier"] for member in one.get("DBClusterMembers") or []),
                key=one.get("KmsKeyId"),
                security_groups=tuple(
                    group["VpcSecurityGroupId"]
                    for group in one.get("VpcSecurityGroups") or []
                    if group.get("VpcSecurityGroupId")
                ),
                parameter_group=one.get("DBClusterParameterGroup"),
            )
            for one in found
        }
        return {key: by_name.get(key[1]) for key in keys}

    return Reading("clusters", keys, read)


def events(asker: Asker, access: Access, _wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """Events of instances since the run began."""

    def read() -> Mapping[Any, Any]:
        # Events of instances tell of blocked writes (R7); AWS takes one source type at a time.
        params = {"SourceType": "db-instance", "StartTime": moment(asker.events_since)}
        found = pages(asker.caller, access, "rds", "DescribeEvents", params, "Events")
        events = [
            Event(
                access.region,
                str(one.get("SourceIdentifier", "")),
                str(one.get("Message", "")),
                seconds_of(one["Date"]),
            )
            for one in found
            if one.get("Date") is not None
        ]
        return {access: tuple(events)}

    return [Reading("events", (access,), read)]


def parameters(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """What somebody has set in the parameter groups of aurora-postgresql clusters (R13)."""
    groups = {
        cluster.parameter_group
        for wish in wanted
        if isinstance(cluster := known.cluster(wish.site), Cluster)
        and cluster.parameter_group
        and known.engine(wish.application, wish.site) in ("", POSTGRESQL)
    }
    return [_parameters(asker, access, group) for group in sorted(groups)]


def _parameters(asker: Asker, access: Access, group: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        params = {"DBClusterParameterGroupName": group, "Source": "user"}
        found = pages(asker.caller, access, "rds", "DescribeDBClusterParameters", params, "Parameters")
        values = {str(one["ParameterName"]): str(one["ParameterValue"]) for one in found if one.get("ParameterValue")}
        return {(access, group): values}

    return Reading("parameters", ((access, group),), read)


def cluster_snapshots(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """The snapshots of each cluster, among which that of lost writes may be (R8)."""
    return [_snapshots_of(asker, access, name) for name in sorted({wish.site.cluster for wish in wanted})]


def _snapshots_of(asker: Asker, access: Access, cluster: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        # Of which type the snapshot of lost writes is AWS does not say (R8), so all are listed.
        params = {"DBClusterIdentifier": cluster}
        found = pages(asker.caller, access, "rds", "DescribeDBClusterSnapshots", params, "DBClusterSnapshots")
        snapshots = [
            ClusterSnapshot(
                identifier=one["DBClusterSnapshotIdentifier"],
                arn=str(one.get("DBClusterSnapshotArn", "")),
                status=str(one.get("Status", "")),
                created=seconds_of(one["SnapshotCreateTime"]) if one.get("SnapshotCreateTime") else 0.0,
            )
            for one in found
        ]
        return {(access, cluster): tuple(snapshots)}

    return Reading("cluster_snapshots", ((access, cluster),), read)
