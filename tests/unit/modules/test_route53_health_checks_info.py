"""What the checkers say of a site, as Route 53 counts it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import health_checks

WELL, ILL = "Success: HTTP Status Code 200, OK", "Failure: Resolved IP: 192.0.2.1. Connection timed out."


@pytest.mark.parametrize(
    ("said", "healthy"),
    [
        ([WELL] * 16, True),
        ([WELL] * 3 + [ILL] * 13, True),  # 18.75 %
        ([WELL] * 2 + [ILL] * 14, False),  # 12.5 %
        ([ILL] * 16, False),
        ([], None),
    ],
)
def test_more_than_eighteen_percent_of_the_checkers_decide(said: list[str], healthy: bool | None) -> None:
    assert health_checks.verdict(said)["healthy"] is healthy


def test_the_first_complaint_is_told() -> None:
    assert health_checks.verdict([WELL, ILL])["complaint"] == ILL


def test_a_check_is_shown_flat_and_found_by_id(cloud: Any) -> None:
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "a.example.com", "Port": 443, "RequestInterval": 30}
    for reference in ("one", "two"):
        made = cloud.client("route53").create_health_check(CallerReference=reference, HealthCheckConfig=config)
    only = cloud.run("route53_health_checks_info", ids=[made["HealthCheck"]["Id"]])["health_checks"]
    assert [(check["type"], check["host"], check["port"], check["alarm_name"]) for check in only] == [
        ("HTTPS", "a.example.com", 443, None)
    ]
    assert len(cloud.run("route53_health_checks_info")["health_checks"]) == 2
    assert not cloud.mutations
