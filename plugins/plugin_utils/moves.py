# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The actions that run the core's moves: progress while it runs, the plan in diff mode, one line when it fails.

They are actions and no modules, because a module cannot show anything until it has ended. All decisions are in the
core.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import Application, parse_applications
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.reconcile import Reconciliation
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.results import ApplicationResult
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.speaking import Line
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.toolbox import make_tools
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.tools import Tools

Outcome = ApplicationResult | Reconciliation


class MovingAction(ActionBase):
    """Arguments in, core, result out."""

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = False
    _requires_connection = False

    arguments: ClassVar[Mapping[str, Any]]
    """What it takes beside C(applications) and C(journal_dir)."""

    @abstractmethod
    def outcomes(
        self, applications: tuple[Application, ...], given: Mapping[str, Any], tools: Tools
    ) -> Sequence[Outcome]:
        """Let the core do it. Raises RecoveryError."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _outcome, given = self.validate_argument_spec(
            {
                "applications": {"type": "list", "elements": "dict", "required": True},
                "journal_dir": {"type": "path"},
                **self.arguments,
            }
        )
        journal_dir = Path(given["journal_dir"]) if given["journal_dir"] else None
        try:
            applications = parse_applications(given["applications"])
            outcomes = self.outcomes(applications, given, make_tools(progress=show, journal_dir=journal_dir))
        except RecoveryError as error:
            result.update(failed=True, changed=False, msg=str(error))
            return result
        result.update(changed=any(one.changed for one in outcomes), applications=[one.describe() for one in outcomes])
        if self._task.diff:
            result["diff"] = [{"prepared": plan_text(one)} for one in outcomes]
        problems = [f"{one.application}: {reason}" for one in outcomes if not one.ok for reason in one.reasons]
        if not all(one.ok for one in outcomes):
            result.update(failed=True, msg="; ".join(problems))
            for one in result["applications"]:  # what holds does not matter now
                one["gates"] = [gate for gate in one["gates"] if gate["answer"] != "holds"]
        return result


def show(line: Line) -> None:
    """Print a line of progress at once."""
    Display().display(str(line))


def plan_text(one: Outcome) -> str:
    """The plan of an application, for people: what, where, and on which plane."""
    lines = [f"{one.application}: {one.status}" + (f" ({'; '.join(one.reasons)})" if one.reasons else "")]
    lines += [
        f"  {number:2} {call['step']:15} {call['region']:14} {call['plane']:8} "
        f"{call['service']} {call['operation']} {call['target']}"
        for number, call in enumerate(one.plan, 1)
    ]
    return "\n".join(lines) + "\n"
