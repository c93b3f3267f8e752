# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong in a description is named: the field, the value, and what would be right."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from simulated_aws import document

from plugins.module_utils._recovery.fields import ModelError
from plugins.module_utils._recovery.model import Access, Capacity, parse_application, parse_applications


def changed(path: str, value: Any) -> dict[str, Any]:
    """The example with one field changed; ``...`` takes it away."""
    whole = copy.deepcopy(document())
    *way, last = path.split(".")
    part: Any = whole
    for step in way:
        part = part[int(step)] if step.isdigit() else part[step]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return whole


def test_an_application_is_read_with_its_defaults() -> None:
    application = parse_application(document())
    assert application.primary.access == Access("us-east-1", "primary", None)
    assert application.site("dr").groups[0].standby == Capacity(0, 1, 10)
    assert application.primary.groups[0].standby == application.primary.groups[0].active
    assert application.probe.host == "app.shop.example"
    assert application.traffic.policy == "orchestrated"
    assert application.site_in("us-west-2") is application.dr
    assert application.site_in("eu-west-1") is None


def test_numbers_written_as_text_are_taken_as_templates_make_them() -> None:
    application = parse_application(changed("objectives.rto_seconds", "600"))
    assert application.objectives.rto_seconds == 600


def test_empty_names_in_lists_are_left_out() -> None:
    fencing = parse_application(changed("dr.fencing", {"event_source_mappings": ["", "orders"]})).dr.fencing
    assert fencing.event_source_mappings == ("orders",)


WRONG = [
    ("name", ..., "application.name is missing: expected the application's name"),
    ("name", "-shop", "application.name is '-shop'"),
    ("name", "shop--x", "single hyphens"),
    ("global_cluster", 7, "application.global_cluster is 7"),
    ("primary.region", "virginia", "application.primary.region is 'virginia': expected an AWS region such as"),
    ("dr.region", "us-east-1", "expected a region other than that of the primary site"),
    ("dr.cluster", "x" * 64, "at most 63"),
    ("dr.role_arn", "operator", "expected the ARN of an IAM role"),
    ("dr.groups.0.active.desired", 11, "application.dr.groups[0].active.desired is 11: expected between min (3)"),
    ("dr.groups.0.active.min", -1, "application.dr.groups[0].active.min is -1"),
    ("dr.groups.0.active.max", "many", "application.dr.groups[0].active.max is 'many'"),
    ("dr.groups.0.standby", ..., "application.dr.groups[0].standby is missing"),
    ("dr.groups", "shop-asg", "application.dr.groups is 'shop-asg': expected a list of Auto Scaling groups"),
    ("dr.state_table", "", "application.dr.state_table is '': expected the name of the DynamoDB table"),
    ("dr.endpoint.port", 0, "application.dr.endpoint.port is 0: expected a TCP port, at least 1"),
    ("dr.buckets", ["more"], "application.dr.buckets is ['more']: expected one for each of the 0 of primary.buckets"),
    ("primary.buckets", ["data"], "application.dr.buckets is []: expected one for each of the 1 of primary.buckets"),
    ("dr.secrets", [], "application.dr.secrets is []: expected the names of primary.secrets, ['shop/database']"),
    ("primary.secrets", ["shop/more"], "application.dr.secrets is ['shop/database']: expected the names of primary"),
    ("dr.place", "primary", "application.dr.place is 'primary': expected one of dr"),
    ("dr.endpoit", {}, "application.dr.endpoit is {}: expected no such field here; known are"),
    ("traffic.policy", "manual", "application.traffic.policy is 'manual': expected one of orchestrated, automatic"),
    ("traffic.names", [], "application.traffic.names is []: expected a list of DNS names, at least 1"),
    ("traffic.names", ["app.elsewhere.example"], "expected a name in the hosted zone shop.example"),
    ("traffic.ttl_seconds", 0.5, "expected seconds, a whole number"),
    ("probe.scheme", "ftp", "application.probe.scheme is 'ftp': expected one of https, http"),
    ("probe.health_path", "health", "application.probe.health_path is 'health': expected a path that begins with /"),
    ("probe.timeout_seconds", 0, "application.probe.timeout_seconds is 0: expected seconds, at least 0.05"),
    ("probe.timeout_seconds", True, "application.probe.timeout_seconds is True"),
    ("objectives.rpo_seconds", float("inf"), "application.objectives.rpo_seconds is inf"),
    ("secrets_promote", "always", "application.secrets_promote is 'always': expected one of never, unplanned"),
    ("dr", ["us-west-2"], "application.dr is ['us-west-2']: expected a dictionary that describes the dr site"),
]


@pytest.mark.parametrize(("path", "value", "said"), WRONG, ids=[f"{path}={value!r}" for path, value, _ in WRONG])
def test_a_wrong_field_is_named_with_its_value_and_what_would_be_right(path: str, value: Any, said: str) -> None:
    with pytest.raises(ModelError) as raised:
        parse_application(changed(path, value))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    wrong = changed("primary.region", "x")
    wrong["probe"]["port"] = "y"
    with pytest.raises(ModelError) as raised:
        parse_application(wrong)
    assert {problem.field for problem in raised.value.problems} == {
        "application.primary.region",
        "application.probe.port",
    }


@pytest.mark.parametrize("documents", [[], {}, "shop", None])
def test_a_list_with_at_least_one_application_is_wanted(documents: Any) -> None:
    with pytest.raises(ModelError, match="at least one application"):
        parse_applications(documents)


def test_the_same_application_twice_is_refused() -> None:
    with pytest.raises(ModelError, match="applications is 'shop': expected each application once"):
        parse_applications([document(), document()])


def test_problems_of_the_second_application_say_so() -> None:
    with pytest.raises(ModelError, match=r"applications\[1\].global_cluster"):
        parse_applications([document("shop"), document("blog", global_cluster="")])
