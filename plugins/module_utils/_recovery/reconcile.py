# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is left to be done of an unplanned move once the old region is back (R7, R8, R9, R22).

The runner does it as a mode of its own, so that it has gates, a lease, a journal and a plan like a move: the old site
is fenced with the steps that an unplanned move has, lost writes are saved, secrets are linked again, what is still
exposed is said, and the pending job is closed. Without a job there is nothing to do, and nothing is fenced, unless the
operator says that one is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import results
from .model import PLACES, Application
from .options import Options
from .results import ApplicationResult
from .runner import run_move
from .steps.base import RECONCILE
from .tools import Tools

CLOSED = "reconciled"
PENDING = "pending"  # something is left of the job: reconcile again later

GOOD = (results.NOTHING, results.PLANNED, CLOSED, PENDING)


@dataclass(frozen=True)
class Reconciliation:
    """One application's outcome.

    ``snapshots`` are copies that hold lost writes, ``exposed`` says what the application still lacks, ``left`` what of
    the job has to wait.
    """

    status: str
    run: ApplicationResult
    snapshots: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def application(self) -> str:
        """Its name."""
        return self.run.application

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong; a job that has to wait is no failure."""
        return self.status in GOOD

    @property
    def changed(self) -> bool:
        """Whether anything was, or in check mode would be, changed."""
        return self.run.changed

    @property
    def reasons(self) -> tuple[str, ...]:
        """What stood in the way."""
        return self.run.reasons

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known."""
        return self.run.notes

    @property
    def plan(self) -> tuple[dict[str, Any], ...]:
        """The calls that change something."""
        return self.run.plan

    def describe(self) -> dict[str, Any]:
        """As plain data."""
        return {
            **self.run.describe(),
            "status": self.status,
            "snapshots": list(self.snapshots),
            "exposed": list(self.exposed),
            "left": list(self.left),
        }


def options_of(
    place: str, overwrite_secrets: Sequence[str] = (), *, without_job: bool = False, break_lease: str = ""
) -> Options:
    """The options of a run that reconciles the site at ``place``, whose region is back. Raises ModelError."""
    living = {PLACES[0]: PLACES[1], PLACES[1]: PLACES[0]}.get(place, place)
    secrets = tuple(overwrite_secrets)
    return Options(
        living,
        RECONCILE,
        RECONCILE,
        overwrite_secrets=secrets,
        without_job=without_job,
        break_lease=break_lease,
    ).checked()


def reconcile(
    applications: Sequence[Application],
    place: str,
    tools: Tools,
    *,
    check: bool = False,
    overwrite_secrets: Sequence[str] = (),
    without_job: bool = False,
    break_lease: str = "",
) -> tuple[Reconciliation, ...]:
    """Do what the pending jobs of the site at ``place`` ask for, or in ``check`` say which calls that would take.

    ``overwrite_secrets`` names secrets whose copy in the old region may be replaced by the living region's.
    ``without_job`` does all of it although no job was kept, because the living region's table took no writes when the
    application was moved. ``break_lease`` names a dead run that holds the lease. Raises RecoveryError for options that
    make no sense.
    """
    options = options_of(place, overwrite_secrets, without_job=without_job, break_lease=break_lease)
    outcome = run_move(applications, options, tools, check=check)
    return tuple(_reconciliation(one) for one in outcome.applications)


def _reconciliation(run: ApplicationResult) -> Reconciliation:
    steps: Mapping[str, Mapping[str, Any]] = {str(step["step"]): step for step in run.steps}
    details = {name: step.get("detail") or {} for name, step in steps.items()}
    closing = steps.get("close-job", {})
    status = run.status
    if status == results.MOVED:
        status = CLOSED if closing.get("outcome") == "done" else PENDING
    left = [
        line
        for step in run.steps
        if step["outcome"] == "given up"
        for line in details[step["step"]].get("left", [step["reason"]])
    ]
    return Reconciliation(
        status=status,
        run=run,
        snapshots=tuple(details.get("copy-lost-writes", {}).get("snapshots", ())),
        exposed=tuple(details.get("exposure", {}).get("exposed", ())),
        left=tuple(dict.fromkeys(left)),
    )
