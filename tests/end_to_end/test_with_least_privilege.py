# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The IAM policies that we ship, held against every call of the story that the other files of this folder have told.

Operators' policies are those that playbooks/permissions.yml writes; the roles' are those that the deploy has granted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from end_to_end.conftest import Chapter, play
from end_to_end.harness import Lab
from privileges import check
from privileges.policies import Policy

ACCOUNT = "123456789012"
DEPLOY = ("operator-deploy-network", "operator-deploy-data", "operator-deploy-control")

# who: (what it played, the policies that it needs, those of them that nobody else needs)
OPERATORS: dict[str, tuple[Callable[[str], bool], tuple[str, ...], tuple[str, ...]]] = {
    "deploy": (lambda command: "deploy-dr" in command, DEPLOY, DEPLOY),
    "activate": (lambda command: "activate" in command, (*DEPLOY, "operator-activate"), ("operator-activate",)),
    "look": (
        lambda command: "--check" in command and "deploy-dr" not in command, ("operator-look",), ("operator-look",),
    ),
    "readiness": (
        lambda command: "readiness" in command, ("operator-look", "operator-readiness"), ("operator-readiness",),
    ),
    "drill status": (
        lambda command: "drill-status" in command, ("operator-drill-status",), ("operator-drill-status",),
    ),
    "move": (
        lambda command: any(name in command for name in ("failover", "failback")), ("operator-move",), (),
    ),
    "reconcile": (
        lambda command: "reconcile" in command, ("operator-move", "operator-reconcile"), ("operator-reconcile",),
    ),
    "move and reconcile": (
        lambda command: any(name in command for name in ("failover", "failback", "reconcile")),
        ("operator-move", "operator-reconcile"), ("operator-move",),
    ),
    "audit": (lambda command: "validate_security" in command, ("operator-audit",), ("operator-audit",)),
}  # fmt: skip

# role: (its name without the prefix, its policy)
ROLES = {"lambda-role": "orchestrator", "scheduler-role": "scheduler", "s3-replication-role": "replication"}


@pytest.fixture(scope="module")
def whole_story(lab: Lab, home_again: Chapter, mended: Chapter, reports: Path) -> Lab:
    """The story with what the worst day adds to it, if that was not told already."""
    home_again.run.must_succeed()
    mended.run.must_succeed()
    play(lab, "playbooks/validate_security.yml")
    play(lab, "playbooks/readiness.yml", "-e", f"aws_dr_reports_dir={reports}").run.must_succeed()
    play(lab, "playbooks/drill-status.yml", "-e", f"aws_dr_reports_dir={reports}").run.must_succeed()
    told = [command for command, _calls in lab.told]
    if not any("failover_mode=unplanned" in command and "accept_data_loss" in command for command in told):
        with_the_region_lost(lab, lambda: worst_day(lab, reports))
        come_home(lab, reports)
    with_the_region_lost(lab, lambda: failover_by_the_function(lab))
    play(lab, "playbooks/reconcile.yml", "-e", f"aws_dr_reports_dir={reports}").run.must_succeed()
    play(lab, "playbooks/failback.yml", "--check", "--diff").run.must_succeed()
    come_home(lab, reports)
    return lab


def with_the_region_lost(lab: Lab, act: Callable[[], None]) -> None:
    lab.command("outage", lab.primary_region, "--kind", "refuse")
    try:
        act()
    finally:
        lab.command("heal", lab.primary_region)
    lab.command("wait", "--timeout", "180")


def worst_day(lab: Lab, reports: Path) -> None:
    play(
        lab, "playbooks/failover.yml", "-e", "failover_mode=unplanned", "-e", f"failover_confirm={lab.project}",
        "-e", "accept_data_loss=true", "-e", "accept_unfenced=true", "-e", f"aws_dr_reports_dir={reports}",
    ).run.must_succeed()  # fmt: skip


def come_home(lab: Lab, reports: Path) -> None:
    play(lab, "playbooks/reconcile.yml", "-e", f"aws_dr_reports_dir={reports}").run.must_succeed()
    play(lab, "playbooks/failback.yml", "-e", f"aws_dr_reports_dir={reports}").run.must_succeed()
    assert lab.writer_region() == lab.primary_region


def failover_by_the_function(lab: Lab) -> None:
    """An unplanned failover without a controller: the function is invoked in the living region, and does it all."""
    schedule = lab.client("scheduler").get_schedule(Name=f"{lab.project}-switch-publisher")
    event = {
        "task": "failover", "application": json.loads(schedule["Target"]["Input"])["application"], "target": "dr",
        "mode": "unplanned", "intent": "failover", "accept_data_loss": True, "accept_unfenced": True,
    }  # fmt: skip
    client = lab.client("lambda", config=Config(read_timeout=300, retries={"total_max_attempts": 1}))
    answer = client.invoke(FunctionName=f"{lab.project}-failover-orchestrator", Payload=json.dumps(event))
    said = json.loads(answer["Payload"].read())
    assert said.get("status") == "moved", said
    assert lab.writer_region() == lab.dr_region


@pytest.fixture(scope="module")
def policies(lab: Lab, whole_story: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Policy]:
    """All policies by name."""
    folder = tmp_path_factory.mktemp("permissions")
    lab.playbook(
        "playbooks/permissions.yml", "-e", f"permissions_account={ACCOUNT}", "-e", f"permissions_dir={folder}"
    ).must_succeed()
    found = [Policy.read(path) for path in sorted(folder.glob("*.json"))]
    iam = lab.client("iam", "primary")
    for role, name in ROLES.items():
        held = iam.get_role_policy(RoleName=f"{lab.project}-{role}", PolicyName=name)
        found.append(Policy.of(name, held["PolicyDocument"]))
    return {policy.name: policy for policy in found}


def calls_of(lab: Lab, who: str) -> list[dict[str, Any]]:
    """The calls of an operator's playbooks."""
    mine = OPERATORS[who][0]
    return [call for command, calls in lab.told if mine(command) for call in calls if check.by_operator(call)]


def calls_of_the_function(lab: Lab) -> list[dict[str, Any]]:
    return [call for call in lab.calls() if check.by_function(call)]


@pytest.mark.parametrize("who", OPERATORS)
def test_an_operator_may_do_all_that_its_playbooks_call(
    who: str, whole_story: Lab, policies: dict[str, Policy]
) -> None:
    calls = calls_of(whole_story, who)
    assert calls, f"the story has calls of {who}"
    held = [policies[name] for name in OPERATORS[who][1]]
    assert check.not_allowed(calls, held, ACCOUNT) == []


@pytest.mark.parametrize("who", [who for who, (_played, _held, own) in OPERATORS.items() if own])
def test_an_operator_may_do_nothing_that_its_playbooks_never_call(
    who: str, whole_story: Lab, policies: dict[str, Policy]
) -> None:
    own = [policies[name] for name in OPERATORS[who][2]]
    assert check.never_called(calls_of(whole_story, who), own) == []


def test_the_function_may_do_all_that_it_calls(whole_story: Lab, policies: dict[str, Policy]) -> None:
    calls = calls_of_the_function(whole_story)
    assert ("rds", "FailoverGlobalCluster") in {(call["service"], call["operation"]) for call in calls}
    assert check.not_allowed(calls, [policies["orchestrator"]], ACCOUNT) == []


def test_the_function_may_do_nothing_that_it_never_calls(whole_story: Lab, policies: dict[str, Policy]) -> None:
    assert check.never_called(calls_of_the_function(whole_story), [policies["orchestrator"]]) == []


@pytest.mark.parametrize("name", ["scheduler", "replication"])
def test_roles_that_only_aws_uses_may_do_what_its_guides_say_and_no_more(
    name: str, policies: dict[str, Policy]
) -> None:
    assert check.never_called([], [policies[name]]) == []


def test_no_policy_has_a_wildcard_action_or_is_wider_than_iam_allows_it_to_be(policies: dict[str, Policy]) -> None:
    assert check.too_wide(policies.values()) == []


def test_the_tables_explain_only_what_is_granted(policies: dict[str, Policy]) -> None:
    assert check.not_granted(policies.values()) == []
