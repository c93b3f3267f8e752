# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A measurement and its journal as a report: a dictionary (JSON, for machines) and Markdown (for people).

Both say the same; the Markdown is made from the dictionary, so that no figure can stand in one of them alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .measure import Figure, Lag, Measurement, Objectives
from .results import MOVED
from .samples import Vantage

FORMAT = 1
"""Grows when a key of the JSON changes its meaning or goes."""
CLOCK = "the clock of the controller, which made the samples and the journal"
FREEZE = (
    "The two regions have changed their roles, which Terraform and CloudFormation see as drift: an apply could detach "
    "or recreate a cluster (R28). Hold back applies on the global cluster, its members, the Auto Scaling groups "
    "and the failover records until the application is home again."
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
) -> dict[str, Any]:
    """The report as plain data. Times are epoch seconds, and also readable where a person looks for them."""
    wrong = (
        [f"the move is {move.status}: {'; '.join(move.reasons) or 'see the output'}"] if move.status != MOVED else []
    )
    wrong += [f"{check['name']}: {check['detail']}" for check in validation if check["result"] == "failed"]
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
    return {
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
        "lag": None
        if lag is None
        else {
            "seconds": lag.seconds,
            "metric": lag.metric,
            "region": lag.region,
            "at": lag.at,
        },
        "probe": None
        if vantage is None
        else {
            "client": vantage.client,
            "host": vantage.host,
            "interval_seconds": vantage.interval_seconds,
            "timeout_seconds": vantage.timeout_seconds,
        },
        "samples": measurement.counts,
        "deaf": [{"begin": deaf.begin, "seconds": round(deaf.seconds, 3)} for deaf in measurement.deaf],
        "clock": CLOCK,
        "checklist": [dict(item) for item in checklist],
        "validation": [dict(item) for item in validation],
        "gates": [
            {"at": event["at"], "gate": event.get("step"), "reason": event.get("reason"), "detail": event.get("detail")}
            for event in events
            if event["kind"] == "gate"
        ],
        "calls": [
            {"at": event["at"], "step": event.get("step"), **(event.get("call") or {})}
            for event in events
            if event["kind"] == "intent"
        ],
        "failures": [
            {"at": event["at"], "step": event.get("step"), "reason": event.get("reason")}
            for event in events
            if event["kind"] == "step-failed"
        ],
        "freeze": FREEZE,
        "files": dict(files or {}),
    }


def as_json(report: Mapping[str, Any]) -> str:
    """For machines."""
    return json.dumps(report, indent=2, sort_keys=False) + "\n"


def as_markdown(report: Mapping[str, Any]) -> str:
    """For people."""
    measured, objectives = report["measured"], report["objectives"]
    parts = [
        f"# {report['intent'].capitalize()} of {report['application']}: {report['verdict']}",
        _table(
            ("run", "from", "to", "mode", "opened", "closed"),
            [
                (
                    report["run_id"],
                    _place(report["from"]),
                    _place(report["to"]),
                    report["mode"],
                    _time(report["opened_at"]),
                    _time(report["closed_at"]),
                )
            ],
        ),
        "\n".join(f"- {reason}" for reason in report["reasons"]),
        "## Measured against the objectives",
        _table(
            ("figure", "objective", "measured", "method"),
            [
                ("RTO, writes", f"{objectives['rto_seconds']:g} s", *_figure(measured["rto_writes_seconds"], "s")),
                ("RTO, reads", "", *_figure(measured["rto_reads_seconds"], "s")),
                ("DNS", "", *_figure(measured["dns_seconds"], "s")),
                ("RPO", f"{objectives['rpo_seconds']:g} s", *_figure(measured["rpo_seconds"], "s")),
                ("Writes lost", "", *_figure(measured["rpo_lost_writes"], "")),
                ("RPO, bound by the lag", "", *_figure(measured["rpo_bound_seconds"], "s")),
            ],
        ),
        "## Stages",
        "Stages overlap: what can run at the same time does.",
        _table(
            ("stage", "seconds", "from", "to", "steps"),
            [
                ("detect", *_figure(measured["detect_seconds"], "s"), "", ""),
                *(
                    (
                        stage["name"],
                        f"{stage['seconds']:.2f}",
                        _time(stage["begin"]),
                        _time(stage["end"]),
                        ", ".join(stage["steps"]),
                    )
                    for stage in report["stages"]
                ),
                ("client", *_figure(measured["client_seconds"], "s"), "", ""),
            ],
        ),
        *_lists(report),
        "## Calls that changed something",
        _table(
            ("at", "step", "call", "region", "plane", "target"),
            [
                (
                    _time(call["at"]),
                    call.get("step"),
                    f"{call.get('service')}:{call.get('operation')}",
                    call.get("region"),
                    call.get("plane"),
                    call.get("target"),
                )
                for call in report["calls"]
            ],
        )
        if report["calls"]
        else "None.",
        "## What to hold back",
        report["freeze"],
        "## Files",
        "\n".join(f"- {name}: `{path}`" for name, path in report["files"].items()) or "None.",
        f"Times are UTC, on {report['clock']}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _lists(report: Mapping[str, Any]) -> list[str]:
    """The parts that a report may do without."""
    parts = []
    for title, key in (("Checklist before the move", "checklist"), ("Validation after the move", "validation")):
        if report[key]:
            rows = [(item.get("name"), item.get("result"), item.get("detail")) for item in report[key]]
            parts += [f"## {title}", _table(("check", "result", "detail"), rows)]
    if report["gates"]:
        asked = [(gate, gate.get("detail") or {}) for gate in report["gates"]]
        answers = [(gate["gate"], said.get("answer"), gate["reason"], _waived(said)) for gate, said in asked]
        parts += ["## Gates", _table(("gate", "result", "reason", "waived"), answers)]
    if report["notes"]:
        parts += ["## What could not be done", "\n".join(f"- {note}" for note in report["notes"])]
    if report["failures"]:
        rows = [(_time(failure["at"]), failure["step"], failure["reason"]) for failure in report["failures"]]
        parts += ["## Failures", _table(("at", "step", "reason"), rows)]
    if report["deaf"]:
        rows = [(_time(deaf["begin"]), f"{deaf['seconds']:.2f}", "") for deaf in report["deaf"]]
        parts += ["## When the probe was deaf", _table(("from", "seconds", ""), rows)]
    return parts


def _waived(gate: Mapping[str, Any]) -> str:
    if not gate.get("waived"):
        return ""
    return f"by {gate['waived_by']}" if gate.get("waived_by") else "yes"


def _figure(figure: Mapping[str, Any], unit: str) -> tuple[str, str]:
    value = figure["value"]
    if value is None:
        at_least = figure.get("at_least")
        known = "" if at_least is None else f" (at least {at_least:.2f} {unit})"
        return f"not measured{known}", figure["method"]
    shown = f"{value:.2f}" if unit else f"{value:g}"
    return f"{shown} {unit}".strip(), figure["method"]


def _place(site: Mapping[str, str]) -> str:
    return f"{site['place']} ({site['region']})"


def _time(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def _at(events: Sequence[Mapping[str, Any]], kind: str) -> float | None:
    return next((float(event["at"]) for event in events if event["kind"] == kind), None)


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
