"""The closing table of a drill: measured RTO and RPO against their objectives, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Report = Mapping[str, Any]

PASS = "pass"


def passed(reports: Sequence[Report]) -> bool:
    """Whether both moves were measured and met their objectives."""
    return {"drill", "failback"} <= {str(report["intent"]) for report in reports} and all(
        report["verdict"] == PASS for report in reports
    )


def table(found: Sequence[Report], phases: Sequence[tuple[str, float]]) -> list[str]:
    """The lines of the table.  `phases` are the playbooks that ran, with their seconds."""
    lines = _grid(("move", "from", "to", "figure", "measured", "objective", "verdict"), _figures(found))
    for report in found:
        lines += [f"  {report['intent']}: {reason}" for reason in report["reasons"] if report["verdict"] != PASS]
    names = list(dict.fromkeys(str(stage["name"]) for report in found for stage in report["stages"]))
    rows = [[f"stage {name}", *(_seconds_of(report, name) for report in found)] for name in names]
    lines += ["", *_grid(("time", *(str(report["intent"]) for report in found)), rows)]
    lines += ["", *_grid(("ran", "seconds"), [[name, f"{seconds:.1f} s"] for name, seconds in phases])]
    return lines


def closing(reports: Sequence[tuple[Path, Report]], log: Path) -> list[str]:
    """The last lines: whether it was good enough, and where to read on; the page of the drill comes last."""
    good = passed([report for _, report in reports])
    lines = ["PASS: measured RTO and RPO are within their objectives" if good else "FAIL: see the table", ""]
    lines.append(f"{'log':<16} {log}")
    lines += [f"{report['intent'] + ' report':<16} {path}" for path, report in reversed(reports)]
    return lines


def _figures(reports: Sequence[Report]) -> list[list[str]]:
    rows = []
    for report in reports:
        measured, objectives = report["measured"], report["objectives"]
        where = [str(report["intent"]), _place(report["from"]), _place(report["to"])]
        rto, rpo = measured["rto_writes_seconds"], measured["rpo_seconds"]
        rows += [
            [*where, "RTO (writes)", _shown(rto), f"{objectives['rto_seconds']:g} s",
             _verdict(rto, objectives["rto_seconds"])],
            ["", "", "", "RTO (reads)", _shown(measured["rto_reads_seconds"]), "", ""],
            ["", "", "", "RPO", _shown(rpo), f"{objectives['rpo_seconds']:g} s",
             _verdict(rpo, objectives["rpo_seconds"])],
            ["", "", "", "writes lost", _shown(measured["rpo_lost_writes"], ""), "", ""],
            ["", "", "", "the move", "", "", str(report["verdict"])],
        ]  # fmt: skip
    return rows


def _verdict(figure: Mapping[str, Any], objective: float) -> str:
    value = figure.get("value")
    if value is None:
        return "not measured"
    return PASS if value <= objective else "fail"


def _shown(figure: Mapping[str, Any], unit: str = " s") -> str:
    value = figure.get("value")
    if value is None:
        return "not measured"
    return f"{value:.2f}{unit}" if unit else f"{value:g}"


def _seconds_of(report: Report, stage: str) -> str:
    found = [one["seconds"] for one in report["stages"] if one["name"] == stage]
    return f"{sum(found):.1f} s" if found else ""


def _place(site: Mapping[str, str]) -> str:
    return str(site["region"])


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as they must be."""
    everything = [list(heads), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in everything) for column in range(len(heads))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in everything
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
