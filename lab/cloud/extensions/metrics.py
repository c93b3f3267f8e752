"""CloudWatch metrics on the world's clock, and those which Aurora publishes by itself.

R10: AuroraGlobalDBReplicationLag, AuroraGlobalDBRPOLag and AuroraGlobalDBProgressLag (milliseconds) exist for
secondaries only, so they go silent where one becomes the writer.  "Amazon CloudWatch metrics for Amazon Aurora".
"""

from __future__ import annotations

from collections import deque
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, Dimension, MetricDatum, MetricDatumBase
from moto.core.common_models import CloudWatchMetricProvider

from lab.cloud import world as worlds
from lab.cloud.extensions import alarms
from lab.cloud.extensions.aurora_global import table
from lab.cloud.extensions.aurora_moves import has_plane
from lab.cloud.extensions.moments import naive
from lab.cloud.extensions.patching import wrap

NAMESPACE = "AWS/RDS"
LAGS = ("AuroraGlobalDBReplicationLag", "AuroraGlobalDBRPOLag", "AuroraGlobalDBProgressLag")

_KEPT = 1800
_samples: dict[str, deque[MetricDatum]] = {}


class _AuroraMetrics(CloudWatchMetricProvider):
    """moto asks every subclass for its metrics."""

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str) -> list[MetricDatum]:
        """Everything sampled in that region."""
        return list(_samples.get(region, ())) if account_id == worlds.ACCOUNT else []


def install(world: worlds.World) -> None:
    """Patch the time of data, and begin to sample."""
    _samples.clear()

    @wrap(MetricDatumBase, "__init__")
    def datum(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        given = kwargs["timestamp"] if "timestamp" in kwargs else (args[3] if len(args) > 3 else None)
        if given is None:
            self.timestamp = naive(worlds.current().now())

    # moto orders dimensions by comparing a value with a name: two in another order never match
    Dimension.__lt__ = lambda self, other: (self.name, self.value) < (other.name, other.value)  # type: ignore

    @wrap(CloudWatchBackend, "put_metric_data")
    def put_metric_data(original: Any, self: Any, namespace: str, metric_data: Any) -> None:
        original(self, namespace, metric_data)
        alarms.data_arrived(self)

    world.after(world.delay("cloudwatch.sample"), lambda: _sample(world), "metrics")


def _sample(world: worlds.World) -> None:
    if world is not worlds.current():
        return
    world.after(world.delay("cloudwatch.sample"), lambda: _sample(world), "metrics")
    for global_cluster in list(table(worlds.ACCOUNT).values()):
        if not has_plane(global_cluster):
            continue
        for cluster in list(global_cluster.members):
            _sample_member(world, cluster)
    for region in {*_samples}:
        alarms.evaluate_region(region)


def _sample_member(world: worlds.World, cluster: Any) -> None:
    if cluster.is_writer or cluster.region in world.down or not cluster.members:
        return
    if getattr(cluster, "lab_synchronization", "connected") != "connected":
        return
    lag = world.plane.lag_seconds(cluster.region)
    if lag is None:
        return
    series = _samples.setdefault(cluster.region, deque(maxlen=_KEPT))
    for name in LAGS:
        series.append(
            MetricDatum(
                namespace=NAMESPACE,
                name=name,
                value=lag * 1000.0,
                dimensions=[{"Name": "DBClusterIdentifier", "Value": cluster.db_cluster_identifier}],
                timestamp=naive(world.now()),
                unit="Milliseconds",
            )
        )
