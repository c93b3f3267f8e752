# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with a list of waived gates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.gates.ruling import check_waivers

DOCUMENTATION = r"""
name: waiver_problem
version_added: 0.1.0
short_description: What is wrong with a list of waived gates
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Says in one line which name is no gate, or belongs to a gate that cannot be waived, before anything is asked of AWS.
positional: _input
options:
  _input:
    description: Names of gates.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse waivers that are none
  ansible.builtin.assert:
    that: (['replication-lag'] | pilotlight.aws_dr.waiver_problem) == ''
"""

RETURN = r"""
_value:
  description: The first problem, as a line. Empty when all can be waived.
  type: str
  sample: "waive: 'target-instance' cannot be waived; those that can are replication-lag, group-limits"
"""


def waiver_problem(names: Iterable[str]) -> str:
    """Return the first problem, or an empty text."""
    try:
        check_waivers(names)
    except RecoveryError as error:
        return str(error)
    return ""


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"waiver_problem": waiver_problem}
