# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Leaves the job of reconciling behind, with what could not be fenced; see ``pending_job``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..calls import PlannedCall
from ..snapshot import Facet, Unknown
from .base import TARGET, Expects, Move, Observation, State, Step, Watch, World, needed, underway, watching
from .fencing import unfenced
from .pending_job import job_call, open_job, reconcile_command, stored_job


class LeaveJob(Step):
    """The living region's table says what is to be done when the old region is back."""

    name = "leave-job"
    stage = "fence"
    deadline_seconds = 30.0
    deadline_reason = (
        "nothing but this report says that playbooks/reconcile.yml -e reconcile_without_job=true is to be run when the "
        "region is back"
    )
    accompanies = True
    makes = (("dynamodb PutItem", TARGET),)
    expects = Expects.NOTHING  # whoever else moves the application: that the old site was left has to be known

    def watches(self, move: Move) -> frozenset[Watch]:
        """The job; what could not be fenced is known by now."""
        return watching((Facet.FENCE_STATE, TARGET))

    def observe(self, world: World) -> Observation:
        """Whether it is there, and says what is not fenced."""
        move, job = world.move, stored_job(world.snapshot, world.move)
        if isinstance(job, Unknown):
            return underway(f"the state table in {move.target.region}: {job.reason}")
        if self.calls(world):
            return needed("the job for the day when the old region is back")
        left = unfenced(move, world.snapshot)
        fenced = f"not fenced: {', '.join(left)} ({next(iter(left.values()))})" if left else "fenced"
        command = reconcile_command(move.source.place)
        warning = f"{move.source.region} is {fenced}; after the move run {command} when it is back"
        if earlier := (job or {}).get("earlier"):
            warning += f", also for what is left of run {', '.join(earlier)}"
        return Observation(State.DONE, "", {"warning": warning, "unfenced": left})

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """PutItem."""
        move, found = world.move, stored_job(world.snapshot, world.move)
        left = unfenced(move, world.snapshot)
        # One that was closed is left anew: a run that is gone on with does things again that had been undone.
        job = open_job(found) or {}
        same = job.get("run_id") == move.run_id
        if isinstance(found, Unknown) or (same and sorted(job.get("unfenced") or {}) == sorted(left)):
            return ()
        document: dict[str, Any] = {
            "job": "reconcile",
            "run_id": move.run_id,
            "place": move.source.place,
            "region": move.source.region,
            **_unfinished(job, move),
            "unfenced": left,
            "closed_at": None,
        }
        return (job_call(move, document, found),)


def _unfinished(job: Mapping[str, Any], move: Move) -> dict[str, Any]:
    """What stays of a job that was not done before this one: its lost writes are still to be saved.

    What was not fenced then is not: the site has served since, or is looked at now.
    """
    runs = [run for run in (*(job.get("earlier") or ()), job.get("run_id")) if run and run != move.run_id]
    return {"since": min(move.opened_at, float(job.get("since") or move.opened_at)), "earlier": runs}
