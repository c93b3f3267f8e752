# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The core in AWS Lambda: an unplanned failover without a controller, and the publisher of the traffic switch.

A function lives for 300 s and a failover may take longer. So before it begins, it makes a schedule that invokes it
again after its own end, with the task `continue` and the id of the run. When its time runs out, it brings that
schedule forward; when the journal is closed, it deletes it. A function that is killed in the middle is continued
just the same: steps are level-triggered, so going on is running again.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import schedules
from .clients import Caller, Clients
from .declared import Api
from .errors import RecoveryError
from .journal import new_run_id
from .lease import unreleased_run
from .model import Application, parse_application
from .options import Options
from .runner import run_move
from .speaking import Line
from .store import LEASE, Store, run_item, switch_item
from .switch import RECORDS, keeper, metric
from .system_clock import SystemClock
from .toolbox import make_tools
from .tools import Tools

TASKS = ("failover", "continue", "publish-switch")
MARGIN_SECONDS = 30.0
"""Left for storing the journal and making the schedule: longer than one mutating call (20 s) that has just begun."""
SOON_SECONDS = 5.0
"""Scheduler is precise to a minute; this is only to be sure that the minute has not passed when it is told."""
LONGEST_NAME = 64
"""Of a schedule (EventBridge Scheduler API reference, CreateSchedule)."""
BUNDLED_AUTHORITY = "ca.pem"
"""Certificates to trust, beside the package in the zip, where the application has an authority of its own."""


@dataclass(frozen=True)
class Invocation:
    """What Lambda says of this invocation, and what the deployment said in the function's environment."""

    function_arn: str
    region: str
    remaining_seconds: Callable[[], float]
    scheduler_role_arn: str = ""
    schedule_group: str = "default"

    @classmethod
    def of(cls, context: Any) -> Invocation:
        """From the context object that Lambda hands in."""
        return cls(
            function_arn=context.invoked_function_arn,
            region=os.environ["AWS_REGION"],
            remaining_seconds=lambda: float(context.get_remaining_time_in_millis()) / 1000,
            scheduler_role_arn=os.environ.get("SCHEDULER_ROLE_ARN", ""),
            schedule_group=os.environ.get("SCHEDULE_GROUP", "default"),
        )


def application_of(event: Mapping[str, Any], package: Path) -> Application:
    """The application of an event. A function has a role and no profiles, and no file of the controller."""
    document = event.get("application")
    if not isinstance(document, Mapping):
        raise RecoveryError("application: a dictionary that describes an application is wanted")
    authority = package.parent / BUNDLED_AUTHORITY
    here: dict[str, Any] = {
        "traffic": {**document.get("traffic", {}), "profile": None},
        "probe": {**document.get("probe", {}), "ca_file": str(authority) if authority.exists() else None},
    }
    for place in ("primary", "dr"):
        here[place] = {**document.get(place, {}), "profile": None}
    return parse_application({**document, **here})


def publish_switch(application: Application, region: str, caller: Caller) -> dict[str, Any]:
    """Repeats the positions that are kept in this region (R17: a metric without data does not hold for hours)."""
    published: dict[str, int] = {}
    for record in RECORDS:
        site = keeper(application, record)
        if site.region != region:
            continue
        key = (application.name, switch_item(record))
        kept = Store(caller, site.access, site.state_table).read([key]).get(key)
        if kept is None:
            continue  # the deployment sets the first position
        position = int(kept["position"])
        caller.call(site.access, "cloudwatch", "PutMetricData", metric(application, record, position), mutates=True)
        published[record] = position
    return {"task": "publish-switch", "application": application.name, "published": published}


@dataclass(frozen=True)
class Continuation:
    """The schedule that invokes this function again for one run."""

    scheduler: Api
    invocation: Invocation
    event: Mapping[str, Any]
    run_id: str

    @property
    def name(self) -> str:
        """Told apart by the run; cut to what Scheduler allows at the application's end."""
        application = str(self.event["application"]["name"])
        return f"{application[: LONGEST_NAME - len(self.run_id) - 1]}-{self.run_id}"

    def due_after(self, now: float, seconds: float) -> None:
        """Makes the schedule, or moves it."""
        wanted = schedules.Schedule(
            name=self.name,
            group=self.invocation.schedule_group,
            expression=schedules.once_after(now, seconds),
            target_arn=self.invocation.function_arn,
            role_arn=self.invocation.scheduler_role_arn,
            payload={**self.event, "task": "continue", "run_id": self.run_id},
            description=f"Continues the run {self.run_id}",
            delete_after=True,
        )
        self.scheduler.apply(schedules.decide_present(self._observed(), wanted))

    def not_needed(self) -> None:
        """Deletes the schedule."""
        self.scheduler.apply(schedules.decide_absent(self._observed(), self.name, self.invocation.schedule_group))

    def _observed(self) -> dict[str, Any] | None:
        return schedules.observe(self.scheduler, self.name, self.invocation.schedule_group)


def options_of(event: Mapping[str, Any]) -> Options:
    """What the event asks for; only a true `accept_data_loss` accepts it, no word that looks like one.

    The same holds for `accept_unfenced`.
    """
    return Options(
        target=str(event.get("target", "")),
        mode=str(event.get("mode", "")),
        intent=str(event.get("intent", "failover")),
        accept_data_loss=event.get("accept_data_loss") is True,
        waive=_waived(event.get("waive", ())),
        break_lease=str(event.get("break_lease") or ""),
        accept_unfenced=event.get("accept_unfenced") is True,
        operator=str(event.get("operator") or ""),
    ).checked()


def _waived(names: Any) -> tuple[str, ...]:
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise RecoveryError(f"waive: {names!r} is no list of gates")
    return tuple(names)


def unfinished(application: Application, options: Options, run_id: str, caller: Caller) -> bool:
    """Whether the run is still open: a continuation that comes late must begin no move of its own.

    Raises RecoveryError where neither a record nor a lease tells of the run. That is no sign that it is done: its move
    may be half done, and an error is what whoever looks after the function is told by.
    """
    site = application.site(options.target)
    record, lease = (application.name, run_item(run_id)), (application.name, LEASE)
    kept = Store(caller, site.access, site.state_table).read([record, lease])
    if record in kept:
        return not kept[record].get("closed_at")
    if (unreleased_run(kept.get(lease, {})) or {}).get("run_id") == run_id:
        return True
    raise RecoveryError(
        f"run {run_id} of {application.name} is not known in {site.region}: it never began, or its state table took no"
        " writes; look where the application is, and run the same move again"
    )


def move(event: Mapping[str, Any], application: Application, invocation: Invocation, tools: Tools) -> dict[str, Any]:
    """Begins a move or goes on with one, for as long as this invocation lasts."""
    options = options_of(event)
    going_on = event["task"] == "continue"
    run_id = str(event.get("run_id") or "")
    if going_on and not run_id:
        raise RecoveryError("run_id: the run that is to be continued is wanted")
    if going_on and not unfinished(application, options, run_id, tools.caller):
        return {"task": "continue", "run_id": run_id, "status": "closed"}
    run_id = run_id or new_run_id(tools.clock.now(), options.intent)
    continuation = Continuation(Api(tools.caller, invocation.region, "scheduler"), invocation, event, run_id)
    remaining = invocation.remaining_seconds()
    notes = _tried(lambda: continuation.due_after(tools.clock.now(), remaining))
    stop_at = tools.clock.now() + remaining - MARGIN_SECONDS
    result = run_move([application], options, tools, run_id=run_id, stop_at=stop_at)
    told = result.applications[0].describe()
    # An earlier run that is gone on with keeps its id, and by that the next continuation must find it.
    taken_up = replace(continuation, run_id=told["run_id"] or run_id)
    if result.paused:
        notes += _tried(lambda: taken_up.due_after(tools.clock.now(), SOON_SECONDS))
    if not result.paused or taken_up != continuation:
        notes += _tried(continuation.not_needed)
    return {"task": event["task"], **told, "run_id": taken_up.run_id, "notes": [*told["notes"], *notes]}


def _tried(call: Callable[[], None]) -> list[str]:
    """A continuation that cannot be arranged is said; it holds no failover up."""
    try:
        call()
    except RecoveryError as error:
        return [f"no continuation: {error}"]
    return []


def handle(event: Mapping[str, Any], invocation: Invocation) -> dict[str, Any]:
    """Does the task of an event and says what came of it; raises RecoveryError, which Lambda counts as an error."""
    task = event.get("task")
    if task not in TASKS:
        raise RecoveryError(f"task: {task!r} is unknown; the tasks are {', '.join(TASKS)}")
    application = application_of(event, Path(__file__).resolve().parent)
    if task == "publish-switch":
        return publish_switch(application, invocation.region, Clients(SystemClock()))
    journals = Path(tempfile.gettempdir()) / "journals"
    tools = make_tools(progress=_said, journal_dir=journals)
    return move(event, application, invocation, tools)


def _said(line: Line) -> None:
    """What a function writes to its standard output goes to its log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
