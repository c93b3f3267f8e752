# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the table of modes says is what moves do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
from simulated_aws import EAST, WEST, Bench, Call
from tools import modes_reference
from unit.recovery.simulated.dynamodb import journaled

from plugins.module_utils._recovery.calls import PLANES
from plugins.module_utils._recovery.options import Options
from plugins.module_utils._recovery.reconcile import reconcile
from plugins.module_utils._recovery.runner import run_move
from plugins.module_utils._recovery.steps.base import SOURCE, TARGET
from plugins.module_utils._recovery.steps.registry import MODES

PLACES = {"dr": {WEST: TARGET, EAST: SOURCE}, "primary": {EAST: TARGET, WEST: SOURCE}}
WAIVED = ("old-site-down", "block-period")
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED)
BOTH_WAYS = [mode for mode in MODES.values() if {"promote"} & {row.step.name for row in mode.rows}]


@dataclass
class Moved:
    """One move that was made: the steps' calls, each with its side, and the whole log."""

    made: set[tuple[str, str, str]]
    log: list[Call]
    sides: dict[str, str]


def fail_over(bench: Bench) -> None:
    """An unplanned move to dr, reconciled."""
    assert run_move(bench.aws.applications, FAILOVER, bench.tools()).ok
    bench.clock.wait(7200)
    primary = bench.aws.applications[0].primary
    bench.aws.comes_back(primary, joined=True)
    assert reconcile(bench.aws.applications, "primary", bench.tools())[0].ok
    bench.clock.wait(7200)


@cache
def moved(mode: str) -> tuple[Moved, ...]:
    """There, half blind at first, and back, and back again from where an unplanned move had fenced the old site."""
    bench, moves = Bench.of(secrets_promote="unplanned"), []
    bench.aws.hide_until_fenced(EAST)
    for place, sides in (*PLACES.items(), ("primary", PLACES["primary"])):
        if moves and place == "primary" and len(moves) == 2:
            fail_over(bench)
        bench.aws.calls.clear()
        options = Options(place, mode, accept_data_loss=True, accept_unfenced=True, waive=WAIVED)
        planned = run_move(bench.aws.applications, options, bench.tools(), check=True).applications[0]
        result = run_move(bench.aws.applications, options, bench.tools()).applications[0]
        assert not result.reasons
        rows = next(rows for (region, _table), rows in bench.aws.tables.items() if sides[region] == TARGET)
        events = journaled(rows, str(result.run_id))
        calls = [(event["step"], event["call"]) for event in events if event["kind"] == "intent"]
        calls += [(call["step"], call) for call in planned.plan]
        made = {(step, f"{call['service']} {call['operation']}", sides[call["region"]]) for step, call in calls}
        moves.append(Moved(made, list(bench.aws.calls), sides))
        bench.aws.refusals = []
        bench.clock.wait(7200)
    return tuple(moves)


@pytest.mark.parametrize("mode", BOTH_WAYS, ids=[mode.name for mode in BOTH_WAYS])
def test_each_step_makes_the_calls_that_the_table_names_in_the_regions_that_it_names(
    mode: modes_reference.Mode,
) -> None:
    said = {(row.step.name, call, side) for row in mode.rows for call, side in row.step.makes}
    assert set().union(*(one.made for one in moved(mode.name))) == said


@pytest.mark.parametrize("mode", BOTH_WAYS, ids=[mode.name for mode in BOTH_WAYS])
def test_the_leases_that_are_taken_are_those_of_the_table(mode: modes_reference.Mode) -> None:
    for one in moved(mode.name):
        assert {one.sides[call.region] for call in one.log if call.operation == "UpdateItem"} == set(mode.leases)


@pytest.mark.parametrize("mode", BOTH_WAYS, ids=[mode.name for mode in BOTH_WAYS])
def test_a_fence_of_ours_comes_before_the_promotion_where_the_table_demands_one(mode: modes_reference.Mode) -> None:
    fences = {row.step.name for row in mode.rows if row.step.stage == "fence"}
    assert bool(fences & set(mode.row("promote").needs)) == mode.fencing.startswith("ours")


def test_only_a_mode_that_may_lose_nothing_goes_without_the_word_that_data_may_be_lost() -> None:
    assert {mode.name: mode.may_lose.startswith("nothing") for mode in BOTH_WAYS} == {
        mode.name: not mode.loses_data for mode in BOTH_WAYS
    }


def test_no_mode_changes_anything_on_a_global_control_plane() -> None:
    planes = {PLANES[call.split()[0]] for mode in MODES.values() for row in mode.rows for call, _side in row.step.makes}
    assert planes == {"regional", "data"}


def test_the_page_of_modes_is_what_the_table_says() -> None:
    assert modes_reference.PAGE.read_text(encoding="utf-8") == modes_reference.page(), "run `make docs`"
