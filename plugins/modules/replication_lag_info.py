#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: replication_lag_info
version_added: 0.1.0
short_description: Read the replication lag of an application's site from CloudWatch
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Reads the newest sample of C(AuroraGlobalDBReplicationLag) of a site's cluster up to a time, in that site's region,
    and in the other site's where that has none.
    The metric exists while the cluster is a secondary, so after a move it tells what the lag was before.
  - Each call runs under a deadline.
options:
  application:
    description: The application, as M(pilotlight.aws_dr.region_switch) takes it.
    type: dict
    required: true
  place:
    description: The site whose cluster is, or was, the secondary.
    type: str
    choices: [primary, dr]
    required: true
  until:
    description: Newest time of a sample, in seconds since the epoch. By default now.
    type: float
extends_documentation_fragment:
  - pilotlight.aws_dr.declaration.info
"""

EXAMPLES = r"""
- name: What was the lag when the move began?
  pilotlight.aws_dr.replication_lag_info:
    application: "{{ aws_dr_application }}"
    place: dr
    until: 1795398300
"""

RETURN = r"""
lag:
  description: The lag, as M(pilotlight.aws_dr.rto_report) takes it. Its C(seconds) are null where none could be had.
  returned: always
  type: dict
  sample: {"seconds": 0.12, "metric": "AuroraGlobalDBReplicationLag", "region": "us-west-2", "at": 1795398240.0}
reason:
  description: Why there is none, else empty.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.checklist import replication_lag
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.clients import Clients
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.fields import ModelError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_application
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock


def main():
    module = AnsibleModule(
        argument_spec={
            "application": {"type": "dict", "required": True},
            "place": {"type": "str", "choices": ["primary", "dr"], "required": True},
            "until": {"type": "float"},
        },
        supports_check_mode=True,
    )
    clock = SystemClock()
    try:
        application = parse_application(module.params["application"])
    except ModelError as error:
        module.fail_json(msg=str(error))
    until = module.params["until"]
    site = application.site(module.params["place"])
    lag = replication_lag(Clients(clock), application, site, clock.now() if until is None else until)
    module.exit_json(changed=False, lag=lag.as_dict(), reason=lag.reason)


if __name__ == "__main__":
    main()
