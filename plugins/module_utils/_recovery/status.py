# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where each application is now, and which run is under way or has died: read-only, any day, also without a region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .lease import run_of
from .model import Application, Site
from .reading.parts import Wanted
from .reading.reader import WorldReader
from .runs import (
    LocalJournals,
    Run,
    each_once,
    events_of,
    is_history,
    newest,
    told_by_leases,
    told_by_tables,
    told_locally,
)
from .snapshot import Cluster, Facet, GlobalCluster, GroupState, Lag, Snapshot, Unknown
from .steps.base import Move
from .steps.pending_job import open_job
from .steps.registry import MODES, is_move
from .steps.traffic_switch import stored_position
from .store import LEASE, RUN, pending_item
from .switch import RECORDS
from .tools import Tools

FACETS = (
    Facet.GLOBAL,
    Facet.CLUSTERS,
    Facet.GROUPS,
    Facet.STATE,
    Facet.FENCE_STATE,
    Facet.POSITIONS,
    Facet.HOSTS,
    Facet.LAG,
    Facet.DNS,
)

CLOSED = "closed"
UNDER_WAY = "under way"
STOPPED = "stopped"  # it failed, was paused or died: the same move, run again, goes on with it
ABANDONED = "abandoned"  # the same in the past: the same move, run again, begins anew


def describe(applications: Sequence[Application], tools: Tools) -> list[dict[str, Any]]:
    """One look at all applications. What could not be read says why, under ``unknown``."""
    reader = WorldReader(tools.caller, tools.clock, tools.workers, tools.resolver)
    wanted = [Wanted(facet, one, site) for one in applications for site in one.sites for facet in FACETS]
    snapshot = reader.read(Snapshot(tools.clock.now()), wanted)
    return [_application(one, snapshot, tools) for one in applications]


def _application(application: Application, snapshot: Snapshot, tools: Tools) -> dict[str, Any]:
    view = snapshot.global_cluster(application, *application.sites)
    writer = view.writer if isinstance(view, GlobalCluster) else None
    active = application.site_in(writer.region) if writer else None
    journals = LocalJournals.of(tools, application)
    return {
        "application": application.name,
        "active": active.place if active else None,
        "writer": writer.arn if writer else None,
        "operation": view.failover_status if isinstance(view, GlobalCluster) else None,
        "sites": {site.place: _site(application, site, snapshot) for site in application.sites},
        "traffic": {
            "names": {name: _led_to(application, name, snapshot) for name in application.traffic.names},
            "switch": {record: _plain(stored_position(snapshot, application, record)) for record in RECORDS},
        },
        "run": _run(application, snapshot, tools, journals),
        "pending": {site.place: job for site in application.sites if (job := _job(application, site, snapshot))},
        "unknown": sorted({*_reasons(application, snapshot), *journals.said()}),
    }


def _site(application: Application, site: Site, snapshot: Snapshot) -> dict[str, Any]:
    cluster, lag = snapshot.cluster(site), snapshot.lag(application, site)
    groups = [snapshot.group(site, group.name) for group in site.groups]
    return {
        "region": site.region,
        "cluster": site.cluster,
        "cluster_status": cluster.status if isinstance(cluster, Cluster) else None,
        "instances": len(cluster.instances) if isinstance(cluster, Cluster) else None,
        "lag_seconds": lag.seconds if isinstance(lag, Lag) else None,
        "lag_at": lag.at if isinstance(lag, Lag) else None,
        "groups": [
            {
                "name": group.name,
                "min": group.min,
                "desired": group.desired,
                "max": group.max,
                "in_service": group.in_service,
            }
            for group in groups
            if isinstance(group, GroupState)
        ],
    }


def _job(application: Application, site: Site, snapshot: Snapshot) -> dict[str, Any] | None:
    """What waits for the site's region to be back, as the other region's table says."""
    job = open_job(snapshot.item(application, application.other(site.place), pending_item(site.place)))
    return dict(job) if job is not None else None


def _led_to(application: Application, name: str, snapshot: Snapshot) -> str | None:
    return next((site.place for site in application.sites if snapshot.leads_to(name, site) is True), None)


def _plain(value: int | Unknown) -> int | None:
    return None if isinstance(value, Unknown) else value


def _reasons(application: Application, snapshot: Snapshot) -> Iterable[str]:
    """Everything about the application that could not be read."""
    for site in application.sites:
        found = [
            snapshot.global_cluster(application, site),
            snapshot.cluster(site),
            snapshot.item(application, site, RUN),
            *(snapshot.group(site, group.name) for group in site.groups),
        ]
        yield from (one.reason for one in found if isinstance(one, Unknown))


def _run(application: Application, snapshot: Snapshot, tools: Tools, journals: LocalJournals) -> dict[str, Any] | None:
    """The newest run, with what is left of it."""
    run = _newest(application, snapshot, journals)
    if run is None:
        return None
    seconds = max(_lasts(run, snapshot.item(application, site, LEASE), snapshot.at) for site in application.sites)
    state = _state(application, run, snapshot, seconds)
    told = {
        **{name: run.get(name) for name in ("run_id", "target", "mode", "intent", "opened_at", "closed_at")},
        "state": state,
        "lease_seconds": seconds,
    }
    if state == CLOSED or run.get("mode") not in MODES:
        return {**told, "steps": {}, "waiting": {}, "left": []}
    return {**told, **_progress(_as_opened(application, run), events_of(application, run, tools, journals))}


def _state(application: Application, run: Run, snapshot: Snapshot, lease_seconds: float) -> str:
    if run.get("closed_at"):
        return CLOSED
    if lease_seconds > 0:
        return UNDER_WAY
    return ABANDONED if is_history(application, run, snapshot, snapshot.at) else STOPPED


def _newest(application: Application, snapshot: Snapshot, journals: LocalJournals) -> Run | None:
    """As stored in the region that is moved to, or else as a lease or this machine tells it: see ``runs``.

    A move that the mover would go on with goes before what reconciles it.
    """
    runs = each_once(
        told_by_tables(application, snapshot, application.sites),
        told_by_leases(application, snapshot),
        told_locally(application, snapshot, journals),
    )
    move = newest(run for run in runs if is_move(run))
    open_move = move is not None and not move.get("closed_at")
    if move and open_move and not is_history(application, move, snapshot, snapshot.at):
        return move
    return newest(runs)


def _as_opened(application: Application, run: Run) -> Move:
    """The move of a run that did not end, as far as it tells which steps it depends on."""
    return Move(
        application=application,
        place=str(run["target"]),
        planned=run["mode"] == "planned",
        intent=str(run.get("intent")),
        run_id=str(run["run_id"]),
        accept_unfenced=bool(run.get("accept_unfenced")),
    )


def _lasts(run: Mapping[str, Any], lease: object, now: float) -> float:
    held = isinstance(lease, Mapping) and run_of(lease) == run["run_id"]
    return max(0.0, float(lease["expires_at"]) - now) if held and isinstance(lease, Mapping) else 0.0


def _progress(move: Move, events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """How steps ended, what the others wait for, and which are to be done yet, as the journal tells."""
    ends = {"step-done": "done", "step-failed": "failed"}
    steps: dict[str, str] = {}
    waiting: dict[str, str] = {}
    for event in events:
        step, kind = str(event["step"]), event["kind"]
        if kind in ("step-begin", "waiting"):
            steps.pop(step, None)  # begun anew by a later process
            waiting[step] = str(event.get("reason") or "")
        elif kind in ends:
            steps[step] = ends[kind]
            waiting.pop(step, None)
    # A step that failed is settled where the move does not depend on it.
    rows = MODES[move.mode].rows
    settled = {row.step.name for row in rows if steps.get(row.step.name) == "done" or not row.demanded(move)}
    left = [row.step.name for row in rows if row.step.name not in steps or row.step.name not in settled]
    return {"steps": steps, "waiting": waiting, "left": left}
