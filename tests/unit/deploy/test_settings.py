# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of the settings, over the same table of bad input that the real playbook is run with."""

from __future__ import annotations

from typing import Any

import pytest
from integration.bad_input.cases import SETTINGS, Case

from plugins.module_utils._recovery.names import (
    ALARM,
    BUCKET,
    DOMAIN,
    FUNCTION,
    GROUP,
    IAM_ROLE,
    KEY_ALIAS,
    LOAD_BALANCER,
    PROJECT,
    RDS_IDENTIFIER,
    SCHEDULE,
    STACK,
    SUBNET_GROUP,
    Rule,
)
from plugins.module_utils._recovery.settings import is_nameserver, problems

REGIONS = {"us-east-1", "us-west-2", "eu-central-1", "cn-north-1"}
_CAPACITY = {"min": 3, "desired": 3, "max": 10}

GOOD: dict[str, Any] = {
    "aws_dr_project_name": "dr-webapp",
    "aws_dr_name_prefix": "dr-webapp",
    "aws_dr_environment": "production",
    "aws_dr_primary_region": "us-east-1",
    "aws_dr_dr_region": "us-west-2",
    "aws_dr_iam_path": "/",
    "aws_dr_permissions_boundary": "",
    "aws_dr_tags": {"Project": "dr-webapp", "Team": "web & data".replace("&", "+")},
    "aws_dr_rto_objective_seconds": 900,
    "aws_dr_rpo_objective_seconds": "60",
    "aws_dr_global_cluster": "dr-webapp-global",
    "aws_dr_primary_cluster": "dr-webapp",
    "aws_dr_dr_cluster": "dr-webapp-dr-cluster",
    "aws_dr_groups": [
        {"primary": "dr-webapp-asg", "dr": "dr-webapp-dr-asg", "active": _CAPACITY, "standby": {**_CAPACITY, "min": 0}}
    ],
    "aws_dr_buckets": [{"primary": "dr-webapp-primary-data", "dr": "dr-webapp-dr-data"}],
    "aws_dr_secrets": ["dr-webapp/database"],
    "aws_dr_hosted_zone": "dr-webapp.example",
    "aws_dr_dns_names": ["app.dr-webapp.example"],
    "aws_dr_record_ttl_seconds": 60,
    "aws_dr_traffic_policy": "orchestrated",
    "aws_dr_primary_load_balancer": "dr-webapp-alb",
    "aws_dr_dr_load_balancer": "dr-webapp-dr-alb",
    "aws_dr_primary_endpoint": "",
    "aws_dr_dr_endpoint": "alb-1.us-west-2.elb.amazonaws.com",
    "aws_dr_nameservers": ["192.0.2.53", "127.0.0.1:5353", "2001:db8::53", "[2001:db8::53]:5353"],
    "aws_dr_probe": {"port": 443, "scheme": "https", "health_path": "/health", "interval_seconds": 0.25},
    "aws_dr_state_table": "dr-webapp-dr-state",
    "aws_dr_state_bucket_primary": "dr-webapp-dr-state-us-east-1",
    "aws_dr_state_bucket_dr": "dr-webapp-dr-state-us-west-2",
    "aws_dr_notification_topic": "dr-webapp-dr-alerts",
    "network_vpc_cidr": "10.1.0.0/16",
    "network_mode": "create",
}

NEEDS_ANSIBLE = ("a variable that cannot be computed",)


def test_good_settings_have_no_problems() -> None:
    assert problems(GOOD, REGIONS) == []


def given(case: Case) -> dict[str, Any]:
    names = {"PROJECT_NAME": "aws_dr_project_name", "PRIMARY_REGION": "aws_dr_primary_region"}
    return {**case.given, **{names[name]: value for name, value in case.environment.items()}}


@pytest.mark.parametrize(
    "case", [case for case in SETTINGS if case.name not in NEEDS_ANSIBLE], ids=lambda case: case.name
)
def test_bad_input_makes_one_line(case: Case) -> None:
    (problem,) = problems({**GOOD, **given(case)}, REGIONS)
    assert problem.startswith(case.variable)
    assert case.right in problem


def test_a_wrong_prefix_is_said_once_and_not_for_every_name_made_from_it() -> None:
    wrong = "Shop_One"
    composed = {
        name: value.replace("dr-webapp", wrong) if isinstance(value, str) else value for name, value in GOOD.items()
    }
    found = problems({**composed, "aws_dr_dns_names": ["app.Shop_One.example"]}, REGIONS)
    assert len(found) == 1


def test_without_botocores_data_a_region_is_checked_by_its_form() -> None:
    assert problems({**GOOD, "aws_dr_dr_region": "eu-somewhere-7"}) == []


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (PROJECT, ["a1", "dr-webapp", "a" * 20], ["a", "a" * 21, "1a", "a-", "a--b", "A1", "a_b", "", None, 7]),
        (RDS_IDENTIFIER, ["a", "Shop-1", "a" * 63], ["1a", "a-", "a--b", "a_b", "a" * 64]),
        (BUCKET, ["abc", "a.b-c", "1a2"], ["ab", "a..b", "192.168.0.1", "xn--abc", "abc-s3alias", "Abc", "a" * 64]),
        (LOAD_BALANCER, ["a", "Shop-1", "a" * 32], ["-a", "a-", "internal-a", "a" * 33, "a_b"]),
        (STACK, ["shop-vpc"], ["1shop", "shop_vpc", "a" * 129]),
        (IAM_ROLE, ["shop-role", "a" * 64], ["a" * 65, "a/b", "a b"]),
        (FUNCTION, ["shop_1-f"], ["a" * 65, "a.b"]),
        (KEY_ALIAS, ["shop-key", "alias/shop/key"], ["alias/aws/s3", "aws/s3", "a b"]),
        (SCHEDULE, ["shop.every-minute"], ["a b", "a" * 65]),
        (ALARM, ["shop switch"], [" shop", "shop ", "a" * 256]),
        (SUBNET_GROUP, ["shop-subnets"], ["default", "a/b", "a" * 256]),
        (GROUP, ["any name/1"], ["a:b", "", "a" * 256]),
        (DOMAIN, ["a.b", "app.example.com.", "_acme.example.com"], ["com", "a..b", "-a.b", "a b.c", "https://a.b"]),
    ],
)
def test_names_that_aws_accepts_and_refuses(rule: Rule, good: list[Any], bad: list[Any]) -> None:
    assert [name for name in good if rule.why_not(name)] == []
    assert [name for name in bad if not rule.why_not(name)] == []


@pytest.mark.parametrize("text", ["", "ns1", "192.0.2.1:x", "192.0.2.1:70000", "[::1", "192.0.2.300"])
def test_what_is_no_nameserver(text: str) -> None:
    assert not is_nameserver(text)
