# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other names, regions and addresses; what people bring already; the collection as it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from end_to_end.harness import REPOSITORY, Lab, a_writer, acknowledged
from end_to_end.region_inventory import differences, region_inventory
from scenarios.conftest import TRAINED, Labs, deploy_and_activate


def drill(lab: Lab, *arguments: str, reports: Path) -> None:
    """Deploy, activate, and the whole test, while an independent client writes."""
    deploy_and_activate(lab, *arguments)
    log = lab.home / "writer.jsonl"
    with a_writer(lab, log):
        lab.playbook("playbooks/test-failover.yml", "-e", f"aws_dr_reports_dir={reports}", *arguments).must_succeed()
    assert acknowledged(log) - lab.stored("writer") == set()
    assert lab.latest_report(reports, "drill")["verdict"] == "pass"
    assert lab.writer_region() == lab.primary_region
    assert lab.answering_region() == lab.primary_region


def test_other_names_regions_and_addresses_with_two_groups_and_two_buckets(labs: Labs, tmp_path: Path) -> None:
    lab = labs.start(
        inventory="tests/scenarios/inventories/shop", PROJECT_NAME="shop", ENVIRONMENT="staging",
        PRIMARY_REGION="eu-west-1", DR_REGION="eu-central-1", LAB_PRIMARY_CIDR="10.20.0.0/16",
        LAB_GROUPS="asg,worker-asg", LAB_BUCKETS="data,media",
    )  # fmt: skip
    drill(lab, reports=tmp_path / "reports")
    groups = lab.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert sorted(group["AutoScalingGroupName"] for group in groups) == ["shop-dr-asg", "shop-dr-worker-asg"]
    vpcs = lab.client("ec2").describe_vpcs()["Vpcs"]
    assert "10.21.0.0/16" in [vpc["CidrBlock"] for vpc in vpcs]


def the_legacy_network(lab: Lab) -> dict[str, Any]:
    """The network that stands in the dr region already, as its owner would name it to the role."""
    ec2 = lab.client("ec2")
    named = [{"Name": "tag:Name", "Values": [f"{lab.project}-legacy-dr-vpc"]}]
    [vpc] = ec2.describe_vpcs(Filters=named)["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    kinds = {
        kind: [subnet["SubnetId"] for subnet in subnets if kind in json.dumps(subnet["Tags"])]
        for kind in ("public", "private")
    }
    return {
        "network_adopted_vpc_id": vpc["VpcId"],
        "network_adopted_public_subnet_ids": kinds["public"],
        "network_adopted_private_subnet_ids": kinds["private"],
    }


def test_an_existing_vpc_and_global_database_are_adopted_and_never_changed(labs: Labs, tmp_path: Path) -> None:
    lab = labs.start(inventory="tests/scenarios/inventories/adopted", LAB_SEED="adopt-network,adopt-database")
    kinds = ("vpc ", "subnet ", "route table ", "internet gateway ", "NAT gateway ", "database ", "global cluster ")
    before = {name: value for name, value in region_inventory(lab, "dr").items() if name.startswith(kinds)}
    drill(lab, "-e", json.dumps(the_legacy_network(lab)), reports=tmp_path / "reports")
    after = {name: value for name, value in region_inventory(lab, "dr").items() if name.startswith(kinds)}
    assert differences(before, after) == []


def test_the_built_collection_drills_with_nothing_but_an_inventory(labs: Labs, tmp_path: Path) -> None:
    bin_folder = Path(sys.executable).parent
    galaxy = str(bin_folder / "ansible-galaxy")
    subprocess.run([galaxy, "collection", "build", "--output-path", str(tmp_path), str(REPOSITORY)], check=True)
    [tarball] = tmp_path.glob("pilotlight-aws_dr-*.tar.gz")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(REPOSITORY / "inventories" / "lab", elsewhere / "inventory")
    nothing_said = elsewhere / "ansible.cfg"  # the checkout's would find the checkout
    nothing_said.touch()
    env = {"ANSIBLE_COLLECTIONS_PATH": str(elsewhere / "collections"), "ANSIBLE_CONFIG": str(nothing_said)}
    install = [galaxy, "collection", "install", "--no-deps", "-p", env["ANSIBLE_COLLECTIONS_PATH"], str(tarball)]
    subprocess.run(install, cwd=elsewhere, env={**os.environ, **env}, check=True)
    lab = labs.start(inventory=str(elsewhere / "inventory"))
    log = lab.home / "writer.jsonl"
    lab.playbook("pilotlight.aws_dr.deploy_dr", cwd=elsewhere, env=env).must_succeed()
    lab.playbook("pilotlight.aws_dr.activate", *TRAINED, cwd=elsewhere, env=env).must_succeed()
    with a_writer(lab, log):
        lab.playbook("pilotlight.aws_dr.test_failover", cwd=elsewhere, env=env).must_succeed()
    assert acknowledged(log) - lab.stored("writer") == set()
    assert lab.latest_report(elsewhere / "reports", "drill")["verdict"] == "pass"
