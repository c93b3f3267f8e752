# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs an action plugin as Ansible would, with the simulated AWS in place of the real tools."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from simulated_aws import Bench, document

# Where ansible-playbook would look for the collection too.
COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH") or str(Path(__file__).parents[3] / ".venv" / "collections")
PLUGINS = "ansible_collections.pilotlight.aws_dr.plugins"

Run = Callable[..., dict[str, Any]]


def runner(monkeypatch: pytest.MonkeyPatch, name: str, bench: Bench, shown: list[str], **defaults: Any) -> Run:
    """What runs the action ``name`` with arguments over ``defaults``; lines that it shows go to ``shown``."""
    monkeypatch.syspath_prepend(COLLECTIONS.partition(os.pathsep)[0])
    import_module(f"{PLUGINS}.module_utils")
    for core in ("toolbox", "reconcile"):
        import_module(f"plugins.module_utils._recovery.{core}")
    for module in [module for module in sys.modules if module.startswith("plugins.module_utils._recovery")]:
        # One core under both names, so that what the simulation raises is what the action catches.
        monkeypatch.setitem(sys.modules, f"ansible_collections.pilotlight.aws_dr.{module}", sys.modules[module])
    for module in (f"action.{name}", "plugin_utils.moves"):
        monkeypatch.delitem(sys.modules, f"{PLUGINS}.{module}", raising=False)
    moves = import_module(f"{PLUGINS}.plugin_utils.moves")
    action = import_module(f"{PLUGINS}.action.{name}")
    monkeypatch.setattr(moves, "show", lambda line: shown.append(str(line)))
    monkeypatch.setattr(moves, "make_tools", lambda progress, **_more: bench.tools(progress=progress))

    def run_action(check: bool = False, diff: bool = False, **arguments: Any) -> dict[str, Any]:
        task = SimpleNamespace(
            args={"applications": [document()], **defaults, **arguments},
            check_mode=check,
            diff=diff,
            async_val=0,
            action=f"pilotlight.aws_dr.{name}",
            environment=None,
            no_log=False,
            collections=[],
        )
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        plugin = action.ActionModule(task, connection, SimpleNamespace(), None, None, None)
        result: dict[str, Any] = plugin.run(task_vars={})
        return result

    return run_action
