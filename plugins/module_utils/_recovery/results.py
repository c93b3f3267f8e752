# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What came of a move, for modules, the Lambda function and reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NOTHING = "nothing-to-do"
PLANNED = "planned"  # check mode: this is what would be done
REFUSED = "refused"
MOVED = "moved"
FAILED = "failed"
PAUSED = "paused"  # time was up; the same move goes on when it is run again

GOOD = (NOTHING, PLANNED, MOVED)


@dataclass(frozen=True)
class ApplicationResult:
    """One application's outcome. ``reasons`` says in lines what stood in the way."""

    application: str
    status: str
    run_id: str | None
    changed: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    gates: tuple[dict[str, Any], ...] = ()
    plan: tuple[dict[str, Any], ...] = ()
    bookkeeping: tuple[dict[str, Any], ...] = ()
    steps: tuple[dict[str, Any], ...] = ()
    began_at: float | None = None
    ended_at: float | None = None
    journal: str | None = None
    resumed: bool = False

    @property
    def ok(self) -> bool:
        """Whether the application is where it should be (or, in check mode, may go there)."""
        return self.status in GOOD

    def describe(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "application": self.application,
            "status": self.status,
            "run_id": self.run_id,
            "changed": self.changed,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "gates": list(self.gates),
            "plan": list(self.plan),
            "bookkeeping": list(self.bookkeeping),
            "steps": list(self.steps),
            "began_at": self.began_at,
            "ended_at": self.ended_at,
            "journal": self.journal,
            "resumed": self.resumed,
        }


@dataclass(frozen=True)
class MoveResult:
    """All applications' outcomes."""

    applications: tuple[ApplicationResult, ...] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        """Whether every application is where it should be (or, in check mode, may go there)."""
        return all(one.ok for one in self.applications)

    @property
    def paused(self) -> bool:
        """Whether some move is to be gone on with."""
        return any(one.status == PAUSED for one in self.applications)

    @property
    def changed(self) -> bool:
        """Whether anything was, or in check mode would be, changed."""
        return any(one.changed for one in self.applications)

    def problem(self) -> str:
        """All that stood in the way, in one line."""
        return "; ".join(
            f"{one.application}: {reason}" for one in self.applications if not one.ok for reason in one.reasons
        )
