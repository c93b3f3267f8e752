# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The smaller services of the simulated AWS: CloudWatch, KMS, SNS, Route 53, Secrets Manager."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .base import EAST, WEST
from .preparations import Preparations


class Services(Preparations):
    """Metrics, keys, topics, records and secrets."""

    def _cloudwatch_get_metric_data(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        results = []
        for query in params["MetricDataQueries"]:
            at = min(self.clock.now(), params["EndTime"].timestamp()) - 30
            value = self._sample(query["MetricStat"]["Metric"], at)
            known = value is not None
            results.append(
                {
                    "Id": query["Id"],
                    "Timestamps": [datetime.fromtimestamp(at, UTC)] if known else [],
                    "Values": [value] if known else [],
                }
            )
        return {"MetricDataResults": results}

    def _sample(self, metric: Mapping[str, Any], at: float) -> float | None:
        if metric["Namespace"] != "AWS/RDS":
            return self.prepared_metric(metric)
        return self.replication.lag(at) * 1000 if self.lag_told else None

    def _cloudwatch_put_metric_data(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        for data in params["MetricData"]:
            names = {one["Name"]: one["Value"] for one in data["Dimensions"]}
            # An alarm sees only what is written in its own region (R17).
            if region == {"primary": WEST, "dr": EAST}[names["Record"]]:
                self._position(names["Application"], names["Record"], self.clock.now(), data["Value"])
        self.published.append(params)
        return {}

    def _kms_describe_key(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"KeyMetadata": {"KeyId": "1", "KeyState": self.key_state}}

    def _sns_publish(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"MessageId": "1"}

    def _route53_list_hosted_zones_by_name(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        assert region == EAST
        return {"HostedZones": [{"Id": "/hostedzone/Z1", "Name": params["DNSName"], "CallerReference": "x"}]}

    def _route53_list_resource_record_sets(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params["StartRecordName"]
        simple = {"Name": name, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "x"}]}
        if self.records_form == "simple":
            return {"ResourceRecordSets": [simple], "IsTruncated": False}
        pair = [("PRIMARY", "primary", "1"), ("SECONDARY", "dr", "2")]
        records = [
            {**simple, "Failover": kind, "SetIdentifier": place}
            | ({} if self.records_form == "unchecked" else {"HealthCheckId": check})
            for kind, place, check in pair
        ]
        return {"ResourceRecordSets": records, "IsTruncated": False}
