"""CloudWatch metrics on the world's clock, and those which AWS's services publish by themselves.

R10: AuroraGlobalDBReplicationLag, AuroraGlobalDBRPOLag and AuroraGlobalDBProgressLag (milliseconds) exist for
secondaries only, so they go silent where one becomes the writer.  "Amazon CloudWatch metrics for Amazon Aurora"; those
of Auto Scaling, load balancers, S3 replication and health checks from the user guides of these services.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.cloudwatch import models
from moto.cloudwatch.models import CloudWatchBackend, Dimension, MetricDatum, MetricDatumBase
from moto.core.common_models import CloudWatchMetricProvider
from moto.elbv2.models import elbv2_backends
from moto.s3.models import s3_backends

from lab.cloud import world as worlds
from lab.cloud.extensions import alarms, health_checks, quotas, series
from lab.cloud.extensions.aurora_global import table
from lab.cloud.extensions.aurora_moves import has_plane
from lab.cloud.extensions.moments import naive
from lab.cloud.extensions.patching import wrap
from lab.cloud.extensions.s3_rules import destination_bucket
from lab.settings import GLOBAL_REGION

LAGS = ("AuroraGlobalDBReplicationLag", "AuroraGlobalDBRPOLag", "AuroraGlobalDBProgressLag")

_MOTOS = {("AWS/S3", "BucketSizeBytes"), ("AWS/S3", "NumberOfObjects")}
"""What moto computes by itself, in no series of ours."""
_SLOW = 5
"""Everything but the lag is sampled once in so many samples."""

_putting = threading.Lock()
_asked = threading.local()
"""`data`: the samples of the metric that this thread is being asked for."""

Sample = tuple[str, str, str, dict[str, str], float, str]
"""Region, namespace, name, dimensions, value, unit."""


class _ServiceMetrics(CloudWatchMetricProvider):
    """moto asks every subclass for its metrics."""

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str) -> list[MetricDatum]:
        """Everything sampled in that region."""
        return series.published(region) if account_id == worlds.ACCOUNT else []


def install(world: worlds.World) -> None:
    """Patch the time of data, and begin to sample."""
    series.clear()

    @wrap(MetricDatumBase, "__init__")
    def datum(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        given = kwargs["timestamp"] if "timestamp" in kwargs else (args[3] if len(args) > 3 else None)
        if given is None:
            self.timestamp = naive(worlds.current().now())

    # moto orders dimensions by comparing a value with a name: two in another order never match
    Dimension.__lt__ = lambda self, other: (self.name, self.value) < (other.name, other.value)  # type: ignore

    models.are_dimensions_same = _same  # type: ignore[assignment]  # moto's own is false for two dimensions or more

    @wrap(CloudWatchBackend, "put_metric_data")
    def put_metric_data(original: Any, self: Any, namespace: str, metric_data: Any) -> None:
        with _putting:
            before = len(self.metric_data)
            original(self, namespace, metric_data)
            series.put(self.region_name, self.metric_data[before:])
        alarms.data_arrived(self)

    @wrap(CloudWatchBackend, "get_all_metrics")
    def get_all_metrics(original: Any, self: Any) -> list[Any]:
        data: list[Any] | None = getattr(_asked, "data", None)
        return list(original(self)) if data is None else data

    @wrap(CloudWatchBackend, "get_metric_data")
    def get_metric_data(original: Any, self: Any, queries: list[dict[str, Any]], *args: Any, **kwargs: Any) -> Any:
        stated = [query.get("MetricStat", {}).get("Metric") for query in queries]
        # An expression is over the results of the others.
        if any(one is None or (one["Namespace"], one["MetricName"]) in _MOTOS for one in stated):
            return original(self, queries, *args, **kwargs)
        results = []
        for query, one in zip(queries, stated, strict=True):
            dimensions = ((part["Name"], part["Value"]) for part in one.get("Dimensions") or ())
            wanted = series.metric(self.region_name, one["Namespace"], one["MetricName"], dimensions)
            _asked.data = series.samples(wanted)
            try:
                results += original(self, [query], *args, **kwargs)
            finally:
                del _asked.data
        return results

    world.after(world.delay("cloudwatch.sample"), lambda: _sample(world, 0), "metrics")


def _same(one: list[Dimension], other: list[Dimension]) -> bool:
    return sorted((d.name, d.value) for d in one) == sorted((d.name, d.value) for d in other)


def _sample(world: worlds.World, count: int) -> None:
    if world is not worlds.current():
        return
    world.after(world.delay("cloudwatch.sample"), lambda: _sample(world, count + 1), "metrics")
    samples = list(_lags(world))
    if count % _SLOW == 0:
        samples += [*_groups(), *_targets(), *_replication(), *_health(), *quotas.usage()]
    for sample in samples:
        if sample[0] not in world.down:
            _keep(world, sample)
    for region in {sample[0] for sample in samples}:
        alarms.evaluate_region(region)


def _keep(world: worlds.World, sample: Sample) -> None:
    region, namespace, name, dimensions, value, unit = sample
    series.publish(
        series.metric(region, namespace, name, dimensions.items()),
        MetricDatum(
            namespace=namespace,
            name=name,
            value=value,
            dimensions=[{"Name": one, "Value": of} for one, of in dimensions.items()],
            timestamp=naive(world.now()),
            unit=unit,
        ),
    )


def _lags(world: worlds.World) -> Iterator[Sample]:
    for global_cluster in list(table(worlds.ACCOUNT).values()):
        real = has_plane(global_cluster)
        for cluster in list(global_cluster.members):
            in_step = getattr(cluster, "lab_synchronization", "connected") == "connected"
            if cluster.is_writer or cluster.region in world.down or not cluster.members or not in_step:
                continue
            lag = world.plane.lag_seconds(cluster.region) if real else world.delay("rds.lag")
            if lag is None:
                continue
            dimensions = {"DBClusterIdentifier": str(cluster.db_cluster_identifier)}
            for name in LAGS:
                yield cluster.region, "AWS/RDS", name, dimensions, lag * 1000.0, "Milliseconds"


def _groups() -> Iterator[Sample]:
    for region, backend in list(autoscaling_backends[worlds.ACCOUNT].items()):
        for group in list(backend.autoscaling_groups.values()):
            dimensions = {"AutoScalingGroupName": group.name}
            serving = sum(1 for state in group.instance_states if state.lifecycle_state == "InService")
            yield region, "AWS/AutoScaling", "GroupInServiceInstances", dimensions, float(serving), "None"
            wanted = float(group.desired_capacity or 0)
            yield region, "AWS/AutoScaling", "GroupDesiredCapacity", dimensions, wanted, "None"


def _targets() -> Iterator[Sample]:
    for region, backend in list(elbv2_backends[worlds.ACCOUNT].items()):
        for target_group in list(backend.target_groups.values()):
            health = backend.describe_target_health(target_group.arn, [])
            healthy = float(sum(1 for one in health if one.status == "healthy"))
            for arn in target_group.load_balancer_arns:
                dimensions = {
                    "LoadBalancer": arn.split(":loadbalancer/", 1)[-1],
                    "TargetGroup": target_group.arn.rsplit(":", 1)[-1],
                }
                yield region, "AWS/ApplicationELB", "HealthyHostCount", dimensions, healthy, "Count"
                unhealthy = float(len(health)) - healthy
                yield region, "AWS/ApplicationELB", "UnHealthyHostCount", dimensions, unhealthy, "Count"


def _replication() -> Iterator[Sample]:
    """S3 replication metrics, in the source's region, of the rules that ask for them."""
    for bucket in list(s3_backends[worlds.ACCOUNT]["aws"].buckets.values()):
        for rule in (getattr(bucket, "replication", None) or {}).get("Rule", ()):
            if (rule["Destination"].get("Metrics") or {}).get("Status") != "Enabled":
                continue
            waiting = [
                key
                for versions in list(bucket.keys.lists())
                for key in versions[1]
                if getattr(key, "lab_replication", None) == "PENDING"
            ]
            dimensions = {
                "SourceBucket": bucket.name,
                "DestinationBucket": destination_bucket(rule),
                "RuleId": str(rule.get("ID", "")),
            }
            place = str(bucket.region_name)
            size = float(sum(key.size for key in waiting))
            yield place, "AWS/S3", "OperationsPendingReplication", dimensions, float(len(waiting)), "Count"
            yield place, "AWS/S3", "BytesPendingReplication", dimensions, size, "Bytes"
            latency = worlds.current().delay("s3.replicate") if waiting else 0.0
            yield place, "AWS/S3", "ReplicationLatency", dimensions, latency, "Seconds"


def _health() -> Iterator[Sample]:
    for check in health_checks.known():
        value = 1.0 if health_checks.is_healthy(check) else 0.0
        yield GLOBAL_REGION, "AWS/Route53", "HealthCheckStatus", {"HealthCheckId": check}, value, "None"
