# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions that run the core's moves show: progress while it runs, the plan in diff mode."""

from __future__ import annotations

from collections.abc import Iterable

from ansible.utils.display import Display
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.results import ApplicationResult
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.speaking import Line


def show(line: Line) -> None:
    """Print a line of progress at once."""
    Display().display(str(line))


def plan_lines(outcomes: Iterable[ApplicationResult]) -> list[str]:
    """The plan of each application, for people: what, where, and on which plane."""
    texts = []
    for one in outcomes:
        lines = [f"{one.application}: {one.status}" + (f" ({'; '.join(one.reasons)})" if one.reasons else "")]
        lines += [
            f"  {number:2} {call['step']:15} {call['region']:14} {call['plane']:8} "
            f"{call['service']} {call['operation']} {call['target']}"
            for number, call in enumerate(one.plan, 1)
        ]
        texts.append("\n".join(lines) + "\n")
    return texts
