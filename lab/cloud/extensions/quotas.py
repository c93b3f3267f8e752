"""Service quotas and account limits that a readiness check asks for (R21).

Service Quotas console: the default values of a new account.  moto knows those of VPC only.
"""

from __future__ import annotations

import json
from typing import Any

from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
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


def install(world: worlds.World) -> None:
    """Answer for more services than VPC."""

    @wrap(ServiceQuotasBackend, "get_service_quota")
    def get(original: Any, self: Any, service_code: str, quota_code: str) -> Any:
        found = QUOTAS.get(service_code, {}).get(quota_code)
        if found is None:
            return original(self, service_code, quota_code)
        return _describe(service_code, quota_code, *found)

    @wrap(ServiceQuotasBackend, "list_aws_default_service_quotas")
    def defaults(original: Any, self: Any, service_code: str) -> Any:
        if service_code in QUOTAS:
            return [_describe(service_code, code, *found) for code, found in QUOTAS[service_code].items()]
        return original(self, service_code)

    @action(ServiceQuotasResponse, "list_service_quotas")
    def list_quotas(self: Any) -> str:
        service_code = str(json.loads(self.body).get("ServiceCode"))
        return json.dumps({"Quotas": self.backend.list_aws_default_service_quotas(service_code)})

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


def _describe(service: str, code: str, name: str, value: float) -> dict[str, Any]:
    return {
        "ServiceCode": service,
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
