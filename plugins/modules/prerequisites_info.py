# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: prerequisites_info
version_added: 0.1.0
short_description: Look for everything that a deploy needs, all at once
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Compares the versions of the tools with what this collection needs, and asks AWS for everything that the roles of a
    deploy rely on. It changes nothing.
  - It goes on after a failure, so that one run shows all that is missing. Calls have short deadlines, so a region or an
    endpoint that does not answer costs seconds.
options:
  variables:
    description:
      - Variables of the roles, by name. Filled in by the action from the play.
    type: dict
    default: {}
  tools:
    description:
      - Programs and collections on the controller. Filled in by the action.
      - Python and the AWS libraries of the interpreter that runs modules are added.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the tool.
        type: str
        required: true
      found:
        description: Its version, or nothing.
        type: str
        default: ""
      needed:
        description: The version that is needed, such as V(>=1.2.3).
        type: str
        required: true
attributes:
  action:
    description: Runs partly on the controller, where variables and collections are.
    support: full
extends_documentation_fragment:
  - pilotlight.aws_dr.declaration.info
"""

EXAMPLES = r"""
- name: Look for everything that a deploy needs
  pilotlight.aws_dr.prerequisites_info:
  register: prerequisites_report

- name: Show what is missing
  ansible.builtin.debug:
    msg: "{{ prerequisites_report.problems }}"
"""

RETURN = r"""
checks:
  description: Everything that was looked at, in a stable order.
  returned: always
  type: list
  elements: dict
  contains:
    subject:
      description: What was looked at.
      type: str
      returned: always
    found:
      description: What was found.
      type: str
      returned: always
    problem:
      description: One sentence that names the variable and what would be right; empty when it holds.
      type: str
      returned: always
    waiting:
      description: Whether AWS is still busy with it.
      type: bool
      returned: always
problems:
  description: The problems alone.
  returned: always
  type: list
  elements: str
table:
  description: The checks as lines of a table.
  returned: always
  type: list
  elements: str
waiting:
  description: What AWS is still busy with.
  returned: always
  type: list
  elements: str
"""

import dataclasses
import importlib
import platform

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.amazon.aws.plugins.module_utils.botocore import (
    MINIMUM_BOTO3_VERSION,
    MINIMUM_BOTOCORE_VERSION,
)
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import clients, prerequisites, questions
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.workers import ThreadWorkers

NEEDED_PYTHON = ">=3.11"


def _own_tools():
    return [
        prerequisites.Tool("Python", platform.python_version(), NEEDED_PYTHON),
        prerequisites.Tool("boto3", _version_of("boto3"), f">={MINIMUM_BOTO3_VERSION}"),
        prerequisites.Tool("botocore", _version_of("botocore"), f">={MINIMUM_BOTOCORE_VERSION}"),
    ]


def _version_of(library):
    try:
        return importlib.import_module(library).__version__
    except ImportError:
        return ""


def main():
    module = AnsibleModule(
        argument_spec={
            "variables": {"type": "dict", "default": {}},
            "tools": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "found": {"type": "str", "default": ""},
                    "needed": {"type": "str", "required": True},
                },
            },
        },
        supports_check_mode=True,
    )
    tools = _own_tools() + [prerequisites.Tool(**tool) for tool in module.params["tools"]]
    checks = prerequisites.examine_tools(tools)
    if clients.HAS_BOTO3:
        scene = questions.Scene(
            caller=clients.Clients(clock=SystemClock()),
            workers=ThreadWorkers(),
            variables=module.params["variables"],
        )
        checks += prerequisites.examine(scene)
    module.exit_json(
        changed=False,
        checks=[dataclasses.asdict(check) for check in checks],
        problems=[check.problem for check in checks if check.problem],
        table=questions.table(checks),
        waiting=[f"{check.subject} is in {check.found}" for check in checks if check.waiting],
    )


if __name__ == "__main__":
    main()
