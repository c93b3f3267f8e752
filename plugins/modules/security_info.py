# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: security_info
version_added: 0.1.0
short_description: Look at how the recovery region is guarded
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Looks at the encryption of clusters, buckets, tables, secrets and topics, at public access and transport of buckets,
    at the security groups that are in use, at the key, and at who may assume which IAM role to do what.
  - It changes nothing and goes on after a failure, so that one run shows everything that is wrong.
options:
  variables:
    description:
      - Variables of the roles, by name. Filled in by the action from the play.
    type: dict
    default: {}
attributes:
  action:
    description: Runs partly on the controller, where variables are.
    support: full
extends_documentation_fragment:
  - pilotlight.aws_dr.declaration.info
"""

EXAMPLES = r"""
- name: Look at how the recovery region is guarded
  pilotlight.aws_dr.security_info:
  register: security_report

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ security_report.problems }}"
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
      description: One sentence that says what is wrong and what would be right; empty when it holds.
      type: str
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
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import clients, questions, security
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.workers import ThreadWorkers


def main():
    module = AnsibleModule(
        argument_spec={"variables": {"type": "dict", "default": {}}},
        supports_check_mode=True,
    )
    scene = questions.Scene(
        caller=clients.Clients(clock=SystemClock()),
        workers=ThreadWorkers(),
        variables=module.params["variables"],
    )
    checks = security.examine(scene)
    module.exit_json(
        changed=False,
        checks=[{"subject": one.subject, "found": one.found, "problem": one.problem} for one in checks],
        problems=[one.problem for one in checks if one.problem],
        table=questions.table(checks),
    )


if __name__ == "__main__":
    main()
