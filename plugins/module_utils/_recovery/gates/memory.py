# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What readiness has said, for an unplanned move that cannot or must not look itself (R3)."""

from __future__ import annotations

from ..readiness_document import age_in_words, found_in
from ..snapshot import Snapshot, Unknown
from ..steps.base import Move
from ..store import READINESS
from .answers import Answer, Verdict, unknown


def remembered(gate: str, move: Move, snapshot: Snapshot) -> Answer:
    """A gate's answer in the last readiness snapshot of the region that is moved to, with its age."""
    found = found_in(snapshot.item(move.application, move.target, READINESS))
    if isinstance(found, Unknown):
        return unknown(found.reason)
    if found.target != move.place:
        return unknown(f"the readiness snapshot is of a move to {found.target}")
    said = found.gates.get(gate)
    if said is None:
        return unknown(f"the readiness snapshot, {age_in_words(found.age(snapshot.at))} old, does not name it")
    age = age_in_words(found.age_of(gate, snapshot.at))
    reason = f"{said['reason']}; " if said.get("reason") else ""
    return Answer(Verdict(said["answer"]), f"{reason}as readiness said {age} ago")
