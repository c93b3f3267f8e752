# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells the module of the same name which process on this machine runs the playbook.

An asynchronous task outlives the playbook that started it, and a module cannot know who that was.
"""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Runs the module, with the process of ansible-playbook where it is to end with that."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if arguments.get("ends_with_playbook") and self._connection.transport.endswith("local"):
            # This is a worker of ansible-playbook; workers end with their task.
            arguments["playbook_process"] = os.getppid()
        wrap_async = self._task.async_val and not self._connection.has_native_async
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=wrap_async))
        return result
