"""EventBridge Scheduler: schedules fire.

EventBridge Scheduler user guide, "Schedule types": rate(), at(); "Deletion after schedule completion".  A rate
begins to count when the schedule is made.  moto keeps schedules and does nothing.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
import zoneinfo
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule
from moto.sns.models import sns_backends

from lab.cloud import world as worlds
from lab.cloud.extensions import lambda_functions
from lab.cloud.extensions.patching import wrap

log = logging.getLogger("lab.cloud")

_RATE = re.compile(r"^rate\((\d+)\s+(minute|hour|day)s?\)$")
_AT = re.compile(r"^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}


def install(world: worlds.World) -> None:
    """Plan each schedule as it is made or changed."""

    @wrap(Schedule, "__init__")
    def create(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.lab_region = kwargs["region"] if "region" in kwargs else args[0]
        self.lab_account = kwargs["account_id"] if "account_id" in kwargs else args[1]
        _plan(self)

    @wrap(Schedule, "update")
    def update(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        _plan(self)

    @wrap(EventBridgeSchedulerBackend, "delete_schedule")
    def delete(original: Any, self: Any, group_name: str | None, name: str) -> None:
        schedule = self.get_schedule(group_name, name)
        original(self, group_name, name)
        schedule.lab_generation = None


def _plan(schedule: Any) -> None:
    """Begin to count; an earlier plan of the same schedule is void."""
    schedule.lab_generation = object()
    world = worlds.current()
    seconds = _until_next(schedule, world.now())
    if seconds is None:
        log.warning("schedule %s: the lab knows rate() and at(), not %s", schedule.name, schedule.schedule_expression)
        return
    _arm(schedule, seconds)


def _arm(schedule: Any, seconds: float) -> None:
    generation = schedule.lab_generation
    worlds.current().after(seconds, lambda: _fire(schedule, generation), f"schedule {schedule.name}")


def _until_next(schedule: Any, now: float) -> float | None:
    minute = worlds.current().delay("scheduler.minute")
    if rate := _RATE.match(schedule.schedule_expression):
        return int(rate[1]) * _MINUTES[rate[2]] * minute
    if at := _AT.match(schedule.schedule_expression):
        zone = zoneinfo.ZoneInfo(schedule.schedule_expression_timezone or "UTC")
        moment = datetime.datetime.fromisoformat(at[1]).replace(tzinfo=zone)
        return max(0.0, moment.timestamp() - now)
    return None


def _fire(schedule: Any, generation: object) -> None:
    if schedule.lab_generation is not generation or not _exists(schedule):
        return
    world = worlds.current()
    again = _RATE.match(schedule.schedule_expression) is not None
    if schedule.lab_region in world.down:
        # nothing of a lost region acts; what was due once is done after it is back
        _arm(schedule, world.delay("scheduler.minute"))
        return
    if again:
        _arm(schedule, _until_next(schedule, world.now()) or 60.0)
    if schedule.state == "ENABLED":
        _invoke(schedule)
    if not again and schedule.action_after_completion == "DELETE":
        _backend(schedule).delete_schedule(schedule.group_name, schedule.name)


def _backend(schedule: Any) -> Any:
    from moto.scheduler.models import scheduler_backends

    return scheduler_backends[schedule.lab_account][schedule.lab_region]


def _exists(schedule: Any) -> bool:
    group = _backend(schedule).schedule_groups.get(schedule.group_name)
    return group is not None and group.schedules.get(schedule.name) is schedule


def _invoke(schedule: Any) -> None:
    arn, text = str(schedule.target["Arn"]), schedule.target.get("Input") or "{}"
    if arn == "arn:aws:scheduler:::aws-sdk:lambda:invoke":
        call = json.loads(text)
        arn, text = call["FunctionName"], call.get("Payload", "{}")
        if not arn.startswith("arn:"):
            arn = f"arn:aws:lambda:{schedule.lab_region}:{schedule.lab_account}:function:{arn}"
    region = arn.split(":")[3]
    if ":lambda:" in arn:
        try:
            function = lambda_backends[schedule.lab_account][region].get_function(arn)
        except Exception:
            log.warning("schedule %s: function %s does not exist", schedule.name, arn)
            return
        lambda_functions.start(function, text.encode())
    elif ":sns:" in arn:
        topic = sns_backends[schedule.lab_account][region].topics.get(arn)
        if topic is not None:
            topic.publish(text)
    else:
        log.warning("schedule %s: the lab invokes functions and topics, not %s", schedule.name, arn)
