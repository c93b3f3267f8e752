# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Route 53's health checks as they are, and what their checkers say.

Sources: API reference of ListHealthChecks and GetHealthCheckStatus; Route 53 developer guide, "How Amazon Route 53
determines whether a health check is healthy" (more than 18 % of the checkers must say so).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .declared import Api

HEALTHY_SHARE = 0.18
# GetHealthCheckStatus answers for checks of an endpoint only.
ASKABLE = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")


def list_all(route53: Api) -> list[dict[str, Any]]:
    """Every health check of the account, as Route 53 lists it."""
    checks: list[dict[str, Any]] = []
    marker: dict[str, Any] = {}
    while True:
        page = route53.read("ListHealthChecks", marker)
        checks += page["HealthChecks"]
        if not page.get("IsTruncated"):
            return checks
        marker = {"Marker": page["NextMarker"]}


def describe(check: Mapping[str, Any]) -> dict[str, Any]:
    """One check in one flat shape; what does not apply to its type is None."""
    config = check["HealthCheckConfig"]
    alarm = config.get("AlarmIdentifier") or {}
    return {
        "id": check["Id"],
        "type": config["Type"],
        "host": config.get("FullyQualifiedDomainName"),
        "address": config.get("IPAddress"),
        "port": config.get("Port"),
        "path": config.get("ResourcePath"),
        "interval_seconds": config.get("RequestInterval"),
        "threshold": config.get("FailureThreshold"),
        "alarm_name": alarm.get("Name"),
        "alarm_region": alarm.get("Region"),
        "inverted": bool(config.get("Inverted")),
        "disabled": bool(config.get("Disabled")),
    }


def status(route53: Api, check: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the checkers find it healthy, and the first complaint; None where Route 53 does not tell."""
    if check["HealthCheckConfig"]["Type"] not in ASKABLE:
        return {"healthy": None, "complaint": None}
    answer = route53.read("GetHealthCheckStatus", {"HealthCheckId": check["Id"]})
    said = [observed.get("StatusReport", {}).get("Status", "") for observed in answer["HealthCheckObservations"]]
    return verdict([text for text in said if text])


def verdict(said: Sequence[str]) -> dict[str, Any]:
    """What the texts of the checkers ("Success: HTTP Status Code 200, OK", "Failure: …") come to."""
    if not said:
        return {"healthy": None, "complaint": None}
    well = [text for text in said if text.startswith("Success")]
    ill = [text for text in said if not text.startswith("Success")]
    return {"healthy": len(well) > HEALTHY_SHARE * len(said), "complaint": ill[0] if ill else None}
