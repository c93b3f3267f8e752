# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The alarms that watch a replication lag, whatever they are called (R10).

Source: CloudWatch API reference, DescribeAlarmsForMetric, which takes one metric at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model import Access
from ..snapshot import Alarm, Snapshot
from .lags import LAG_METRIC
from .parts import Asker, Reading, Wanted


def alarms(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """Those of each cluster."""
    return [_of_cluster(asker, access, name) for name in sorted({wish.site.cluster for wish in wanted})]


def _of_cluster(asker: Asker, access: Access, cluster: str) -> Reading:
    dimensions = [{"Name": "DBClusterIdentifier", "Value": cluster}]

    def read() -> Mapping[Any, Any]:
        params = {"Namespace": "AWS/RDS", "MetricName": LAG_METRIC, "Dimensions": dimensions}
        found = asker.caller.call(access, "cloudwatch", "DescribeAlarmsForMetric", params).get("MetricAlarms") or []
        return {
            (access, cluster): tuple(
                Alarm(
                    name=str(one["AlarmName"]),
                    state=str(one.get("StateValue", "")),
                    tells=bool(one.get("ActionsEnabled", True) and one.get("AlarmActions")),
                )
                for one in found
                if (one.get("Dimensions") or []) == dimensions
            )
        }

    return Reading("alarms", ((access, cluster),), read)
