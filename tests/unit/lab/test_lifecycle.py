"""Starting, refusing, recovering and stopping a lab: real processes, on a loopback network of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.lab.planes import settings

from lab import addresses, processes, record
from lab.settings import LabSettings

REPOSITORY = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.lab


class Command:
    """`python -m lab` with an environment of its own."""

    def __init__(self, home: Path) -> None:
        self.settings: LabSettings = settings(home)
        self.home = home

    def __call__(self, *arguments: str, code: int = 0, **more: str) -> str:
        environment = {**os.environ, "LAB_HOME": str(self.home), "LAB_NET": self.settings.net, **more}
        done = subprocess.run(
            [sys.executable, "-m", "lab", *arguments], cwd=REPOSITORY, env=environment, capture_output=True, text=True
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def status(self) -> dict[str, object]:
        return dict(json.loads(self("status", "--json")))

    def calls(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.home / "calls.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    command = Command(tmp_path_factory.mktemp("home"))
    command("up")
    yield command
    command("down")


@pytest.fixture
def stopped(lab: Command) -> Command:
    """The same, not running."""
    lab("down")
    return lab


def test_a_second_up_finds_the_first_and_changes_nothing(lab: Command) -> None:
    before, pid = len(lab.calls()), lab.status()["pid"]
    assert "running already" in lab("up")
    assert lab.status()["pid"] == pid
    assert len(lab.calls()) == before


def test_a_second_seed_makes_no_mutating_call(lab: Command) -> None:
    from lab.seed.build import build

    before = len(lab.calls())
    build(lab.settings, frozenset(), lambda _text: None)
    after = lab.calls()[before:]
    assert after
    assert [call["operation"] for call in after if call["mutates"]] == []


def test_the_environment_file_points_to_the_lab_and_forgets_real_accounts(lab: Command) -> None:
    script = f'. "{lab.home}/env"; echo "$AWS_CONFIG_FILE|${{AWS_PROFILE-none}}|$(command -v ansible-playbook)"'
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "AWS_PROFILE": "production"}
    )
    config, profile, program = done.stdout.strip().split("|")
    assert config == str(lab.home / "aws" / "config")
    assert profile == "none"
    assert Path(program).parent == Path(sys.executable).parent


def test_other_settings_are_refused_by_name(lab: Command) -> None:
    assert "PROJECT_NAME is 'dr-webapp' there, 'other' here" in lab("up", code=1, PROJECT_NAME="other")
    assert "LAB_PROFILE is 'fast' there, 'realistic' here" in lab("up", code=1, LAB_PROFILE="realistic")


def test_another_lab_on_the_same_addresses_is_refused(lab: Command, tmp_path: Path) -> None:
    said = lab("up", code=1, LAB_HOME=str(tmp_path))
    assert f"another lab (LAB_HOME={lab.home}) runs on LAB_NET={lab.settings.net}" in said


def test_an_outage_and_its_end_are_seen_in_the_status(lab: Command) -> None:
    lab("outage", "us-east-1", "--kind", "refuse")
    assert "OUTAGE: refuse" in lab("status")
    lab("heal", "us-east-1")
    lab("replication", "cut")
    assert "cut: by hand" in lab("status")
    lab("replication", "heal")
    lab("wait", "--timeout", "30")
    assert "'eu-west-9' is no region of this lab" in lab("outage", "eu-west-9", code=1)


def test_an_unknown_variant_of_the_seed_is_refused(lab: Command) -> None:
    assert "LAB_SEED='nonsense': nonsense is unknown" in lab("up", code=1, LAB_SEED="nonsense")


def test_killed_hard_it_leaves_nothing_that_the_next_up_stumbles_over(lab: Command) -> None:
    daemon = processes.daemon_of(lab.home)
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGKILL)
    time.sleep(0.3)
    assert lab("status", code=3) == "the lab is not running\n"
    assert "an earlier lab ended without cleaning up" in lab("up")
    lab("wait", "--timeout", "30")


def test_down_leaves_no_process_and_no_open_port(tmp_path: Path, lab: Command) -> None:
    lab("down")
    assert processes.of_lab(lab.home) == []
    assert addresses.taken(lab.settings) == []
    assert lab("down").endswith("no lab is running\n")
    assert record.settings_in(lab.home) is None


def test_an_address_that_something_else_holds_is_named(stopped: Command) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((stopped.settings.app_address("us-west-2"), 8443))
        other.listen()
        said = stopped("up", code=1)
    assert f"{stopped.settings.app_address('us-west-2')}:8443/tcp (the application of us-west-2)" in said
    assert "LAB_NET=" in said


def interrupted_at(lab: Command, command: str, text: str) -> subprocess.Popen[str]:
    """A command of the lab, interrupted as by Ctrl-C once it has said `text`.

    Whatever started the tests may have had that signal ignored, as a shell does with what it puts into the background.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", command],
        cwd=REPOSITORY,
        env={**os.environ, "LAB_HOME": str(lab.home), "LAB_NET": lab.settings.net},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            break
    process.send_signal(signal.SIGINT)
    return process


def test_an_up_that_is_interrupted_leaves_nothing(stopped: Command) -> None:
    process = interrupted_at(stopped, "up", "PostgreSQL")
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert processes.of_lab(stopped.home) == []


def test_a_drill_that_is_interrupted_ends_ansible_and_its_own_lab(stopped: Command) -> None:
    process = interrupted_at(stopped, "drill", "deploy: ansible-playbook")
    said, _ = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "the lab is down" in said
    assert processes.of_lab(stopped.home) == []
