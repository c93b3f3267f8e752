# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The alarms that watch a replication lag, whatever they are called (R10).

Sources: CloudWatch API reference, DescribeAlarmsForMetric, which takes one metric at a time, and DescribeAlarms, which
lists all alarms of a region, a hundred at a time, and cannot be asked for those of a metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model import Access
from ..snapshot import Alarm, Snapshot
from .lags import LAG_METRIC
from .parts import Asker, Reading, Wanted, pages

NAMESPACE, DIMENSION = "AWS/RDS", "DBClusterIdentifier"
ASKED_FOR_SINGLY = 4
"""For more clusters than this all alarms of the region are listed: CloudWatch answers nine calls a second of either."""
PAGE = 100  # MaxRecords of DescribeAlarms


def alarms(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """Those of each cluster."""
    clusters = sorted({wish.site.cluster for wish in wanted})
    if len(clusters) > ASKED_FOR_SINGLY:
        return [_of_all(asker, access, clusters)]
    return [_of_one(asker, access, name) for name in clusters]


def _of_one(asker: Asker, access: Access, cluster: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        params = {"Namespace": NAMESPACE, "MetricName": LAG_METRIC, "Dimensions": _dimensions(cluster)}
        answer = asker.caller.call(access, "cloudwatch", "DescribeAlarmsForMetric", params)
        return {(access, cluster): _watching(cluster, answer.get("MetricAlarms") or ())}

    return Reading("alarms", ((access, cluster),), read)


def _of_all(asker: Asker, access: Access, clusters: Sequence[str]) -> Reading:
    def read() -> Mapping[Any, Any]:
        params = {"AlarmTypes": ["MetricAlarm"], "MaxRecords": PAGE}
        listed = pages(asker.caller, access, "cloudwatch", "DescribeAlarms", params, "MetricAlarms", "NextToken")
        of_lags = [one for one in listed if (one.get("Namespace"), one.get("MetricName")) == (NAMESPACE, LAG_METRIC)]
        return {(access, cluster): _watching(cluster, of_lags) for cluster in clusters}

    return Reading("alarms", tuple((access, cluster) for cluster in clusters), read)


def _dimensions(cluster: str) -> list[dict[str, str]]:
    return [{"Name": DIMENSION, "Value": cluster}]


def _watching(cluster: str, found: Iterable[Mapping[str, Any]]) -> tuple[Alarm, ...]:
    return tuple(
        Alarm(
            name=str(one["AlarmName"]),
            state=str(one.get("StateValue", "")),
            tells=bool(one.get("ActionsEnabled", True) and one.get("AlarmActions")),
        )
        for one in found
        if (one.get("Dimensions") or []) == _dimensions(cluster)
    )
