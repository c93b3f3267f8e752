#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: application_info
version_added: 0.1.0
short_description: Look at an application as its clients see it
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Asks the name servers where the application's names lead, and the application at that address whether it is healthy.
  - Asks nothing of AWS.
options:
  names:
    description: DNS names that clients use.
    type: list
    elements: str
    required: true
  probe:
    description: How the application is reached, as M(pilotlight.aws_dr.rto_probe) takes it.
    type: dict
    default: {}
  nameservers:
    description:
      - Name servers to ask, as C(address) or C(address:port). By default those that the system asks.
    type: list
    elements: str
    default: []
  endpoints:
    description: DNS name of the load balancer of each region, so that a DNS answer can be told as one region's.
    type: dict
    default: {}
  expected_region:
    description: The region that should serve the application. What is not so stands in RV(problems).
    type: str
  wait_seconds:
    description:
      - How long to look again while O(expected_region) does not serve the application. It is no failure if it never
        does.
    type: float
    default: 0
  wait_interval:
    description: Seconds between two looks.
    type: float
    default: 2
extends_documentation_fragment:
  - pilotlight.aws_dr.declaration.info
"""

EXAMPLES = r"""
- name: Is the application served from the dr region?
  pilotlight.aws_dr.application_info:
    names: [app.example.com]
    expected_region: us-west-2
    wait_seconds: 30
"""

RETURN = r"""
names:
  description: Where each name leads, and what the application said there.
  returned: always
  type: list
  elements: dict
  sample:
    - name: app.example.com
      canonical: dr-webapp-dr-alb-1234567890.us-west-2.elb.amazonaws.com
      addresses: [203.0.113.7]
      ttl: 60
      region: us-west-2
      status: 200
      error: null
problems:
  description: What is not as O(expected_region) says, one sentence each.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.dns import Resolver
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.glance import look, look_until_served
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.probe import ProbeSettings
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock


def main():
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "probe": {"type": "dict", "default": {}},
            "nameservers": {"type": "list", "elements": "str", "default": []},
            "endpoints": {"type": "dict", "default": {}},
            "expected_region": {"type": "str"},
            "wait_seconds": {"type": "float", "default": 0},
            "wait_interval": {"type": "float", "default": 2},
        },
        supports_check_mode=True,
    )
    given = module.params
    if not given["names"]:
        module.fail_json(msg="names is []: at least one DNS name is wanted")
    try:
        settings = ProbeSettings.from_mapping({**given["probe"], "host": given["names"][0]})
        resolver = Resolver(given["nameservers"], settings.timeout_seconds)
    except ValueError as error:
        module.fail_json(msg=str(error))
    endpoints = {region: host for region, host in given["endpoints"].items() if host}

    def look_once():
        return look(settings, given["names"], resolver, endpoints)

    if given["expected_region"]:
        wait, every = given["wait_seconds"], given["wait_interval"]
        glances, problems = look_until_served(look_once, given["expected_region"], SystemClock(), wait, every)
    else:
        glances, problems = look_once(), []
    module.exit_json(changed=False, names=[glance.as_dict() for glance in glances], problems=problems)


if __name__ == "__main__":
    main()
