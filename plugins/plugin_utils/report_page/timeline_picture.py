# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of a move side by side, with those that clients waited for marked, and the outage behind them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from .drawing import LETTER, WIDE, Scale, axis, block, fitting, svg, text

BAR = 14
GUTTER = 170


def timeline_picture(report: Mapping[str, Any], width: int = WIDE) -> Markup | None:
    """None without a journal."""
    steps = report["steps"]
    if not steps:
        return None
    beside = width == WIDE  # on a telephone a step's name stands above its bar
    row = 24 if beside else 36
    scale = Scale(*_span(report), GUTTER if beside else 0, width - 6)
    bottom = 22 + row * len(steps)
    parts = [*_outage(report, scale, bottom), *axis(scale, 20, bottom)]
    at: dict[str, tuple[float, float, float]] = {}
    for number, step in enumerate(steps):
        y = 24 + number * row + (0 if beside else 14)
        left, right = scale.x(step["begin"]), scale.x(step["end"])
        at[step["name"]] = (left, max(right, left + 1.5), y + BAR / 2)
        words = fitting(step["name"], GUTTER - 14 if beside else width)
        parts.append(text(0, y + 11 if beside else y - 3, words, "strong" if step["critical"] else ""))
        parts.append(block(left, y, right - left, BAR, _style(step), _tip(step)))
    parts += _links([step["name"] for step in steps if step["critical"]], at)
    return svg("timeline", width, bottom + 20, "Timeline of the move", _description(report), parts)


def _span(report: Mapping[str, Any]) -> tuple[float, float]:
    """From the opening of the run, or the beginning of the outage, to the end of both."""
    outage = report["measured"]["rto_writes_seconds"]
    begins = [report["opened_at"], outage.get("begin"), *(step["begin"] for step in report["steps"])]
    ends = [report["closed_at"], outage.get("end"), *(step["end"] for step in report["steps"])]
    return (min(at for at in begins if at is not None), max(at for at in ends if at is not None))


def _outage(report: Mapping[str, Any], scale: Scale, bottom: float) -> list[Markup]:
    """Behind the steps: the time in which clients could not write."""
    outage = report["measured"]["rto_writes_seconds"]
    if outage.get("begin") is None or outage.get("end") is None:
        return []
    left, right = scale.x(outage["begin"]), scale.x(outage["end"])
    words = "writes fail"
    room = len(words) * LETTER
    place = (left, "start") if left + room < scale.right else (right, "end")
    return [block(left, 20, right - left, bottom - 20, "outage"), text(place[0], 13, words, "small bad", place[1])]


def _style(step: Mapping[str, Any]) -> str:
    styles = ["part", step["stage"]]
    styles += ["critical"] if step["critical"] else ["beside"]
    styles += ["failed"] if step["outcome"] == "failed" else []
    return " ".join(styles)


def _tip(step: Mapping[str, Any]) -> str:
    reason = f", {step['reason']}" if step["reason"] else ""
    return f"{step['name']} ({step['stage']}): {step['seconds']:.3f} s, {step['outcome']}{reason}"


def _links(critical: list[str], at: Mapping[str, tuple[float, float, float]]) -> list[Markup]:
    """From the end of each step of the critical path to the beginning of the next."""
    lines = []
    for before, after in itertools.pairwise(critical):
        _left, x, y = at[before]
        to_x, _right, to_y = at[after]
        lines.append(Markup('<path class="link" d="M{:g} {:g}V{:g}H{:g}"/>').format(x, y, to_y, max(x, to_x)))
    return lines


def _description(report: Mapping[str, Any]) -> str:
    begin, _end = _span(report)
    said = [
        f"{step['name']} from {step['begin'] - begin:.1f} s to {step['end'] - begin:.1f} s"
        + (", on the critical path" if step["critical"] else "")
        for step in report["steps"]
    ]
    return f"Seconds from the beginning: {'; '.join(said)}."
