# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_health_checks_info
version_added: 0.1.0
short_description: Read health checks, and what their checkers say
description:
  - Returns all Route 53 health checks in one flat shape, and on request what their checkers say.
  - M(amazon.aws.route53_info) returns a check's configuration where its status is asked for.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  ids:
    description: Only checks of these ids. Left out, all of them.
    type: list
    elements: str
  status:
    description:
      - Whether to ask what the checkers say, which takes a call for each check, at one a second.
      - Route 53 tells it for checks of an endpoint only.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration.info
seealso:
  - module: amazon.aws.route53_health_check
  - module: pilotlight.aws_dr.route53_switch
"""

EXAMPLES = r"""
- name: Read all health checks
  pilotlight.aws_dr.route53_health_checks_info:

- name: Ask whether the primary site is healthy
  pilotlight.aws_dr.route53_health_checks_info:
    ids: [3a4b5c6d-0000-4000-8000-000000000001]
    status: true
"""

RETURN = r"""
health_checks:
  description: The health checks.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its id.
      type: str
      returned: success
    type:
      description: Its type.
      type: str
      returned: success
    host:
      description: The name that it looks at.
      type: str
      returned: success
    alarm_name:
      description: The alarm that it follows.
      type: str
      returned: success
    healthy:
      description: What the checkers say. Null where Route 53 does not tell it.
      type: bool
      returned: with O(status=true)
    complaint:
      description: What the first checker that is not content says.
      type: str
      returned: with O(status=true)
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import health_checks
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported


def main():
    module = AnsibleAWSModule(
        argument_spec={"ids": {"type": "list", "elements": "str"}, "status": {"type": "bool", "default": False}},
        supports_check_mode=True,
    )
    route53, ids = api(module, "route53"), module.params["ids"]
    with failures_reported(module):
        found = [check for check in health_checks.list_all(route53) if ids is None or check["Id"] in ids]
        asked = [health_checks.status(route53, check) if module.params["status"] else {} for check in found]
        shown = [{**health_checks.describe(check), **said} for check, said in zip(found, asked, strict=True)]
        module.exit_json(changed=False, health_checks=shown)


if __name__ == "__main__":
    main()
