# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudformation_security_groups
version_added: 0.1.0
short_description: Hold the security groups of a stack to the rules of its template
description:
  - CloudFormation compares a template with the one before, never with what is there. A rule that somebody added by hand
    stays, and one that was taken away stays away. This module compares the rules themselves, with the template as the
    only source, and mends them. What is missing is added before what is foreign is removed.
  - Rules may use C(Ref) and C(Fn::GetAtt) of C(GroupId). Descriptions are not compared.
  - Without a stack there is nothing to compare.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  stack_name:
    description: Name of the stack.
    type: str
    required: true
  template:
    description: The stack's template, read into a dictionary.
    type: dict
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
seealso:
  - module: pilotlight.aws_dr.cloudformation_stack
  - module: amazon.aws.ec2_security_group
"""

EXAMPLES = r"""
- name: Mend what was edited by hand
  pilotlight.aws_dr.cloudformation_security_groups:
    stack_name: dr-webapp-security-groups
    template: "{{ lookup('ansible.builtin.file', 'security-groups.yaml') | from_yaml }}"
    region: us-west-2
"""

RETURN = r"""
groups:
  description: The ids of the groups, by their names in the template.
  returned: success
  type: dict
differences:
  description: What was found to be other than in the template, one sentence each.
  returned: success
  type: list
  elements: str
  sample: ["AuroraSecurityGroup ingress: tcp 3306 0.0.0.0/0 was added by hand"]
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [RevokeSecurityGroupIngress]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import security_groups
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported, finish


def main():
    module = AnsibleAWSModule(
        argument_spec={"stack_name": {"required": True}, "template": {"type": "dict", "required": True}},
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "cloudformation"), api(module, "ec2"))


def _declare(module, cloudformation, ec2):
    groups = security_groups.groups_of_stack(cloudformation, module.params["stack_name"], module.params["template"])
    change = security_groups.decide(groups, security_groups.observe(ec2, groups))
    if not module.check_mode:
        ec2.apply(change)
    finish(
        module,
        change,
        groups={group.logical_id: group.group_id for group in groups},
        differences=list(_differences(change)),
    )


def _differences(change):
    for title, wanted in change.after.items():
        found = change.before[title]
        yield from (f"{title}: {rule} was added by hand" for rule in found if rule not in wanted)
        yield from (f"{title}: {rule} was taken away by hand" for rule in wanted if rule not in found)


if __name__ == "__main__":
    main()
