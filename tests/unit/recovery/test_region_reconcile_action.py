# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action plugin that reconciles: arguments in, core, result out, and one line for whatever goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
from actions import Run, runner
from simulated_aws import EAST, Bench

from plugins.module_utils._recovery.lease import Lease
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.store import Store


@pytest.fixture
def bench() -> Bench:
    """The application in dr; its primary region, which was lost, is back."""
    bench = Bench.of()
    bench.aws.outage(EAST, "refuse")
    assert run_move(
        bench.aws.applications, Options("dr", "unplanned", accept_data_loss=True, accept_unfenced=True), bench.tools()
    ).ok
    bench.clock.wait(3600)
    bench.aws.heal(EAST)
    bench.aws.comes_back(bench.aws.applications[0].primary)
    bench.aws.calls.clear()
    return bench


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def run(bench: Bench, shown: list[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(monkeypatch, "region_reconcile", bench, shown)


def test_it_says_what_it_waits_for_and_what_came_of_it(run: Run, shown: list[str]) -> None:
    result = run()
    assert (result.get("failed"), result["changed"]) == (None, True)
    (one,) = result["applications"]
    assert (one["status"], one["snapshots"]) == ("reconciled", ["lost-writes-shop-2026-11-24-14-52"])
    assert any("the copy lost-writes-shop" in line for line in shown)


def test_check_and_diff_show_the_calls_and_make_none(run: Run, bench: Bench) -> None:
    result = run(check=True, diff=True)
    assert result["changed"]
    (plan,) = [part["prepared"] for part in result["diff"]]
    assert "revoke-ingress  us-east-1      regional ec2 RevokeSecurityGroupIngress sg-" in plan
    assert "rds CopyDBClusterSnapshot lost-writes-shop-2026-11-24-14-52" in plan
    assert bench.aws.mutations() == []


def test_a_second_run_is_not_changed(run: Run) -> None:
    run()
    result = run()
    assert (result["changed"], result["applications"][0]["status"]) == (False, "nothing-to-do")


def test_a_region_that_is_not_back_is_one_line(run: Run, bench: Bench) -> None:
    bench.aws.outage(EAST, "refuse")
    result = run()
    assert result["failed"]
    assert result["msg"].startswith("shop: source-region (R2): us-east-1 is unreachable")


def test_the_lease_of_a_dead_run_is_broken_as_the_refusal_says(run: Run, bench: Bench) -> None:
    site, dead = bench.aws.applications[0].dr, "20260921T181408Z-failback-ec60ef"
    opened = {"mode": "planned", "target": "primary", "opened_at": bench.clock.now()}
    Lease(Store(bench.clients(), site.access, site.state_table), "shop", dead, bench.clock, opened).acquire()
    refused = run()
    assert refused["failed"]
    assert f"If it is dead: break_lease={dead}" in refused["msg"]
    result = run(break_lease=dead)
    assert (result.get("failed"), result["applications"][0]["status"]) == (None, "reconciled")


@pytest.mark.parametrize("arguments", [{"applications": [{}]}, {"applications": []}])
def test_wrong_arguments_are_one_line_and_ask_nothing(run: Run, bench: Bench, arguments: dict[str, Any]) -> None:
    result = run(**arguments)
    assert result["failed"]
    assert "applications" in result["msg"]
    assert bench.aws.calls == []
