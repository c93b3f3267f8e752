# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where an application is, and what is left of a move, can be read at any moment."""

from __future__ import annotations

from typing import Any

from simulated_aws import EAST, WEST, Bench

from plugins.module_utils._recovery.lease import LEASE_SECONDS
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.status import describe

DRILL = Options("dr", "planned", "drill")


def look(bench: Bench) -> dict[str, Any]:
    return describe(bench.aws.applications, bench.tools())[0]


def move(bench: Bench) -> None:
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok


def test_an_application_at_home() -> None:
    seen = look(Bench.of())
    assert (seen["active"], seen["operation"], seen["run"], seen["unknown"]) == ("primary", None, None, [])
    assert seen["traffic"] == {"names": {"app.shop.example": "primary"}, "switch": {"primary": 1, "dr": 1}}
    assert seen["sites"]["dr"]["region"] == WEST
    assert seen["sites"]["dr"]["groups"][0]["in_service"] == 1


def test_after_a_drill_the_run_is_closed_and_nothing_is_left() -> None:
    bench = Bench.of()
    move(bench)
    seen = look(bench)
    assert (seen["active"], seen["run"]["state"], seen["run"]["left"]) == ("dr", "closed", [])
    assert seen["traffic"]["names"] == {"app.shop.example": "dr"}
    assert seen["traffic"]["switch"] == {"primary": 0, "dr": 1}


def test_a_run_that_died_shows_what_is_left() -> None:
    bench = Bench.of()
    with bench.dies_after("SwitchoverGlobalCluster"):
        move(bench)
    seen = look(bench)
    assert (seen["run"]["state"], seen["operation"]) == ("under way", "pending")
    bench.clock.wait(LEASE_SECONDS)
    run = look(bench)["run"]
    assert run["state"] == "stopped"
    assert "notify-begin" in run["steps"]
    assert run["left"][0] in ("raise-capacity", "promote")
    assert run["left"][-1] == "notify-end"


def test_a_lost_region_is_said_and_costs_ten_seconds_at_most() -> None:
    bench = Bench.of()
    bench.aws.outage(EAST, "hang")
    began = bench.clock.now()
    seen = look(bench)
    assert bench.clock.now() - began <= 10
    assert seen["active"] == "primary"
    assert seen["sites"]["primary"]["cluster_status"] is None
    assert any(EAST in reason for reason in seen["unknown"])


def test_looking_changes_nothing_and_asks_no_global_control_plane() -> None:
    bench = Bench.of()
    move(bench)
    bench.aws.calls.clear()
    look(bench)
    assert bench.aws.mutations() == []
    assert bench.aws.made("route53") == []
