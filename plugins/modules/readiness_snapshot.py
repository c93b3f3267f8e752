#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: readiness_snapshot
version_added: 0.1.0
short_description: Keep what readiness found in both regions
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Stores what M(pilotlight.aws_dr.readiness_info) found in the state tables of both regions. An unplanned move asks
    neither Route 53 nor IAM nor the configuration of buckets, and goes by this snapshot in the region that lives.
  - What could not be known this time stays as the snapshot before told it, for a week and with the time at which it was
    known, so that a look during an outage takes nothing away.
  - Where it could not be kept stands in RV(stored) and RV(problems), and fails the task only if no region could keep
    it.
notes:
  - Credentials come from the profile or role of each site, or from the default chain.
attributes:
  check_mode:
    description: Says where the snapshots would be kept, without storing them.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: The newest snapshot takes the place of the one before, so each run changes something.
    support: none
options:
  snapshots:
    description:
      - What M(pilotlight.aws_dr.readiness_info) returned as C(applications).
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - pilotlight.aws_dr.applications
"""

EXAMPLES = r"""
- name: See how ready the application is
  pilotlight.aws_dr.readiness_info:
    applications: ["{{ aws_dr_application }}"]
  register: look

- name: Keep it in both regions
  pilotlight.aws_dr.readiness_snapshot:
    applications: ["{{ aws_dr_application }}"]
    snapshots: "{{ look.applications }}"
"""

RETURN = r"""
stored:
  description: For each application and region, the table, and the error where it could not be kept.
  returned: when the arguments are right
  type: list
  elements: dict
  sample:
    - {application: shop, region: us-west-2, table: shop-dr-state, error: null}
problems:
  description: Where the snapshot is not kept, and why, one line each. An unplanned move into that region misses it.
  returned: when the arguments are right
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_applications
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.readiness import Kept, store
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.readiness_document import ReadinessDocument
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.toolbox import reading_tools


def main():
    module = AnsibleModule(
        argument_spec={
            "applications": {"type": "list", "elements": "dict", "required": True},
            "snapshots": {"type": "list", "elements": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        applications = parse_applications(module.params["applications"])
        documents = [ReadinessDocument.of(one) for one in module.params["snapshots"]]
    except (RecoveryError, ValueError) as error:
        module.fail_json(msg=f"snapshots: {error}" if isinstance(error, ValueError) else str(error))
    if module.check_mode:
        kept = [Kept(one.name, site.region, site.state_table) for one in applications for site in one.sites]
    else:
        kept = store(applications, documents, reading_tools())
    told = {
        "stored": [one.as_dict() for one in kept],
        "problems": [line for one in kept for line in one.problems()],
    }
    for one in applications:
        errors = [place.error for place in kept if place.application == one.name]
        if errors and all(errors):
            module.fail_json(msg=f"the snapshot of {one.name} is kept nowhere: {'; '.join(errors)}", **told)
    module.exit_json(changed=True, **told)


if __name__ == "__main__":
    main()
