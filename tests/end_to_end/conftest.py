# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One lab and one story for the whole folder: built, drilled, home again. Each chapter is a fixture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from end_to_end.harness import Lab, PlaybookRun, a_lab, a_writer
from end_to_end.region_inventory import region_inventory


@dataclass(frozen=True)
class Chapter:
    """One command of the story: what it said, and what AWS was asked meanwhile."""

    run: PlaybookRun
    calls: list[dict[str, Any]]

    @property
    def mutations(self) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["mutates"]]


def play(lab: Lab, playbook: str, *arguments: str) -> Chapter:
    """Run a playbook and keep its part of the call log."""
    mark = lab.mark()
    run = lab.playbook(playbook, *arguments)
    chapter = Chapter(run, [call for call in lab.calls(mark) if not by_the_lab(call)])
    lab.told.append((" ".join((playbook, *arguments)), chapter.calls))
    return chapter


def by_the_lab(call: dict[str, Any]) -> bool:
    """Calls of scheduled functions go on whatever a playbook does."""
    return "lambda" in str(call.get("caller", "")).lower()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    with a_lab(home, "127.86.101") as running:
        yield running


@pytest.fixture(scope="session")
def reports(lab: Lab) -> Path:
    return lab.home / "reports"


@pytest.fixture(scope="session")
def untouched(lab: Lab) -> dict[str, Any]:
    """The primary region as its owner left it."""
    return region_inventory(lab, "primary")


@pytest.fixture(scope="session")
def checked_from_nothing(lab: Lab, untouched: dict[str, Any]) -> Chapter:
    return play(lab, "playbooks/deploy-dr.yml", "--check", "--diff")


@pytest.fixture(scope="session")
def deployed(lab: Lab, checked_from_nothing: Chapter) -> Chapter:
    return play(lab, "playbooks/deploy-dr.yml")


@pytest.fixture(scope="session")
def deployed_again(lab: Lab, deployed: Chapter) -> Chapter:
    deployed.run.must_succeed()
    return play(lab, "playbooks/deploy-dr.yml")


@pytest.fixture(scope="session")
def activated(lab: Lab, deployed_again: Chapter) -> Chapter:
    return play(lab, "playbooks/activate.yml", "-e", "activate_team_trained=true")


@pytest.fixture(scope="session")
def planned(lab: Lab, activated: Chapter) -> Chapter:
    activated.run.must_succeed()
    return play(lab, "playbooks/failover.yml", "-e", "drill=true", "--check", "--diff")


@pytest.fixture(scope="session")
def writer_log(lab: Lab) -> Path:
    return lab.home / "writer.jsonl"


@pytest.fixture(scope="session")
def drilled(lab: Lab, planned: Chapter, reports: Path, writer_log: Path) -> Chapter:
    with a_writer(lab, writer_log, rate=50):
        return play(lab, "playbooks/failover.yml", "-e", "drill=true", "-e", f"aws_dr_reports_dir={reports}")


@pytest.fixture(scope="session")
def home_again(lab: Lab, drilled: Chapter, reports: Path) -> Chapter:
    drilled.run.must_succeed()
    return play(lab, "playbooks/failback.yml", "-e", f"aws_dr_reports_dir={reports}")


# A deploy with other settings than before: what can be changed is changed in place.
OTHER_SETTINGS = {
    "monitoring_lag_threshold_ms": 4000,
    "orchestrator_memory_mb": 512,
    "orchestrator_log_retention_days": 60,
    "compute_user_data": "IyEvYmluL3NoCg==",
    "aws_dr_rto_objective_seconds": 800,
}


def the_databases_group(lab: Lab) -> dict[str, Any]:
    """The security group of the dr region's database."""
    groups = lab.client("ec2").describe_security_groups()["SecurityGroups"]
    return next(group for group in groups if "aurora" in (group["GroupName"] + json.dumps(group.get("Tags"))).lower())


def the_drs_switch(lab: Lab) -> str:
    """Id of the health check that follows the switch of the dr record."""
    checks = lab.client("route53", "primary").list_health_checks()["HealthChecks"]
    alarms = {check["Id"]: check["HealthCheckConfig"].get("AlarmIdentifier") or {} for check in checks}
    return next(one for one, alarm in alarms.items() if alarm.get("Name") == f"{lab.project}-switch-dr")


@pytest.fixture(scope="session")
def mended(lab: Lab, home_again: Chapter) -> Chapter:
    """Somebody opened the database to all and loosened a switch by hand; then it is deployed with other settings."""
    home_again.run.must_succeed()
    hole = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    group = the_databases_group(lab)["GroupId"]
    lab.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[hole])
    alarm = {"Region": lab.primary_region, "Name": f"{lab.project}-switch-dr"}
    lab.client("route53", "primary").update_health_check(
        HealthCheckId=the_drs_switch(lab), InsufficientDataHealthStatus="Healthy", AlarmIdentifier=alarm
    )
    # A renewed authority goes into the function's package, so its code changes.
    renewed = lab.home / "renewed-ca.pem"
    renewed.write_text((lab.home / "ca.pem").read_text(encoding="utf-8") + "# renewed\n", encoding="utf-8")
    probe = {
        "scheme": "https", "port": 8443, "health_path": "/health", "write_path": "/writes", "interval_seconds": 0.25,
        "timeout_seconds": 2, "ca_file": str(renewed), "stable_samples": 10,
    }  # fmt: skip
    return play(lab, "playbooks/deploy-dr.yml", "-e", json.dumps({**OTHER_SETTINGS, "aws_dr_probe": probe}))
