"""Switchover and failover of an Aurora global database, with their intermediate states, fencing and events.

R1 (which call in which region), R5 (headless), R6 (versions), R7 (fencing events), R8 (snapshot of lost writes), R9
(the old primary joins again later), R14 (states).  FailoverState: RDS API reference; `switching-over` is in its prose.
"""

from __future__ import annotations

import datetime
import logging
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import InvalidDBClusterStateFault, InvalidParameterCombination
from moto.rds.responses import RDSResponse

from lab.cloud import world as worlds
from lab.cloud.extensions.aurora_global import Move, describe, find, invalid_state, member, move_of, writer
from lab.cloud.extensions.patching import action
from lab.cloud.extensions.rds_events import emit

log = logging.getLogger("lab.cloud")


def install(world: worlds.World) -> None:
    """Add both operations."""

    @action(RDSResponse, "switchover_global_cluster")
    def switchover_global_cluster(self: Any) -> ActionResult:
        return _switchover(self)

    @action(RDSResponse, "failover_global_cluster")
    def failover_global_cluster(self: Any) -> ActionResult:
        """Without AllowDataLoss it is a switchover (RDS API, FailoverGlobalCluster)."""
        allow_data_loss = bool(self.params.get("AllowDataLoss"))
        if allow_data_loss and self.params.get("Switchover"):
            raise InvalidParameterCombination("AllowDataLoss and Switchover cannot be specified together")
        return _failover(self) if allow_data_loss else _switchover(self)


def _switchover(response: Any) -> ActionResult:
    world = worlds.current()
    with world.lock:
        global_cluster, target = _target(response)
        source = writer(global_cluster)
        _check_target(global_cluster, source, target)
        if response.region != source.region:
            # R1; what AWS answers elsewhere is believed, not seen
            raise invalid_state(
                f"Switchover of {global_cluster.arn} must be called in {source.region}, the Region of its writer"
            )
        for cluster in global_cluster.members:
            if cluster.region in world.down or cluster.status != "available":
                raise InvalidDBClusterStateFault(f"DB cluster {cluster.db_cluster_arn} is not healthy")
            if getattr(cluster, "lab_synchronization", "connected") != "connected":
                raise InvalidDBClusterStateFault(f"DB cluster {cluster.db_cluster_arn} is still resynchronizing (R9)")
        move = Move("switching-over", source, target, allow_data_loss=False)
        global_cluster.lab_move = move
        _tell("0181", (source, target), target)
        world.after(
            world.delay("rds.switchover.pending"), lambda: _begin_switchover(global_cluster, move), "switchover"
        )
        return ActionResult({"GlobalCluster": describe(global_cluster)})


def _begin_switchover(global_cluster: Any, move: Move) -> None:
    world = worlds.current()
    if _lost(move):
        _cancel(global_cluster, move)
        return
    move.status = move.source.status = move.target.status = move.kind
    lag = world.plane.lag_seconds(move.target.region) if has_plane(global_cluster) else 0.0
    if lag is None or lag > 1.0:
        emit("0423", move.target, lag="unknown" if lag is None else f"{lag * 1000:.0f}ms")
    _fence(move, succeeded=True)
    world.after(world.delay("rds.switchover"), lambda: _end_switchover(global_cluster, move), "switchover")


def _end_switchover(global_cluster: Any, move: Move) -> None:
    if _lost(move):
        _cancel(global_cluster, move)
        return
    if has_plane(global_cluster):
        try:
            worlds.current().plane.switchover(move.source.region, move.target.region)
        except Exception:
            log.exception("the data plane could not switch over")
            _cancel(global_cluster, move, "0187")
            return
    _tell("0182", (move.source,), move.source)
    _promoted(global_cluster, move)
    move.source.status = "available"
    _tell("0184", (move.target,), move.target)
    _tell("0185", (move.source, move.target), move.target)
    _tell("0397", (move.source, move.target), move.target)


def _cancel(global_cluster: Any, move: Move, number: str = "0186") -> None:
    """R11: only AWS cancels a switchover; the writer stays where it was."""
    move.source.status = move.target.status = "available"
    global_cluster.lab_move = None
    _tell(number, (move.source, move.target), move.target)


def _failover(response: Any) -> ActionResult:
    world = worlds.current()
    with world.lock:
        global_cluster, target = _target(response)
        source = writer(global_cluster)
        _check_target(global_cluster, source, target)
        if response.region != target.region:
            raise invalid_state(
                f"Failover of {global_cluster.arn} must be called in {target.region}, the Region of its target"
            )
        if target.status != "available":
            raise InvalidDBClusterStateFault(f"DB cluster {target.db_cluster_arn} is not available")
        move = Move("failing-over", source, target, allow_data_loss=True)
        global_cluster.lab_move = move
        world.after(world.delay("rds.failover.pending"), lambda: _begin_failover(global_cluster, move), "failover")
        return ActionResult({"GlobalCluster": describe(global_cluster)})


def _begin_failover(global_cluster: Any, move: Move) -> None:
    world = worlds.current()
    move.status = move.target.status = move.kind

    def fence() -> None:
        reached = move.source.region not in world.down
        blocked = reached and (world.plane.block_writes(move.source.region) if has_plane(global_cluster) else True)
        _fence(move, succeeded=blocked)

    world.after(world.delay("rds.failover.fencing"), fence, "fencing")
    world.after(world.delay("rds.failover"), lambda: _end_failover(global_cluster, move), "failover")


def _end_failover(global_cluster: Any, move: Move) -> None:
    world = worlds.current()
    if has_plane(global_cluster):
        try:
            world.plane.failover(move.target.region)
        except Exception:
            log.exception("the data plane could not fail over")
            move.target.status = "available"
            global_cluster.lab_move = None
            _tell("0239", (move.target,), move.target)
            return
    _promoted(global_cluster, move)
    move.source.lab_synchronization = "pending-resync"
    _tell("0238", (move.target,), move.target)
    _tell("0397", (move.target,), move.target)
    _rejoin_when_back(global_cluster, move)


def _promoted(global_cluster: Any, move: Move) -> None:
    move.source.is_writer = False
    move.target.is_writer = True
    move.target.status = "available"
    move.target.lab_synchronization = "connected"
    global_cluster.lab_move = None


def _rejoin_when_back(global_cluster: Any, move: Move) -> None:
    """R9: the old primary joins again by itself; R8: first, what it alone has is kept in a snapshot.

    "Before creating the new storage volume in the old primary Region, Aurora tries to take a snapshot of the old
    storage volume at the point of failure" (Aurora user guide, "Performing managed failovers for Aurora global
    databases").
    """
    world = worlds.current()
    old = move.source

    def back() -> None:
        stamp = datetime.datetime.fromtimestamp(world.now(), tz=datetime.UTC).strftime("%Y-%m-%d-%H-%M")
        name = f"rds:unplanned-global-failover-{old.db_cluster_identifier}-{stamp}"
        if name not in old.backend.cluster_snapshots:
            old.backend.create_auto_cluster_snapshot(old.db_cluster_identifier, name)
            if has_plane(global_cluster):
                world.plane.snapshot(old.region, name)
        _tell("0240", (old,), old)
        world.after(world.delay("rds.rejoin"), lambda: _rejoined(global_cluster, old), "rejoin")

    if old.region not in world.down:
        back()
        return

    def healed(region: str) -> None:
        if region == old.region:
            world.on_heal.remove(healed)
            back()

    world.on_heal.append(healed)


def _rejoined(global_cluster: Any, old: Any) -> None:
    world = worlds.current()
    if old not in global_cluster.members:
        return
    if old.region in world.down:
        world.after(world.delay("rds.rejoin"), lambda: _rejoined(global_cluster, old), "rejoin")
        return
    if has_plane(global_cluster):
        try:
            world.plane.rejoin(old.region)
        except Exception:
            log.exception("the data plane could not rejoin")
            world.after(world.delay("rds.rejoin"), lambda: _rejoined(global_cluster, old), "rejoin")
            return
    old.lab_synchronization = "connected"
    old.status = "available"
    _tell("0241", (old,), old)


def _target(response: Any) -> tuple[Any, Any]:
    global_cluster = find(response.current_account, response.params["GlobalClusterIdentifier"])
    return global_cluster, member(global_cluster, response.params["TargetDbClusterIdentifier"])


def _check_target(global_cluster: Any, source: Any, target: Any) -> None:
    if move_of(global_cluster) is not None:
        raise invalid_state(f"Global cluster {global_cluster.arn} has a switchover or failover in progress")
    if source is None or target is source:
        raise InvalidDBClusterStateFault(f"DB cluster {target.db_cluster_arn} is the writer already")
    if not any(instance.status == "available" for instance in target.members):
        # R5
        raise InvalidDBClusterStateFault(
            f"DB cluster {target.db_cluster_arn} has no available DB instance; add one before you promote it"
        )
    if source.engine_version != target.engine_version:
        # R6
        raise InvalidDBClusterStateFault(
            f"Engine versions differ: {source.engine_version} and {target.engine_version} at the target"
        )


def _lost(move: Move) -> bool:
    return bool({move.source.region, move.target.region} & worlds.current().down)


def has_plane(global_cluster: Any) -> bool:
    """Whether the lab's database stands behind this global cluster: the project's own, or any in a unit test."""
    settings = worlds.current().settings
    return settings is None or any(c.db_cluster_identifier == settings.project for c in global_cluster.members)


def _fence(move: Move, succeeded: bool) -> None:
    """R7: an event of the DB instance, in the old region if that can be reached, else in the new one."""
    place = move.source if move.source.region not in worlds.current().down else move.target
    number = "0390" if succeeded else "0391"
    for instance in place.members[:1]:
        emit(number, instance, name=move.source.db_cluster_identifier, region=move.source.region)


def _tell(number: str, sources: tuple[Any, ...], subject: Any) -> None:
    """An event at each of those clusters whose region is up, about the subject."""
    for source in sources:
        if source.region not in worlds.current().down:
            emit(number, source, name=subject.db_cluster_identifier, region=subject.region)
