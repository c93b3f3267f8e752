# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action region_switch as users have it, on the simulated AWS of the unit tests in place of the real tools.

A virtual second takes a hundredth of one, so that it can be seen whether lines come while the move goes on.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from typing import Any

_ROOT = os.environ["PROGRESS_REPOSITORY"]
sys.path[:0] = [_ROOT, f"{_ROOT}/tests", f"{_ROOT}/tests/unit/recovery"]

from simulated_aws import Bench, Call  # noqa: E402  # found only once the path is set

from plugins.module_utils._recovery.errors import CallFailed  # noqa: E402  # found only once the path is set

COLLECTION = "ansible_collections.pilotlight.aws_dr"
import_module(f"{COLLECTION}.plugins.module_utils")
import_module("plugins.module_utils._recovery.toolbox")
for _name in [name for name in sys.modules if name.startswith("plugins.module_utils._recovery")]:
    sys.modules[f"{COLLECTION}.{_name}"] = sys.modules[_name]  # one core under both names
region_switch = import_module(f"{COLLECTION}.plugins.action.region_switch")
moves = import_module(f"{COLLECTION}.plugins.plugin_utils.moves")


def _refuse_once(bench: Bench) -> None:
    """AWS refuses the promotion once, with words that hold a secret."""
    refused: list[Call] = []

    def refuse(call: Call) -> CallFailed | None:
        if call.operation != "SwitchoverGlobalCluster" or refused:
            return None
        refused.append(call)
        said = f"not now; x-amz-security-token:{os.environ['PROGRESS_SECRET']}"
        return CallFailed(call.region, call.service, call.operation, "InvalidGlobalClusterStateFault", said)

    bench.aws.refusals = [refuse]


class ActionModule(region_switch.ActionModule):  # type: ignore[misc, name-defined]
    """As its parent, with the tools exchanged."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        bench = Bench.of("shop", "blog")
        wait = bench.clock.wait

        def slowly(seconds: float) -> None:
            time.sleep(seconds / 100)
            wait(seconds)

        bench.clock.wait = slowly  # type: ignore[method-assign]
        _refuse_once(bench)
        moves.make_tools = lambda progress, **_more: bench.tools(progress=progress)
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result
