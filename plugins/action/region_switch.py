# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moves applications to their other region, in one process for all of them, with live progress.

An action and no module, because a module cannot show anything until it has ended. All decisions are in the core.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_applications
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.options import Options
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.results import MoveResult
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.runner import run_move
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.toolbox import make_tools
from ansible_collections.pilotlight.aws_dr.plugins.plugin_utils.moves import plan_lines, show

ARGUMENTS = {
    "applications": {"type": "list", "elements": "dict", "required": True},
    "target": {"type": "str", "choices": ["primary", "dr"], "required": True},
    "mode": {"type": "str", "choices": ["planned", "unplanned"], "default": "planned"},
    "intent": {"type": "str", "choices": ["drill", "failover", "failback"]},
    "accept_data_loss": {"type": "bool", "default": False},
    "accept_unfenced": {"type": "bool", "default": False},
    "waive": {"type": "list", "elements": "str", "default": []},
    "break_lease": {"type": "str", "default": ""},
    "operator": {"type": "str"},
    "journal_dir": {"type": "path"},
    "run_id": {"type": "str"},
}


class ActionModule(ActionBase):
    """Arguments in, core, result out."""

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _outcome, arguments = self.validate_argument_spec(ARGUMENTS)
        try:
            outcome = self._move(arguments)
        except RecoveryError as error:
            result.update(failed=True, changed=False, msg=str(error))
            return result
        result.update(changed=outcome.changed, applications=[one.describe() for one in outcome.applications])
        if self._task.diff:
            result["diff"] = [{"prepared": text} for text in plan_lines(outcome.applications)]
        if not outcome.ok:
            result.update(failed=True, msg=outcome.problem())
            for one in result["applications"]:  # what holds does not matter now
                one["gates"] = [gate for gate in one["gates"] if gate["answer"] != "holds"]
        return result

    def _move(self, arguments: dict[str, Any]) -> MoveResult:
        options = Options(
            target=arguments["target"],
            mode=arguments["mode"],
            intent=arguments["intent"] or "",
            accept_data_loss=arguments["accept_data_loss"],
            accept_unfenced=arguments["accept_unfenced"],
            waive=tuple(arguments["waive"]),
            break_lease=arguments["break_lease"],
            operator=arguments["operator"] or "",
        ).checked()
        applications = parse_applications(arguments["applications"])
        journal_dir = Path(arguments["journal_dir"]) if arguments["journal_dir"] else None
        tools = make_tools(progress=show, journal_dir=journal_dir)
        return run_move(applications, options, tools, check=self._task.check_mode, run_id=arguments["run_id"])
