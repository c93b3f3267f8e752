# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks the variables of roles before anything is asked of AWS.

An action, because only the controller sees a variable's value before the role that owns it has begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import settings

try:
    import botocore.session
except ImportError:
    # Without botocore nothing works, and the role prerequisites says so; a region's name is then checked by its form.
    botocore = None

ROLES = Path(__file__).resolve().parents[2] / "roles"


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
        variables, found = self._variables(arguments["roles"], task_vars or {})
        found += settings.problems(variables, _all_regions())
        found = list(dict.fromkeys(found))
        result.update(changed=False, problems=found)
        if found:
            count = "1 setting is" if len(found) == 1 else f"{len(found)} settings are"
            result.update(failed=True, msg="\n".join([f"{count} wrong; nothing was changed:", *found]))
        else:
            result.update(msg=f"{len(variables)} settings are right")
        return result

    def _variables(self, roles: list[str], task_vars: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the variables of ``roles`` as they would see them, and what is wrong with their types."""
        declared = {role: _options(self._load(role, "meta/argument_specs.yml")) for role in roles}
        defaults: dict[str, Any] = {}
        for role in roles:
            defaults.update(self._load(role, "defaults/main.yml"))
        self._templar.available_variables = {**defaults, **task_vars}
        variables: dict[str, Any] = {}
        found: list[str] = []
        for role, options in declared.items():
            for name in options:
                if name not in defaults and name not in task_vars:
                    continue
                try:
                    variables[name] = self._templar.template(self._templar.available_variables[name])
                except AnsibleError as error:
                    if role == "aws_dr":
                        found.append(f"{name} cannot be computed: {error.message}")
            found += _type_problems(options, variables)
        return variables, found

    def _load(self, role: str, path: str) -> dict[str, Any]:
        file = ROLES / role / path
        if not file.exists():
            return {}
        return dict(self._loader.load_from_file(str(file), trusted_as_template=True) or {})


def _options(specification: Mapping[str, Any]) -> dict[str, Any]:
    return dict(specification.get("argument_specs", {}).get("main", {}).get("options", {}))


def _type_problems(options: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
    """Return what the roles' own argument specifications say; they are the one place where types stand."""
    given = {name: variables[name] for name in options if name in variables}
    validation = ArgumentSpecValidator({name: dict(options[name], required=False) for name in given}).validate(given)
    return [str(message) for message in validation.error_messages]


def _all_regions() -> set[str]:
    if botocore is None:
        return set()
    session = botocore.session.get_session()
    return {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition)
    }
