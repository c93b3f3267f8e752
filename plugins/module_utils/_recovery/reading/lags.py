# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Replication lags, as CloudWatch has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model import Access
from ..portions import batches
from ..snapshot import Lag, Snapshot, Unknown
from .parts import Asker, Reading, Wanted, moment, newest, pages

METRIC_QUERIES_LIMIT = 500
LAG_METRIC = "AuroraGlobalDBReplicationLag"  # milliseconds; exists for secondaries only (R10)
LAG_WINDOW_SECONDS = 600
LAG_PERIOD_SECONDS = 60


def lags(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """The newest lag of each cluster of the applications, as this region has it: which one has it is not said (R10)."""
    names = sorted({site.cluster for wish in wanted for site in wish.application.sites})
    return [_lag_batch(asker, access, batch) for batch in batches(names, METRIC_QUERIES_LIMIT)]


def _lag_batch(asker: Asker, access: Access, names: tuple[str, ...]) -> Reading:
    keys = tuple((access, name) for name in names)

    def read() -> Mapping[Any, Any]:
        now = asker.clock.now()
        params = {
            "MetricDataQueries": [lag_query(f"lag{index}", name) for index, name in enumerate(names)],
            "StartTime": moment(now - LAG_WINDOW_SECONDS),
            "EndTime": moment(now + LAG_PERIOD_SECONDS),
            "ScanBy": "TimestampDescending",
        }
        results = pages(asker.caller, access, "cloudwatch", "GetMetricData", params, "MetricDataResults", "NextToken")
        found: dict[Any, Any] = {
            key: Unknown(f"no sample of {LAG_METRIC} for {key[1]} in {access.region} in the last 10 minutes")
            for key in keys
        }
        for result in results:
            index = int(str(result["Id"]).removeprefix("lag"))
            sample = newest(result)
            if sample:
                at, value = sample
                found[keys[index]] = Lag(value / 1000, at, access.region)
        return found

    return Reading("lags", keys, read)


def lag_query(query: str, cluster: str) -> dict[str, Any]:
    """What GetMetricData is asked for one cluster, under an id of ours."""
    dimensions = [{"Name": "DBClusterIdentifier", "Value": cluster}]
    metric = {"Namespace": "AWS/RDS", "MetricName": LAG_METRIC, "Dimensions": dimensions}
    stat = {"Metric": metric, "Period": LAG_PERIOD_SECONDS, "Stat": "Maximum"}
    return {"Id": query, "MetricStat": stat, "ReturnData": True}
