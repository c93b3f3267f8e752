# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Aurora global cluster is wanted, and the calls that lead there. Who the writer is, is never decided here.

Sources: API reference of CreateGlobalCluster, ModifyGlobalCluster, RemoveFromGlobalCluster, DeleteGlobalCluster; Aurora
user guide, "Getting started with Aurora global databases" and "Removing a cluster from an Aurora global database".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .declared import Api, Call, Change, Refused, missing_tags, tag_list, tags_of

ABSENT = ("GlobalClusterNotFoundFault",)


@dataclass(frozen=True)
class Wanted:
    """A global cluster as it is declared. None means: as it is, or as AWS chooses.

    ``source_arn`` is the ARN of an existing cluster that becomes the first member. ``members`` names all clusters that
    may be members: others are detached when ``purge_members`` is set.
    """

    identifier: str
    source_arn: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    database_name: str | None = None
    storage_encrypted: bool | None = None
    deletion_protection: bool | None = None
    members: tuple[str, ...] | None = None
    purge_members: bool = False
    tags: Mapping[str, str] | None = None


def region_of(arn: str) -> str:
    """The region in an ARN."""
    return arn.split(":")[3]


def observe(api: Api, identifier: str) -> dict[str, Any] | None:
    """The global cluster of that name, or None."""
    found = api.read_or_none("DescribeGlobalClusters", {"GlobalClusterIdentifier": identifier}, ABSENT)
    clusters = found["GlobalClusters"] if found else []
    return dict(clusters[0]) if clusters else None


def member_arns(current: Mapping[str, Any] | None) -> list[str]:
    """ARNs of the members, the writer first."""
    members = (current or {}).get("GlobalClusterMembers") or []
    return [member["DBClusterArn"] for member in sorted(members, key=lambda member: not member.get("IsWriter"))]


def describe(current: Mapping[str, Any] | None) -> dict[str, Any]:
    """What diff mode shows and both modules return, in one shape."""
    if not current:
        return {}
    return {
        "global_cluster_identifier": current["GlobalClusterIdentifier"],
        "global_cluster_arn": current.get("GlobalClusterArn"),
        "status": current.get("Status"),
        "engine": current.get("Engine"),
        "engine_version": current.get("EngineVersion"),
        "storage_encrypted": bool(current.get("StorageEncrypted")),
        "deletion_protection": bool(current.get("DeletionProtection")),
        "endpoint": current.get("Endpoint"),
        "failover_state": current.get("FailoverState") or None,
        "members": [
            {
                "db_cluster_arn": member["DBClusterArn"],
                "region": region_of(member["DBClusterArn"]),
                "writer": bool(member.get("IsWriter")),
                "synchronization_status": member.get("SynchronizationStatus"),
            }
            for member in sorted(current.get("GlobalClusterMembers") or [], key=lambda member: member["DBClusterArn"])
        ],
        "tags": tags_of(current.get("TagList")),
    }


def source_problems(cluster: Mapping[str, Any]) -> list[str]:
    """Why a cluster cannot become the source of an encrypted global database (R31), as sentences; [] when it can.

    ``cluster`` is an entry of DescribeDBClusters.
    """
    name = cluster["DBClusterIdentifier"]
    problems = []
    if not str(cluster.get("Engine", "")).startswith("aurora"):
        problems.append(f"cluster {name} runs {cluster.get('Engine')}: only Aurora has global databases")
    if cluster.get("Status") != "available":
        problems.append(f"cluster {name} is {cluster.get('Status')}, not available")
    if not cluster.get("StorageEncrypted"):
        problems.append(
            f"cluster {name} is not encrypted, so no encrypted secondary can be made of it: restore a snapshot of it "
            "with a KMS key into a new cluster and move the application there first"
        )
    if cluster.get("MasterUserSecret"):
        problems.append(
            f"the master password of cluster {name} is managed by RDS, which a global database does not allow: "
            "give it a password of your own (ModifyDBCluster, ManageMasterUserPassword false)"
        )
    return problems


def decide_present(current: Mapping[str, Any] | None, wanted: Wanted) -> Change:
    """The calls that make the global cluster as wanted, except detaching (see ``decide_detach``)."""
    if current is None:
        return _create(wanted)
    name = wanted.identifier
    if wanted.source_arn and wanted.source_arn not in member_arns(current):
        raise Refused(
            f"global cluster {name} exists without {wanted.source_arn}: its members are "
            f"{', '.join(member_arns(current)) or 'none'}. An existing cluster can only found a global cluster, "
            "not join one: name another global cluster, or delete this one first"
        )
    for field, value in (("Engine", wanted.engine), ("EngineVersion", wanted.engine_version)):
        if value is not None and current.get(field) != value:
            raise Refused(
                f"global cluster {name} has {field} {current.get(field)}, not {value}, which is not changed here"
            )
    calls, after = [], describe(current)
    protection = wanted.deletion_protection
    if protection is not None and protection != bool(current.get("DeletionProtection")):
        calls.append(Call("ModifyGlobalCluster", {"GlobalClusterIdentifier": name, "DeletionProtection": protection}))
        after["deletion_protection"] = protection
    tags = missing_tags(tags_of(current.get("TagList")), wanted.tags)
    if tags and current.get("GlobalClusterArn"):
        calls.append(
            Call("AddTagsToResource", {"ResourceName": current["GlobalClusterArn"], "Tags": tag_list(tags)}),
        )
        after["tags"] = {**after["tags"], **tags}
    return Change(describe(current), after, tuple(calls))


def _create(wanted: Wanted) -> Change:
    params: dict[str, Any] = {"GlobalClusterIdentifier": wanted.identifier}
    if wanted.source_arn:
        # With a source, engine, version, encryption and database come from it and must not be given (API reference).
        params["SourceDBClusterIdentifier"] = wanted.source_arn
    elif wanted.engine is None:
        raise Refused(f"global cluster {wanted.identifier} does not exist: it needs a source cluster or an engine")
    else:
        optional = {
            "Engine": wanted.engine,
            "EngineVersion": wanted.engine_version,
            "DatabaseName": wanted.database_name,
            "StorageEncrypted": wanted.storage_encrypted,
        }
        params.update({key: value for key, value in optional.items() if value is not None})
    if wanted.deletion_protection is not None:
        params["DeletionProtection"] = wanted.deletion_protection
    if wanted.tags:
        params["Tags"] = tag_list(wanted.tags)
    after = {
        "global_cluster_identifier": wanted.identifier,
        "deletion_protection": bool(wanted.deletion_protection),
        "members": [{"db_cluster_arn": wanted.source_arn, "writer": True}] if wanted.source_arn else [],
        "tags": dict(wanted.tags or {}),
    }
    return Change({}, after, (Call("CreateGlobalCluster", params),))


def decide_detach(current: Mapping[str, Any] | None, keep: Sequence[str]) -> Change:
    """The calls that detach every member that is not in ``keep``, secondaries only.

    A detached secondary becomes a cluster of its own that takes writes. A writer can only be detached when it is alone,
    which is what ``decide_absent`` does.
    """
    strangers = [arn for arn in member_arns(current) if arn not in keep]
    writers = [m["DBClusterArn"] for m in (current or {}).get("GlobalClusterMembers") or [] if m.get("IsWriter")]
    for arn in strangers:
        if arn in writers:
            raise Refused(f"{arn} is the writer of the global cluster: move the writer before detaching it")
    return _detach(current, strangers)


def decide_absent(current: Mapping[str, Any] | None, detach_members: bool) -> tuple[Change, ...]:
    """The changes that take a global cluster away, each to be waited for: detach secondaries, the writer, delete.

    The member clusters and their data stay.
    """
    if current is None:
        return ()
    name, arns = current["GlobalClusterIdentifier"], member_arns(current)
    if current.get("DeletionProtection"):
        raise Refused(f"global cluster {name} is protected against deletion: turn deletion_protection off first")
    if arns and not detach_members:
        raise Refused(f"global cluster {name} has members ({', '.join(arns)}): name them with detach_members=true")
    secondaries = [_detach(current, arns[1:])] if arns[1:] else []
    writer = [_detach(current, arns[:1])] if arns else []
    delete = Change(describe(current), {}, (Call("DeleteGlobalCluster", {"GlobalClusterIdentifier": name}),))
    return (*secondaries, *writer, delete)


def _detach(current: Mapping[str, Any] | None, arns: Sequence[str]) -> Change:
    before = describe(current)
    after = {**before, "members": [m for m in before.get("members", []) if m["db_cluster_arn"] not in arns]}
    name = (current or {}).get("GlobalClusterIdentifier")
    calls = [
        Call("RemoveFromGlobalCluster", {"GlobalClusterIdentifier": name, "DbClusterIdentifier": arn}) for arn in arns
    ]
    return Change(before, after, tuple(calls))


def waiting_for(current: Mapping[str, Any] | None, gone: Sequence[str] = ()) -> str | None:
    """What is still missing until the global cluster is at rest (R14), as a sentence; None when nothing is.

    ``gone`` are ARNs that must not be members any more.
    """
    if current is None:
        return "the global cluster does not exist"
    name = current["GlobalClusterIdentifier"]
    still = [arn for arn in member_arns(current) if arn in gone]
    if still:
        return f"{', '.join(still)} is still a member of {name}"
    if current.get("FailoverState"):
        return f"{name} is moving its writer ({current['FailoverState'].get('Status', 'unknown')})"
    if current.get("Status") != "available":
        return f"{name} is {current.get('Status')}, not available"
    return None
