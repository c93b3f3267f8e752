# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a move says while it goes on reaches a terminal and ansible-runner (AWX), line by line and in order."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import ansible_runner
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
SECRET = "FwoGZXIvYXdzEXAMPLE"
LINE = re.compile(r"^(shop|blog) \| (\w+) \| ([a-z-]+) \| (\d+) s \| (.+)$")
STAGES = ["decide", "scale", "promote", "verify", "shift"]

sys.path.insert(0, str(REPOSITORY / "tests" / "unit" / "recovery"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """This checkout as the collection, and nothing of AWS."""
    link = tmp_path / "collections" / "ansible_collections" / "pilotlight" / "aws_dr"
    link.parent.mkdir(parents=True)
    link.symlink_to(REPOSITORY)
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "ANSIBLE_ACTION_PLUGINS": str(HERE / "action_plugins"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
        "PROGRESS_REPOSITORY": str(REPOSITORY),
        "PROGRESS_SECRET": SECRET,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "400",
    }


@pytest.fixture
def variables(tmp_path: Path) -> Path:
    from simulated_aws import document

    path = tmp_path / "applications.json"
    path.write_text(json.dumps({"applications": [document("shop"), document("blog")]}), encoding="utf-8")
    return path


def told(lines: list[str]) -> list[re.Match[str]]:
    return [match for line in lines if (match := LINE.match(line.strip()))]


def check(lines: list[re.Match[str]]) -> None:
    """A line for each application and stage, in the order of time, with what is being waited for."""
    for application in ("shop", "blog"):
        own = [line for line in lines if line[1] == application]
        assert list(dict.fromkeys(line[2] for line in own)) == STAGES
        assert [int(line[4]) for line in own] == sorted(int(line[4]) for line in own)
        assert any("1 of 3 instances of" in line[5] for line in own)
        assert any("DNS still leads" in line[5] for line in own)
    assert any("last answer" in line[5] and "(left out)" in line[5] for line in lines)


def test_lines_are_verbose_events_of_ansible_runner_in_order_while_the_task_runs(
    tmp_path: Path, environment: dict[str, str], variables: Path
) -> None:
    events: list[tuple[float, dict[str, Any]]] = []

    def take(event: dict[str, Any]) -> bool:
        events.append((time.monotonic(), event))
        return True

    (tmp_path / "runner").mkdir()
    run = ansible_runner.run(
        private_data_dir=str(tmp_path / "runner"),
        playbook=str(HERE / "move.yml"),
        cmdline=f"-e @{variables}",
        envvars=environment,
        event_handler=take,
        quiet=True,
    )
    assert run.status == "successful", run.stdout.read()
    assert [event["counter"] for _at, event in events] == sorted(event["counter"] for _at, event in events)
    verbose = [(at, event) for at, event in events if event["event"] == "verbose"]
    check(told([event["stdout"] for _at, event in verbose]))
    lines = [(at, event) for at, event in verbose if LINE.match(event["stdout"].strip())]
    (ended,) = [event["counter"] for _at, event in events if event["event"] == "runner_on_ok"]
    assert all(event["counter"] < ended for _at, event in lines)
    assert lines[-1][0] - lines[0][0] > 0.3, "they come while the move goes on"
    assert SECRET not in json.dumps([event["stdout"] for _at, event in events])


def test_lines_appear_on_a_terminal_while_the_move_goes_on(environment: dict[str, str], variables: Path) -> None:
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).parent / "ansible-playbook"), str(HERE / "move.yml"), "-e", f"@{variables}"]
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen: list[tuple[float, str]] = []
    rest = ""
    while True:
        try:
            data = os.read(ours, 65536).decode(errors="replace")
        except OSError:  # Linux says so when the other end is closed
            break
        if not data:
            break
        *whole, rest = (rest + data).split("\n")
        seen += [(time.monotonic(), line.rstrip("\r")) for line in whole]
    os.close(ours)
    assert process.wait(60) == 0, "\n".join(line for _at, line in seen)
    check(told([line for _at, line in seen]))
    times = [at for at, line in seen if LINE.match(line.strip())]
    assert times[-1] - times[0] > 0.3
    assert SECRET not in "\n".join(line for _at, line in seen)
