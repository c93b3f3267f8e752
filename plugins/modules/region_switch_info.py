#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_switch_info
version_added: 0.1.0
short_description: Where applications are, and which move is under way
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Tells for each application which site is active, what both sites have, where clients are led, and which run of
    M(pilotlight.aws_dr.region_switch) is under way or has stopped, with the steps that are left of it.
  - Answers also when a region is lost, in ten seconds at most, and says what it could not read.
  - Never asks Route 53 or IAM. Where clients are led is asked of DNS.
notes:
  - Credentials come from the profile or role of each site, or from the default chain.
options:
  journal_dir:
    description:
      - The folder with the copies of the journals, as the O(pilotlight.aws_dr.region_switch#module:journal_dir) of the
        moves, on the machine where this module runs. Roles keep them in C(journals) of C(aws_dr_reports_dir), on the
        controller.
      - With it, a run is told also where the state tables took nothing of it. Without it only they are asked.
    type: path
extends_documentation_fragment:
  - pilotlight.aws_dr.applications
  - pilotlight.aws_dr.declaration.info
"""

EXAMPLES = r"""
- name: See where the application is
  pilotlight.aws_dr.region_switch_info:
    applications: ["{{ aws_dr_application }}"]
    journal_dir: "{{ aws_dr_reports_dir }}/journals"
  delegate_to: localhost
  register: look
"""

RETURN = r"""
applications:
  description: What is known of each application.
  returned: success
  type: list
  elements: dict
  contains:
    application:
      description: Its name.
      type: str
      returned: always
    active:
      description: The place that has the writer. Empty when no region could say.
      type: str
      returned: always
    writer:
      description: ARN of the writer.
      type: str
      returned: always
    operation:
      description: What AWS says of a promotion under way. Empty when there is none.
      type: str
      returned: always
    sites:
      description: By place, the region, the cluster with its status, instances and lag, and the groups.
      type: dict
      returned: always
    traffic:
      description: The place to which each name leads, and the switch position of each record, 1 for open.
      type: dict
      returned: always
    run:
      description:
        - The newest run, with its state V(closed), V(under way), V(stopped) or V(abandoned), the steps that have ended,
          what the others were last waiting for, and those that are left. What was given up and the move does not depend
          on is not left.
        - Where the region that is moved to does not answer, the lease in the other one tells of the run, and all steps
          count as left that the local journal does not tell of.
        - One that has stopped goes on when the same move is run again. One that is abandoned did not end either, but is
          older than a day, or the application was moved the other way since. The same move then begins a new run.
      type: dict
      returned: always
    pending:
      description:
        - By place, the job that an unplanned move left and that M(pilotlight.aws_dr.region_reconcile) does when the
          region of that site is back, with the run that left it and what it could not fence.
      type: dict
      returned: always
    unknown:
      description: What could not be read, and why.
      type: list
      elements: str
      returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_applications
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.status import describe
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.toolbox import reading_tools


def main():
    module = AnsibleModule(
        argument_spec={
            "applications": {"type": "list", "elements": "dict", "required": True},
            "journal_dir": {"type": "path"},
        },
        supports_check_mode=True,
    )
    try:
        applications = parse_applications(module.params["applications"])
        folder = module.params["journal_dir"]
        found = describe(applications, reading_tools(journal_dir=Path(folder) if folder else None))
    except RecoveryError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, applications=found)


if __name__ == "__main__":
    main()
