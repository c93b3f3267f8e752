"""Service quotas and account limits that a readiness check asks for (R21).

Service Quotas console: the default values of a new account.  moto knows those of VPC only.  EC2 user guide, "Amazon EC2
On-Demand Instance quotas" and CloudWatch user guide, "AWS usage metrics": what runs is counted in virtual processors,
and published in the namespace AWS/Usage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.autoscaling.responses import AutoScalingResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.responses import EC2Response
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import action, wrap

# service: quota code: (name, default value)
QUOTAS: dict[str, dict[str, tuple[str, float]]] = {
    "ec2": {
        "L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 256.0),
        "L-0263D0A3": ("EC2-VPC Elastic IPs", 5.0),
    },
    "rds": {
        "L-7B6409FD": ("DB instances", 40.0),
        "L-952B80B8": ("DB clusters", 40.0),
        "L-7ADDB58A": ("Total storage for all DB instances", 100000.0),
    },
    "autoscaling": {"L-CDE20ADC": ("Auto Scaling groups per region", 500.0)},
    "elasticloadbalancing": {"L-53DA6B97": ("Application Load Balancers per Region", 50.0)},
    "s3": {"L-DC2B2D3D": ("General purpose buckets", 10000.0)},
    "lambda": {"L-B99A9384": ("Concurrent executions", 1000.0)},
}

# (region, service, quota code): what was asked for and approved
_approved: dict[tuple[str, str, str], float] = {}

STANDARD = "L-1216C47A"
_USED = {"Class": "Standard/OnDemand", "Resource": "vCPU", "Service": "EC2", "Type": "Resource"}
_METRICS = {
    ("ec2", STANDARD): {
        "MetricNamespace": "AWS/Usage",
        "MetricName": "ResourceCount",
        "MetricDimensions": _USED,
        "MetricStatisticRecommendation": "Maximum",
    }
}


def usage() -> Iterator[tuple[str, str, str, dict[str, str], float, str]]:
    """Virtual processors that run in each region where there are instances, as samples of a metric."""
    for region, backend in list(ec2_backends[worlds.ACCOUNT].items()):
        running = [one for one in backend.all_instances() if one.state in ("pending", "running")]
        if running:
            count = sum(_processors(one.instance_type) for one in running)
            yield region, "AWS/Usage", "ResourceCount", _USED, float(count), "None"


def _processors(instance_type: str) -> int:
    return int(INSTANCE_TYPES.get(instance_type, {}).get("VCpuInfo", {}).get("DefaultVCpus", 0))


def install(world: worlds.World) -> None:
    """Answer for more services than VPC."""
    _approved.clear()

    @wrap(ServiceQuotasBackend, "get_service_quota")
    def get(original: Any, self: Any, service_code: str, quota_code: str) -> Any:
        found = QUOTAS.get(service_code, {}).get(quota_code)
        if found is None:
            return original(self, service_code, quota_code)
        return _applied(self.region_name, service_code, quota_code)

    @wrap(ServiceQuotasBackend, "list_aws_default_service_quotas")
    def defaults(original: Any, self: Any, service_code: str) -> Any:
        if service_code in QUOTAS:
            return [_describe(service_code, code, *found) for code, found in QUOTAS[service_code].items()]
        return original(self, service_code)

    @action(ServiceQuotasResponse, "list_service_quotas")
    def list_quotas(self: Any) -> str:
        service_code = str(json.loads(self.body).get("ServiceCode"))
        if service_code not in QUOTAS:
            return json.dumps({"Quotas": self.backend.list_aws_default_service_quotas(service_code)})
        return json.dumps({"Quotas": [_applied(self.region, service_code, code) for code in QUOTAS[service_code]]})

    @action(ServiceQuotasResponse, "request_service_quota_increase")
    def request_increase(self: Any) -> str:
        """Service Quotas user guide, "Requesting a quota increase": small ones are approved without a case."""
        asked = json.loads(self.body)
        service, code, value = str(asked["ServiceCode"]), str(asked["QuotaCode"]), float(asked["DesiredValue"])
        current = self.backend.get_service_quota(service, code)["Value"]
        if value <= current:
            raise JsonRESTError(
                "IllegalArgumentException", f"You must provide a quota value greater than the current value {current}"
            )
        _approved[(self.region, service, code)] = value
        told = {"ServiceCode": service, "QuotaCode": code, "DesiredValue": value, "Status": "APPROVED"}
        return json.dumps({"RequestedQuota": {"Id": f"{self.region}-{code}", **told}})

    @action(EC2Response, "describe_capacity_reservations")
    def reservations(self: Any) -> ActionResult:
        return ActionResult({"CapacityReservations": []})

    @action(AutoScalingResponse, "describe_account_limits")
    def limits(self: Any) -> ActionResult:
        groups = len(self.autoscaling_backend.autoscaling_groups)
        return ActionResult(
            {
                "MaxNumberOfAutoScalingGroups": 500,
                "MaxNumberOfLaunchConfigurations": 200,
                "NumberOfAutoScalingGroups": groups,
                "NumberOfLaunchConfigurations": len(self.autoscaling_backend.launch_configurations),
            }
        )


def _applied(region: str, service: str, code: str) -> dict[str, Any]:
    """A quota as it holds in the region."""
    quota = _describe(service, code, *QUOTAS[service][code])
    return {**quota, "Value": _approved.get((region, service, code), quota["Value"])}


def _describe(service: str, code: str, name: str, value: float) -> dict[str, Any]:
    return {
        "ServiceCode": service,
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        **({"UsageMetric": _METRICS[(service, code)]} if (service, code) in _METRICS else {}),
    }
