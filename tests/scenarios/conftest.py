# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Long scenarios, each in a lab of its own: `make test-scenarios` runs them; `make test` does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from end_to_end.harness import Lab, a_lab

TRAINED = ("-e", "activate_team_trained=true")


def deploy_and_activate(lab: Lab, *arguments: str) -> None:
    """Build the dr region and switch failover on."""
    lab.playbook("playbooks/deploy-dr.yml", *arguments).must_succeed()
    lab.playbook("playbooks/activate.yml", *TRAINED, *arguments).must_succeed()


class Labs:
    """Starts labs with settings of the test's choice; all of them end with the test."""

    def __init__(self, folder: Path, net: str) -> None:
        self._stack = ExitStack()
        self._folder = folder
        self._net = net

    def start(self, *, inventory: str = "inventories/lab", **settings: str) -> Lab:
        return self._stack.enter_context(a_lab(self._folder / "lab", self._net, inventory=inventory, **settings))

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[Labs]:
    found = Labs(tmp_path, os.environ.get("LAB_NET", "127.86.111"))
    yield found
    found.close()
