#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: scheduler_schedule_info
version_added: 0.1.0
short_description: Read a schedule of EventBridge Scheduler
description:
  - Reads one schedule, in the shape of M(pilotlight.aws_dr.scheduler_schedule).
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  name:
    description: Name of the schedule.
    type: str
    required: true
  group:
    description: Name of its group.
    type: str
    default: default
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration.info
"""

EXAMPLES = r"""
- name: Read the schedule that repeats the traffic switch
  pilotlight.aws_dr.scheduler_schedule_info:
    name: dr-webapp-switch-publisher
"""

RETURN = r"""
schedule:
  description: The schedule as AWS tells it. Empty when there is none.
  returned: success
  type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import schedules
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported


def main():
    module = AnsibleAWSModule(
        argument_spec={"name": {"required": True}, "group": {"default": "default"}},
        supports_check_mode=True,
    )
    with failures_reported(module):
        found = schedules.observe(api(module, "scheduler"), module.params["name"], module.params["group"])
    module.exit_json(changed=False, schedule=found or {})


if __name__ == "__main__":
    main()
