#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drill_status_info
version_added: 0.1.0
short_description: Whether the last drill of applications is recent and good enough
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Reads the reports of the moves that M(pilotlight.aws_dr.move_archive) kept in the state buckets of both regions, and
    says for each application how old its last drill is and how its measured RTO and RPO compare with the objectives
    that hold now. Reads only.
  - A region that does not answer costs ten seconds at most, and is told. A figure that was not measured is a problem.
  - A report that is there and cannot be read is a problem where its run's name says that it is of a newer drill than
    the last one that was read. A later drill settles that, as does deleting it. A move that kept no report is none.
notes:
  - Credentials come from the profile or role of each site, or from the default chain.
options:
  days:
    description: How many days old the last drill may be.
    type: float
    default: 90
  margin_percent:
    description:
      - How far over its objective a figure may be, in percent of the objective. With V(10), an RTO of 990 seconds is
        good enough for an objective of 900.
    type: float
    default: 0
  intents:
    description: What counts as a drill. With V(failover) a real move counts too.
    type: list
    elements: str
    choices: [drill, failover, failback]
    default: [drill]
  most_moves:
    description: How many of the newest moves are read in each region.
    type: int
    default: 20
extends_documentation_fragment:
  - pilotlight.aws_dr.applications
  - pilotlight.aws_dr.declaration.info
seealso:
  - module: pilotlight.aws_dr.move_archive
  - module: pilotlight.aws_dr.rto_report
"""

EXAMPLES = r"""
- name: See whether the last drill still counts
  pilotlight.aws_dr.drill_status_info:
    applications: ["{{ aws_dr_application }}"]
    days: 30
    margin_percent: 10
  register: look
"""

RETURN = r"""
applications:
  description: What was found of each application.
  returned: success
  type: list
  elements: dict
  contains:
    application:
      description: Its name.
      type: str
      returned: always
    last:
      description: The last drill, in the shape of RV(applications[].moves).
      type: dict
      returned: when one is known
    moves:
      description: Its moves, the newest first, each with what compares them.
      type: list
      elements: dict
      returned: always
      contains:
        run_id:
          description: The run.
          type: str
          returned: always
        intent:
          description: What it was for.
          type: str
          returned: always
        mode:
          description: V(planned) or V(unplanned).
          type: str
          returned: always
        from:
          description: The region that was left.
          type: str
          returned: always
        to:
          description: The region that was moved to.
          type: str
          returned: always
        at:
          description: When it was opened, in seconds since the epoch.
          type: float
          returned: always
        status:
          description: What came of it.
          type: str
          returned: always
        verdict:
          description: V(pass), V(fail) or V(not measured), against the objectives of its day.
          type: str
          returned: always
        offers_writes:
          description: Whether the application offered numbered writes. Without them it is held to the RTO of its reads.
          type: bool
          returned: always
        failed:
          description: What failed when clients were looked at after it.
          type: list
          elements: str
          returned: always
        rto_writes_seconds:
          description: The measured RTO. Null when it was not measured.
          type: float
          returned: always
        rto_reads_seconds:
          description: The same for reads.
          type: float
          returned: always
        rpo_seconds:
          description: The measured RPO. Null when it was not measured.
          type: float
          returned: always
        rpo_lost_writes:
          description: How many acknowledged writes were lost. Null when that was not measured.
          type: int
          returned: always
        reasons:
          description: The method of RTO and RPO, or why they were not measured.
          type: dict
          returned: always
        parts:
          description: The parts of the RTO, in seconds.
          type: dict
          returned: always
    problems:
      description: Why the last drill is not recent or not good enough, one line each.
      type: list
      elements: str
      returned: always
    unread:
      description: What could not be read and is no problem, one line each.
      type: list
      elements: str
      returned: always
lines:
  description: For people, the last drill of each application, and what is wrong with it.
  returned: success
  type: list
  elements: str
problems:
  description: The problems of all applications, one line each. Empty where every last drill still counts.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.archive import read_archive
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.drill_status import Demands, judge
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_applications
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.toolbox import reading_tools


def main():
    module = AnsibleModule(
        argument_spec={
            "applications": {"type": "list", "elements": "dict", "required": True},
            "days": {"type": "float", "default": 90},
            "margin_percent": {"type": "float", "default": 0},
            "intents": {
                "type": "list",
                "elements": "str",
                "choices": ["drill", "failover", "failback"],
                "default": ["drill"],
            },
            "most_moves": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    given = module.params
    if given["most_moves"] < 1:
        module.fail_json(msg=f"most_moves is {given['most_moves']}: 1 or more are wanted")
    try:
        demands = Demands(given["days"], given["margin_percent"], tuple(given["intents"])).checked()
        tools = reading_tools()
        found = [
            judge(
                one.name,
                {"rto_seconds": one.objectives.rto_seconds, "rpo_seconds": one.objectives.rpo_seconds},
                read_archive(tools.caller, one, given["most_moves"]),
                demands,
                tools.clock.now(),
            )
            for one in parse_applications(given["applications"])
        ]
    except RecoveryError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        applications=[one.as_dict() for one in found],
        lines=[line for one in found for line in one.lines()],
        problems=[f"{one.application}: {problem}" for one in found for problem in one.problems],
    )


if __name__ == "__main__":
    main()
