# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bad input, through the real deploy playbook: one clear line each, before anything was changed.

Each case is a host of one play, so that all of them cost one run of ansible-playbook. Cases that need another
environment or another world have runs of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from end_to_end.harness import Lab, a_lab
from integration.bad_input import world
from integration.bad_input.cases import ACCOUNT, SETTINGS, THROUGH_ANSIBLE, Case

DEPLOY = "playbooks/deploy-dr.yml"
JSON = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_FORKS": "4"}

TABLE = [case for case in SETTINGS if case.name in THROUGH_ANSIBLE] + ACCOUNT + world.CASES
WITH_ENVIRONMENT = [case for case in SETTINGS if case.environment]


@dataclass(frozen=True)
class Refusals:
    """What each host was told, and what AWS was asked meanwhile."""

    told: dict[str, str]
    output: str
    mutations: list[dict[str, Any]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with a_lab(tmp_path_factory.mktemp("lab"), "127.86.118") as running:
        world.prepare(running)
        yield running


def refusals(lab: Lab, cases: list[Case], folder: Path) -> Refusals:
    """Run the deploy for all cases, each a host of the group ``dr``."""
    hosts = {host_of(case): case.given for case in cases}
    inventory = folder / "cases.yml"
    inventory.write_text(yaml.safe_dump({"dr": {"children": {"cases": {"hosts": hosts}}}}), encoding="utf-8")
    environment = {**JSON, **{name: value for case in cases for name, value in case.environment.items()}}
    mark = lab.mark()
    run = lab.playbook(DEPLOY, "-i", str(inventory), "--limit", "cases", env=environment)
    document = json.loads(run.output[run.output.index("{\n") : run.output.rindex("}") + 1])
    told = {
        host: str(result.get("msg", ""))
        for play in document["plays"]
        for task in play["tasks"]
        for host, result in task["hosts"].items()
        if result.get("failed")
    }
    return Refusals(told, run.output, lab.calls(mark, mutating=True))


def host_of(case: Case) -> str:
    return case.name.replace(" ", "_").replace("'", "")


@pytest.fixture(scope="module")
def table(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    return refusals(lab, TABLE, tmp_path_factory.mktemp("cases"))


def assert_one_clear_line(message: str, case: Case) -> None:
    headline, *lines = message.splitlines()
    assert "nothing was changed" in headline, message
    assert len(lines) == 1, message
    assert lines[0].startswith(case.variable), message
    assert case.right in lines[0], message
    assert "Traceback" not in message


@pytest.mark.lab
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_one_clear_line(table: Refusals, case: Case) -> None:
    assert host_of(case) in table.told, "the deploy went on"
    assert_one_clear_line(table.told[host_of(case)], case)


@pytest.mark.lab
@pytest.mark.parametrize("case", WITH_ENVIRONMENT, ids=lambda case: case.name)
def test_one_clear_line_for_the_environment(lab: Lab, case: Case, tmp_path: Path) -> None:
    found = refusals(lab, [case], tmp_path)
    assert_one_clear_line(found.told[host_of(case)], case)
    assert found.mutations == []


@pytest.mark.lab
def test_nothing_was_changed(table: Refusals) -> None:
    assert len(TABLE) >= 25
    assert table.mutations == []
    assert "Traceback" not in table.output


@pytest.mark.lab
def test_an_endpoint_that_hangs_costs_seconds(lab: Lab, tmp_path: Path) -> None:
    case = Case("an endpoint that hangs", "aws_dr_primary_region", "check the network")
    lab.command("outage", lab.primary_region, "--kind", "hang")
    try:
        found = refusals(lab, [case], tmp_path)
    finally:
        lab.command("heal", lab.primary_region)
    assert_one_clear_line(found.told[host_of(case)], case)
    assert found.mutations == []
