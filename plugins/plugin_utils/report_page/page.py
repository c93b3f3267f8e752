# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of a move as one page that needs nothing else: no network, no script, no other file.

Everything on it is taken from the report's dictionary and escaped. It is rendered on the controller, with the Jinja2
that ansible-core brings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .availability_picture import availability_picture
from .drawing import NARROW, WIDE
from .timeline_picture import timeline_picture
from .waterfall_picture import waterfall_picture

LOST_SHOWN = 200
"""Rows of lost writes on the page; the report's JSON has them all."""


def as_page(report: Mapping[str, Any]) -> str:
    """The page."""
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(clock=clock, day=day, number=number, sentence=sentence)
    return environment.get_template("report.html.j2").render(
        report=report,
        pictures={
            "waterfall": [waterfall_picture(report, width) for width in (WIDE, NARROW)],
            "timeline": [timeline_picture(report, width) for width in (WIDE, NARROW)],
            "availability": [availability_picture(report, width) for width in (WIDE, NARROW)],
        },
        files=beside(report["files"]),
        gates=sorted(report["gates"], key=lambda gate: (gate.get("detail") or {}).get("answer") == "holds"),
        lost_shown=LOST_SHOWN,
    )


def beside(files: Mapping[str, str]) -> list[dict[str, str]]:
    """The files of the report, with a relative link where they lie in the page's folder."""
    folder = os.path.dirname(files.get("html", ""))
    return [
        {"kind": kind, "path": path, "link": os.path.basename(path) if os.path.dirname(path) == folder else ""}
        for kind, path in files.items()
    ]


def clock(at: float | None) -> str:
    """The time of day, UTC, to the millisecond."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def day(at: float | None) -> str:
    """The day, UTC."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y")


def number(value: float, decimals: int = 2) -> str:
    """A number for people: a count without decimals, seconds with as many as are asked for."""
    return str(value) if isinstance(value, int) else f"{value:.{decimals}f}"


def sentence(words: str) -> str:
    """Words with a capital at their beginning; the rest stays, as it may hold names."""
    return words[:1].upper() + words[1:]
