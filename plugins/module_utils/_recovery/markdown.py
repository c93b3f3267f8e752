# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A report as Markdown, for people. Every figure is taken from the report's dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .elsewhere import FIGURES, HERE

LOST_SHOWN = 20
"""Rows of lost writes; the report's JSON has them all."""


def as_markdown(report: Mapping[str, Any]) -> str:
    """For people."""
    measured, objectives = report["measured"], report["objectives"]
    parts = [
        f"# {report['intent'].capitalize()} of {report['application']}: {report['verdict']}",
        _bold(report["test_endpoints"]["statement"]),
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
        _bullets(report["reasons"]),
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
        _bullets([f"RPO: {line}" for line in report["rpo_limits"]]),
        *_elsewhere(report),
        report["load"]["statement"] if report["load"] else "",
        *_waterfall(report),
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
            ("at", "step", "call", "region", "plane", "target", "result"),
            [
                (
                    _time(call["at"]),
                    call.get("step"),
                    f"{call.get('service')}:{call.get('operation')}",
                    call.get("region"),
                    call.get("plane"),
                    call.get("target"),
                    call.get("result"),
                )
                for call in report["calls"]
            ],
        )
        if report["calls"]
        else "None.",
        "## What is exposed",
        _bullets(report["exposed"]),
        "## What to hold back",
        report["freeze"],
        _table(
            ("what", "region", "Terraform", "CloudFormation", "differs"),
            [
                (row["name"], row["region"], row["terraform"], row["cloudformation"], row["differs"])
                for row in report["hold_back"]
            ],
        )
        if report["hold_back"]
        else "",
        "## What to do next",
        "\n".join(f"{number}. {line}" for number, line in enumerate(report["next_actions"], 1)) or "Nothing.",
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
    if report["accepted"]:
        parts += ["## What the operator accepted"]
        parts += [_table(("what", "by"), [(item["what"], item["by"] or "not said") for item in report["accepted"]])]
    if report["lost_writes"]:
        parts += _lost(report["lost_writes"])
    if report["notes"]:
        parts += ["## What could not be done", _bullets(report["notes"])]
    if report["failures"]:
        rows = [(_time(failure["at"]), failure["step"], failure["reason"]) for failure in report["failures"]]
        parts += ["## Failures", _table(("at", "step", "reason"), rows)]
    if report["deaf"]:
        rows = [(_time(deaf["begin"]), f"{deaf['seconds']:.2f}", "") for deaf in report["deaf"]]
        parts += ["## When the probe was deaf", _table(("from", "seconds", ""), rows)]
    return parts


def _elsewhere(report: Mapping[str, Any]) -> list[str]:
    """The main probe's figures in the first line, so that the others can be compared with them."""
    if not report["vantage_points"]:
        return []
    views = [
        (HERE, report["measured"], ""),
        *((one["name"], one["measured"], one["reason"]) for one in report["vantage_points"]),
    ]
    rows = [
        (name, *(_figure(seen[figure], unit)[0] for figure, _title, unit in FIGURES), why) for name, seen, why in views
    ]
    methods = [
        (name, title, seen[figure]["method"])
        for name, seen, _why in views[1:]
        for figure, title, _unit in FIGURES
        if seen[figure]["value"] is not None
    ]
    return [
        "## Seen from elsewhere",
        _table(("where", "RTO, writes", "RTO, reads", "DNS", "writes lost", "not measured because"), rows),
        _table(("where", "figure", "method"), methods) if methods else "",
        report["worst"],
    ]


def _waterfall(report: Mapping[str, Any]) -> list[str]:
    fall = report["waterfall"]
    if fall["seconds"] is None:
        return ["## Where the time went", f"Not measured: {fall['reason']}."]
    rows = [(part["name"], f"{part['seconds']:.3f}") for part in fall["parts"]]
    rows.append(("RTO, writes", f"{fall['seconds']:.3f}"))
    return [
        "## Where the time went",
        f"The parts add up to the RTO: {fall['method']}.",
        _table(("part", "seconds"), rows),
    ]


def _lost(lost: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [(row["number"], _time(row["acknowledged_at"]), row["region"]) for row in lost[:LOST_SHOWN]]
    more = len(lost) - len(rows)
    return [
        "## Lost writes",
        f"{len(lost)} writes were acknowledged and are not there any more.",
        _table(("number", "acknowledged", "by"), rows),
        f"{more} more stand in the JSON of this report, under lost_writes." if more else "",
    ]


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _bold(line: str) -> str:
    return f"**{line}**" if line else ""


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


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
