# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudformation_stack
version_added: 0.1.0
short_description: Declare a CloudFormation stack
description:
  - Creates a stack, or updates one whose template, parameters or tags are other than declared, and waits until it
    stands. Nothing is called that changes anything when they are as declared.
  - A stack that AWS is busy with is waited for. One that never came up (C(ROLLBACK_COMPLETE)) is deleted and made anew,
    unless it still holds a resource. One that needs a person is refused, with what would be right.
  - Does what M(amazon.aws.cloudformation) does, which calls C(UpdateStack) on every run, makes a change set in check
    mode, waits without end and cannot leave C(ROLLBACK_COMPLETE).
  - CloudFormation does not see what was edited by hand. For security groups there is
    M(pilotlight.aws_dr.cloudformation_security_groups).
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  name:
    description: Name of the stack.
    type: str
    required: true
  state:
    description: Whether the stack is to exist.
    type: str
    choices: [present, absent]
    default: present
  template_body:
    description: The template, as text. Comments and empty lines make no difference.
    type: str
  parameters:
    description: Values of the template's parameters. One that is left out takes the template's default at an update.
    type: dict
    default: {}
  tags:
    description: Tags of the stack, which CloudFormation gives to all of its resources. Others are removed.
    type: dict
    default: {}
  wait_timeout:
    description: Seconds after which waiting fails, for each operation.
    type: int
    default: 1800
  wait_interval:
    description: The longest pause between two looks while waiting, in seconds. The first ones are shorter.
    type: float
    default: 5.0
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
seealso:
  - module: amazon.aws.cloudformation
  - module: amazon.aws.cloudformation_info
"""

EXAMPLES = r"""
- name: Make the network
  pilotlight.aws_dr.cloudformation_stack:
    name: dr-webapp-vpc
    template_body: "{{ lookup('ansible.builtin.file', 'dr-vpc.yaml') }}"
    parameters:
      ProjectName: dr-webapp
      Environment: production
      VpcCidr: 10.1.0.0/16
    tags:
      Project: dr-webapp
    region: us-west-2
"""

RETURN = r"""
stack:
  description: The stack as it is now. In check mode as it was.
  returned: success
  type: dict
  contains:
    status:
      description: Its status, empty when there is none.
      type: str
      returned: success
    outputs:
      description: Its outputs, by name.
      type: dict
      returned: success
    resources:
      description: Logical ids of its resources.
      type: list
      elements: str
      returned: success
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [CreateStack]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import stack
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Change
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import (
    api,
    failures_reported,
    finish,
)


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"required": True},
            "state": {"choices": ["present", "absent"], "default": "present"},
            "template_body": {},
            "parameters": {"type": "dict", "default": {}},
            "tags": {"type": "dict", "default": {}},
            "wait_timeout": {"type": "int", "default": 1800},
            "wait_interval": {"type": "float", "default": 5.0},
        },
        required_if=[("state", "present", ["template_body"])],
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "cloudformation"))


def _declare(module, cloudformation):
    given = module.params
    name, clock = given["name"], SystemClock()
    patience = (clock, given["wait_timeout"], given["wait_interval"])
    stack.settle(cloudformation, name, *patience)
    held = stack.observe(cloudformation, name)
    absent = given["state"] == "absent"
    change = stack.decide_absent(held) if absent else stack.decide_present(held, _wanted(given))
    if not module.check_mode and change.changed:
        if not stack.carry_out(cloudformation, name, change, *patience):
            change = Change(change.before, change.before)
        held = stack.observe(cloudformation, name)
    now = held or stack.Held(status="", stack_id="")
    result = {"status": now.status, "outputs": dict(now.outputs), "resources": list(now.resources)}
    finish(module, change, stack=result)


def _wanted(given):
    return stack.Wanted(
        name=given["name"],
        template=given["template_body"],
        parameters={key: str(value) for key, value in given["parameters"].items()},
        tags={key: str(value) for key, value in given["tags"].items()},
    )


if __name__ == "__main__":
    main()
