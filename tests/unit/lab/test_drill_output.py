"""What `make drill` says: the gist of ansible's output, the failing task's own words, the closing table."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lab import drill, playbook, scoreboard
from lab.settings import LabSettings

OUTPUT = """\
PLAY [Deploy the recovery region] **********************************************

TASK [pilotlight.aws_dr.network : Look at the stack] ***************************
ok: [webapp_dr]

TASK [pilotlight.aws_dr.network : Make the stack] ******************************
changed: [webapp_dr]

TASK [Move the application] ****************************************************
dr-webapp | promote | aurora-global | 3 s | waiting: us-west-2 becomes the writer
"""

FAILURE = """\
TASK [pilotlight.aws_dr.database : Create the secondary] ***********************
[ERROR]: Task failed: Module failed: no such key
Origin: /somewhere/roles/database/tasks/create.yml:12:3

fatal: [webapp_dr]: FAILED! =>
    changed: false
    msg: |-
        The key alias/x is not there.
        Make it, or name another.
    other: 1

PLAY RECAP *********************************************************************
webapp_dr                  : ok=9    changed=1    unreachable=0    failed=1
"""


def read(text: str) -> tuple[playbook.Reader, list[str]]:
    said: list[str] = []
    reader = playbook.Reader(said.append)
    for line in text.splitlines():
        reader.line(line)
    return reader, said


def test_each_role_is_announced_once_and_every_live_line_is_passed_on() -> None:
    reader, said = read(OUTPUT)
    assert said == [
        "  network: Look at the stack",
        "  dr-webapp | promote | aurora-global | 3 s | waiting: us-west-2 becomes the writer",
    ]
    assert reader.task == "Move the application"


def test_a_task_that_takes_long_is_named_again() -> None:
    reader, said = read(OUTPUT)
    reader.still()
    assert said[-1].startswith("  … Move the application (for ")


def test_a_failure_is_told_in_the_tasks_own_words() -> None:
    reader, _ = read(FAILURE)
    assert reader.why() == (
        "task 'pilotlight.aws_dr.database : Create the secondary' on webapp_dr:\n"
        "The key alias/x is not there.\nMake it, or name another."
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [("    msg: 'one line'", "one line"), ("    reason: no message", "reason: no message")],
)
def test_a_failures_message_is_found_or_all_is_shown(line: str, message: str) -> None:
    reader, _ = read(f"TASK [x] ***\nfatal: [h]: FAILED! =>\n{line}")
    assert reader.failures[-1].message() == message


def test_the_failure_that_a_rescue_was_for_is_told_with_the_last_one() -> None:
    rescue = (
        "TASK [Say how to go on] ***\nfatal: [webapp_dr]: FAILED! =>\n    msg: The deploy stopped in phase database.\n"
    )
    reader, _ = read(FAILURE + rescue)
    assert reader.why().startswith("task 'Say how to go on' on webapp_dr:\nThe deploy stopped in phase database.")
    assert "and before it, task 'pilotlight.aws_dr.database : Create the secondary'" in reader.why()


def test_an_error_before_any_task_is_told() -> None:
    reader, _ = read("[ERROR]: the role 'x' was not found")
    assert reader.why() == "[ERROR]: the role 'x' was not found"


def test_an_interruption_ends_ansible_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ansible-playbook"
    program.write_text("#!/bin/sh\nsleep 300 &\necho $! > child\necho 'TASK [sleep] ***'\nwait\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(playbook.Reader, "line", interrupt)
    with pytest.raises(KeyboardInterrupt):
        playbook.run("x.yml", [], {"PATH": "/usr/bin:/bin"}, tmp_path, tmp_path / "log", print)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while _alive(child):
        assert time.monotonic() < deadline, "a child of ansible goes on"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def report(intent: str, verdict: str = "pass", rto: float | None = 4.25) -> dict[str, Any]:
    def figure(value: float | None) -> dict[str, Any]:
        return {"value": value, "method": "counted"}

    return {
        "intent": intent,
        "verdict": verdict,
        "reasons": ["the measured RTO is beyond its objective"],
        "from": {"place": "primary", "region": "us-east-1"},
        "to": {"place": "dr", "region": "us-west-2"},
        "objectives": {"rto_seconds": 900.0, "rpo_seconds": 60.0},
        "measured": {
            "rto_writes_seconds": figure(rto),
            "rto_reads_seconds": figure(0.0),
            "rpo_seconds": figure(0.0),
            "rpo_lost_writes": figure(0),
        },
        "stages": [{"name": "promote", "seconds": 2.5}, {"name": "shift", "seconds": 1.25}],
    }


def test_the_table_shows_figures_objectives_stages_and_reports() -> None:
    text = "\n".join(scoreboard.table([report("drill"), report("failback")], [("deploy", 61.234)]))
    assert "drill     us-east-1  us-west-2  RTO (writes)  4.25 s    900 s      pass" in text
    assert "stage promote  2.5 s  2.5 s" in text
    assert "deploy  61.2 s" in text


def test_what_was_not_measured_is_no_zero_and_no_pass() -> None:
    text = "\n".join(scoreboard.table([report("drill", "not measured", None)], []))
    assert "RTO (writes)  not measured  900 s      not measured" in text
    assert "drill: the measured RTO is beyond its objective" in text


@pytest.mark.parametrize(("verdict", "word"), [("pass", "PASS"), ("fail", "FAIL")])
def test_the_last_line_is_the_page_of_the_drill(verdict: str, word: str) -> None:
    reports = [
        (Path("reports/a/report.html"), report("drill", verdict)), (Path("reports/b/report.html"), report("failback")),
    ]  # fmt: skip
    lines = scoreboard.closing(reports, Path("reports/make-drill.log"))
    assert lines[0].startswith(word)
    assert lines[-2:] == ["failback report  reports/b/report.html", "drill report     reports/a/report.html"]


def test_the_pages_of_this_run_are_found_and_older_ones_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "REPORTS", tmp_path)
    for run, intent, at in (("1-drill", "drill", 10), ("2-drill", "drill", 30), ("3-move", "failover", 30)):
        (tmp_path / run).mkdir()
        (tmp_path / run / "report.json").write_text(json.dumps(report(intent)))
        os.utime(tmp_path / run / "report.json", (at, at))
    this = drill._Drill(LabSettings(), {}, "inventories/lab", (), tmp_path / "log", print)
    assert [path for path, _report in this.reports(20)] == [tmp_path / "2-drill" / "report.html"]


@pytest.mark.parametrize(
    ("reports", "good"),
    [
        ([report("drill"), report("failback")], True),
        ([report("drill")], False),
        ([report("drill"), report("failback", "fail")], False),
        ([report("drill", "not measured"), report("failback")], False),
    ],
)
def test_only_two_measured_moves_within_their_objectives_pass(reports: list[dict[str, Any]], good: bool) -> None:
    assert scoreboard.passed(reports) is good
