# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action beside a module that asks AWS about what the roles' variables name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from .role_variables import role_variables

ROLES = (
    "aws_dr",
    "state",
    "network",
    "security",
    "database",
    "storage",
    "compute",
    "orchestrator",
    "monitoring",
    "traffic",
)


class AskingAction(ActionBase):
    """Adds the variables of all deploy roles to the module's arguments, then runs the module of the same name."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = dict(self._task.args)
        variables = role_variables(ROLES, task_vars or {}, self._templar, self._loader).values
        given["variables"] = {**variables, **(given.get("variables") or {})}
        arguments = {**self.more_arguments(), **given}
        result.update(
            self._execute_module(module_name=self._task.resolved_action, module_args=arguments, task_vars=task_vars)
        )
        return result

    def more_arguments(self) -> dict[str, Any]:
        """What else only the controller knows."""
        return {}
