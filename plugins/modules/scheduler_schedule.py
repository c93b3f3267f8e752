#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: scheduler_schedule
version_added: 0.1.0
short_description: Declare a schedule of EventBridge Scheduler
description:
  - Makes a schedule that invokes a Lambda function (or another target that takes an input) with a payload.
  - Scheduler replaces a schedule as a whole, so what is not given here is set to its default.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  name:
    description: Name of the schedule.
    type: str
    required: true
  group:
    description: Name of its group, which exists already.
    type: str
    default: default
  state:
    description: Whether the schedule is to exist.
    type: str
    choices: [present, absent]
    default: present
  expression:
    description:
      - When it is met, as C(rate(...)), C(cron(...)) or C(at(...)), in UTC.
      - Required when O(state=present).
    type: str
  target_arn:
    description:
      - ARN of what is invoked.
      - Required when O(state=present).
    type: str
  role_arn:
    description:
      - ARN of the role by which Scheduler invokes it.
      - Required when O(state=present).
    type: str
  payload:
    description: What it is invoked with.
    type: dict
    default: {}
  description:
    description: A sentence about it.
    type: str
    default: ''
  enabled:
    description: Whether it is in force.
    type: bool
    default: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
"""

EXAMPLES = r"""
- name: Invoke a function each minute
  pilotlight.aws_dr.scheduler_schedule:
    name: dr-webapp-switch-publisher
    expression: rate(1 minute)
    target_arn: arn:aws:lambda:us-west-2:123456789012:function:dr-webapp-failover-orchestrator
    role_arn: arn:aws:iam::123456789012:role/dr-webapp-scheduler-role
    payload:
      task: publish-switch
"""

RETURN = r"""
schedule:
  description: The schedule as it is now, in check mode as it would be. Empty when there is none.
  returned: success
  type: dict
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [CreateSchedule]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import schedules
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported, finish


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"required": True},
            "group": {"default": "default"},
            "state": {"choices": ["present", "absent"], "default": "present"},
            "expression": {},
            "target_arn": {},
            "role_arn": {},
            "payload": {"type": "dict", "default": {}},
            "description": {"default": ""},
            "enabled": {"type": "bool", "default": True},
        },
        required_if=[("state", "present", ("expression", "target_arn", "role_arn"))],
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "scheduler"))


def _declare(module, scheduler):
    given = module.params
    current = schedules.observe(scheduler, given["name"], given["group"])
    if given["state"] == "absent":
        change = schedules.decide_absent(current, given["name"], given["group"])
    else:
        wanted = schedules.Schedule(
            name=given["name"],
            group=given["group"],
            expression=given["expression"],
            target_arn=given["target_arn"],
            role_arn=given["role_arn"],
            payload=given["payload"],
            description=given["description"],
            enabled=given["enabled"],
        )
        change = schedules.decide_present(current, wanted)
    if not module.check_mode:
        scheduler.apply(change)
    finish(module, change, schedule=change.after)


if __name__ == "__main__":
    main()
