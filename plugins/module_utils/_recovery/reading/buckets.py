# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Buckets: whether they replicate to each other, and what is waiting (R24). Asked beforehand, never in a recovery path.

Sources: S3 API reference, GetBucketReplication and GetBucketVersioning; S3 user guide, "Using S3 Replication metrics".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..declared import Api
from ..model import Access
from ..portions import batches
from ..replication import describe, exists, observe, versioned
from ..snapshot import Backlog, Bucket, Snapshot, Unknown
from .lags import METRIC_QUERIES_LIMIT
from .parts import Asker, At, Reading, Wanted, moment, newest, pages

BACKLOG_WINDOW_SECONDS = 900
BACKLOG_PERIOD_SECONDS = 60


def buckets(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """Versioning and rules of each bucket."""
    return [_bucket(asker, access, name) for name in sorted({name for wish in wanted for name in wish.site.buckets})]


def _bucket(asker: Asker, access: Access, name: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        api = Api(At(asker.caller, access), access.region, "s3")
        if not exists(api, name):
            return {(access, name): None}
        rules = describe(observe(api, name)).get("rules", ())
        return {(access, name): Bucket(name, versioned(api, name), tuple(rules))}

    return Reading("buckets", ((access, name),), read)


def backlogs(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """What waits at each bucket of this region, by the rule that replicates it; S3 says so where the source is."""
    asked: dict[tuple[str, str, str], None] = {}
    for name in sorted({name for wish in wanted for name in wish.site.buckets}):
        bucket = known.buckets.get((access, name))
        for rule in bucket.rules if isinstance(bucket, Bucket) else ():
            if rule["enabled"]:
                asked[(name, rule["destination_bucket"], str(rule["id"]))] = None
    return [_backlog_batch(asker, access, batch) for batch in batches(list(asked), METRIC_QUERIES_LIMIT // 2)]


def _backlog_batch(asker: Asker, access: Access, rules: tuple[tuple[str, str, str], ...]) -> Reading:
    keys = tuple((access, source, destination) for source, destination, _rule in rules)

    def read() -> Mapping[Any, Any]:
        now = asker.clock.now()
        params = {
            "MetricDataQueries": [query for index, rule in enumerate(rules) for query in _queries(index, rule)],
            "StartTime": moment(now - BACKLOG_WINDOW_SECONDS),
            "EndTime": moment(now + BACKLOG_PERIOD_SECONDS),
            "ScanBy": "TimestampDescending",
        }
        found = {
            str(one["Id"]): newest(one)
            for one in pages(
                asker.caller, access, "cloudwatch", "GetMetricData", params, "MetricDataResults", "NextToken"
            )
        }
        return {
            key: _backlog(key[1], found.get(f"pending{index}"), found.get(f"latency{index}"))
            for index, key in enumerate(keys)
        }

    return Reading("backlogs", keys, read)


def _backlog(
    bucket: str, pending: tuple[float, float] | None, latency: tuple[float, float] | None
) -> Backlog | Unknown:
    if pending is None or latency is None:
        return Unknown(f"no sample of the replication metrics of {bucket} in the last 15 minutes")
    return Backlog(int(pending[1]), latency[1])


def _queries(index: int, rule: tuple[str, str, str]) -> list[dict[str, Any]]:
    names = ("SourceBucket", "DestinationBucket", "RuleId")
    dimensions = [{"Name": name, "Value": value} for name, value in zip(names, rule, strict=True)]
    queries = []
    for query, metric in (("pending", "OperationsPendingReplication"), ("latency", "ReplicationLatency")):
        asked = {"Namespace": "AWS/S3", "MetricName": metric, "Dimensions": dimensions}
        stat = {"Metric": asked, "Period": BACKLOG_PERIOD_SECONDS, "Stat": "Maximum"}
        queries.append({"Id": f"{query}{index}", "MetricStat": stat, "ReturnData": True})
    return queries
