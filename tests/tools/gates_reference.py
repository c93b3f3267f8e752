# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write docs/gates.md from the table of gates.

    python tests/tools/gates_reference.py [--check]

Each gate stands in one row of the core's table; this page is made from it and never edited by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from plugins.module_utils._recovery.gates.answers import (  # noqa: E402  # found only once the path is set
    ANY_DAY,
    FAILS,
    PLANNED,
    UNPLANNED,
    Gate,
    Verdict,
)
from plugins.module_utils._recovery.gates.table import GATES  # noqa: E402  # found only once the path is set

PAGE = REPOSITORY / "docs" / "gates.md"
HEAD = REPOSITORY / "docs" / "gates.head.md"


def _blocks(gate: Gate, mode: str) -> str:
    if mode not in gate.blocks:
        return "-"
    verdicts = gate.blocks[mode] - gate.never
    if not verdicts:
        words = "said"
    elif verdicts == {Verdict.UNKNOWN}:
        words = "unknown"
    else:
        words = "fails" if verdicts == FAILS else "fails or unknown"
    return f"{words}, from readiness" if gate.remembered and mode == UNPLANNED else words


def _why(gate: Gate) -> str:
    return " ".join((gate.check.__doc__ or "").split("\n\n")[0].split()).rstrip(".")


def page() -> str:
    """The whole page, as it should be."""
    lines = [
        HEAD.read_text(encoding="utf-8"),
        "| gate | rule | asks | planned | unplanned | readiness | may be waived |",
        "| --- " * 7 + "|",
    ]
    for gate in GATES:
        modes = " | ".join(_blocks(gate, mode) for mode in (PLANNED, UNPLANNED, ANY_DAY))
        waivable = "yes" if gate.waivable else "no"
        lines.append(f"| `{gate.name}` | {gate.rule} | {gate.asks} | {modes} | {waivable} |")
    lines += ["", "## What each demands", ""]
    lines += [f"- `{gate.name}`: {_why(gate)}." for gate in GATES]
    return "\n".join(lines) + "\n"


def main() -> None:
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/gates.md is not what the table of gates says: run `make docs`")


if __name__ == "__main__":
    main()
