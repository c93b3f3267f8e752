# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The database: is the target fit to become the writer?"""

from __future__ import annotations

from ..snapshot import POSTGRESQL, Cluster, GlobalCluster, Snapshot, Unknown
from ..steps.base import Move
from .answers import Answer, fails, holds, unknown

STALE_LAG_SECONDS = 300.0
"""CloudWatch has a sample each minute, and shows it within two or three more; an older one tells nothing of now."""
GLOBAL_DB_RPO = "rds.global_db_rpo"


def view_of(move: Move, snapshot: Snapshot) -> GlobalCluster | Answer:
    """The global cluster as a region that answers sees it, or what a gate is to answer without it."""
    view = snapshot.global_cluster(move.application, move.target, move.source)
    if isinstance(view, Unknown):
        return unknown(view.reason)
    if view is None:
        return fails(f"there is no global cluster {move.application.global_cluster}")
    return view


def decided(move: Move, snapshot: Snapshot) -> bool:
    """The target is the writer, or on its way to it: a run that is taken up again is past what guards the promotion."""
    view = view_of(move, snapshot)
    member = view.member(move.target) if isinstance(view, GlobalCluster) else None
    if member is None or isinstance(view, Answer):
        return False
    return member.writer or (view.failover_status is not None and view.failover_to == member.arn)


def global_cluster(move: Move, snapshot: Snapshot) -> Answer:
    """Both sites' clusters are members, and one of them is the writer (R31)."""
    view = view_of(move, snapshot)
    if isinstance(view, Answer):
        return view
    for site in (move.target, move.source):
        if view.member(site) is None:
            return fails(f"cluster {site.cluster} in {site.region} is no member of {view.identifier}")
    if view.writer is None:
        return fails(f"{view.identifier} has no single writer")
    if move.application.site_in(view.writer.region) is None:
        return fails(f"the writer of {view.identifier} is in {view.writer.region}, where the application has no site")
    return holds(f"the writer is {view.writer.cluster} in {view.writer.region}")


def at_rest(move: Move, snapshot: Snapshot) -> Answer:
    """No other move of the global cluster is under way (R14)."""
    view = view_of(move, snapshot)
    if isinstance(view, Answer):
        return view
    if view.at_rest:
        return holds("FailoverState is empty")
    member = view.member(move.target)
    if view.failover_status and member and view.failover_to == member.arn:
        return holds(f"it is on its way to the target already ({view.failover_status})")
    return fails(f"global cluster {view.identifier} is {view.failover_status or view.status}")


def target_instance(move: Move, snapshot: Snapshot) -> Answer:
    """The target's cluster has an instance: a headless one cannot be promoted (R5)."""
    cluster = snapshot.cluster(move.target)
    if isinstance(cluster, Unknown):
        return unknown(cluster.reason)
    if cluster is None:
        return fails(f"there is no cluster {move.target.cluster} in {move.target.region}")
    if not cluster.instances:
        return fails(f"cluster {cluster.identifier} has no instance: create one before it can be promoted")
    return holds(f"{len(cluster.instances)} instances")


def engine_version(move: Move, snapshot: Snapshot) -> Answer:
    """Both clusters run the same major and minor version, or the managed operations refuse (R6)."""
    if decided(move, snapshot):
        return holds("the target is the writer, or on its way to it")
    versions = []
    for site in (move.target, move.source):
        cluster = snapshot.cluster(site)
        if not isinstance(cluster, Cluster):
            reason = cluster.reason if isinstance(cluster, Unknown) else f"there is no cluster {site.cluster}"
            return unknown(f"the engine version in {site.region}: {reason}")
        versions.append(cluster.engine_version)
    if versions[0] != versions[1]:
        return fails(f"{move.target.cluster} runs {versions[0]} and {move.source.cluster} {versions[1]}")
    return holds(versions[0])


def synchronised(move: Move, snapshot: Snapshot) -> Answer:
    """The target is not still resynchronising after an earlier failover (R9)."""
    view = view_of(move, snapshot)
    if isinstance(view, Answer):
        return view
    member = view.member(move.target)
    if member is None:
        return fails(f"cluster {move.target.cluster} is no member of {view.identifier}")
    if member.synchronisation not in (None, "connected") and not decided(move, snapshot):
        return fails(f"cluster {member.cluster} is {member.synchronisation}: wait until it has joined again")
    return holds(member.synchronisation or "connected")


def lag(move: Move, snapshot: Snapshot) -> Answer:
    """The target's lag is known and below the RPO objective: a switchover takes as long as it (R10, R11)."""
    if decided(move, snapshot):
        return holds("the target is the writer, or on its way to it")
    found = snapshot.lag(move.application, move.target)
    if isinstance(found, Unknown):
        return unknown(found.reason)
    age = max(0.0, snapshot.at - found.at)
    if age > STALE_LAG_SECONDS:
        return unknown(f"the newest sample of the lag in {found.region} is {age:.0f} s old")
    objective = move.application.objectives.rpo_seconds
    text = f"{found.seconds:.1f} s, {age:.0f} s ago, as {found.region} says"
    return holds(text) if found.seconds <= objective else fails(f"{text}; the objective is {objective:g} s")


def target_key(move: Move, snapshot: Snapshot) -> Answer:
    """The key of the target's cluster is enabled: with a disabled one it is inaccessible, and lost in a week (R23)."""
    cluster = snapshot.cluster(move.target)
    if not isinstance(cluster, Cluster):
        return unknown(cluster.reason if isinstance(cluster, Unknown) else f"there is no cluster {move.target.cluster}")
    if not cluster.key:
        return unknown("the cluster names no key")
    state = snapshot.keys.get((move.target.access, cluster.key), Unknown("it was not read"))
    if isinstance(state, Unknown):
        return unknown(state.reason)
    return holds(state) if state == "Enabled" else fails(f"key {cluster.key} is {state}")


def global_db_rpo(move: Move, snapshot: Snapshot) -> Answer:
    """No parameter may stop the writes of a new writer that has no secondary in step (R13).

    Source: Aurora user guide, "Managing RPOs for Aurora PostgreSQL-based global databases": with ``rds.global_db_rpo``
    set, the writer blocks commits while no secondary keeps up, and after a move of a two-region pair none does.
    """
    engine = snapshot.engine(move.application, move.target, move.source)
    if engine and engine != POSTGRESQL:
        return holds(f"{engine} has no such parameter")
    cluster = snapshot.cluster(move.target)
    if not isinstance(cluster, Cluster):
        return unknown(cluster.reason if isinstance(cluster, Unknown) else f"there is no cluster {move.target.cluster}")
    if not cluster.parameter_group:
        return unknown(f"cluster {cluster.identifier} names no parameter group")
    found = snapshot.parameters.get((move.target.access, cluster.parameter_group), Unknown("it was not read"))
    if isinstance(found, Unknown):
        return unknown(found.reason)
    value = found.get(GLOBAL_DB_RPO, "-1")
    if value == "-1":
        return holds(f"{GLOBAL_DB_RPO} is not set in {cluster.parameter_group}")
    return fails(f"{GLOBAL_DB_RPO} is {value} in {cluster.parameter_group}: writes would stop after the move; reset it")
