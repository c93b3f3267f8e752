# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The RTO as a waterfall: each part in a row of its own, where it lies in the outage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from .drawing import WIDE, Scale, axis, block, svg, text

ROW, BAR = 30, 16


def waterfall_picture(report: Mapping[str, Any], width: int = WIDE) -> Markup | None:
    """None where the RTO was not measured or nothing failed."""
    fall = report["waterfall"]
    if not fall["segments"]:
        return None
    rows = [part for part in fall["parts"] if part["seconds"] or part["name"] != "unassigned"]
    begin = fall["segments"][0]["begin"]
    scale = Scale(begin, begin + fall["seconds"], 90, width - 80)
    bottom = ROW * len(rows) + 6
    parts = axis(scale, 0, bottom)
    for number, row in enumerate(rows):
        y = number * ROW + 6
        style = "" if row["seconds"] else "quiet"
        parts.append(text(0, y + 13, row["name"], style))
        for one in fall["segments"]:
            if one["part"] == row["name"]:
                left, right = scale.x(one["begin"]), scale.x(one["end"])
                tip = f"{one['step'] or one['part']}: {one['seconds']:.3f} s"
                parts.append(block(left, y, right - left, BAR, f"part {one['part']}", tip))
        parts.append(text(width, y + 13, f"{row['seconds']:.3f} s", f"number {style}", "end"))
    said = ", ".join(f"{row['name']} {row['seconds']:.3f} s" for row in rows)
    description = f"{fall['seconds']:.3f} s of outage: {said}."
    return svg("waterfall", width, bottom + 20, "Waterfall of the RTO", description, parts)
