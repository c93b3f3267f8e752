# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Saves the snapshot in which Aurora keeps the lost writes of an unplanned failover (R8).

Source: Aurora user guide, "Performing managed failovers for Aurora global databases": before the old primary region
gets its new volume, Aurora tries to take a snapshot ``rds:unplanned-global-failover-<cluster>-<timestamp>`` of the old
one. It is a system snapshot, which expires with the cluster's retention of backups; a copy is a manual one, and stays.
RDS API reference, CopyDBClusterSnapshot: names of 1 to 63 letters, digits and single hyphens; without KmsKeyId the copy
is encrypted with the key of its source.
"""

from __future__ import annotations

from ..calls import PlannedCall
from ..snapshot import ClusterSnapshot, Facet, GlobalCluster, Snapshot, Unknown
from .base import (
    DONE,
    SOURCE,
    TARGET,
    Move,
    Observation,
    State,
    Step,
    Watch,
    World,
    impossible,
    needed,
    underway,
    watching,
)
from .pending_job import pending_job

LOST_WRITES = "rds:unplanned-global-failover-"
COPY = "lost-writes"
LONGEST_NAME = 63
CLOCKS_DIFFER_SECONDS = 3600.0
"""A snapshot of this failover is never that much older than its run; one of an earlier failover surely is."""


def copy_name(identifier: str, cluster: str) -> str:
    """The name of the copy of a snapshot: the same each time, and told apart by the time in it."""
    stamp = identifier.removeprefix(f"{LOST_WRITES}{cluster}").strip("-")
    room = LONGEST_NAME - len(COPY) - len(stamp) - 2
    return f"{COPY}-{cluster[:room].strip('-')}-{stamp}"


def of_the_job(world: World) -> list[ClusterSnapshot] | Unknown:
    """Snapshots of lost writes since the failover that left the job."""
    site, job = world.move.source, pending_job(world.snapshot, world.move)
    seen = world.snapshot.cluster_snapshots.get((site.access, site.cluster), Unknown("they were not read"))
    if isinstance(seen, Unknown) or job is None:
        return seen if isinstance(seen, Unknown) else []
    since = float(job.get("since") or 0) - CLOCKS_DIFFER_SECONDS
    prefix = f"{LOST_WRITES}{site.cluster}-"
    return [one for one in seen if one.identifier.startswith(prefix) and one.created >= since]


def has_joined(move: Move, snapshot: Snapshot) -> bool:
    """Whether the old cluster is a member that follows the writer again (R9)."""
    view = snapshot.global_cluster(move.application, move.target, move.source)
    member = view.member(move.source) if isinstance(view, GlobalCluster) else None
    return member is not None and (member.writer or member.synchronisation in (None, "connected"))


class CopyLostWrites(Step):
    """The snapshot is copied, or there is none."""

    name = "copy-lost-writes"
    stage = "verify"
    deadline_seconds = 3600.0
    deadline_reason = "the copy goes on at AWS; run reconcile again to see what became of it"
    poll_seconds = 5.0
    repeat_seconds = 60.0
    makes = (("rds CopyDBClusterSnapshot", SOURCE),)
    accompanies = True

    def watches(self, move: Move) -> frozenset[Watch]:
        """The old cluster's snapshots, and whether it has joined again."""
        return watching((Facet.LOST_WRITES, SOURCE), (Facet.GLOBAL, TARGET))

    def observe(self, world: World) -> Observation:
        """Copied, being copied, not there yet, or not there at all."""
        if pending_job(world.snapshot, world.move) is None:
            return DONE
        lost = of_the_job(world)
        if isinstance(lost, Unknown):
            return underway(f"the snapshots of {world.move.source.cluster}: {lost.reason}")
        if not lost:
            return self._none(world)
        copies = {one.identifier: self._copy(world, one) for one in lost}
        for one in lost:
            copy = copies[one.identifier]
            if copy is None:
                if one.status != "available":
                    return underway(f"snapshot {one.identifier} to be available ({one.status})")
                return needed(f"a copy of {one.identifier}")
            if copy.status == "failed":
                return impossible(f"the copy {copy.identifier} has failed: delete it, and reconcile again")
            if copy.status != "available":
                return underway(f"the copy {copy.identifier} ({copy.status})")
        names = [copy.identifier for copy in copies.values() if copy is not None]
        detail = {"snapshots": names, "warning": f"lost writes are kept in {', '.join(names)}"}
        return Observation(State.DONE, f"lost writes are kept in {', '.join(names)}", detail)

    def _none(self, world: World) -> Observation:
        site = world.move.source
        view = world.snapshot.global_cluster(world.move.application, world.move.target)
        if isinstance(view, GlobalCluster) and view.writer_among((site,)):
            # Where the failover was asked for in vain it is the writer still, and has lost nothing.
            text = f"{site.cluster} is the writer, and there is no snapshot of lost writes of it"
            return Observation(State.DONE, text, {"snapshots": [], "warning": text})
        if has_joined(world.move, world.snapshot):
            text = f"Aurora kept no snapshot of lost writes of {site.cluster}, and it has its new volume: there is none"
            return Observation(State.DONE, text, {"snapshots": [], "warning": text})
        return impossible(
            f"there is no snapshot of lost writes of {site.cluster} yet; it comes before the cluster has joined again: "
            "reconcile again then"
        )

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """CopyDBClusterSnapshot for each that has no copy."""
        move, site, lost = world.move, world.move.source, of_the_job(world)
        if isinstance(lost, Unknown):
            return ()
        tags = {
            "Project": move.application.name,
            "Environment": move.application.environment,
            "ManagedBy": "pilotlight.aws_dr",
        }
        return tuple(
            PlannedCall(
                "rds",
                "CopyDBClusterSnapshot",
                site.access,
                copy_name(one.identifier, site.cluster),
                {
                    "SourceDBClusterSnapshotIdentifier": one.arn or one.identifier,
                    "TargetDBClusterSnapshotIdentifier": copy_name(one.identifier, site.cluster),
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                },
            )
            for one in lost
            if one.status == "available" and self._copy(world, one) is None
        )

    @staticmethod
    def _copy(world: World, lost: ClusterSnapshot) -> ClusterSnapshot | None:
        site = world.move.source
        seen = world.snapshot.cluster_snapshots.get((site.access, site.cluster), ())
        name = copy_name(lost.identifier, site.cluster).lower()
        return None if isinstance(seen, Unknown) else next((one for one in seen if one.identifier == name), None)
