# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How many virtual processors an account may run, and does (R21).

Service Quotas says the limit together with the CloudWatch metric of its use, so that two reads answer, and neither
instances nor anything else of the account need be listed. Auto Scaling's account limits count groups, not instances.
Sources: Service Quotas API reference, GetServiceQuota; EC2 user guide, "Amazon EC2 On-Demand Instance quotas".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..instance_types import quota_code
from ..model import Access
from ..snapshot import GroupState, Quota, Snapshot
from .parts import Asker, Reading, Wanted, moment, newest

USE_WINDOW_SECONDS = 3600
USE_PERIOD_SECONDS = 300


def quotas(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """Each quota that what is still to be launched counts against."""
    asked: dict[str, int] = {}
    for wish in wanted:
        for group in wish.site.groups:
            state = known.group(wish.site, group.name)
            if not isinstance(state, GroupState):
                continue
            for code, processors in known.processors(access, state, quota_code).items():
                launches = max(0, group.active.desired - state.instances)
                asked[code] = asked.get(code, 0) + processors * launches
    return [_quota(asker, access, code, processors) for code, processors in asked.items()]


def _quota(asker: Asker, access: Access, code: str, asked: int) -> Reading:
    def read() -> Mapping[Any, Any]:
        params = {"ServiceCode": "ec2", "QuotaCode": code}
        found = asker.caller.call(access, "service-quotas", "GetServiceQuota", params)["Quota"]
        used = _used(asker, access, found.get("UsageMetric") or {})
        return {(access, code): Quota(str(found.get("QuotaName", code)), float(found["Value"]), used, asked)}

    return Reading("quotas", ((access, code),), read)


def _used(asker: Asker, access: Access, metric: Mapping[str, Any]) -> float | None:
    if not metric.get("MetricName"):
        return None
    now = asker.clock.now()
    dimensions = [{"Name": name, "Value": value} for name, value in metric.get("MetricDimensions", {}).items()]
    asked = {"Namespace": metric["MetricNamespace"], "MetricName": metric["MetricName"], "Dimensions": dimensions}
    stat = {
        "Metric": asked,
        "Period": USE_PERIOD_SECONDS,
        "Stat": metric.get("MetricStatisticRecommendation", "Maximum"),
    }
    params = {
        "MetricDataQueries": [{"Id": "used", "MetricStat": stat, "ReturnData": True}],
        "StartTime": moment(now - USE_WINDOW_SECONDS),
        "EndTime": moment(now),
        "ScanBy": "TimestampDescending",
    }
    results = asker.caller.call(access, "cloudwatch", "GetMetricData", params).get("MetricDataResults") or []
    sample = newest(results[0]) if results else None
    return sample[1] if sample else None
