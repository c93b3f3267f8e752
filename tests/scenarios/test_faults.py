# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moves that are killed, cut off, throttled or raced, through real ansible-playbook, all on one deployed lab.

Each scenario begins with the application at home and leaves it there. `SEED=<number>` chooses other moments for the
kills; the moment is printed, so that a failure can be repeated.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from end_to_end.harness import Lab, PlaybookRun, a_lab, a_writer, acknowledged
from privileges import check
from privileges.actions import needed
from privileges.policies import Policy

from lab.cloud.faults import THROTTLING

ACCOUNT = "123456789012"
SEED = int(os.environ.get("SEED", "1"))
TOLD_THE_SECOND = r"being moved by another run|already: nothing to do|lease-free|an earlier process of this run"
LONGEST_LEASE_SECONDS = 90.0  # 60 s, and what clocks may differ by, and the time that a refusal takes
PROGRESS = re.compile(r"(?P<application>\S+) \| (?P<stage>\w+) \| (?P<step>[\w-]+) \| \d+ s \| (?P<phase>.*)")
"""A line of region_switch: application | stage | step | seconds | phase."""
DRILL = ("playbooks/failover.yml", "-e", "drill=true")
RECONCILE = ("playbooks/reconcile.yml",)
FAILBACK = ("playbooks/failback.yml",)
MOVING_CALLS = ("rds", "autoscaling", "cloudwatch", "route53")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A deployed and activated lab for all scenarios; `FAULTS_LAB_HOME` names one that runs already and goes on."""
    if home := os.environ.get("FAULTS_LAB_HOME"):
        yield Lab(home=Path(home), net=os.environ["LAB_NET"])
        return
    with a_lab(tmp_path_factory.mktemp("faults"), "127.86.113") as running:
        running.playbook("playbooks/deploy-dr.yml").must_succeed()
        running.playbook("playbooks/activate.yml", "-e", "activate_team_trained=true").must_succeed()
        yield running


@pytest.fixture(scope="module")
def began(lab: Lab) -> int:
    """Where the log of calls stood when the scenarios began."""
    return lab.mark()


@pytest.fixture(scope="module")
def policies(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Policy]:
    """The policies of operators, as the playbook writes them for this lab."""
    folder = tmp_path_factory.mktemp("permissions")
    lab.playbook(
        "playbooks/permissions.yml", "-e", f"permissions_account={ACCOUNT}", "-e", f"permissions_dir={folder}"
    ).must_succeed()
    return {path.stem: Policy.read(path) for path in folder.glob("*.json")}


@pytest.fixture
def story(lab: Lab, began: int, request: pytest.FixtureRequest) -> Iterator[Story]:
    """One scenario's folder of reports; the application is at home before and after."""
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    told = Story(lab, lab.home / "reports" / f"{name}-{int(time.time())}")
    yield told
    lab.command("fault", "--clear")
    for region in (lab.primary_region, lab.dr_region):
        lab.command("heal", region)
    lab.command("wait", "--timeout", "240")
    if lab.writer_region() != lab.primary_region or lab.answering_region() != lab.primary_region:
        told.play(*RECONCILE).must_succeed()
        told.bring_home()
    told.should_be_at("primary")


@dataclass
class Story:
    """What a scenario does, and looks at afterwards."""

    lab: Lab
    reports: Path

    def arguments(self, *command: str) -> tuple[str, ...]:
        return (*command, "-e", f"aws_dr_reports_dir={self.reports}")

    @property
    def unplanned(self) -> tuple[str, ...]:
        """The worst day's command."""
        words = ("failover_mode=unplanned", f"failover_confirm={self.lab.project}", "accept_data_loss=true")
        extra = [part for word in (*words, "accept_unfenced=true") for part in ("-e", word)]
        return ("playbooks/failover.yml", *extra)

    def play(self, *command: str, **environment: str) -> PlaybookRun:
        return self.lab.playbook(*self.arguments(*command), env=environment)

    def bring_home(self) -> None:
        """Fail back; a run that could not give its lease back, as its region was lost, is waited for."""
        deadline = time.monotonic() + LONGEST_LEASE_SECONDS
        while (run := self.play(*FAILBACK)).code and "runs out in" in run.output and time.monotonic() < deadline:
            time.sleep(5)
        run.must_succeed()

    def killed(self, *command: str, seed: int) -> Killed:
        """Start a move and kill it with all its processes, at a moment that the seed chooses."""
        chance = random.Random(1000 * SEED + seed)
        lines, more = chance.randint(1, 16), chance.uniform(0.0, 1.0)
        seen = 0
        with self.lab.started_playbook(*self.arguments(*command)) as process:
            assert process.stdout is not None
            said = "it ended by itself"
            for line in process.stdout:
                if found := PROGRESS.search(line):
                    seen += 1
                    said = f"{found['stage']}/{found['step']}: {found['phase'].strip()}"
                if seen == lines:
                    time.sleep(more)
                    break
            kill_all(process.pid)
            process.wait()
        print(f"killed {more:.2f} s after line {lines}, {said}")
        return Killed(said, self.open_run())

    def journals(self) -> list[Path]:
        return sorted((self.reports / "journals").glob("*/*.jsonl"), key=lambda path: path.stat().st_mtime)

    def open_run(self) -> str | None:
        """The newest run, if its journal says that it has not ended; older ones that were given up are history."""
        for path in self.journals()[-1:]:
            events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
            if events and not any(event["kind"] == "run-closed" for event in events):
                return str(events[0]["run_id"])
        return None

    def should_be_at(self, place: str) -> None:
        """The world is as it should be with the application in that place: writer, clients, capacity, writes, lease."""
        lab = self.lab
        region = lab.dr_region if place == "dr" else lab.primary_region
        assert lab.writer_region() == region
        assert lab.answering_region() == region
        capacity = self.capacity()
        assert capacity["desired"] == (3 if place == "dr" else 1), capacity
        with a_writer(lab, lab.home / "after.jsonl", rate=20, name=f"after-{time.time()}"):
            time.sleep(1.0)
        assert any(
            json.loads(line)["acknowledged"] for line in (lab.home / "after.jsonl").read_text().splitlines()[-10:]
        )
        assert self.open_run() is None, "the last run has ended"

    def capacity(self) -> dict[str, int]:
        """The dr group's."""
        [group] = self.lab.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[f"{self.lab.project}-dr-asg"]
        )["AutoScalingGroups"]  # fmt: skip
        return {"min": group["MinSize"], "desired": group["DesiredCapacity"]}

    def called_since(self, mark: int) -> list[dict[str, Any]]:
        """What playbooks have called since then."""
        return [call for call in self.lab.calls(mark) if check.by_operator(call)]

    def changes_nothing_more(self, *command: str) -> None:
        """The same move once more finds nothing to do."""
        mark = self.lab.mark()
        self.play(*command).must_succeed()
        made = [call for call in self.lab.calls(mark, mutating=True) if check.by_operator(call)]
        assert [call for call in made if call["service"] in MOVING_CALLS] == []

    @contextmanager
    def clients_lose_nothing(self) -> Iterator[None]:
        """A writer is at work all the while; what was acknowledged is there afterwards."""
        log = self.lab.home / f"writer-{self.reports.name}.jsonl"
        with a_writer(self.lab, log, rate=20, name=self.reports.name):
            yield
        told = acknowledged(log)
        assert told, "the writer was at work"
        assert sorted(told - self.lab.stored(self.reports.name)) == []

    @contextmanager
    def region_lost(self, kind: str) -> Iterator[None]:
        self.lab.command("outage", self.lab.primary_region, "--kind", kind)
        try:
            yield
        finally:
            self.lab.command("heal", self.lab.primary_region)
        self.lab.command("wait", "--timeout", "240")


def kill_all(pid: int) -> None:
    """Kill a process with all that it started: the workers of ansible-playbook are sessions of their own, so a
    signal to its process group leaves the one that moves the application alive."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    doomed = [pid]
    for one in doomed:
        doomed += parents.get(one, [])
    for one in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


@dataclass(frozen=True)
class Killed:
    """Where a move was killed; the run that it left open, if it had begun one."""

    where: str
    run_id: str | None

    def was_gone_on_with(self, story: Story) -> None:
        """The run that was killed is the one that was ended: no second one was begun beside it."""
        if self.run_id is None:
            return
        [journal] = [path for path in story.journals() if path.stem == self.run_id]
        kinds = [json.loads(line)["kind"] for line in journal.read_text(encoding="utf-8").splitlines()]
        assert kinds.count("run-opened") == 1
        assert kinds[-1] == "run-closed"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_drill_that_is_killed_goes_on_where_it_was(seed: int, story: Story, policies: dict[str, Policy]) -> None:
    with story.clients_lose_nothing():
        killed = story.killed(*DRILL, seed=seed)
        mark = story.lab.mark()
        story.play(*DRILL, "--check", "--diff")  # a plan may be refused: the move is in the midst of it
        looked = story.called_since(mark)
        mark = story.lab.mark()
        story.play(*DRILL).must_succeed()
        moved = story.called_since(mark)
        assert check.not_allowed(looked, [policies["operator-look"]], ACCOUNT) == []
        if killed.run_id is not None:
            for calls in (looked, moved):
                asked = {action for call in calls for action in needed(call)}
                assert "dynamodb:Query" in asked, "a run is planned, and gone on with, from its journal"
        killed.was_gone_on_with(story)
        story.should_be_at("dr")
        story.changes_nothing_more(*DRILL)


@pytest.mark.parametrize("seed", [4, 5])
def test_a_failback_that_is_killed_goes_on_where_it_was(seed: int, story: Story) -> None:
    with story.clients_lose_nothing():
        story.play(*DRILL).must_succeed()
        killed = story.killed(*FAILBACK, seed=seed)
        story.play(*FAILBACK).must_succeed()
        killed.was_gone_on_with(story)
        story.should_be_at("primary")
        story.changes_nothing_more(*FAILBACK)


@pytest.mark.parametrize("seed", [6, 7])
def test_an_unplanned_failover_that_is_killed_goes_on_where_it_was(seed: int, story: Story) -> None:
    with story.region_lost("refuse"):
        killed = story.killed(*story.unplanned, seed=seed)
        story.play(*story.unplanned).must_succeed()
        killed.was_gone_on_with(story)
        story.should_be_at("dr")


def test_a_failover_that_is_refused_after_its_fence_says_that_nobody_serves_and_home_is_opened_again(
    story: Story,
) -> None:
    lab = story.lab
    lab.command("fault", "rds:FailoverGlobalCluster", "--code", "AccessDenied")
    refused = story.play(*story.unplanned, "-e", "waive=old-site-down")
    assert refused.code
    assert f"{lab.project} is served from nowhere" in refused.output
    assert "playbooks/failback.yml opens it again" in refused.output
    assert lab.writer_region() == lab.primary_region
    lab.command("fault", "--clear")
    began = time.monotonic()
    story.play(*FAILBACK).must_succeed()
    print(f"served again {time.monotonic() - began:.0f} s after the command")
    story.should_be_at("primary")


STAGES = {
    # stage of the drill in which the region goes: step that announces it
    "before the writer moves": "raise-capacity",
    "while the writer moves": "promote",
    "before clients move": "write-probe",
    "while clients move": "switch-traffic",
}


@pytest.mark.parametrize("kind", ["hang", "swallow", "refuse", "errors"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_region_that_goes_in_the_midst_of_a_drill_is_left_behind(stage: str, kind: str, story: Story) -> None:
    """The drill ends by itself, or its operator ends it, breaks its lease and fails over: both lead to dr."""
    step = STAGES[stage]
    lab = story.lab
    with lab.started_playbook(*story.arguments(*DRILL)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            found = PROGRESS.search(line)
            if found and found["step"] == step:
                break
        assert process.poll() is None, f"the drill told that {step} had begun"
        lab.command("outage", lab.primary_region, "--kind", kind)
        drained = threading.Thread(target=process.stdout.read, daemon=True)
        drained.start()
        try:
            process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            kill_all(process.pid)
    began, dead = time.monotonic(), story.open_run()
    if dead is not None:
        story.play(*story.unplanned, "-e", f"break_lease={dead}").must_succeed()
    print(f"{stage}: served from dr {time.monotonic() - began:.0f} s after the operator gave the drill up")
    assert lab.writer_region() == lab.dr_region
    assert lab.answering_region() == lab.dr_region


def test_dr_that_is_lost_while_it_serves_is_left_for_home_and_can_be_moved_to_again(story: Story) -> None:
    lab = story.lab
    story.play(*DRILL).must_succeed()
    lab.command("outage", lab.dr_region, "--kind", "swallow")
    try:
        began = time.monotonic()
        story.play(*story.unplanned, "-e", "failover_target=primary").must_succeed()
        print(f"home {time.monotonic() - began:.0f} s after the command")
        assert lab.writer_region("primary") == lab.primary_region
        assert lab.answering_region() == lab.primary_region
    finally:
        lab.command("heal", lab.dr_region)
    lab.command("wait", "--timeout", "240")
    story.play(*RECONCILE, "-e", "reconcile_place=dr").must_succeed()
    with story.region_lost("refuse"):
        story.play(*story.unplanned).must_succeed()
        assert lab.writer_region() == lab.dr_region
        assert lab.answering_region() == lab.dr_region


def test_a_region_whose_name_does_not_resolve_is_left_behind(story: Story) -> None:
    """All addresses of the lost region are a name that nobody knows."""
    lab = story.lab
    config = configparser.RawConfigParser()
    config.read(lab.environment["AWS_CONFIG_FILE"])
    address = f"{lab.net}.11:"
    for section in config.sections():
        for name, value in config[section].items():
            config[section][name] = value.replace(address, "us-east-1.gone.invalid:")
    file = lab.home / "unresolvable-config"
    with file.open("w", encoding="utf-8") as text:
        config.write(text)
    with story.region_lost("refuse"):
        story.play(*story.unplanned, AWS_CONFIG_FILE=str(file)).must_succeed()
        assert lab.writer_region() == lab.dr_region
        assert lab.answering_region() == lab.dr_region


def test_a_region_that_comes_back_in_the_midst_of_a_failover_changes_nothing_of_it(story: Story) -> None:
    lab = story.lab
    lab.command("outage", lab.primary_region, "--kind", "hang")
    with lab.started_playbook(*story.arguments(*story.unplanned)) as process:
        assert process.stdout is not None
        text = []
        for line in process.stdout:
            text.append(line)
            found = PROGRESS.search(line)
            if found and found["step"] == "promote":
                break
        lab.command("heal", lab.primary_region)
        text.append(process.stdout.read())
        assert process.wait(timeout=600) == 0, "".join(text)[-4000:]
    assert lab.writer_region() == lab.dr_region
    assert lab.answering_region() == lab.dr_region


def test_a_drill_of_which_half_of_the_calls_are_throttled_succeeds(story: Story) -> None:
    with story.clients_lose_nothing():
        story.lab.command("fault", "*:*", "--code", "Throttling", "--every", "2")
        mark = story.lab.mark()
        story.play(*DRILL).must_succeed()
        calls = [call for call in story.lab.calls(mark) if check.by_operator(call)]
        throttled = [call for call in calls if call["error"] in ("Throttling", *THROTTLING.values())]
        assert len(throttled) > len(calls) / 4, "the calls were throttled"
        story.lab.command("fault", "--clear")
        story.should_be_at("dr")


def test_of_two_operators_at_once_one_moves_and_the_other_is_refused_in_one_line(story: Story) -> None:
    lab, ended = story.lab, list[tuple[int, str]]()

    def operate(number: int) -> None:
        folder = f"aws_dr_reports_dir={story.reports}/operator-{number}"
        run = lab.playbook(*DRILL, "-e", folder)
        ended.append((run.code, run.output))

    with story.clients_lose_nothing():
        mark = lab.mark()
        operators = [threading.Thread(target=operate, args=(number,)) for number in (1, 2)]
        for one in operators:
            one.start()
        for one in operators:
            one.join()
        moves = [call for call in lab.calls(mark, mutating=True) if call["operation"] == "SwitchoverGlobalCluster"]
        assert len([call for call in moves if call["status"] == 200]) == 1
        # Who is so late that the other one has ended is told that nothing is left to do; who comes while the other one
        # moves takes it for an earlier process of the same run, and waits until it has ended.
        told = [output for _code, output in ended if re.search(TOLD_THE_SECOND, output)]
        assert len(told) == 1, [output[-2000:] for _code, output in ended]
        assert "Traceback" not in told[0]
        story.should_be_at("dr")


def test_all_that_was_called_in_these_scenarios_is_allowed_to_who_moves(
    story: Story, began: int, policies: dict[str, Policy]
) -> None:
    held = [policies[name] for name in ("operator-move", "operator-reconcile")]
    calls = story.called_since(began)
    assert calls, "something was called"
    assert check.not_allowed(calls, held, ACCOUNT) == []
