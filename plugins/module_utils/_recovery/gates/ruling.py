# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What follows from the gates: all are asked, and all that block are reported together.

In a planned move what cannot be known blocks; in an unplanned one it is said, and the operator decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..errors import RecoveryError
from ..model import Application
from ..reading.parts import Wanted
from ..snapshot import Snapshot
from ..steps.base import TARGET, Move
from ..steps.registry import MODES
from .answers import BOTH, FAILS, Gate, Ruling, Verdict
from .memory import remembered
from .table import GATES

STILL_IN_THE_WAY = {"target-region": BOTH, "lease-free": FAILS}


def check_waivers(waive: Iterable[str]) -> None:
    """Raise for a name that is no gate, or a gate that nobody can waive."""
    gates = {gate.name: gate for gate in GATES}
    for name in waive:
        if name not in gates:
            raise RecoveryError(f"waive: {name!r} is no gate; the gates are {', '.join(gates)}")
        if not gates[name].waivable:
            waivable = ", ".join(gate.name for gate in GATES if gate.waivable)
            raise RecoveryError(f"waive: {name!r} cannot be waived; those that can are {waivable}")


def wanted(application: Application, place: str, mode: str) -> Iterable[Wanted]:
    """What must be read before the gates of a mode are asked, for a move to ``place``."""
    sites = {True: application.site(place), False: application.other(place)}
    for gate in GATES:
        if mode in gate.blocks and not _from_memory(gate, mode):
            for watch in sorted(gate.needs, key=lambda watch: (watch.side, watch.facet.name)):
                yield Wanted(watch.facet, application, sites[watch.side == TARGET])


def evaluate(move: Move, snapshot: Snapshot, waive: Iterable[str] = (), mode: str | None = None) -> tuple[Ruling, ...]:
    """All gates of a mode (by default the move's own), whatever the first of them says."""
    mode = mode or move.mode
    waived = set(waive)
    rulings = []
    for gate in GATES:
        if mode not in gate.blocks:
            continue
        answer = remembered(gate.name, move, snapshot) if _from_memory(gate, mode) else gate.check(move, snapshot)
        blocks = answer.verdict in gate.blocks[mode]
        forgiven = blocks and gate.waivable and gate.name in waived
        rulings.append(Ruling(gate, answer, blocks and not forgiven, forgiven))
    return tuple(rulings)


def past_return(rulings: Iterable[Ruling]) -> tuple[Ruling, ...]:
    """Once the writer has moved, a run is gone on with whatever the gates say, as clients are led elsewhere until then.

    Only another run, or a target that does not answer, still stands in the way. The rest is said.
    """
    return tuple(
        replace(ruling, blocks=ruling.blocks and ruling.answer.verdict in STILL_IN_THE_WAY.get(ruling.gate.name, ()))
        for ruling in rulings
    )


def _from_memory(gate: Gate, mode: str) -> bool:
    return gate.remembered and mode in MODES and not MODES[mode].asks_route53


def to_be_said(rulings: Iterable[Ruling], operator: str = "") -> tuple[str, ...]:
    """What does not hold and does not block, in lines: waived (by ``operator``), or left to the operator.

    Why there is no readiness snapshot is said once, and not again for each gate that would rest on it.
    """
    rulings = tuple(rulings)
    waived = f"waived by {operator}: " if operator else "waived: "
    missing = {ruling.answer.reason for ruling in rulings if ruling.gate.name == "readiness"}
    return tuple(
        (waived if ruling.waived else "") + ruling.line()
        for ruling in rulings
        if ruling.answer.verdict is not Verdict.HOLDS
        and not ruling.blocks
        and not (ruling.gate.remembered and ruling.answer.reason in missing)
    )


def in_the_way(rulings: Iterable[Ruling]) -> tuple[str, ...]:
    """What blocks, in lines. Where a region does not answer, that is said once, and not again for each reading."""
    blocking = [ruling for ruling in rulings if ruling.blocks]
    region_gates = ("target-region", "source-region")
    lost = any(ruling.gate.name in region_gates for ruling in blocking)
    return tuple(
        ruling.line()
        for ruling in blocking
        if not lost or ruling.gate.name in region_gates or ruling.answer.verdict is Verdict.FAILS
    )
