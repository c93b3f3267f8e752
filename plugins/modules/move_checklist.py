#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: move_checklist
version_added: 0.1.0
short_description: Work through the checklist before a planned move
description:
  - Looks whether somebody will be told of the move, whether the dashboards are there, what the replication lag is, and
    keeps a backup of all records of the hosted zone in the state bucket of the region that is moved to, and reads it
    back.
  - An item that fails does not end the module. O(required) says whether it ends the task.
  - Asks the control plane of Route 53, so it has no place in an unplanned move.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  application:
    description: The application, as M(pilotlight.aws_dr.region_switch) takes it.
    type: dict
    required: true
  target:
    description: Where it is to be moved.
    type: str
    choices: [primary, dr]
    required: true
  run_id:
    description: Identifier of the run, under which the backup is kept.
    type: str
    required: true
  dashboard_prefix:
    description: What the names of the application's dashboards begin with.
    type: str
    required: true
  team:
    description: Who confirmed that the team is there.
    type: str
    default: ''
  required:
    description: Whether an item that fails fails the task.
    type: bool
    default: true
attributes:
  check_mode:
    description: Looks at everything and keeps no backup. RV(plan) says what would be called.
    support: full
  diff_mode:
    description: Shows the calls that would be made.
    support: full
"""

EXAMPLES = r"""
- name: Work through the checklist before a drill
  pilotlight.aws_dr.move_checklist:
    application: "{{ aws_dr_application }}"
    target: dr
    run_id: 20261123T020000Z-drill-abcdef
    dashboard_prefix: dr-webapp
"""

RETURN = r"""
checklist:
  description: The items, each with its result (V(done), V(noted), V(planned) or V(failed)) and a detail.
  returned: always
  type: list
  elements: dict
  sample: [{"name": "lag", "result": "done", "detail": "0.120 s in us-west-2, 12 s ago"}]
lag:
  description: The last replication lag that CloudWatch reported, as M(pilotlight.aws_dr.rto_report) takes it.
  returned: always
  type: dict
plan:
  description: The calls that change something, as the plan of a move names them.
  returned: always
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.checklist import (
    FAILED,
    Checklist,
    plan_lines,
    replication_lag,
)
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.clients import Clients
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.fields import ModelError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import ROUTE53_REGION, parse_application
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock


def main():
    module = AnsibleModule(
        argument_spec={
            "application": {"type": "dict", "required": True},
            "target": {"type": "str", "choices": ["primary", "dr"], "required": True},
            "run_id": {"type": "str", "required": True},
            "dashboard_prefix": {"type": "str", "required": True},
            "team": {"type": "str", "default": ""},
            "required": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    clock = SystemClock()
    try:
        application = parse_application(given["application"])
        target = application.site(given["target"])
        clients = Clients(clock, {ROUTE53_REGION: application.records_access(target)})
        checklist = Checklist(
            clients, clock, application, target, given["run_id"], given["dashboard_prefix"], given["team"]
        )
        lag = replication_lag(clients, application, target, clock.now())
        items = checklist.work_through(lag, check=module.check_mode)
    except (ModelError, RecoveryError) as error:
        module.fail_json(msg=str(error))
    result = {
        "changed": True,
        "checklist": [item.as_dict() for item in items],
        "lag": lag.as_dict(),
        "plan": checklist.planned_calls(),
        "diff": {"prepared": plan_lines(checklist.planned_calls())},
    }
    failed = [f"{item.name}: {item.detail}" for item in items if item.result == FAILED]
    if failed and given["required"]:
        module.fail_json(msg=f"the checklist of {application.name} does not hold: {'; '.join(failed)}", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
