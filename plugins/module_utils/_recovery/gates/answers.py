# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A gate: a pure function of a snapshot, with a rule, that holds, fails with a reason, or cannot be known now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..snapshot import Snapshot
from ..steps.base import RECONCILE, Move, Watch

PLANNED, UNPLANNED = "planned", "unplanned"  # and RECONCILE: what is left of an unplanned move (steps.base)
ANY_DAY = "readiness"
"""Not a kind of move: the gates are asked to see how ready an application is."""


class Verdict(Enum):
    """The three answers."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """A gate's answer, with what it rests on or why not."""

    verdict: Verdict
    reason: str = ""


def holds(reason: str = "") -> Answer:
    """It holds."""
    return Answer(Verdict.HOLDS, reason)


def fails(reason: str) -> Answer:
    """It does not hold."""
    return Answer(Verdict.FAILS, reason)


def unknown(reason: str) -> Answer:
    """Nobody can say now."""
    return Answer(Verdict.UNKNOWN, reason)


def summed_up(problems: list[str], silent: list[str], reason: str = "") -> Answer:
    """One answer on many things: what is wrong weighs more than what is not known."""
    if problems:
        return fails("; ".join(problems))
    return unknown("; ".join(dict.fromkeys(silent))) if silent else holds(reason)


Check = Callable[[Move, Snapshot], Answer]


@dataclass(frozen=True)
class Gate:
    """A check, the rule it comes from, and by mode which answers block; a mode that is not named does not ask it.

    - ``needs``: what must be read for it, at the site moved to (target) or away from (source)
    - ``remembered``: it rests on control planes that an unplanned move must not depend on (R3), so that there the
      answer is that of the last readiness snapshot in the living region
    - ``never``: answers that it cannot give
    """

    name: str
    rule: str
    asks: str
    check: Check
    blocks: Mapping[str, frozenset[Verdict]]
    needs: frozenset[Watch] = frozenset()
    waivable: bool = True
    remembered: bool = False
    never: frozenset[Verdict] = frozenset()


@dataclass(frozen=True)
class Ruling:
    """A gate's answer in a move, and what follows from it."""

    gate: Gate
    answer: Answer
    blocks: bool
    waived: bool

    def line(self) -> str:
        """For people."""
        return f"{self.gate.name} ({self.gate.rule}): {self.answer.reason}"

    def described(self) -> dict[str, Any]:
        """For journals, results and readiness snapshots."""
        return {
            "gate": self.gate.name,
            "rule": self.gate.rule,
            "answer": self.answer.verdict.value,
            "reason": self.answer.reason,
            "blocks": self.blocks,
            "waived": self.waived,
        }


BOTH = frozenset({Verdict.FAILS, Verdict.UNKNOWN})
FAILS = frozenset({Verdict.FAILS})
UNKNOWN = frozenset({Verdict.UNKNOWN})
SAID = frozenset[Verdict]()
"""The answer is said, and blocks nothing."""


@dataclass(frozen=True)
class Modes:
    """By mode which answers block; None: it is not asked."""

    planned: frozenset[Verdict] | None = None
    unplanned: frozenset[Verdict] | None = None
    readiness: frozenset[Verdict] | None = None
    reconcile: frozenset[Verdict] | None = None

    def blocks(self) -> dict[str, frozenset[Verdict]]:
        """As a gate has it. On any day what would hold up a planned move is bad, and whatever fails is."""
        given = {
            PLANNED: self.planned,
            UNPLANNED: self.unplanned,
            RECONCILE: self.reconcile,
            ANY_DAY: self.readiness,
        }
        if self.readiness is None and self.planned is not None:
            given[ANY_DAY] = self.planned | FAILS
        return {mode: verdicts for mode, verdicts in given.items() if verdicts is not None}
