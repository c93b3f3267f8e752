# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_site_group
version_added: 0.1.0
short_description: Declare an Auto Scaling group whose capacity belongs to moves
description:
  - Makes an Auto Scaling group on a launch template's default version, and keeps everything but its capacity as
    declared.
  - The capacity counts when the group is made. Afterwards moves raise and lower it, and a deploy leaves it alone. A
    difference is returned, so that it can be reported.
  - Target groups and tags of others are left alone. A group is never deleted.
  - Does what M(amazon.aws.autoscaling_group) does, which updates the group on every run, its capacity included.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  name:
    description: Name of the group.
    type: str
    required: true
  launch_template:
    description: Name of the launch template.
    type: str
    required: true
  subnets:
    description: Ids of the subnets in which instances are launched.
    type: list
    elements: str
    required: true
  capacity:
    description: The capacity with which the group is made, in instances.
    type: dict
    required: true
    suboptions:
      min:
        description: The smallest number.
        type: int
        required: true
      desired:
        description: The number at first.
        type: int
        required: true
      max:
        description: The largest number.
        type: int
        required: true
  target_group_arns:
    description: Target groups with which instances are registered.
    type: list
    elements: str
    default: []
  health_check_type:
    description: Whose judgement replaces an instance.
    type: str
    choices: [EC2, ELB]
    default: ELB
  health_check_grace_period:
    description: Seconds in which a new instance is not judged.
    type: int
    default: 300
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
  - pilotlight.aws_dr.declaration.tags
seealso:
  - module: amazon.aws.autoscaling_group
  - module: amazon.aws.ec2_launch_template
"""

EXAMPLES = r"""
- name: Make the pilot light
  pilotlight.aws_dr.autoscaling_site_group:
    name: dr-webapp-dr-asg
    launch_template: dr-webapp-dr-asg
    subnets: [subnet-0aa, subnet-0bb]
    capacity: {min: 0, desired: 1, max: 10}
    target_group_arns:
      - arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/dr-webapp-dr-tg/0123456789abcdef
    region: us-west-2
"""

RETURN = r"""
capacity:
  description: The group's capacity as it is, in check mode of a group that is not there as it would be.
  returned: success
  type: dict
  sample: {min: 0, desired: 1, max: 10}
capacity_as_declared:
  description: Whether that is the declared one.
  returned: success
  type: bool
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [CreateAutoScalingGroup, EnableMetricsCollection]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import scaling_group
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported, finish


def main():
    number = {"type": "int", "required": True}
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"required": True},
            "launch_template": {"required": True},
            "subnets": {"type": "list", "elements": "str", "required": True},
            "capacity": {
                "type": "dict",
                "required": True,
                "options": {"min": number, "desired": number, "max": number},
            },
            "target_group_arns": {"type": "list", "elements": "str", "default": []},
            "health_check_type": {"choices": ["EC2", "ELB"], "default": "ELB"},
            "health_check_grace_period": {"type": "int", "default": 300},
            "tags": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "autoscaling"))


def _declare(module, autoscaling):
    given = module.params
    wanted = scaling_group.Wanted(
        name=given["name"],
        launch_template=given["launch_template"],
        subnets=tuple(given["subnets"]),
        capacity=scaling_group.Capacity(*(given["capacity"][key] for key in ("min", "desired", "max"))),
        target_groups=tuple(given["target_group_arns"]),
        health_check=given["health_check_type"],
        grace=given["health_check_grace_period"],
        tags=given["tags"] or {},
    )
    change = scaling_group.decide(scaling_group.observe(autoscaling, wanted.name), wanted)
    if not module.check_mode:
        autoscaling.apply(change)
    capacity = change.after["Capacity"]
    finish(module, change, capacity=capacity, capacity_as_declared=capacity == wanted.capacity.as_dict())


if __name__ == "__main__":
    main()
