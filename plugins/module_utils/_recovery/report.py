# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A measurement and its journal as a report: one dictionary, which is the JSON for machines.

All other forms (Markdown, the page, JUnit) are made from the dictionary, so that no figure can stand in one of them
alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .aftermath import exposed, hold_back, limits_of_the_rpo, next_actions
from .elsewhere import View, load, probe_of, worst
from .endpoint_urls import statement
from .evidence import lost_rows
from .measure import Figure, Lag, Measurement, Objectives
from .results import MOVED
from .samples import Vantage
from .standstill import has_moved

FORMAT = 1
"""Grows when a key of the JSON changes its meaning or goes."""
PRIMARY = "primary"
CLOCK = "the clock of the controller, which made the samples and the journal"
CLOCKS_ELSEWHERE = "what was seen from elsewhere, on the clocks of those hosts"
FREEZE = (
    "The two regions have changed their roles, which Terraform and CloudFormation see as drift: an apply could detach "
    "or recreate a cluster (R28). Hold back applies on the global cluster, its members, the Auto Scaling groups "
    "and the failover records until the application is home again."
)

NOT_MOVED = (
    "The move has not moved the writer: the two regions have their roles as before. What it has changed already is "
    "listed here, and Terraform and CloudFormation see it as drift (R28). Hold back applies on that until the "
    "application is served again."
)
MAY_HAVE_MOVED = (
    "It is not known whether the two regions have changed their roles, which Terraform and CloudFormation would see as "
    "drift: an apply could detach or recreate a cluster (R28). Hold back applies on the global cluster, its members, "
    "the Auto Scaling groups and the failover records until region_switch_info says where the writer is."
)
ROLES = {True: FREEZE, False: NOT_MOVED, None: MAY_HAVE_MOVED}

RELEASE = (
    "The application is home again. What was held back in Terraform and CloudFormation may be applied again, once a "
    "plan shows no change of the global cluster, its members, the Auto Scaling groups and the failover records (R28)."
)


@dataclass(frozen=True)
class Move:
    """What was moved: the intent is drill, failover or failback, the mode planned or unplanned.

    `status` is what came of it (see `results`), `reasons` what stood in its way, `notes` what could not be done and did
    not stop it.
    """

    run_id: str
    application: str
    intent: str
    mode: str
    origin: str
    target: str
    origin_region: str
    target_region: str
    status: str = MOVED
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def to_report(
    move: Move,
    measurement: Measurement,
    objectives: Objectives,
    *,
    events: Sequence[Mapping[str, Any]] = (),
    lag: Lag | None = None,
    files: Mapping[str, str] | None = None,
    vantage: Vantage | None = None,
    checklist: Sequence[Mapping[str, Any]] = (),
    validation: Sequence[Mapping[str, Any]] = (),
    availability: Mapping[str, Any] | None = None,
    elsewhere: Sequence[View] = (),
    test_endpoints: Sequence[str] = (),
) -> dict[str, Any]:
    """The report as plain data. Times are epoch seconds, and also readable where a person looks for them.

    `availability` is what clients saw, as `evidence` puts it, `elsewhere` what they saw from other vantage points.
    `test_endpoints` are what stood in AWS's place, where anything did.
    """
    wrong = (
        [f"the move is {move.status}: {'; '.join(move.reasons) or 'see the output'}"] if move.status != MOVED else []
    )
    wrong += [f"{check['name']}: {check['detail']}" for check in validation if check["result"] == "failed"]
    home = move.status == MOVED and move.target == PRIMARY
    moved = True if move.status == MOVED else has_moved(events)
    opened = _at(events, "run-opened")
    closed = _at(events, "run-closed")
    measured: dict[str, Figure] = {
        "rto_writes_seconds": measurement.rto_writes,
        "rto_reads_seconds": measurement.rto_reads,
        "dns_seconds": measurement.dns,
        "rpo_lost_writes": measurement.rpo_lost_writes,
        "rpo_seconds": measurement.rpo,
        "rpo_bound_seconds": measurement.rpo_bound,
        "detect_seconds": measurement.detect,
        "client_seconds": measurement.client,
    }
    report: dict[str, Any] = {
        "format": FORMAT,
        "run_id": move.run_id,
        "application": move.application,
        "intent": move.intent,
        "mode": move.mode,
        "from": {"place": move.origin, "region": move.origin_region},
        "to": {"place": move.target, "region": move.target_region},
        "opened_at": opened,
        "closed_at": closed,
        "objectives": {"rto_seconds": objectives.rto_seconds, "rpo_seconds": objectives.rpo_seconds},
        "measured": {name: figure.as_dict() for name, figure in measured.items()},
        "status": move.status,
        # Figures of a move that did not take place, or after which clients are not served, pass nothing.
        "verdict": "fail" if wrong else measurement.verdict.word,
        "reasons": [*wrong, *measurement.verdict.reasons],
        "notes": list(move.notes),
        "test_endpoints": {"urls": list(test_endpoints), "statement": statement(test_endpoints)},
        "stages": [
            {
                "name": stage.name,
                "seconds": round(stage.seconds, 3),
                "begin": round(stage.begin, 3),
                "end": round(stage.end, 3),
                "steps": list(stage.steps),
            }
            for stage in measurement.stages
        ],
        "steps": [
            {
                "name": span.name,
                "stage": span.stage,
                "begin": round(span.begin, 3),
                "end": round(span.end, 3),
                "seconds": round(span.end - span.begin, 3),
                "outcome": span.outcome,
                "required": span.required,
                "needs": list(span.needs),
                "critical": span.name in measurement.critical,
                "reason": span.reason,
            }
            for span in measurement.steps
        ],
        "waterfall": _waterfall(measurement),
        "lag": None
        if lag is None
        else {
            "seconds": lag.seconds,
            "metric": lag.metric,
            "region": lag.region,
            "at": lag.at,
        },
        "probe": probe_of(vantage),
        "vantage_points": [view.as_dict() for view in elsewhere],
        "load": load([vantage, *(view.vantage for view in elsewhere)]),
        "samples": measurement.counts,
        "availability": dict(availability or {}),
        "lost_writes": lost_rows(measurement.lost),
        "deaf": [{"begin": deaf.begin, "seconds": round(deaf.seconds, 3)} for deaf in measurement.deaf],
        "clock": "; ".join([CLOCK, CLOCKS_ELSEWHERE] if any(view.vantage for view in elsewhere) else [CLOCK]),
        "checklist": [dict(item) for item in checklist],
        "validation": [dict(item) for item in validation],
        "gates": [
            {"at": event["at"], "gate": event.get("step"), "reason": event.get("reason"), "detail": event.get("detail")}
            for event in events
            if event["kind"] == "gate"
        ],
        "accepted": _accepted(events),
        "calls": _calls(events),
        "failures": [
            {"at": event["at"], "step": event.get("step"), "reason": event.get("reason")}
            for event in events
            if event["kind"] == "step-failed"
        ],
        "freeze": RELEASE if home else ROLES[moved],
        "files": dict(files or {}),
    }
    report["worst"] = worst(report["measured"], report["vantage_points"])
    changed = [call for call in report["calls"] if moved is not False or call.get("service") != "rds"]
    report["hold_back"] = [] if home else hold_back(changed)
    report["exposed"] = exposed(report, events)
    report["rpo_limits"] = limits_of_the_rpo(report, events)
    report["next_actions"] = next_actions(report, events)
    return report


def _waterfall(measurement: Measurement) -> dict[str, Any]:
    """The RTO in its parts; they add up to it. Without parts, `reason` says why."""
    fall = measurement.waterfall
    begin = measurement.rto_writes.begin or 0.0
    return {
        "method": f"from {measurement.since} to the first good write, along the steps that clients waited for; "
        "what ran beside these is not counted",
        "reason": fall.reason,
        "seconds": fall.ms / 1000 if fall.segments else None,
        "parts": [{"name": name, "seconds": ms / 1000} for name, ms in fall.parts().items()] if fall.segments else [],
        "segments": [
            {
                "part": one.part,
                "step": one.step,
                "begin": round(begin + one.begin_ms / 1000, 3),
                "end": round(begin + one.end_ms / 1000, 3),
                "seconds": one.ms / 1000,
            }
            for one in fall.segments
        ],
    }


def _accepted(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was accepted when the run was opened and each time it was gone on with, by whom; the same once."""
    told = (event.get("detail") or {} for event in events if event["kind"] in ("run-opened", "run-resumed"))
    said = [one for opened in told for one in _accepted_in(opened)]
    return [one for number, one in enumerate(said) if one not in said[:number]]


def _accepted_in(opened: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = [
        ("that data may be lost", opened.get("accept_data_loss")),
        ("a promotion before the old site is fenced", opened.get("accept_unfenced")),
        (f"that the lease of run {opened.get('break_lease')} is broken", opened.get("break_lease")),
        *((f"that gate {name} does not hold", True) for name in opened.get("waive") or ()),
    ]
    return [{"what": what, "by": opened.get("operator")} for what, given in said if given]


def _calls(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The mutating calls as they were meant, each with what came of it: ok, an error, or no answer."""
    results = [event for event in events if event["kind"] == "result"]
    calls = []
    for event in events:
        if event["kind"] != "intent":
            continue
        call = event.get("call") or {}
        result = next(
            (one for one in results if one.get("seq", 0) > event.get("seq", 0) and _same_call(one, event)), None
        )
        if result is not None:
            results.remove(result)
        came = "not sent, or no answer" if result is None else str(result.get("reason") or "ok")
        calls.append({"at": event["at"], "step": event.get("step"), **call, "result": came})
    return calls


def _same_call(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one.get("step"), one.get("call")) == (other.get("step"), other.get("call"))


def as_json(report: Mapping[str, Any]) -> str:
    """For machines."""
    return json.dumps(report, indent=2, sort_keys=False) + "\n"


def _at(events: Sequence[Mapping[str, Any]], kind: str) -> float | None:
    return next((float(event["at"]) for event in events if event["kind"] == kind), None)
