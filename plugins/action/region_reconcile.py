# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reconciles what an unplanned move left, once the old region is back, with live progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import Application
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.reconcile import Reconciliation, reconcile
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.tools import Tools
from ansible_collections.pilotlight.aws_dr.plugins.plugin_utils.moves import MovingAction


class ActionModule(MovingAction):
    """What is left of an unplanned move."""

    arguments = {
        "place": {"type": "str", "choices": ["primary", "dr"], "default": "primary"},
        "overwrite_secrets": {"type": "list", "elements": "str", "default": []},
        "without_job": {"type": "bool", "default": False},
        "break_lease": {"type": "str", "default": ""},
    }

    def outcomes(
        self, applications: tuple[Application, ...], given: Mapping[str, Any], tools: Tools
    ) -> tuple[Reconciliation, ...]:
        return reconcile(
            applications,
            given["place"],
            tools,
            check=self._task.check_mode,
            overwrite_secrets=tuple(given["overwrite_secrets"]),
            without_job=given["without_job"],
            break_lease=given["break_lease"],
        )
