# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report says what was measured, in both its forms."""

from __future__ import annotations

import json
from dataclasses import replace

from unit.measure.series import NEW, OLD, T0, event, observed, series

from plugins.module_utils._recovery.measure import Lag, Objectives, measure
from plugins.module_utils._recovery.report import Move, as_json, as_markdown, to_report
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
    assert read["calls"] == [{"at": EVENTS[3]["at"], "step": "aurora_global", **CALL}]


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
