"""The samples of each metric, found by what names a metric.

CloudWatch user guide, "Metrics concepts": each unique combination of dimensions is a separate metric.  moto keeps the
samples of a region in one list and reads all of it for every metric and period that is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from moto.cloudwatch.models import MetricDatum

_KEPT = 300
"""Samples that a service published of one metric."""


class Metric(NamedTuple):
    """What names a metric."""

    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    """Sorted."""


_published: dict[Metric, deque[MetricDatum]] = {}
_put: dict[Metric, list[Any]] = {}


def clear() -> None:
    """A new world."""
    _published.clear()
    _put.clear()


def metric(region: str, namespace: str, name: str, dimensions: Iterable[tuple[str, str]]) -> Metric:
    """The metric with these names, its dimensions in whatever order."""
    return Metric(region, namespace, name, tuple(sorted(dimensions)))


def publish(of: Metric, datum: MetricDatum) -> None:
    """A sample of a service."""
    _published.setdefault(of, deque(maxlen=_KEPT)).append(datum)


def put(region: str, data: Iterable[Any]) -> None:
    """Samples of PutMetricData."""
    for datum in data:
        dimensions = ((one.name, one.value) for one in datum.dimensions)
        _put.setdefault(metric(region, datum.namespace, datum.name, dimensions), []).append(datum)


def samples(of: Metric) -> list[Any]:
    """Everything that is kept of a metric."""
    return [*_put.get(of, ()), *list(_published.get(of, ()))]


def published(region: str) -> list[MetricDatum]:
    """What services published in the region."""
    return [datum for key, kept in list(_published.items()) if key.region == region for datum in list(kept)]
