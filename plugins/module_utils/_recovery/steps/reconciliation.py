# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is still exposed after an unplanned move, and the end of the job that it left (R9, R10)."""

from __future__ import annotations

from ..calls import PlannedCall
from ..snapshot import Cluster, Facet, GlobalCluster, GroupState, Lag, Snapshot, Unknown
from ..valves import kept
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
    needed,
    underway,
    watching,
)
from .fencing import applies, still_open
from .lost_writes import CopyLostWrites
from .pending_job import job_call, opening_command, pending_job, stored_job
from .secret_links import RelinkSecrets


def exposed(move: Move, snapshot: Snapshot) -> list[str]:
    """What the application lacks as long as its old site is no whole standby."""
    site, lines = move.source, []
    view = snapshot.global_cluster(move.application, move.target)
    if isinstance(view, GlobalCluster) and view.writer_among((site,)) and _is_shut(move, snapshot):
        opens = opening_command(site.place, move.application.name)
        lines.append(f"{site.region} has the writer and is shut, so nobody serves: {opens} opens it again")
    member = view.member(site) if isinstance(view, GlobalCluster) else None
    if isinstance(view, Unknown):
        lines.append(f"whether there is a standby is not known: {view.reason} (R9)")
    elif member is None:
        lines.append(f"no standby: {site.cluster} in {site.region} is no member of the global cluster (R9)")
    elif member.synchronisation not in (None, "connected"):
        lines.append(f"no standby: {site.cluster} in {site.region} is {member.synchronisation} (R9)")
    cluster = snapshot.cluster(site)
    if isinstance(cluster, Cluster) and not cluster.instances:
        lines.append(f"{site.cluster} in {site.region} has no instance and cannot be promoted (R5)")
    lag = snapshot.lag(move.application, site)
    if not isinstance(lag, Lag) and member is not None and not member.writer:
        lines.append(f"alarms on the lag are silent: {lag.reason} (R10)")
    return lines


def _is_shut(move: Move, snapshot: Snapshot) -> bool:
    """Whether a fence stands at the old site: its groups are empty, or, where it has none, something is kept shut."""
    if not move.source.groups:
        return bool(kept(snapshot, move.application, move.source))
    states = [snapshot.group(move.source, group.name) for group in move.source.groups]
    return all(isinstance(state, GroupState) and not state.desired for state in states)


class ReportExposure(Step):
    """Says what is still exposed; it changes nothing and waits for nothing."""

    name = "exposure"
    stage = "verify"
    deadline_seconds = 30.0
    deadline_reason = "what is still exposed could not be read"
    accompanies = True

    def watches(self, move: Move) -> frozenset[Watch]:
        """The member, its cluster and its lag."""
        return watching((Facet.GLOBAL, TARGET), (Facet.CLUSTERS, SOURCE), (Facet.LAG, SOURCE), (Facet.LAG, TARGET))

    def observe(self, world: World) -> Observation:
        """Always done."""
        lines = exposed(world.move, world.snapshot)
        return Observation(State.DONE, "; ".join(lines), {"exposed": lines, "warning": "; ".join(lines)})

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """None: it only looks."""
        return ()


class CloseJob(Step):
    """The pending job is closed, once the fence stands, lost writes are safe and secrets are linked."""

    name = "close-job"
    stage = "shift"
    deadline_seconds = 30.0
    deadline_reason = "the job stays pending: run reconcile again"
    makes = (("dynamodb PutItem", TARGET),)
    absolute = True

    def watches(self, move: Move) -> frozenset[Watch]:
        """The job, and who serves: only where that is known can the fence be known to stand."""
        return watching((Facet.FENCE_STATE, TARGET), (Facet.GLOBAL, TARGET))

    def observe(self, world: World) -> Observation:
        """Whether it is closed; one that cannot be closed yet says what is left of it."""
        job = stored_job(world.snapshot, world.move)
        if isinstance(job, Unknown):
            return underway(f"the pending job: {job.reason}")
        if pending_job(world.snapshot, world.move) is None:
            return DONE
        wanted = applies(world)
        if isinstance(wanted, Unknown):
            return underway(wanted.reason)
        if left := self._left(world, fenced=wanted):
            return Observation(State.IMPOSSIBLE, f"the job stays pending: {'; '.join(left)}", {"left": left})
        return needed("the job to be closed")

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """PutItem."""
        job = pending_job(world.snapshot, world.move)
        if job is None:
            return ()
        closed = {**job, "closed_at": world.now, "closed_by": world.move.run_id}
        return (job_call(world.move, closed, stored_job(world.snapshot, world.move)),)

    @staticmethod
    def _left(world: World, fenced: bool) -> list[str]:
        here = World(world.move, world.snapshot, world.now)
        left = list(still_open(world.move, world.snapshot).values()) if fenced else []
        for step in (CopyLostWrites(), RelinkSecrets()):
            seen = step.observe(here)
            if seen.state is not State.DONE:
                left.append(seen.reason)
        return left
