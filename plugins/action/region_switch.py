# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moves applications to their other region, in one process for all of them, with live progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import Application
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.options import Options
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.results import ApplicationResult
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.runner import run_move
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.tools import Tools
from ansible_collections.pilotlight.aws_dr.plugins.plugin_utils.moves import MovingAction


class ActionModule(MovingAction):
    """A move: drill, failover or failback."""

    arguments = {
        "target": {"type": "str", "choices": ["primary", "dr"], "required": True},
        "mode": {"type": "str", "choices": ["planned", "unplanned"], "default": "planned"},
        "intent": {"type": "str", "choices": ["drill", "failover", "failback"]},
        "accept_data_loss": {"type": "bool", "default": False},
        "accept_unfenced": {"type": "bool", "default": False},
        "waive": {"type": "list", "elements": "str", "default": []},
        "break_lease": {"type": "str", "default": ""},
        "operator": {"type": "str"},
        "run_id": {"type": "str"},
    }

    def outcomes(
        self, applications: tuple[Application, ...], given: Mapping[str, Any], tools: Tools
    ) -> tuple[ApplicationResult, ...]:
        options = Options(
            target=given["target"],
            mode=given["mode"],
            intent=given["intent"] or "",
            accept_data_loss=given["accept_data_loss"],
            accept_unfenced=given["accept_unfenced"],
            waive=tuple(given["waive"]),
            break_lease=given["break_lease"],
            operator=given["operator"] or "",
        ).checked()
        moved = run_move(applications, options, tools, check=self._task.check_mode, run_id=given["run_id"])
        return moved.applications
