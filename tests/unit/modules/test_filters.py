"""The filters that roles decide with."""

from __future__ import annotations

from typing import Any

from ansible_collections.pilotlight.aws_dr.plugins.filter.launch_data import launch_data
from ansible_collections.pilotlight.aws_dr.plugins.filter.overlapping_networks import overlapping_networks
from ansible_collections.pilotlight.aws_dr.plugins.filter.security_group_parity import security_group_parity
from ansible_collections.pilotlight.aws_dr.plugins.filter.waiver_problem import waiver_problem


def group(name: str, group_id: str, *peers: tuple[int, str, dict[str, str]]) -> dict[str, Any]:
    permissions = [
        {"ip_protocol": "tcp", "from_port": port, "to_port": port, member: [peer]} for port, member, peer in peers
    ]
    return {"group_name": name, "group_id": group_id, "ip_permissions": permissions}


WORLD = (443, "ip_ranges", {"cidr_ip": "0.0.0.0/0"})
PRIMARY = [group("alb", "sg-1", WORLD), group("ec2", "sg-2", (80, "user_id_group_pairs", {"group_id": "sg-1"}))]
DR = [group("dr-alb", "sg-8", WORLD), group("dr-ec2", "sg-9", (80, "user_id_group_pairs", {"group_id": "sg-8"}))]
NAMES = {"alb": "alb", "ec2": "ec2"}
IDS = {"alb": "sg-8", "ec2": "sg-9"}


def test_tiers_that_refer_to_each_other_are_alike_whatever_their_ids() -> None:
    assert security_group_parity(PRIMARY, DR, NAMES, IDS) == []


def test_rules_that_differ_are_named_on_the_side_that_has_them() -> None:
    wider = [group("dr-alb", "sg-8", WORLD, (8443, "ip_ranges", {"cidr_ip": "10.0.0.0/8"})), DR[1]]
    assert security_group_parity(PRIMARY, wider, NAMES, IDS) == ["alb: only dr lets in tcp 8443 from 10.0.0.0/8"]


def test_a_tier_without_a_group_is_a_difference() -> None:
    assert security_group_parity(PRIMARY, DR[:1], NAMES, IDS) == ["ec2: only primary has a group"]


def test_networks_overlap_where_one_holds_the_other() -> None:
    assert overlapping_networks(["10.1.0.0/16", "10.2.0.0/16"], ["10.2.128.0/20"]) == ["10.2.0.0/16"]


TEMPLATES = [
    {
        "launch_template_name": "web",
        "latest_version_number": 2,
        "default_version_number": 1,
        "versions": [{"version_number": n, "launch_template_data": {"image_id": f"ami-{n}"}} for n in (1, 2)],
    }
]


def test_a_group_launches_the_version_that_it_names() -> None:
    groups = [
        {"auto_scaling_group_name": name, "launch_template": {"launch_template_name": "web", "version": version}}
        for name, version in (("latest", "$Latest"), ("default", "$Default"), ("second", "2"))
    ]
    images = {name: data["image_id"] for name, data in launch_data(groups, TEMPLATES).items()}
    assert images == {"latest": "ami-2", "default": "ami-1", "second": "ami-2"}


def test_a_group_without_a_known_template_has_no_data() -> None:
    assert launch_data([{"auto_scaling_group_name": "old", "launch_configuration_name": "lc"}], TEMPLATES) == {}


def test_gates_that_can_be_waived_are_no_problem() -> None:
    assert waiver_problem([]) == ""
    assert waiver_problem(["replication-lag", "old-site-down"]) == ""


def test_a_waiver_that_is_none_is_named() -> None:
    assert waiver_problem(["replication-lag", "luck"]).startswith("waive: 'luck' is no gate; the gates are ")
    assert waiver_problem(["lease-free"]).startswith("waive: 'lease-free' cannot be waived; those that can are ")
