# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Promotes the target's cluster (R1, R11, R14).

Sources: Aurora user guide, "Using switchover or failover in Amazon Aurora Global Database"; RDS API reference,
SwitchoverGlobalCluster, FailoverGlobalCluster, FailoverState.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..calls import PlannedCall
from ..snapshot import Facet, GlobalCluster, Member, Unknown
from .base import (
    DONE,
    SOURCE,
    TARGET,
    Expects,
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

ACCEPTED_SECONDS = 60.0
"""How long an accepted call may take until DescribeGlobalClusters shows it, before it is made again."""
SILENT_SECONDS = 10.0
"""How long a region may be silent that a switchover cannot do without (R2)."""
SWITCHOVERS = 2
"""How often a switchover may be begun in vain: each time Aurora stops the application's writes, waits for replication
to catch up, and gives up (Aurora user guide, "Performing switchovers for Amazon Aurora global databases")."""


def _view(world: World) -> GlobalCluster | Unknown | None:
    # The target's region is the one that must be alive; the source's is asked only when the other cannot say.
    return world.snapshot.global_cluster(world.move.application, world.move.target, world.move.source)


def observe_writer(
    view: GlobalCluster | Unknown | None,
    name: str,
    target: str,
    find: Callable[[GlobalCluster], Member | None],
    expected: str | None = None,
) -> Observation:
    """Whether the target is the writer of a global cluster at rest (R14; the write probe comes after it).

    ``target`` names for people what ``find`` finds among the members. ``expected`` is the ARN of the writer on which
    the plan was made: another one stops the run before its call.
    """
    if isinstance(view, Unknown):
        return underway(f"the state of {name}: {view.reason}")
    if view is None:
        return impossible(f"there is no global cluster {name}")
    member = find(view)
    if member is None:
        return impossible(f"{target} is no member of {view.identifier}")
    if not view.at_rest:
        return underway(f"global cluster {view.identifier} is {view.failover_status or view.status}")
    if member.writer:
        return DONE
    if view.writer is None:
        return underway(f"no single member of {view.identifier} is the writer")
    if expected and view.writer.arn != expected:
        return impossible(f"the plan was made with writer {expected}, and now it is {view.writer.arn}: plan again")
    return needed(f"{view.writer.cluster} in {view.writer.region} is the writer of {view.identifier}")


def switchover_params(view: GlobalCluster, member: Member) -> dict[str, Any]:
    """SwitchoverGlobalCluster; it is sent to the region of the current writer (R1)."""
    return {"GlobalClusterIdentifier": view.identifier, "TargetDbClusterIdentifier": member.arn}


def failover_params(view: GlobalCluster, member: Member) -> dict[str, Any]:
    """FailoverGlobalCluster, sent to the target's region; without AllowDataLoss it would be a switchover (R1)."""
    return {**switchover_params(view, member), "AllowDataLoss": True}


class _MoveWriter(Step):
    name = "promote"
    stage = "promote"
    deadline_seconds = 3600.0
    repeat_seconds = ACCEPTED_SECONDS
    deadline_reason = (
        "no API call cancels a promotion (R11): it goes on at AWS; run the same move again to go on watching"
    )
    poll_seconds = 0.5
    expects = Expects.NOT_MOVED
    blind = False

    def observe(self, world: World) -> Observation:
        """As ``observe_writer`` says; an accepted call is given time to show."""
        target = world.move.target
        seen = observe_writer(
            _view(world),
            world.move.application.global_cluster,
            f"{target.cluster} in {target.region}",
            lambda view: view.member(target),
            world.move.writer_at_start,
        )
        last = world.last
        # An answer that was lost may stand for a call that was carried out: it is given the same time.
        fresh = last is not None and (last.ok or last.in_doubt) and world.now - last.at < self.repeat_seconds
        if fresh and seen.state is State.NEEDED:
            return underway(f"AWS to begin moving the writer ({seen.reason})")
        return seen


class Switchover(_MoveWriter):
    """A planned move: both sites are healthy, nothing is lost; asked for in the region of the current writer."""

    makes = (("rds SwitchoverGlobalCluster", SOURCE),)

    def watches(self, move: Move) -> frozenset[Watch]:
        """Both regions' views: AWS wants both healthy."""
        return watching((Facet.GLOBAL, TARGET), (Facet.GLOBAL, SOURCE))

    def observe(self, world: World) -> Observation:
        """As for any promotion; one that AWS has begun and given up twice is not asked for again."""
        seen = _MoveWriter.observe(self, world)
        begun = sum(outcome.ok and not outcome.earlier for outcome in world.outcomes)
        if seen.state is State.NEEDED and begun >= SWITCHOVERS:
            return impossible(
                f"AWS has accepted the switchover {begun} times, and {seen.reason}: look at the events of both "
                "clusters and at the replication lag before the same move is run again"
            )
        silent_since = self._silent_since(world)
        if seen.state is State.NEEDED and silent_since is not None and world.now - silent_since >= SILENT_SECONDS:
            return impossible(
                f"{world.move.source.region} has not answered for {world.now - silent_since:.0f} s, and {seen.reason} "
                "still: run the same move again when it answers, or fail over unplanned"
            )
        return seen

    @staticmethod
    def _silent_since(world: World) -> float | None:
        """Since when no call was made there, while the old writer's region is not read either; None where it is."""
        view = world.snapshot.global_cluster(world.move.application, world.move.source)
        since = None
        for outcome in reversed(world.outcomes):
            if outcome.ok or outcome.earlier:
                break
            since = outcome.at
        return since if isinstance(view, Unknown) else None

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """SwitchoverGlobalCluster."""
        view = _view(world)
        if not isinstance(view, GlobalCluster) or view.writer is None:
            return ()
        writer_site = world.move.application.site_in(view.writer.region)
        member = view.member(world.move.target)
        if writer_site is None or member is None or member.writer:
            return ()
        return (
            PlannedCall(
                "rds",
                "SwitchoverGlobalCluster",
                writer_site.access,
                view.identifier,
                switchover_params(view, member),
                before={"writer": view.writer.arn},
            ),
        )


class Failover(_MoveWriter):
    """An unplanned move: the old site may be gone and data may be lost; asked for in the region of the target."""

    makes = (("rds FailoverGlobalCluster", TARGET),)

    def watches(self, move: Move) -> frozenset[Watch]:
        """The target's view only: the other region may be lost."""
        return watching((Facet.GLOBAL, TARGET))

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """FailoverGlobalCluster with AllowDataLoss; without it AWS would want a healthy primary (R1)."""
        view = _view(world)
        if not isinstance(view, GlobalCluster):
            return ()
        member = view.member(world.move.target)
        if member is None or member.writer or not world.move.accept_data_loss:
            return ()
        return (
            PlannedCall(
                "rds",
                "FailoverGlobalCluster",
                world.move.target.access,
                view.identifier,
                failover_params(view, member),
                before={"writer": view.writer.arn if view.writer else None},
            ),
        )
