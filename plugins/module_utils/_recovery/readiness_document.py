# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The readiness snapshot as it is kept in a state table: written by a look on any day, read by an unplanned move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .snapshot import Unknown

FORMAT = 1
"""Grows when a key changes its meaning or goes."""
UNKNOWN = "unknown"
"""The answer of a gate that could not be known; ``Verdict.UNKNOWN`` is written so."""
TELLS_THE_WRITER = "global-cluster"
"""The gate that knows which site is active, where anybody does."""
LONGEST_AGE_SECONDS = 7 * 86400.0
"""Much changes in a week: an older snapshot is shown, and is no comfort."""


@dataclass(frozen=True)
class ReadinessDocument:
    """How ready an application was, at a time (seconds since the epoch), for a move to a place.

    ``score`` is the share of the gates that were asked and hold, in percent, rounded down. ``gates`` are by name as
    ``Ruling.described`` shows them; ``blocks`` there says that it is a failure of readiness, and ``known_at`` that the
    answer is an earlier look's, because this one could not know.
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

    def age_of(self, gate: str, now: float) -> float:
        """How old the answer of a gate is, in seconds."""
        return max(0.0, now - float(self.gates[gate].get("known_at", self.at)))

    def remembering(self, before: ReadinessDocument | Unknown) -> ReadinessDocument:
        """This one, with what ``before`` knew in place of what could not be known now, as long as that is not too old.

        A look during an outage must not take away what an unplanned move goes by. The score stays the look's own. Where
        it could not even be known which way a move would go, what was kept of the other way stays as a whole.
        """
        if isinstance(before, Unknown):
            return self
        if before.target != self.target:
            guessed = self.gates.get(TELLS_THE_WRITER, {}).get("answer") == UNKNOWN
            return before if guessed and before.age(self.at) <= LONGEST_AGE_SECONDS else self
        kept = dict(self.gates)
        for name, now in self.gates.items():
            said = before.gates.get(name)
            if now["answer"] != UNKNOWN or said is None or said["answer"] == UNKNOWN:
                continue
            if before.age_of(name, self.at) <= LONGEST_AGE_SECONDS:
                earlier = {"answer": said["answer"], "reason": said["reason"]}
                kept[name] = {**now, **earlier, "known_at": said.get("known_at", before.at)}
        return replace(self, gates=kept)


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
