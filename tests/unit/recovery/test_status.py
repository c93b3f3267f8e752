# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where an application is, and what is left of a move, can be read at any moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulated_aws import EAST, WEST, Bench, Call

from plugins.module_utils._recovery.errors import CallFailed
from plugins.module_utils._recovery.lease import LEASE_SECONDS
from plugins.module_utils._recovery.results import MoveResult
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.status import describe
from plugins.module_utils._recovery.steps.registry import FENCES

DRILL = Options("dr", "planned", "drill")
WAIVED = ("old-site-down", "block-period")
LOST = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)


def look(bench: Bench) -> dict[str, Any]:
    return describe(bench.aws.applications, bench.tools())[0]


def move(bench: Bench, options: Options = DRILL) -> MoveResult:
    result = run_move(bench.aws.applications, options, bench.tools())
    assert result.ok, result.problem()
    return result


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


def test_a_fence_that_was_given_up_as_accepted_is_not_left() -> None:
    bench = Bench.of()
    bench.aws.outage(EAST, "refuse")
    with bench.dies_after("PutMetricData"):
        move(bench, LOST)
    run = look(bench)["run"]
    assert {run["steps"][name] for name in FENCES} == {"failed"}
    assert run["left"] == ["switch-traffic", "stable", "resume-writers", "forget-fence", "notify-end"]


def test_a_fence_that_failed_and_nobody_accepted_is_left() -> None:
    bench = Bench.of()

    def deny(call: Call) -> CallFailed | None:
        bad = call.operation == "UpdateAutoScalingGroup" and call.region == EAST
        return CallFailed(EAST, "autoscaling", call.operation, "AccessDenied", "no") if bad else None

    bench.aws.refusals = [deny]
    assert not run_move(bench.aws.applications, replace(LOST, accept_unfenced=False), bench.tools()).ok
    run = look(bench)["run"]
    assert run["steps"]["fence-old-site"] == "failed"
    assert "fence-old-site" in run["left"]


def died(bench: Bench) -> str:
    """A drill dies; returns its run."""
    with bench.dies_after("UpdateAutoScalingGroup"):
        move(bench)
    bench.clock.wait(LEASE_SECONDS)
    seen = look(bench)["run"]
    assert seen["state"] == "stopped"
    return str(seen["run_id"])


def test_a_run_that_was_left_alone_for_a_day_is_abandoned_and_the_same_move_begins_anew() -> None:
    bench = Bench.of()
    run_id = died(bench)
    bench.clock.wait(86400)
    seen = look(bench)["run"]
    assert (seen["run_id"], seen["state"]) == (run_id, "abandoned")
    assert seen["left"]
    (result,) = move(bench).applications
    assert (result.resumed, result.run_id == run_id) == (False, False)


def test_a_run_whose_writer_somebody_has_moved_away_is_abandoned() -> None:
    bench = Bench.of()
    died(bench)
    cluster = bench.aws.globals["shop-global"]
    for member in cluster["GlobalClusterMembers"]:
        member["IsWriter"] = False
    third = {"DBClusterArn": f"arn:aws:rds:{EAST}:1:cluster:third", "IsWriter": True, "Readers": []}
    cluster["GlobalClusterMembers"].append(third)
    assert look(bench)["run"]["state"] == "abandoned"


def test_a_run_that_lives_is_under_way_however_old_it_is() -> None:
    bench = Bench.of()
    died(bench)
    bench.clock.wait(86400)
    row = bench.aws.tables[(WEST, "shop-dr-state")]["shop|lease"]
    row["expires_at"] = {"N": repr(bench.clock.now() + 30)}
    assert look(bench)["run"]["state"] == "under way"


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
