# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of roles as those roles would see them, before any of them has begun.

Only an action plugin can know them: it sees the play's variables, and the defaults of the collection's own roles stand
beside it. So a deploy is checked as a whole before its first phase changes anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

COLLECTION = Path(__file__).resolve().parents[2]
ROLES = COLLECTION / "roles"


@dataclass(frozen=True)
class RoleVariables:
    """Values by name, and what the roles' own argument specifications say against them, one sentence each."""

    values: Mapping[str, Any]
    problems: Sequence[str]


def role_variables(
    roles: Sequence[str], task_vars: Mapping[str, Any], templar: Templar, loader: DataLoader
) -> RoleVariables:
    """Return the declared variables of ``roles``.

    A variable whose value depends on what an earlier phase finds out cannot be computed yet and is left out; those of
    the role aws_dr never do, so there it is a problem.
    """
    declared = {role: _options(_load(loader, role, "meta/argument_specs.yml")) for role in roles}
    defaults: dict[str, Any] = {}
    for role in roles:
        defaults.update(_load(loader, role, "defaults/main.yml"))
    known = {**defaults, **task_vars}
    templar = templar.copy_with_new_env(available_variables=known)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for role, options in declared.items():
        for name in options:
            if name not in known:
                continue
            try:
                values[name] = templar.template(known[name])
            except AnsibleError as error:
                if role == "aws_dr":
                    problems.append(f"{name} cannot be computed: {error.message}")
        problems += _against(options, values)
    return RoleVariables(values, problems)


def _against(options: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    given = {name: values[name] for name in options if name in values}
    validation = ArgumentSpecValidator({name: dict(options[name], required=False) for name in given}).validate(given)
    return [str(message) for message in validation.error_messages]


def _options(specification: Mapping[str, Any]) -> dict[str, Any]:
    return dict(specification.get("argument_specs", {}).get("main", {}).get("options", {}))


def _load(loader: DataLoader, role: str, path: str) -> dict[str, Any]:
    file = ROLES / role / path
    return dict(loader.load_from_file(str(file), trusted_as_template=True) or {}) if file.exists() else {}
