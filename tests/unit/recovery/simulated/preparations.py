# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands ready before a move, in the simulated AWS: templates, quotas, buckets, secrets, checks and alarms.

All is well by default; a test breaks one thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .base import EAST, WEST, VirtualClock, World


class Preparations(World):
    """Handlers of the readings that only gates need."""

    def __init__(self, clock: VirtualClock, documents: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(clock, documents)
        self.absent_templates: set[str] = set()
        self.image_states: dict[str, str | None] = {"image-1": "available"}
        self.instance_type = "t3.medium"
        self.zones_offering = {EAST: ["us-east-1a", "us-east-1b"], WEST: ["us-west-2a", "us-west-2b"]}
        self.processor_limit, self.processors_running = 4096.0, 12.0
        self.parameters: dict[str, str] = {}
        self.absent_checks: set[str] = set()
        self.unversioned: set[str] = set()
        self.replicated = True
        self.bucket_pairs: dict[str, str] = {}
        self.s3_latency: float | None = 3.0
        self.alarm_state = "OK"

    def launches(self, region: str, group: str) -> dict[str, Any]:
        """What a group says that it launches, and where."""
        return {
            "LaunchTemplate": {"LaunchTemplateName": f"{group}-template", "Version": "$Latest"},
            "AvailabilityZones": [f"{region}a", f"{region}b"],
        }

    def prepared_metric(self, metric: Mapping[str, Any]) -> float | None:
        """The newest sample of a metric of S3 or of usage."""
        return {
            "OperationsPendingReplication": None if self.s3_latency is None else 2.0,
            "ReplicationLatency": self.s3_latency,
            "ResourceCount": self.processors_running,
        }.get(metric["MetricName"])

    def _ec2_describe_launch_template_versions(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params["LaunchTemplateName"]
        if name in self.absent_templates:
            code = "InvalidLaunchTemplateName.NotFoundException"
            raise self._fail(region, "ec2", "DescribeLaunchTemplateVersions", code, name)
        data = {"ImageId": "image-1", "InstanceType": self.instance_type}
        return {"LaunchTemplateVersions": [{"LaunchTemplateName": name, "LaunchTemplateData": data}]}

    def _ec2_describe_images(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        asked = params["Filters"][0]["Values"]
        states = {name: self.image_states.get(name) for name in asked}
        return {"Images": [{"ImageId": name, "State": state} for name, state in states.items() if state]}

    def _ec2_describe_instance_type_offerings(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        offered = [
            {"InstanceType": name, "Location": zone}
            for name in params["Filters"][0]["Values"]
            for zone in self.zones_offering[region]
        ]
        return {"InstanceTypeOfferings": offered}

    def _ec2_describe_instance_types(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        names = params["Filters"][0]["Values"]
        return {"InstanceTypes": [{"InstanceType": name, "VCpuInfo": {"DefaultVCpus": 2}} for name in names]}

    def _service_quotas_get_service_quota(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        dimensions = {"Class": "Standard/OnDemand", "Resource": "vCPU", "Service": "EC2", "Type": "Resource"}
        use = {"MetricNamespace": "AWS/Usage", "MetricName": "ResourceCount", "MetricDimensions": dimensions}
        quota = {"QuotaName": "Running On-Demand Standard instances", "Value": self.processor_limit, "UsageMetric": use}
        return {"Quota": quota}

    def _rds_describe_db_cluster_parameters(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        found = [{"ParameterName": name, "ParameterValue": value} for name, value in self.parameters.items()]
        return {"Parameters": found}

    def _route53_list_health_checks(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        assert region == EAST
        checks = [
            {
                "Id": identifier,
                "HealthCheckConfig": {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": {"Region": at, "Name": "switch"}},
            }
            for identifier, at in (("1", WEST), ("2", EAST))
        ]
        return {"HealthChecks": [one for one in checks if one["Id"] not in self.absent_checks], "IsTruncated": False}

    def _s3_head_bucket(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def _s3_get_bucket_versioning(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {} if params["Bucket"] in self.unversioned else {"Status": "Enabled"}

    def _s3_get_bucket_replication(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if not self.replicated:
            code = "ReplicationConfigurationNotFoundError"
            raise self._fail(region, "s3", "GetBucketReplication", code, params["Bucket"])
        arn = f"arn:aws:s3:::{self.bucket_pairs[params['Bucket']]}"
        rule = {"ID": "ours", "Status": "Enabled", "Priority": 1, "Filter": {}, "Destination": {"Bucket": arn}}
        return {"ReplicationConfiguration": {"Role": "role", "Rules": [rule]}}

    def _cloudwatch_describe_alarms_for_metric(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"MetricAlarms": [self._alarm(params["Dimensions"])]}

    def _cloudwatch_describe_alarms(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One on the lag of each cluster of the region, and as many of something else; so many a page as asked for."""
        clusters = [site.cluster for one in self.applications for site in one.sites if site.region == region]
        found = [self._alarm([{"Name": "DBClusterIdentifier", "Value": name}]) for name in clusters]
        found += [{**alarm, "MetricName": "CPUUtilization", "StateValue": "ALARM"} for alarm in found]
        begin, size = int(params.get("NextToken", 0)), params["MaxRecords"]
        more = {"NextToken": str(begin + size)} if begin + size < len(found) else {}
        return {"MetricAlarms": found[begin : begin + size], **more}

    def _alarm(self, dimensions: list[dict[str, str]]) -> dict[str, Any]:
        return {
            "AlarmName": "lag", "StateValue": self.alarm_state, "ActionsEnabled": True, "AlarmActions": ["topic"],
            "Namespace": "AWS/RDS", "MetricName": "AuroraGlobalDBReplicationLag", "Dimensions": dimensions,
        }  # fmt: skip
