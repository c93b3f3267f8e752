#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: readiness_info
version_added: 0.1.0
short_description: How ready applications are for a move
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Asks for each application the gates of a planned move to its standby site, in one process for all of them, and what
    only a person can say. Reads only, and moves nothing.
  - Each gate holds, fails with a reason, or cannot be known now. The score is the share of those asked that hold.
  - A region that does not answer costs ten seconds at most, and is told.
notes:
  - Credentials come from the profile or role of each site, or from the default chain.
options:
  waive:
    description:
      - Names of gates whose failure is known and accepted. They lower the score and are no problem.
    type: list
    elements: str
    default: []
  least_score:
    description: A score below this is a problem, whatever fails.
    type: int
    default: 0
  break_glass_tried_on:
    description:
      - The day on which the credentials for a lost identity provider were last tried, such as V(2026-11-24).
        By default it is not known.
    type: str
    default: ""
  break_glass_days:
    description: How many days ago that may be.
    type: int
    default: 90
extends_documentation_fragment:
  - pilotlight.aws_dr.applications
  - pilotlight.aws_dr.declaration.info
"""

EXAMPLES = r"""
- name: See how ready the applications are
  pilotlight.aws_dr.readiness_info:
    applications: ["{{ aws_dr_application }}"]
    least_score: 90
    break_glass_tried_on: "2026-11-24"
  register: look
"""

RETURN = r"""
applications:
  description: What was found of each application. M(pilotlight.aws_dr.readiness_snapshot) stores it.
  returned: success
  type: list
  elements: dict
  contains:
    application:
      description: Its name.
      type: str
      returned: always
    at:
      description: When it was looked at, in seconds since the epoch.
      type: float
      returned: always
    active:
      description: The place that has the writer. Empty when no region could say.
      type: str
      returned: always
    target:
      description: The place for a move to which the gates were asked.
      type: str
      returned: always
    score:
      description: The share of the gates that hold, in percent, rounded down.
      type: int
      returned: always
    gates:
      description: All gates, each with its rule, its answer, the reason, and whether it is a problem or was waived.
      type: list
      elements: dict
      returned: always
    failing:
      description: The gates that are a problem, one line each.
      type: list
      elements: str
      returned: always
    noted:
      description: The gates that do not hold and are no problem, one line each.
      type: list
      elements: str
      returned: always
    format:
      description: The version of this shape.
      type: int
      returned: always
score:
  description: The lowest score of all applications.
  returned: success
  type: int
lines:
  description: For people, the score of each application, and what does not hold.
  returned: success
  type: list
  elements: str
problems:
  description: Why the applications are not ready, one line each. Empty where they are.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_applications
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.readiness import break_glass, look
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.toolbox import reading_tools


def main():
    module = AnsibleModule(
        argument_spec={
            "applications": {"type": "list", "elements": "dict", "required": True},
            "waive": {"type": "list", "elements": "str", "default": []},
            "least_score": {"type": "int", "default": 0},
            "break_glass_tried_on": {"type": "str", "default": ""},
            "break_glass_days": {"type": "int", "default": 90},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        told = break_glass(given["break_glass_tried_on"], given["break_glass_days"])
        found = look(parse_applications(given["applications"]), reading_tools(), told, given["waive"])
    except RecoveryError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        applications=[one.as_dict() for one in found],
        score=min(one.document.score for one in found),
        lines=[line for one in found for line in one.lines()],
        problems=[line for one in found for line in one.problems(given["least_score"])],
    )


if __name__ == "__main__":
    main()
