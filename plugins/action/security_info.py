# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hands the module the roles' variables, which say what to look at."""

from __future__ import annotations

from ansible_collections.pilotlight.aws_dr.plugins.plugin_utils.asking import AskingAction


class ActionModule(AskingAction):
    """Gathers, then runs the module of the same name."""
