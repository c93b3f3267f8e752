# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The readiness snapshot as it is kept in a state table: written by a look on any day, read by an unplanned move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .snapshot import Unknown

FORMAT = 1
"""Grows when a key changes its meaning or goes."""


@dataclass(frozen=True)
class ReadinessDocument:
    """How ready an application was, at a time (seconds since the epoch), for a move to a place.

    ``score`` is the share of the gates that were asked and hold, in percent, rounded down. ``gates`` are by name as
    ``Ruling.described`` shows them; ``blocks`` there says that it is a failure of readiness.
    """

    application: str
    at: float
    target: str
    score: int
    gates: Mapping[str, Mapping[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """As it is kept and returned."""
        return {
            "format": FORMAT,
            "application": self.application,
            "at": self.at,
            "target": self.target,
            "score": self.score,
            "gates": [dict(one) for one in self.gates.values()],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ReadinessDocument:
        """The reverse of ``as_dict``; raises ValueError with what is wrong."""
        if document.get("format") != FORMAT:
            raise ValueError(f"format {document.get('format')!r} is not {FORMAT}")
        try:
            return cls(
                application=str(document["application"]),
                at=float(document["at"]),
                target=str(document["target"]),
                score=int(document["score"]),
                gates={str(one["gate"]): dict(one) for one in document["gates"]},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"it cannot be read ({type(error).__name__}: {error})") from error

    def age(self, now: float) -> float:
        """How old it is, in seconds."""
        return max(0.0, now - self.at)


def found_in(item: Mapping[str, Any] | Unknown | None) -> ReadinessDocument | Unknown:
    """What a state table's item says."""
    if isinstance(item, Unknown):
        return item
    if not item:
        return Unknown("no readiness snapshot was ever stored")
    try:
        return ReadinessDocument.of(item)
    except ValueError as error:
        return Unknown(f"the readiness snapshot: {error}")


def age_in_words(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3.2 h`` or ``5 days``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"
