# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The regions and the old site: who answers?"""

from __future__ import annotations

from ..model import Site
from ..snapshot import Cluster, GlobalCluster, Snapshot, Unknown
from ..steps.base import Move
from ..steps.fencing import NO_GROUP, unknown_fence
from ..store import RUN
from ..valves import INGRESS, WRITERS, absent
from .answers import Answer, fails, holds, summed_up, unknown
from .database import decided


def region_answers(site: Site, move: Move, snapshot: Snapshot) -> Answer:
    read: list[object] = [snapshot.cluster(site), snapshot.item(move.application, site, RUN)]
    read += [snapshot.group(site, group.name) for group in site.groups]
    silent = [one.reason for one in read if isinstance(one, Unknown)]
    return unknown(silent[0]) if len(silent) == len(read) else holds(site.region)


def target_region(move: Move, snapshot: Snapshot) -> Answer:
    """The target's region answers us."""
    return region_answers(move.target, move, snapshot)


def source_region(move: Move, snapshot: Snapshot) -> Answer:
    """The region that is left answers us; where it does not, an unplanned move goes on without it."""
    return region_answers(move.source, move, snapshot)


def old_site_down(move: Move, snapshot: Snapshot) -> Answer:
    """The site that is left is not alive: else a switchover would lose nothing, and two sites may take writes (R7).

    Alive is what its own region says: the cluster is available, and the global cluster is at rest with it as writer.
    """
    if decided(move, snapshot):
        return holds("the target is the writer, or on its way to it")
    source = move.source
    cluster = snapshot.cluster(source)
    view = snapshot.global_cluster(move.application, source)
    for found in (cluster, view):
        if isinstance(found, Unknown):
            return unknown(f"whether the old site still takes writes: {found.reason}")
    if not isinstance(cluster, Cluster) or not isinstance(view, GlobalCluster):
        return holds(f"{source.region} has no cluster {source.cluster} of {move.application.global_cluster}")
    member = view.member(source)
    if member is None or not member.writer:
        return holds(f"{source.region} says that {source.cluster} is not the writer")
    if cluster.status != "available" or not view.at_rest or not cluster.instances:
        state = cluster.status if cluster.status != "available" else view.failover_status or view.status
        return holds(
            f"{source.region} says that {source.cluster} is {state if cluster.instances else 'without instance'}"
        )
    return fails(
        f"{source.cluster} in {source.region} is available and the writer: a planned move would lose nothing; if the "
        "application there is lost all the same, waive old-site-down"
    )


def fence(move: Move, snapshot: Snapshot) -> Answer:
    """The old site can be fenced, or the operator has accepted that it cannot be (R7)."""
    if decided(move, snapshot):
        return holds("the target is the writer, or on its way to it")
    reason = unknown_fence(move, snapshot)
    if reason is None:
        return holds(f"{move.source.region} answers")
    if move.accept_unfenced:
        return holds(f"accept_unfenced is true; {reason}")
    return fails(
        f"what writes in {move.source.region} cannot be stopped before the promotion ({reason}): "
        "say accept_unfenced=true to move without that"
    )


def fenceable(move: Move, snapshot: Snapshot) -> Answer:
    """All that a failover would shut at the active site can be seen, and is there (R7, R25).

    What is listed and is not there may be misspelt, and its namesake would write on.
    """
    site = move.source
    if not site.groups:
        return fails(f"{NO_GROUP}: a failover needs accept_unfenced=true, whether {site.region} answers or not")
    missing = [f"group {group.name}" for group in site.groups if snapshot.group(site, group.name) is None]
    missing += absent(snapshot, move.application, site, (*WRITERS, INGRESS))
    problems = [f"{', '.join(missing)} is not there in {site.region}: a failover would not fence it"] if missing else []
    reason = unknown_fence(move, snapshot)
    return summed_up(problems, [reason] if reason else [])
