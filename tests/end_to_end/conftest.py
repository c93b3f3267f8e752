# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One lab and one story for the whole folder: built, drilled, home again. Each chapter is a fixture."""

from __future__ import annotations

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
    return Chapter(run, [call for call in lab.calls(mark) if not by_the_lab(call)])


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
