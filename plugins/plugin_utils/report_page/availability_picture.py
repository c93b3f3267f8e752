# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients saw, sample by sample: one stroke for each write, read and DNS answer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from .drawing import WIDE, Scale, axis, svg, text

ROW, STROKE = 48, 22
NAMES = {"write": "writes", "read": "reads", "dns": "DNS answers"}
STYLES = {"l": "left", "n": "new", "a": "somewhere", "x": "bad"}
"""Classes of the letters of the report's `availability`; bad ones are drawn last, so that none is covered."""
SHAPES = {"l": (11, 11), "n": (0, STROKE), "a": (6, 10), "x": (0, 28)}
"""Where a stroke begins below the row's top, and its height: who does not see colours tells them apart by these."""


def availability_picture(report: Mapping[str, Any], width: int = WIDE) -> Markup | None:
    """None where nothing was probed."""
    seen = report["availability"]
    kinds = {kind: letters for kind, letters in (seen.get("kinds") or {}).items() if letters}
    if not kinds:
        return None
    interval = seen["interval_seconds"]
    longest = max(len(letters) for letters in kinds.values())
    scale = Scale(0, longest * interval, 0, width)
    bottom = ROW * len(kinds)
    parts = axis(scale, 0, bottom)
    stroke = max(1.2, scale.x(interval) * 0.7)
    for number, (kind, letters) in enumerate(kinds.items()):
        y = number * ROW + 18
        parts.append(text(0, y - 5, NAMES.get(kind, kind)))
        parts.append(text(width, y - 5, _counted(letters), "small", "end"))
        parts += _strokes(letters, interval, scale, y, stroke)
    return svg("availability", width, bottom + 20, "What clients saw", _description(kinds, interval), parts)


def _strokes(letters: str, interval: float, scale: Scale, y: float, stroke: float) -> list[Markup]:
    """One path for each letter; samples that would lie on one another are drawn once."""
    parts = []
    for letter, style in STYLES.items():
        places = sorted({scale.x((slot + 0.5) * interval) for slot, one in enumerate(letters) if one == letter})
        if places:
            top, height = SHAPES[letter]
            lines = "".join(f"M{x:g} {y + top:g}v{height}" for x in places)
            parts.append(Markup('<path class="sample {}" stroke-width="{:.2g}" d="{}"/>').format(style, stroke, lines))
    return parts


def _counted(letters: str) -> str:
    tried = len(letters) - letters.count(".")
    return f"{letters.count('x')} of {tried} failed"


def _description(kinds: Mapping[str, str], interval: float) -> str:
    """Each run of like samples: what it was, and from when to when."""
    lines = []
    for kind, letters in kinds.items():
        at, said = 0, []
        for letter, run in itertools.groupby(letters):
            length = len(list(run))
            said.append(f"{_words(letter)} from {at * interval:.2f} s to {(at + length) * interval:.2f} s")
            at += length
        more = len(said) - 12
        shown = said[:12] + ([f"and {more} more changes"] if more > 0 else [])
        lines.append(f"{NAMES.get(kind, kind)}, {_counted(letters)}: {', '.join(shown)}.")
    return " ".join(lines)


def _words(letter: str) -> str:
    return {
        "l": "good in the region that was left",
        "n": "good in the region that was moved to",
        "a": "good",
        "x": "failing",
        ".": "not tried",
    }[letter]
