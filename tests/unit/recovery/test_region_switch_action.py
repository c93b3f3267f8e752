# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action plugin: arguments in, core, result out, and one line for whatever goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
from actions import Run, runner
from simulated_aws import WEST, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench.of()


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def run(bench: Bench, shown: list[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(monkeypatch, "region_switch", bench, shown, target="dr")


def test_a_move_says_what_it_waits_for_and_what_came_of_it(run: Run, shown: list[str]) -> None:
    result = run(intent="drill")
    assert (result.get("failed"), result["changed"]) == (None, True)
    assert result["applications"][0]["status"] == "moved"
    assert any("1 of 3 instances of shop-dr-asg in service" in line for line in shown)


def test_check_and_diff_show_the_plan_and_change_nothing(run: Run, bench: Bench) -> None:
    result = run(check=True, diff=True)
    assert result["changed"]
    (plan,) = [part["prepared"] for part in result["diff"]]
    assert "promote         us-east-1      regional rds SwitchoverGlobalCluster shop-global" in plan
    assert "switch-traffic  us-west-2      data     cloudwatch PutMetricData" in plan
    assert bench.aws.mutations() == []


def test_a_second_run_is_not_changed(run: Run) -> None:
    run()
    result = run()
    assert (result["changed"], result["applications"][0]["status"]) == (False, "nothing-to-do")


def test_what_is_waived_is_told_with_who_waived_it(run: Run, bench: Bench) -> None:
    bench.aws.lag_ms = None
    result = run(waive=["replication-lag"], operator="night shift")
    assert not result.get("failed"), result.get("msg")
    notes = result["applications"][0]["notes"]
    assert any(note.startswith("waived by night shift: replication-lag (R11)") for note in notes)


def test_what_stands_in_the_way_is_one_line(run: Run, bench: Bench) -> None:
    bench.aws.instances[(WEST, "shop-dr-cluster")] = []
    result = run()
    assert result["failed"]
    assert result["msg"] == (
        "shop: target-instance (R5): cluster shop-dr-cluster has no instance: create one before it can be promoted"
    )
    assert [gate["gate"] for gate in result["applications"][0]["gates"]] == ["target-instance"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"applications": [{}]}, "applications[0].name is missing"),
        ({"applications": []}, "a list with at least one application"),
        ({"mode": "unplanned", "intent": "drill"}, "a drill is a switchover"),
        ({"waive": ["everything"]}, "waive: 'everything' is no gate"),
        ({"mode": "unplanned"}, "say accept_data_loss=true"),
    ],
)
def test_bad_arguments_are_one_line_before_any_change(run: Run, bench: Bench, arguments: Any, said: str) -> None:
    result = run(**arguments)
    assert result["failed"]
    assert said in result["msg"]
    assert "\n" not in result["msg"]
    assert bench.aws.mutations() == []
