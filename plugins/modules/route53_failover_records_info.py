# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_failover_records_info
version_added: 0.1.0
short_description: Read the records of a name, and what is dangerous about them
description:
  - Returns all records of a name, the form that they make, and what makes a failover pair dangerous.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  hosted_zone:
    description: Name or id of the hosted zone. An id is needed where several zones have that name.
    type: str
    required: true
  private_zone:
    description: Whether the zone of that name is a private one.
    type: bool
    default: false
  name:
    description: The name that clients use.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration.info
seealso:
  - module: pilotlight.aws_dr.route53_failover_records
"""

EXAMPLES = r"""
- name: Read the records of the name
  pilotlight.aws_dr.route53_failover_records_info:
    hosted_zone: example.com
    name: app.example.com
"""

RETURN = r"""
form:
  description: V(absent), V(simple), V(failover), or V(other) for weighted, latency and mixed forms.
  returned: success
  type: str
hosted_zone_id:
  description: Id of the hosted zone.
  returned: success
  type: str
record_sets:
  description: The records of the name, fit for a backup.
  returned: success
  type: list
  elements: dict
dangers:
  description: What is dangerous about a failover pair, one sentence each. Empty when nothing is.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import failover_records
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "hosted_zone": {"required": True},
            "private_zone": {"type": "bool", "default": False},
            "name": {"required": True},
        },
        supports_check_mode=True,
    )
    route53, given = api(module, "route53"), module.params
    with failures_reported(module):
        zone = failover_records.find_zone(route53, given["hosted_zone"], given["private_zone"])
        records = failover_records.observe(route53, zone["Id"], given["name"])
        module.exit_json(
            changed=False,
            form=failover_records.form_of(records),
            hosted_zone_id=zone["Id"].rpartition("/")[2],
            record_sets=records,
            dangers=failover_records.dangers(records),
        )


if __name__ == "__main__":
    main()
