# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reconciles what an unplanned move left, once the old region is back, with live progress.

An action and no module, because copying a snapshot takes minutes and a module cannot show anything until it has ended.
All decisions are in the core.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_applications
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.reconcile import Reconciliation, reconcile
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.toolbox import make_tools
from ansible_collections.pilotlight.aws_dr.plugins.plugin_utils.moves import plan_lines, show

ARGUMENTS = {
    "applications": {"type": "list", "elements": "dict", "required": True},
    "place": {"type": "str", "choices": ["primary", "dr"], "default": "primary"},
    "overwrite_secrets": {"type": "list", "elements": "str", "default": []},
    "journal_dir": {"type": "path"},
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
            outcomes = self._reconcile(arguments)
        except RecoveryError as error:
            result.update(failed=True, changed=False, msg=str(error))
            return result
        changed = any(one.changed for one in outcomes)
        result.update(changed=changed, applications=[one.describe() for one in outcomes])
        if self._task.diff:
            result["diff"] = [{"prepared": text} for text in plan_lines(one.run for one in outcomes)]
        if not all(one.ok for one in outcomes):
            reasons = [f"{one.run.application}: {reason}" for one in outcomes if not one.ok for reason in one.reasons]
            result.update(failed=True, msg="; ".join(reasons))
        return result

    def _reconcile(self, arguments: dict[str, Any]) -> tuple[Reconciliation, ...]:
        place, overwrite = arguments["place"], tuple(arguments["overwrite_secrets"])
        applications = parse_applications(arguments["applications"])
        journal_dir = Path(arguments["journal_dir"]) if arguments["journal_dir"] else None
        tools = make_tools(progress=show, journal_dir=journal_dir)
        return reconcile(applications, place, tools, check=self._task.check_mode, overwrite_secrets=overwrite)
