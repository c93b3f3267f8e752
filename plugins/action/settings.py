# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks the variables of roles before anything is asked of AWS.

An action, because only the controller sees a variable's value before the role that owns it has begun.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import settings
from ansible_collections.pilotlight.aws_dr.plugins.plugin_utils.role_variables import role_variables

try:
    from botocore.loaders import Loader
except ImportError:
    # Without botocore nothing works, and the role prerequisites says so; a region's name is then checked by its form.
    Loader = None


VARIABLE = re.compile(r"\b[a-z]+_[a-z0-9_]+\b")


class ActionModule(ActionBase):
    """Every problem of the variables of some roles, in one failure."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _outcome, arguments = self.validate_argument_spec(
            {"roles": {"type": "list", "elements": "str", "default": ["aws_dr"]}}
        )
        variables = role_variables(arguments["roles"], task_vars or {}, self._templar, self._loader)
        found = settings.problems(variables.values, _all_regions())
        found = [*found, *_not_said_yet(variables.problems, found)]
        result.update(changed=False, problems=found)
        if found:
            count = "1 setting is" if len(found) == 1 else f"{len(found)} settings are"
            result.update(failed=True, msg="\n".join([f"{count} wrong; nothing was changed:", *found]))
        else:
            result.update(msg=f"{len(variables.values)} settings are right")
        return result


def _not_said_yet(problems: Sequence[str], said: Sequence[str]) -> list[str]:
    """Return what the argument specifications say of variables that no problem has named so far.

    They speak of a wrong type once for a list and once for its element, and of the dictionary that is composed from
    everything else; the rules' own sentence about the same variable says more.
    """
    named = {word for problem in said for word in VARIABLE.findall(problem)[:1]}
    rest: list[str] = []
    for problem in problems:
        variable = next(iter(VARIABLE.findall(problem)), "")
        if variable and variable not in named and (variable != "aws_dr_application" or not (named or rest)):
            named.add(variable)
            rest.append(problem)
    return rest


def _all_regions() -> set[str]:
    """Return the names of AWS's regions as botocore's own data has them; no session is needed for that."""
    if Loader is None:
        return set()
    partitions = Loader().load_data("partitions")["partitions"]
    return {region for partition in partitions for region in partition["regions"] if not region.endswith("-global")}
