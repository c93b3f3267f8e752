"""Route 53 health checks that are evaluated.

Route 53 developer guide, "How Amazon Route 53 determines whether a health check is healthy"; R4 (a new one starts out
healthy, an inverted one unhealthy), R17 (CLOUDWATCH_METRIC follows the metric's data, with the alarm's settings as they
were at creation or at the last UpdateHealthCheck), R18 (interval x threshold).  moto always says success.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.core.responses import ActionResult, EmptyResult
from moto.route53.exceptions import InvalidInput, NoSuchHealthCheck, Route53ClientError
from moto.route53.models import route53_backends
from moto.route53.responses import Route53

from lab.cloud import world as worlds
from lab.cloud.extensions import alarms, health_probe
from lab.cloud.extensions.moments import aware
from lab.cloud.extensions.patching import action, wrap

METRIC = "CLOUDWATCH_METRIC"
CALCULATED = "CALCULATED"

_FIELDS = (
    "IPAddress",
    "Port",
    "Type",
    "ResourcePath",
    "FullyQualifiedDomainName",
    "SearchString",
    "RequestInterval",
    "FailureThreshold",
    "MeasureLatency",
    "Inverted",
    "Disabled",
    "HealthThreshold",
    "ChildHealthChecks",
    "EnableSNI",
    "Regions",
    "AlarmIdentifier",
    "InsufficientDataHealthStatus",
)
_UPDATABLE = [name for name in _FIELDS if name not in ("Type", "RequestInterval", "MeasureLatency")]


@dataclass
class Check:
    """What the lab knows of one health check beside moto's object."""

    identifier: str
    config: dict[str, Any]
    reference: str
    version: int = 1
    alarm: Any = None
    """A copy of the CloudWatch alarm."""
    raw: bool = True
    """Healthy before inversion."""
    streak: int = 0
    """Observations in a row that contradict `raw`."""
    reason: str = "Success: the health check is new"
    checked_at: float = 0.0
    probing: bool = field(default=False, compare=False)


_checks: dict[str, Check] = {}

probe: Callable[[dict[str, Any]], tuple[bool, str]] = health_probe.probe
"""Observes an endpoint; tests replace it."""


def is_healthy(check_id: str) -> bool:
    """Whether Route 53 takes the check as healthy; one that does not exist counts as healthy."""
    check = _checks.get(check_id)
    if check is None:
        return True
    if check.config["Type"] == CALCULATED:
        children = check.config.get("ChildHealthChecks") or []
        raw = sum(is_healthy(child) for child in children) >= int(check.config.get("HealthThreshold") or len(children))
    else:
        raw = check.raw or bool(check.config.get("Disabled"))
    return raw != bool(check.config.get("Inverted"))


def known() -> set[str]:
    """Identifiers of all health checks."""
    return set(_checks)


def install(world: worlds.World) -> None:
    """Replace moto's actions, and evaluate from time to time."""
    _checks.clear()
    _patch_actions()

    @wrap(CloudWatchBackend, "put_metric_data")
    def put_metric_data(original: Any, self: Any, namespace: str, metric_data: Any) -> None:
        original(self, namespace, metric_data)
        current = worlds.current()
        current.after(current.delay("route53.metric"), lambda: _follow_metrics(self.region_name), "health checks")

    world.after(world.delay("scheduler.minute"), lambda: _follow_all(world), "health checks")


# evaluation


def _follow_all(world: worlds.World) -> None:
    """Every scaled minute: a metric that has fallen silent is noticed."""
    if world is not worlds.current():
        return
    world.after(world.delay("scheduler.minute"), lambda: _follow_all(world), "health checks")
    _follow_metrics(None)


def _follow_metrics(region: str | None) -> None:
    for check in list(_checks.values()):
        if check.config["Type"] == METRIC and region in (None, check.config["AlarmIdentifier"]["Region"]):
            _follow(check)


def _follow(check: Check) -> None:
    world = worlds.current()
    region = check.config["AlarmIdentifier"]["Region"]
    if check.alarm is None or region in world.down:
        state: str | None = alarms.INSUFFICIENT
    else:
        state = alarms.verdict(cloudwatch_backends[worlds.ACCOUNT][region], check.alarm)
    check.checked_at = world.now()
    if state == alarms.ALARM:
        check.raw, check.reason = False, "Failure: the CloudWatch alarm's datapoints are breaching"
    elif state == alarms.OK:
        check.raw, check.reason = True, "Success: the CloudWatch alarm's datapoints are not breaching"
    else:
        fallback = check.config.get("InsufficientDataHealthStatus") or "LastKnownStatus"
        if fallback != "LastKnownStatus":
            check.raw = fallback == "Healthy"
        check.reason = f"{'Success' if check.raw else 'Failure'}: insufficient data, {fallback}"


def _observe_soon(check: Check) -> None:
    world = worlds.current()
    interval = float(check.config.get("RequestInterval") or 30) * world.delay("route53.check.scale")
    world.after(interval, lambda: _observe(check), f"health check {check.identifier}")


def _observe(check: Check) -> None:
    """One request to the endpoint; in the server in a thread of its own, since it may hang."""
    if _checks.get(check.identifier) is not check:
        return
    _observe_soon(check)
    if check.probing or check.config.get("Disabled"):
        return
    if worlds.current().settings is None:
        _note(check, *probe(check.config))
        return
    check.probing = True

    def run() -> None:
        try:
            _note(check, *probe(check.config))
        finally:
            check.probing = False

    threading.Thread(target=run, name=f"health-{check.identifier[:8]}", daemon=True).start()


def _note(check: Check, healthy: bool, reason: str) -> None:
    check.checked_at = worlds.current().now()
    check.reason = reason
    if healthy == check.raw:
        check.streak = 0
        return
    check.streak += 1
    if check.streak >= int(check.config.get("FailureThreshold") or 3):
        check.raw, check.streak = healthy, 0


# the API


def _patch_actions() -> None:
    @action(Route53, "create_health_check")
    def create(self: Any) -> ActionResult:
        return ActionResult(_create(self))

    @action(Route53, "update_health_check")
    def update(self: Any) -> ActionResult:
        check = _find(self._get_param("HealthCheckId"))
        given = {name: self._get_param(name) for name in _UPDATABLE}
        version = self._get_int_param("HealthCheckVersion")
        if version is not None and version != check.version:
            raise Route53ClientError(
                "HealthCheckVersionMismatch", "The value of HealthCheckVersion does not match the present version."
            )
        config = check.config | {name: value for name, value in given.items() if value is not None}
        for name in self._get_param("ResetElements", []):
            config.pop(name, None)
        _validate(config)
        check.config = config
        check.version += 1
        _load_alarm(check)
        return ActionResult({"HealthCheck": _describe(check)})

    @action(Route53, "get_health_check")
    def get(self: Any) -> ActionResult:
        return ActionResult({"HealthCheck": _describe(_find(self._get_param("HealthCheckId")))})

    @action(Route53, "list_health_checks")
    def list_all(self: Any) -> ActionResult:
        shown = [_describe(check) for check in _checks.values()]
        return ActionResult({"HealthChecks": shown, "IsTruncated": False, "MaxItems": "100", "Marker": ""})

    @action(Route53, "delete_health_check")
    def delete(self: Any) -> EmptyResult:
        check = _find(self._get_param("HealthCheckId"))
        del _checks[check.identifier]
        self.backend.delete_health_check(check.identifier)
        return EmptyResult()

    @action(Route53, "get_health_check_status")
    def status(self: Any) -> ActionResult:
        return ActionResult({"HealthCheckObservations": _observations(_find(self._get_param("HealthCheckId")))})


def _create(response: Any) -> dict[str, Any]:
    reference = response._get_param("CallerReference")
    given = response._get_param("HealthCheckConfig")
    config = {name: _plain(given[name]) for name in _FIELDS if given.get(name) is not None}
    _validate(config)
    for check in _checks.values():
        if check.reference == reference:
            if check.config == _with_defaults(config):
                return {"HealthCheck": _describe(check), "Location": _location(check)}
            raise Route53ClientError(
                "HealthCheckAlreadyExists", "A health check with the same caller reference and other settings exists."
            )
    names = {"Type": "type", "IPAddress": "ip_address", "Port": "port", "FullyQualifiedDomainName": "fqdn"}
    made = response.backend.create_health_check(reference, {names[n]: v for n, v in config.items() if n in names})
    check = Check(made.id, _with_defaults(config), reference)
    _register(check)
    return {"HealthCheck": _describe(check), "Location": _location(check)}


def _register(check: Check) -> None:
    check.checked_at = worlds.current().now()
    _checks[check.identifier] = check
    if check.config["Type"] == METRIC:
        _load_alarm(check)
    elif check.config["Type"] != CALCULATED:
        _observe_soon(check)


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _with_defaults(config: dict[str, Any]) -> dict[str, Any]:
    full = {"Inverted": False, "Disabled": False, **config}
    if config["Type"] == METRIC:
        full.setdefault("InsufficientDataHealthStatus", "LastKnownStatus")
    elif config["Type"] != CALCULATED:
        full = {"RequestInterval": 30, "FailureThreshold": 3, "MeasureLatency": False, **full}
        full.setdefault("Port", 443 if config["Type"].startswith("HTTPS") else 80)
        full.setdefault("EnableSNI", config["Type"].startswith("HTTPS"))
    return full


def _validate(config: dict[str, Any]) -> None:
    """Route 53 API reference, HealthCheckConfig."""
    if config["Type"] == METRIC:
        if not config.get("AlarmIdentifier"):
            raise InvalidInput("AlarmIdentifier is required for health checks of type CLOUDWATCH_METRIC")
        alarm = _alarm(config)
        if alarm is None:
            raise InvalidInput(f"CloudWatch alarm {config['AlarmIdentifier']} was not found")
        if alarm.rule is not None or not alarm.metric_name or alarm.extended_statistic:
            raise InvalidInput("The alarm must follow one metric, without metric math or an extended statistic")
        if int(alarm.period or 0) < 60:
            raise InvalidInput(
                "High-resolution metrics are not supported: the alarm's period must be 60 seconds or more"
            )
    elif config["Type"] == CALCULATED:
        if not config.get("ChildHealthChecks"):
            raise InvalidInput("ChildHealthChecks is required for health checks of type CALCULATED")
    elif not config.get("IPAddress") and not config.get("FullyQualifiedDomainName"):
        raise InvalidInput("Either IPAddress or FullyQualifiedDomainName must be specified")
    if int(config.get("RequestInterval") or 30) not in (10, 30):
        raise InvalidInput("RequestInterval must be 10 or 30")


def _alarm(config: dict[str, Any]) -> Any:
    where = config["AlarmIdentifier"]
    return cloudwatch_backends[worlds.ACCOUNT][where["Region"]].alarms.get(where["Name"])


def _load_alarm(check: Check) -> None:
    """R17: later changes to the alarm are not seen until UpdateHealthCheck is called."""
    if check.config["Type"] == METRIC:
        found = _alarm(check.config)
        check.alarm = copy.copy(found) if found is not None else None
        if check.alarm is not None:
            _follow(check)


def _find(identifier: str) -> Check:
    check = _checks.get(identifier)
    if check is None or identifier not in route53_backends[worlds.ACCOUNT]["aws"].health_checks:
        raise NoSuchHealthCheck(identifier)
    return check


def _location(check: Check) -> str:
    return f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check.identifier}"


def _describe(check: Check) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Id": check.identifier,
        "CallerReference": check.reference,
        "HealthCheckConfig": check.config,
        "HealthCheckVersion": check.version,
    }
    alarm = check.alarm
    if alarm is not None:
        shown["CloudWatchAlarmConfiguration"] = {
            "EvaluationPeriods": alarm.evaluation_periods,
            "Threshold": alarm.threshold,
            "ComparisonOperator": alarm.comparison_operator,
            "Period": alarm.period,
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "Statistic": alarm.statistic,
            "Dimensions": [{"Name": d.name, "Value": d.value} for d in alarm.dimensions],
        }
    return shown


def _observations(check: Check) -> list[dict[str, Any]]:
    if check.config["Type"] == CALCULATED:
        raise InvalidInput("GetHealthCheckStatus cannot be used for a calculated health check")
    report = {"Status": check.reason, "CheckedTime": aware(check.checked_at)}
    regions = check.config.get("Regions") or ["us-east-1", "us-west-2", "eu-west-1"]
    return [{"Region": region, "IPAddress": "192.0.2.1", "StatusReport": report} for region in regions]
