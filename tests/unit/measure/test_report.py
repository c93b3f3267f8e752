# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report says what was measured, in both its forms."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from unit.measure import reports
from unit.measure.series import NEW, OLD, T0, event, observed, series

from plugins.module_utils._recovery.aftermath import exposed
from plugins.module_utils._recovery.markdown import as_markdown
from plugins.module_utils._recovery.measure import Lag, Objectives, measure
from plugins.module_utils._recovery.report import Move, as_json, to_report
from plugins.module_utils._recovery.samples import Stored

MOVE = Move("20261123T020000Z-drill-abcdef", "dr-webapp", "drill", "planned", "primary", "dr", OLD, NEW)
OBJECTIVES = Objectives(900, 60)
CALL = {"service": "rds", "operation": "SwitchoverGlobalCluster", "region": OLD, "plane": "regional", "target": "g|h"}
EVENTS = [
    event(5, "run-opened"),
    event(6, "gate", step="lag", reason="lag is 0.2 s"),
    event(7, "step-begin", stage="promote", step="aurora_global"),
    event(8, "intent", stage="promote", step="aurora_global", call=CALL),
    event(20, "step-done", stage="promote", step="aurora_global"),
    event(21, "run-closed"),
]


def report() -> dict[str, object]:
    lag = Lag(0.2, region=NEW, at=1.0)
    found = measure(observed(series(60, [(10, 20)])), EVENTS, OBJECTIVES, target_region=NEW, stable_samples=10, lag=lag)
    return to_report(MOVE, found, OBJECTIVES, events=EVENTS, lag=lag, files={"samples": "/r/samples.jsonl"})


def test_the_json_holds_each_figure_with_its_method() -> None:
    read = json.loads(as_json(report()))
    assert read["run_id"] == MOVE.run_id
    assert read["from"] == {"place": "primary", "region": OLD}
    assert 9.7 < read["measured"]["rto_writes_seconds"]["value"] < 10.3
    for figure in read["measured"].values():
        assert figure["method"]
    assert read["measured"]["rpo_seconds"]["value"] is None
    assert read["stages"][1] == {**read["stages"][1], "name": "promote", "seconds": 13.0, "steps": ["aurora_global"]}
    assert read["calls"] == [
        {"at": EVENTS[3]["at"], "step": "aurora_global", **CALL, "result": "not sent, or no answer"}
    ]


def test_a_move_that_failed_passes_nothing() -> None:
    quiet = [one for part in ("write", "read") for one in series(60, kind=part)]  # type: ignore[arg-type]
    stored = Stored(T0 + 70, frozenset(range(240)), NEW)
    found = measure(observed(quiet, stored=stored), EVENTS, OBJECTIVES, target_region=NEW, stable_samples=10)
    assert found.verdict.word == "pass"
    failed = to_report(replace(MOVE, status="failed", reasons=("promote: too late",)), found, OBJECTIVES)
    assert (failed["verdict"], failed["reasons"][0]) == ("fail", "the move is failed: promote: too late")
    bad = [{"name": "DNS and health", "result": "failed", "detail": "status 503"}]
    assert to_report(MOVE, found, OBJECTIVES, validation=bad)["verdict"] == "fail"


def test_the_markdown_says_not_measured_and_why() -> None:
    text = as_markdown(report())
    assert text.startswith("# Drill of dr-webapp: not measured\n")
    assert "| RPO | 60 s | not measured | what is stored could not be read back: the probe was cut short |" in text
    assert "rds:SwitchoverGlobalCluster" in text
    assert "g\\|h" in text


def test_the_markdown_says_which_gate_was_waived_and_by_whom() -> None:
    answer = {"answer": "unknown", "waived": True, "waived_by": "night shift"}
    gates = [event(6, "gate", step="replication-lag", reason="no sample", detail=answer)]
    found = measure(observed(series(60, [(10, 20)])), EVENTS, OBJECTIVES, target_region=NEW, stable_samples=10)
    text = as_markdown(to_report(MOVE, found, OBJECTIVES, events=[*EVENTS, *gates]))
    assert "| replication-lag | unknown | no sample | by night shift |" in text


def test_the_parts_of_the_rto_stand_beside_it_and_add_up() -> None:
    fall = reports.drill()["waterfall"]
    assert fall["seconds"] == reports.drill()["measured"]["rto_writes_seconds"]["value"]
    assert round(sum(part["seconds"] for part in fall["parts"]), 3) == fall["seconds"]
    assert {part["name"]: part["seconds"] for part in fall["parts"] if part["seconds"]} == {
        "promote": 7.0, "verify": 0.5, "shift": 1.5, "client": 1.01,
    }  # fmt: skip
    assert "| RTO, writes | 10.010 |" in as_markdown(reports.drill())


def test_each_step_says_whether_clients_waited_for_it() -> None:
    steps = {step["name"]: step["critical"] for step in reports.drill()["steps"]}
    assert [name for name, critical in steps.items() if critical] == [
        "raise-capacity", "promote", "write-probe", "switch-traffic",
    ]  # fmt: skip
    assert steps["stable"] is False


def test_each_call_says_what_came_of_it() -> None:
    events = reports.drill_events()
    refused = [
        {**one, "reason": "throttled"} if one["kind"] == "result" and one["step"] == "promote" else one
        for one in events
        if one["kind"] != "result" or one["step"] != "switch-traffic"
    ]
    calls = reports.report_on(reports.DRILL, reports.watched((10, 20), 19), refused)["calls"]
    assert {call["step"]: call["result"] for call in calls} == {
        "notify-begin": "ok", "raise-capacity": "ok", "promote": "throttled", "write-probe": "ok",
        "switch-traffic": "not sent, or no answer",
    }  # fmt: skip


def test_what_clients_saw_is_kept_sample_by_sample() -> None:
    seen = reports.drill()["availability"]
    assert seen["began_at"] == T0
    writes = seen["kinds"]["write"]
    assert len(writes) == 280
    assert (writes[39], writes[40], writes[79], writes[80]) == ("l", "x", "x", "n")
    assert seen["kinds"]["dns"].count("l") == 72


def test_lost_writes_are_listed_row_by_row() -> None:
    lost = reports.loss()
    assert [row["number"] for row in lost["lost_writes"]] == list(reports.LOST)
    assert lost["lost_writes"][0] == {"number": 32, "sent_at": T0 + 8, "acknowledged_at": T0 + 8.01, "region": OLD}
    assert "8 writes were acknowledged and are not there any more." in as_markdown(lost)
    many = as_markdown(reports.loss(tuple(range(5, 35))))
    assert "10 more stand in the JSON of this report" in many


def test_a_lost_region_leaves_no_standby_and_says_what_to_do_when_it_is_back() -> None:
    lost = reports.loss()
    text = "\n".join(lost["exposed"])
    assert "There is no standby. us-east-1 holds no copy" in text
    assert "Not fenced in us-east-1: groups, other writers. What runs there" in text
    assert "Aurora's own fence of the old writer: not seen" in text
    assert "rds:unplanned-global-failover-" in text
    assert [line.split(",")[0] for line in lost["next_actions"]] == [
        "Hold back applies of Terraform and CloudFormation on what is listed here (R28).",
        "When us-east-1 is back",
        "When the old cluster in us-east-1 has joined again",
    ]
    assert [(item["what"], item["by"]) for item in lost["accepted"]] == [
        ("that data may be lost", "on-call"), ("a promotion before the old site is fenced", "on-call"),
    ]  # fmt: skip


def test_what_is_accepted_when_a_run_is_gone_on_with_is_told_with_who_that_was() -> None:
    def accepted(*resumed: dict[str, object]) -> list[tuple[str, str]]:
        begun = event(5, "run-opened", detail={"accept_data_loss": True, "operator": "on-call"})
        later = [event(50 + number, "run-resumed", detail=detail) for number, detail in enumerate(resumed)]
        report = reports.report_on(reports.LOSS, reports.watched((10, 41), 40), [begun, *later])
        return [(item["what"], item["by"]) for item in report["accepted"]]

    loss, unfenced = "that data may be lost", "a promotion before the old site is fenced"
    assert accepted() == [(loss, "on-call")]
    same = {"accept_data_loss": True, "operator": "on-call"}
    more = {"accept_data_loss": True, "accept_unfenced": True, "waive": ["block-period"], "operator": "manager"}
    assert accepted(same, more) == [
        (loss, "on-call"), (loss, "manager"), (unfenced, "manager"),
        ("that gate block-period does not hold", "manager"),
    ]  # fmt: skip


def test_what_to_hold_back_is_what_was_changed() -> None:
    rows = {row["terraform"]: row["name"] for row in reports.drill()["hold_back"]}
    assert rows == {
        "aws_autoscaling_group": "dr-webapp-dr-asg",
        "aws_rds_global_cluster": "dr-webapp-global",
        "aws_rds_cluster": "dr-webapp-global",
        "aws_route53_record, aws_route53_health_check": "failover records and their health checks",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Bring the application home with playbooks/failback.yml."),
        ({"intent": "failback", "origin": "dr", "target": "primary"}, "Release what was held back"),
        ({"status": "failed", "reasons": ("promote: too late",)}, "Run the same move again: it goes on where it"),
    ],
)
def test_the_next_action_follows_from_what_came_of_the_move(changes: dict[str, str], said: str) -> None:
    assert any(line.startswith(said) for line in reports.drill(**changes)["next_actions"])


def test_an_rto_over_its_objective_names_its_largest_part() -> None:
    slow = reports.report_on(reports.DRILL, reports.watched((10, 20), 19), reports.drill_events(), Objectives(5, 60))
    assert "Shorten the RTO where most of it went: promote, 7.000 s of 10.010 s." in slow["next_actions"]


def test_a_move_that_nobody_watched_measures_nothing_and_says_how_that_is_mended() -> None:
    blind = reports.unseen()
    assert (blind["waterfall"]["seconds"], blind["waterfall"]["parts"]) == (None, [])
    assert "Not measured: the RTO was not measured: the probe made no writes." in as_markdown(blind)
    assert "See that the RTO is measured next time. This time: the probe made no writes." in blind["next_actions"]


def test_at_home_nothing_is_held_back_any_more() -> None:
    home = reports.drill(intent="failback", origin="dr", target="primary")
    assert home["hold_back"] == []
    assert home["freeze"].startswith("The application is home again.")
    failed = reports.drill(intent="failback", origin="dr", target="primary", status="failed")
    assert failed["hold_back"]
    assert "Hold back applies" in failed["freeze"]


def test_a_move_that_did_not_end_knows_of_no_standby() -> None:
    [line] = reports.drill(status="failed")["exposed"]
    assert line.startswith("The move has not ended, so it is not known which of us-east-1 and us-west-2 stands by")


def refused_after_the_fence(*promotion: dict[str, object]) -> dict[str, Any]:
    """The report of a failover that shut the old site, and whose promotion did not come off."""
    opened = {"mode": "unplanned", "writer": f"arn:aws:rds:{OLD}:1:cluster:shop", "to_region": NEW}
    events = [
        event(22, "run-opened", detail=opened),
        *reports.step(
            "fence-old-site", "fence", 23, 24,
            calls=[f"autoscaling UpdateAutoScalingGroup {OLD} regional dr-webapp-asg"],
        ),
        *promotion,
    ]  # fmt: skip
    failed = replace(reports.LOSS, status="failed", reasons=("promote: not authorized",))
    return reports.report_on(failed, reports.watched((10, 60), 61), events)


PROMOTION: dict[str, Any] = {"stage": "promote", "step": "promote"}
ASKED = event(25, "intent", call={**CALL, "operation": "FailoverGlobalCluster"}, **PROMOTION)


def answered(code: str | None, reason: str | None) -> dict[str, object]:
    return event(26, "result", call=ASKED["call"], reason=reason, detail={"code": code}, **PROMOTION)


def test_a_promotion_that_was_refused_leaves_the_roles_as_they_were_and_nobody_serves() -> None:
    refused = refused_after_the_fence(ASKED, answered("AccessDenied", "not authorized"))
    (line,) = refused["exposed"]
    assert "dr-webapp is served from nowhere" in line
    assert any("run playbooks/failback.yml" in line for line in refused["next_actions"])
    assert refused["freeze"].startswith(
        "The move has not moved the writer: the two regions have their roles as before."
    )
    assert [row["terraform"] for row in refused["hold_back"]][:1] == ["aws_autoscaling_group"]
    assert "which member is the writer" not in {row["differs"] for row in refused["hold_back"]}


@pytest.mark.parametrize(
    "promotion",
    [(ASKED,), (ASKED, answered("NoAnswer", "no answer")), (ASKED, answered(None, None)),
     (ASKED, answered("ChangedMeanwhile", "another writer"))],
)  # fmt: skip
def test_a_promotion_that_may_have_been_carried_out_is_not_said_to_have_failed(promotion: Any) -> None:
    doubtful = refused_after_the_fence(*promotion)
    (line,) = doubtful["exposed"]
    assert "us-east-1 is shut, and whether the writer was moved is not known" in line
    assert doubtful["freeze"].startswith("It is not known whether the two regions have changed their roles")


def test_who_lost_its_lease_does_not_say_where_the_writer_is() -> None:
    lost = refused_after_the_fence(event(25, "lease", stage="decide", step=None, detail={"lost": True}))
    assert "whether the writer was moved is not known" in lost["exposed"][0]


def test_all_forms_say_when_figures_do_not_come_from_aws() -> None:
    found = measure(observed(series(60, [(10, 20)])), EVENTS, OBJECTIVES, target_region=NEW, stable_samples=10)
    emulated = to_report(MOVE, found, OBJECTIVES, test_endpoints=["http://emulator:4566"])
    said = "These figures come from a test endpoint (http://emulator:4566), not from AWS."
    assert json.loads(as_json(emulated))["test_endpoints"] == {"urls": ["http://emulator:4566"], "statement": said}
    assert f"**{said}**" in as_markdown(emulated)
    assert report()["test_endpoints"] == {"urls": [], "statement": ""}


def test_an_rpo_names_what_it_does_not_say() -> None:
    own, *rest = reports.loss()["rpo_limits"]
    assert own == "It counts the probe's own writes, not those of other clients."
    assert rest[0].startswith("Not fenced in us-east-1: groups, other writers.")
    assert rest[1].startswith("What others may have lost is not bounded: ")
    assert reports.drill()["rpo_limits"] == [own]
    assert reports.unseen()["rpo_limits"] == [], "no figure, nothing to qualify"
    assert f"- RPO: {rest[0]}" in as_markdown(reports.loss())


def test_the_waterfall_says_what_its_time_is_counted_from() -> None:
    found = measure(
        observed(series(60, [(10, 20)])), EVENTS, OBJECTIVES, target_region=NEW, stable_samples=10,
        outage_began_at=T0 + 1,
    )  # fmt: skip
    assert to_report(MOVE, found, OBJECTIVES)["waterfall"]["method"].startswith("from the time that was given to ")


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([{"target": "PilotLight/DR/SwitchPosition dr-webapp/dr=0"}], True),
        ([{"target": "dr-webapp-asg"}], False),  # traffic follows Route 53's own health checks: there is no switch
    ],
)
def test_a_way_home_that_closed_the_switch_of_dr_says_until_when(calls: list[dict[str, str]], said: bool) -> None:
    home = {
        "from": {"region": NEW, "place": "dr"}, "to": {"region": OLD, "place": "primary"}, "mode": "unplanned",
        "status": "moved", "calls": calls,
    }  # fmt: skip
    lines = exposed(home, ())
    line = "The traffic switch of dr is closed until playbooks/reconcile.yml has been run"
    assert any(one.startswith(line) for one in lines) is said
