# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Leaves the job of reconciling behind, with what could not be fenced; see ``pending_job``."""

from __future__ import annotations

from typing import Any

from ..calls import PlannedCall
from ..snapshot import Facet, Unknown
from .base import TARGET, Expects, Move, Observation, State, Step, Watch, World, needed, underway, watching
from .fencing import unfenced
from .pending_job import job_call, stored_job


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
        warning = f"{move.source.region} is {fenced}; run playbooks/reconcile.yml when it is back"
        return Observation(State.DONE, "", {"warning": warning, "unfenced": left})

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """PutItem."""
        move, job = world.move, stored_job(world.snapshot, world.move)
        left = unfenced(move, world.snapshot)
        # One that was closed is left anew: a run that is gone on with does things again that had been undone.
        same = not isinstance(job, Unknown) and job and job.get("run_id") == move.run_id and not job.get("closed_at")
        if isinstance(job, Unknown) or (same and job is not None and sorted(job.get("unfenced") or {}) == sorted(left)):
            return ()
        document: dict[str, Any] = {
            "job": "reconcile",
            "run_id": move.run_id,
            "place": move.source.place,
            "region": move.source.region,
            "since": move.opened_at,
            "unfenced": left,
            "closed_at": None,
        }
        return (job_call(move, document),)
