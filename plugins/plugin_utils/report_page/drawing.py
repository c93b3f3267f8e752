# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all pictures of a report share: a scale of time, round ticks, and SVG whose every text is escaped.

Colours are classes, which the page's style sheet fills for light, dark and paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

WIDE, NARROW = 960, 328
"""Widths of a picture, for a desk and for a telephone; a picture is drawn once for each, as text must not shrink."""
LETTER = 7.7
"""What a letter of the pictures' text (12 units high) takes at most, on average, when it is bold."""
EDGE = 16.0
"""A tick nearer to the edge has its words beside it."""


@dataclass(frozen=True)
class Scale:
    """From seconds to the horizontal axis of a picture."""

    begin: float
    end: float
    left: float
    right: float

    def x(self, at: float) -> float:
        """Where a time lies; times outside lie on the edge."""
        span = self.end - self.begin
        share = (at - self.begin) / span if span > 0 else 0.0
        return round(self.left + min(1.0, max(0.0, share)) * (self.right - self.left), 1)

    def ticks(self, room: float = 90.0) -> list[float]:
        """Round distances from the beginning, in seconds, with at least so much room between them."""
        span = self.end - self.begin
        most = max(1.0, (self.right - self.left) / room)
        step = round_step(span / most)
        return [number * step for number in range(math.floor(span / step + 1e-9) + 1)]


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten (up to a minute: 10, 15, 30, 60 and so on) that is not less."""
    if least <= 0:
        return 1.0
    if least > 10:
        times = (15, 30, 60, 120, 300, 600, 900, 1800, 3600)
        return float(next((time for time in times if time >= least), math.ceil(least / 3600) * 3600))
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def seconds_text(seconds: float) -> str:
    """For an axis: as short as can be."""
    if seconds < 60 or seconds % 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min"


def svg(name: str, width: int, height: float, title: str, text: str, parts: Iterable[Markup]) -> Markup:
    """A picture with its name and, for those who do not see it, what it shows."""
    kind = "wide" if width == WIDE else "narrow"
    return Markup(
        '<svg class="picture {kind}" role="img" viewBox="0 0 {width} {height:g}" '
        'aria-labelledby="{name}-{kind}-title {name}-{kind}-text">'
        '<title id="{name}-{kind}-title">{title}</title><desc id="{name}-{kind}-text">{text}</desc>{parts}</svg>'
    ).format(
        kind=kind, name=name, width=width, height=height, title=title, text=text, parts=Markup("").join(parts)
    )  # fmt: skip


def block(x: float, y: float, width: float, height: float, style: str, tip: str = "") -> Markup:
    """A rectangle, at least a hair wide, so that what was short is still seen."""
    inner = Markup("<title>{}</title>").format(tip) if tip else Markup("")
    return Markup('<rect class="{}" x="{:g}" y="{:g}" width="{:g}" height="{:g}" rx="2">{}</rect>').format(
        style, x, y, round(max(width, 1.5), 1), height, inner
    )


def text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> Markup:
    """Words with their baseline at y."""
    return Markup('<text class="{}" x="{:g}" y="{:g}" text-anchor="{}">{}</text>').format(style, x, y, anchor, words)


def fitting(words: str, width: float) -> str:
    """The words, cut short where they would be wider."""
    room = max(1, int(width / LETTER))
    return words if len(words) <= room else words[: room - 1] + "…"


def axis(scale: Scale, top: float, bottom: float) -> list[Markup]:
    """Ticks with their seconds below, and thin lines through the picture."""
    parts = []
    for tick in scale.ticks():
        x = scale.x(scale.begin + tick)
        parts.append(Markup('<line class="grid" x1="{0:g}" y1="{1:g}" x2="{0:g}" y2="{2:g}"/>').format(x, top, bottom))
        parts.append(text(x, bottom + 15, seconds_text(tick), "small", _anchor(x, scale)))
    return parts


def _anchor(x: float, scale: Scale) -> str:
    """So that no word leaves the picture."""
    if x - scale.left < EDGE:
        return "start"
    return "end" if scale.right - x < EDGE else "middle"
