# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deploy is killed, or fails, in each of its phases."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from end_to_end.harness import Lab
from end_to_end.region_inventory import differences, region_inventory
from privileges import check
from privileges.policies import Policy
from scenarios.conftest import Labs

PHASES = {
    # phase: (a call of it that fails, in which place)
    "state": ("dynamodb:CreateTable", "dr"),
    "network": ("cloudformation:CreateStack", "dr"),
    "security": ("iam:CreateRole", "primary"),
    "database": ("rds:CreateDBInstance", "dr"),
    "storage": ("s3:PutBucketReplication", "primary"),
    "compute": ("autoscaling:CreateAutoScalingGroup", "dr"),
    "orchestrator": ("lambda:CreateFunction", "dr"),
    "monitoring": ("cloudformation:CreateStack", "primary"),
    "traffic": ("route53:CreateHealthCheck", "primary"),
}

# Named by the operator, so that nothing at all is left; data stores are kept otherwise.
DATA_STORES = (
    "{project}-dr-cluster {project}-global {project}-dr-data {project}-dr-state {project}-dr-state-{primary} "
    "{project}-dr-state-{dr} {project}/database alias/{project}-dr-key"
)

# What AWS does not give back, and what it keeps to itself: the list that the rollback prints must name the first.
NOT_TAKEN_BACK = ("log group /aws/lambda",)


def _data_stores(lab: Lab) -> str:
    names = DATA_STORES.format(project=lab.project, primary=lab.primary_region, dr=lab.dr_region).split()
    return '{"rollback_delete_data_stores": [' + ", ".join(f'"{name}"' for name in names) + "]}"


def _fail(lab: Lab, phase: str) -> None:
    call, place = PHASES[phase]
    region = lab.dr_region if place == "dr" else lab.primary_region
    lab.command("fault", call, "--region", region)


def test_a_failed_deploy_takes_back_what_it_created(labs: Labs) -> None:
    lab = labs.start()
    before = {place: region_inventory(lab, place) for place in ("primary", "dr")}
    left: list[str] = []
    for phase in PHASES:
        _fail(lab, phase)
        failed = lab.playbook(
            "playbooks/deploy-dr.yml", "-e", "deploy_rollback_on_failure=true", "-e", _data_stores(lab)
        )
        lab.command("fault", "--clear")
        assert failed.code != 0, f"{phase}: the deploy should have failed\n{failed.output[-4000:]}"
        assert "Traceback" not in failed.output
        left += [
            f"{phase}: {line}"
            for place, was in before.items()
            for line in differences(was, region_inventory(lab, place))
            if not line.startswith(tuple(f"new: {name}" for name in NOT_TAKEN_BACK))
        ]
    assert not left, "\n".join(left)


def test_a_deploy_that_is_killed_in_each_phase_completes_when_it_is_run_again(labs: Labs) -> None:
    lab = labs.start()
    for number in range(1, len(PHASES) + 1):
        with lab.started_playbook("playbooks/deploy-dr.yml") as process:
            assert process.stdout is not None
            role, seen = list(PHASES)[number - 1], 0
            for line in process.stdout:
                if f"pilotlight.aws_dr.{role} : " in line:
                    seen += 1
                if seen == 3:  # in the midst of it
                    os.killpg(process.pid, signal.SIGKILL)
                    break
    completed = lab.playbook("playbooks/deploy-dr.yml")
    completed.must_succeed()
    again = lab.playbook("playbooks/deploy-dr.yml")
    assert again.must_succeed().changed == 0


def test_a_whole_deploy_is_taken_back_with_the_rights_of_a_rollback_and_no_more(labs: Labs, tmp_path: Path) -> None:
    lab = labs.start()
    before = {place: region_inventory(lab, place) for place in ("primary", "dr")}
    lab.playbook("playbooks/deploy-dr.yml").must_succeed()
    account = ("-e", "permissions_account=123456789012", "-e", f"permissions_dir={tmp_path}")
    lab.playbook("playbooks/permissions.yml", *account).must_succeed()
    policies = [Policy.read(path) for path in sorted(tmp_path.glob("operator-rollback-*.json"))]
    assert len(policies) == 2
    mark = lab.mark()
    confirmed = ("-e", "rollback_everything=true", "-e", f"rollback_confirm={lab.project}")
    lab.playbook("playbooks/rollback.yml", *confirmed, "-e", _data_stores(lab)).must_succeed()
    calls = [call for call in lab.calls(mark) if check.by_operator(call)]
    wrong = check.not_allowed(calls, policies, "123456789012") + check.never_called(calls, policies)
    assert not wrong, "\n".join(wrong)
    left = [line for place, was in before.items() for line in differences(was, region_inventory(lab, place))]
    left = [line for line in left if not line.startswith(tuple(f"new: {name}" for name in NOT_TAKEN_BACK))]
    assert not left, "\n".join(left)
