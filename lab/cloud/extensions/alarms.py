"""CloudWatch alarms that are evaluated.

CloudWatch user guide, "Using Amazon CloudWatch alarms": a new alarm is INSUFFICIENT_DATA, M of the latest N datapoints
decide, an update leaves the state unchanged.  In `fast` a period is shorter by the table, so that no move is held up.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend, cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse

from lab.cloud import world as worlds
from lab.cloud.extensions import series
from lab.cloud.extensions.moments import naive, seconds
from lab.cloud.extensions.patching import action, wrap

log = logging.getLogger("lab.cloud")

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

_FUNCTION: dict[str, Callable[[list[float]], float]] = {
    "Minimum": min,
    "Maximum": max,
    "Sum": sum,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": lambda values: float(len(values)),
}


def install(world: worlds.World) -> None:
    """Patch creation, and evaluate from time to time."""
    # moto has the model of a composite alarm, and no PutCompositeAlarm: the same members under another name.
    action(CloudWatchResponse, "put_composite_alarm")(CloudWatchResponse.put_metric_alarm)

    @wrap(Alarm, "__init__")
    def create(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.state_value = INSUFFICIENT
        self.state_updated_timestamp = self.configuration_updated_timestamp = naive(worlds.current().now())

    @wrap(CloudWatchBackend, "put_metric_alarm")
    def put_metric_alarm(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        before = self.alarms.get(kwargs.get("name", args[0] if args else None))
        alarm = original(self, *args, **kwargs)
        if before is not None:
            for name in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
                setattr(alarm, name, getattr(before, name))
        data_arrived(self)
        return alarm

    world.after(world.delay("cloudwatch.alarm"), lambda: _evaluate_all(world), "alarms")


def data_arrived(backend: Any) -> None:
    """Evaluate the region's alarms, one evaluation later."""
    world = worlds.current()
    world.after(world.delay("cloudwatch.alarm"), lambda: evaluate_region(backend.region_name), "alarms")


def _evaluate_all(world: worlds.World) -> None:
    """Every scaled minute: data that does not come any more is noticed too."""
    if world is not worlds.current():
        return
    world.after(world.delay("scheduler.minute"), lambda: _evaluate_all(world), "alarms")
    for region in list(cloudwatch_backends[worlds.ACCOUNT]):
        evaluate_region(region)


def evaluate_region(region: str) -> None:
    """Bring every alarm of the region up to date."""
    backend = cloudwatch_backends[worlds.ACCOUNT][region]
    alarms = list(backend.alarms.values())
    for alarm in [one for one in alarms if one.rule is None] + [one for one in alarms if one.rule is not None]:
        state = verdict(backend, alarm) if alarm.rule is None else _composite(backend, alarm)
        if state is not None and state != alarm.state_value:
            _change(alarm, state)


def verdict(backend: Any, alarm: Any, now: float | None = None) -> str | None:
    """What the alarm's datapoints say; nothing if it is of a kind that the lab does not evaluate (metric math)."""
    metric = _metric(alarm)
    if metric is None:
        return None
    namespace, name, dimensions, period, statistic, unit = metric
    world = worlds.current()
    moment = world.now() if now is None else now
    width = max(0.1, period * world.delay("cloudwatch.minute") / 60.0)
    buckets: dict[int, list[float]] = {}
    latest = 0.0
    for datum in _data(backend, namespace, name, dimensions, unit):
        at = seconds(datum.timestamp, 0.0)
        if at <= moment:
            buckets.setdefault(int(at // width), []).append(float(datum.value))
            latest = max(latest, at)
    periods = int(alarm.evaluation_periods or 1)
    stale = (periods + 2) * period * world.delay("scheduler.minute") / 60.0
    if not buckets or moment - latest > stale:
        return _missing(alarm)
    values = [_FUNCTION[statistic](buckets[key]) for key in sorted(buckets)[-periods:]]
    breaching = sum(1 for value in values if _COMPARE[alarm.comparison_operator](value, float(alarm.threshold)))
    needed = min(int(alarm.datapoints_to_alarm or periods), periods)
    if breaching >= needed:
        return ALARM
    return OK


def _missing(alarm: Any) -> str:
    treatment = alarm.treat_missing_data or "missing"
    if treatment == "breaching":
        return ALARM
    if treatment == "notBreaching":
        return OK
    return str(alarm.state_value) if treatment == "ignore" else INSUFFICIENT


def _metric(alarm: Any) -> tuple[str, str, list[tuple[str, str]], float, str, str | None] | None:
    if alarm.metric_name:
        dimensions = sorted((d.name, d.value) for d in alarm.dimensions)
        statistic, period = alarm.statistic, alarm.period
        metric = (alarm.namespace, alarm.metric_name)
        unit = alarm.unit
    else:
        queries = [q for q in alarm.metric_data_queries or () if q.metric_stat is not None]
        if len(queries) != 1 or len(alarm.metric_data_queries) != 1:
            return None
        stat = queries[0].metric_stat
        dimensions = sorted((d.name, d.value) for d in stat.metric.dimensions)
        statistic, period = stat.stat, stat.period
        metric = (stat.metric.namespace, stat.metric.metric_name)
        unit = stat.unit
    if statistic not in _FUNCTION or alarm.comparison_operator not in _COMPARE:
        return None
    return metric[0], metric[1], dimensions, float(period or 60), statistic, unit


def _data(backend: Any, namespace: str, name: str, dimensions: list[tuple[str, str]], unit: str | None) -> list[Any]:
    return [
        datum
        for datum in series.samples(series.metric(backend.region_name, namespace, name, dimensions))
        if hasattr(datum, "value") and (unit is None or datum.unit == unit)
    ]


def _composite(backend: Any, alarm: Any) -> str | None:
    """A rule of ALARM(), OK(), INSUFFICIENT_DATA(), AND, OR, NOT over other alarms of the region."""

    def holds(match: re.Match[str]) -> str:
        other = backend.alarms.get(match["name"].strip("\"' ").rsplit(":alarm:", 1)[-1])
        return str(other is not None and other.state_value == match["state"])

    text = re.sub(r"\b(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?P<name>[^)]+)\)", holds, alarm.rule or "")
    words = re.findall(r"True|False|TRUE|FALSE|AND|OR|NOT|\(|\)|\S+", text)
    python = [word.lower() if word in ("AND", "OR", "NOT") else word.capitalize() for word in words]
    if not python or any(word not in ("and", "or", "not", "(", ")", "True", "False") for word in python):
        return None
    return ALARM if eval(" ".join(python), {"__builtins__": {}}) else OK


def _change(alarm: Any, state: str) -> None:
    reason = {
        ALARM: f"Threshold Crossed: the latest datapoints were breaching ({alarm.comparison_operator})",
        OK: "Threshold Crossed: the latest datapoints were not breaching",
        INSUFFICIENT: "Insufficient Data: no datapoints were received",
    }[state]
    before = alarm.state_value
    alarm.update_state(reason, "{}", state)
    alarm.state_updated_timestamp = naive(worlds.current().now())
    if alarm.actions_enabled:
        targets = {ALARM: alarm.alarm_actions, OK: alarm.ok_actions, INSUFFICIENT: alarm.insufficient_data_actions}
        for target in targets[state] or ():
            _notify(alarm, target, before, reason)


def _notify(alarm: Any, target: str, before: str, reason: str) -> None:
    """Publish to an SNS topic; other kinds of actions have no effect in the lab."""
    if ":sns:" not in target or alarm.region_name in worlds.current().down:
        return
    from moto.sns.models import sns_backends

    message = {
        "AlarmName": alarm.name,
        "NewStateValue": alarm.state_value,
        "OldStateValue": before,
        "NewStateReason": reason,
        "Region": alarm.region_name,
    }
    backend = sns_backends[worlds.ACCOUNT][target.split(":")[3]]
    topic = backend.topics.get(target)
    if topic is not None:
        topic.publish(json.dumps(message), subject=f'{alarm.state_value}: "{alarm.name}" in {alarm.region_name}')
