# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write docs/modes.md from the table of modes.

    python tests/tools/modes_reference.py [--check]

What a mode demands, may lose and calls stands in steps/registry.py and in its steps; this page is made from them and
never edited by hand; what stands above its tables is in docs/modes.head.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from plugins.module_utils._recovery.calls import PLANES  # noqa: E402  # found only once the path is set
from plugins.module_utils._recovery.steps.base import SOURCE, TARGET, Expects, Row, never  # noqa: E402  # found only once the path is set
from plugins.module_utils._recovery.steps.registry import MODES, Mode  # noqa: E402  # found only once the path is set

PAGE = REPOSITORY / "docs" / "modes.md"
SIDES = {TARGET: "the target", SOURCE: "the site that is left"}
HEAD = REPOSITORY / "docs" / "modes.head.md"


def _requires(mode: Mode) -> str:
    answers = " and ".join(SIDES[side] for side in mode.depends_on)
    wants = [f"{answers} must answer"]
    wants += ["`accept_data_loss=true`"] if mode.loses_data else []
    wants += (
        ["its journal and leases can be written"]
        if mode.needs_store
        else ["where its journal and lease cannot be written it goes on and says so"]
    )
    wants += ["no other application of the move is held back by a gate"] if mode.together else []
    return "; ".join(wants)


def _calls(row: Row) -> str:
    """Each call with its region and its plane."""
    sides: dict[str, list[str]] = {}
    for call, side in row.step.makes:
        sides.setdefault(call, []).append(SIDES[side])
    return "; ".join(f"`{call}` in {' and '.join(where)} ({PLANES[call.split()[0]]})" for call, where in sides.items())


def _step(row: Row) -> str:
    step = row.step
    expects = "" if step.expects is Expects.NOTHING or not step.makes else step.expects.value
    expects += ", unless it cannot be read" if expects and step.blind else ""
    needs = ", ".join(row.needs) or "nothing"
    wanted = ("yes" if row.forgiven is never else "unless accepted") if row.required else "no"
    return f"| {step.name} | {step.stage} | {needs} | {wanted} | {_calls(row) or 'none'} | {expects or 'none'} |"


def page() -> str:
    """The whole page, as it should be."""
    modes = list(MODES.values())
    facts = {
        "requires": [_requires(mode) for mode in modes],
        "may lose": [mode.may_lose for mode in modes],
        "leases": [" and ".join(SIDES[side] for side in mode.leases) for mode in modes],
        "fencing (R7)": [mode.fencing for mode in modes],
        "records read from Route 53 beforehand": ["yes" if mode.asks_route53 else "no (R3)" for mode in modes],
    }
    lines = [
        HEAD.read_text(encoding="utf-8"),
        f"| | {' | '.join(mode.name for mode in modes)} |",
        "| --- " * (len(modes) + 1) + "|",
    ]
    lines += [f"| {name} | {' | '.join(values)} |" for name, values in facts.items()]
    for mode in modes:
        lines += ["", f"## {mode.name}", ""]
        lines += ["| step | stage | needs | the move fails with it | mutating calls | the writer that is expected |"]
        lines += ["| --- | --- | --- | --- | --- | --- |", *(_step(row) for row in mode.rows)]
    return "\n".join(lines) + "\n"


def main() -> None:
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/modes.md is not what the table of modes says: run `make docs`")


if __name__ == "__main__":
    main()
