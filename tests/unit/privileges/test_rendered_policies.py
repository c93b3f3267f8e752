# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies of operators, as the playbook writes them for an application that is called shop."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from privileges import check
from privileges.policies import Policy
from unit.recovery.simulated_aws import ACCOUNT, Bench

from plugins.module_utils._recovery.results import PLANNED
from plugins.module_utils._recovery.runner import Options, run_move

PROJECT = Path(__file__).parents[3]
DRILL = Options("dr", "planned", "drill")
FENCING = {
    "primary": {
        "schedules": ["shop-nightly"], "event_source_mappings": ["shop-intake"], "security_groups": ["sg-0123abcd"],
    },
    "dr": {"schedules": ["shop-dr-nightly"], "event_source_mappings": ["shop-dr-intake"]},
}  # fmt: skip

Policies = dict[str, Policy]


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    """All policies by name."""
    folder = tmp_path_factory.mktemp("permissions")
    variables = {
        "permissions_account": ACCOUNT,
        "permissions_dir": str(folder),
        "aws_dr_fencing": FENCING,
        "aws_dr_dns_names": ["app.shop.example", "WWW.shop.example."],
    }
    command = ["ansible-playbook", "-i", "inventories/lab", "playbooks/permissions.yml", "-e", json.dumps(variables)]
    environment = {**os.environ, "PROJECT_NAME": "shop"}
    made = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return {path.stem: Policy.read(path) for path in folder.glob("*.json")}


def refused(policies: Policies, name: str, *calls: dict[str, Any]) -> list[str]:
    return check.not_allowed(calls, [policies[name]], ACCOUNT)


def call(service: str, operation: str, region: str = "us-west-2", **request: Any) -> dict[str, Any]:
    return {"service": service, "operation": operation, "region": region, "request": request}


def change(name: str, kind: str = "CNAME", action: str = "UPSERT") -> dict[str, Any]:
    record = {"Name": name, "Type": kind}
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    return call("route53", "ChangeResourceRecordSets", "us-east-1", HostedZoneId="Z1", ChangeBatch=batch)


def test_none_is_wider_than_iam_and_the_table_of_exceptions_need(policies: Policies) -> None:
    assert check.too_wide(policies.values()) == []


def test_the_plan_of_a_move_that_died_is_allowed_to_who_may_only_look(policies: Policies) -> None:
    bench = Bench.of()
    with bench.dies_after("SwitchoverGlobalCluster"):
        run_move(bench.aws.applications, DRILL, bench.tools())
    bench.aws.calls.clear()
    planned = run_move(bench.aws.applications, DRILL, bench.tools(), check=True)
    assert planned.applications[0].status == PLANNED
    made = [call(one.service, one.operation, one.region, **one.params) for one in bench.aws.calls]
    assert "Query" in {one["operation"] for one in made}, "the journal of the dead run was read"
    assert refused(policies, "operator-look", *made) == []


def test_only_the_applications_own_names_can_be_given_other_records(policies: Policies) -> None:
    mine = [change("app.shop.example."), change("www.shop.example.", "A", "DELETE")]
    assert refused(policies, "operator-activate", *mine) == []
    for other in (change("mail.shop.example."), change("app.shop.example.", "MX"), change("app.elsewhere.example.")):
        assert refused(policies, "operator-activate", other)


def test_a_key_is_made_with_the_tag_that_tells_whose_it_is(policies: Policies) -> None:
    def made(tags: dict[str, str]) -> dict[str, Any]:
        return call("kms", "CreateKey", Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()])

    assert refused(policies, "operator-deploy-data", made({"Project": "shop", "Name": "alias/shop"})) == []
    assert refused(policies, "operator-deploy-data", made({"Project": "other"}))
    assert refused(policies, "operator-deploy-data", made({}))


@pytest.mark.parametrize(
    ("policy", "action"),
    [
        ("operator-deploy-data", "kms:EnableKeyRotation"),
        ("operator-deploy-data", "kms:PutKeyPolicy"),
        ("operator-rollback-data", "kms:ScheduleKeyDeletion"),
    ],
)
def test_keys_of_others_are_neither_changed_nor_deleted(policies: Policies, policy: str, action: str) -> None:
    for statement in policies[policy].statements:
        if action in statement.actions:
            assert statement.condition == {"StringEquals": {"aws:ResourceTag/Project": "shop"}}


def test_a_key_that_has_another_name_or_tag_cannot_be_made_ours(policies: Policies) -> None:
    """Who could put the tag on any key could then delete it."""
    statements = [one for one in policies["operator-deploy-data"].statements if "kms:TagResource" in one.actions]
    for statement in statements:
        limits = {operator: dict(keys) for operator, keys in statement.condition.items()}
        if limits != {"StringEquals": {"aws:ResourceTag/Project": "shop"}}:
            assert limits["StringEqualsIfExists"] == {"aws:ResourceTag/Project": "shop"}
            assert limits["ForAllValues:StringLike"] == {"kms:ResourceAliases": ["alias/shop-*"]}


def test_the_parameters_of_the_primary_can_be_copied_into_a_group_of_ours_alone(policies: Policies) -> None:
    def copied(group: str) -> list[dict[str, Any]]:
        made = {
            "DBClusterParameterGroupName": group,
            "DBParameterGroupFamily": "aurora-mysql8.0",
            "Description": "copied",
        }
        changed = {"DBClusterParameterGroupName": group, "Parameters": [{"ParameterName": "time_zone"}]}
        return [
            call("rds", "CreateDBClusterParameterGroup", **made),
            call("rds", "ModifyDBClusterParameterGroup", **changed),
        ]

    assert refused(policies, "operator-deploy-data", *copied("shop-dr-cluster-parameters")) == []
    assert len(refused(policies, "operator-deploy-data", *copied("another-parameters"))) == 2


def test_security_groups_that_are_named_for_one_site_leave_the_other_its_own(policies: Policies) -> None:
    def fence(region: str, group: str) -> dict[str, Any]:
        return call("ec2", "RevokeSecurityGroupIngress", region, GroupId=group)

    assert (
        refused(policies, "operator-move", fence("us-east-1", "sg-0123abcd"), fence("us-west-2", "sg-99999999")) == []
    )
    assert refused(policies, "operator-move", fence("us-east-1", "sg-99999999"))
