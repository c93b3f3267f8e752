# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: deployment_rollback
version_added: 0.1.0
short_description: Take back what a deploy created
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Reads the ledger that M(pilotlight.aws_dr.deployment_ledger) keeps, and deletes what the last deployment created, in
    reverse order. What was there before it is never touched.
  - Data stores (clusters, buckets, tables, secrets, keys) stay unless they are named, and so does whatever they stand
    on. What stays is listed with the command that removes it.
  - Refuses while the application may be served from the dr region.
options:
  application:
    description: The application, as C(aws_dr_application) has it.
    type: dict
    required: true
  folder:
    description: Folder on the controller that has the ledger.
    type: path
    required: true
  delete_data_stores:
    description: Names of data stores to be deleted, with all that is in them.
    type: list
    elements: str
    default: []
  everything:
    description: Whether to take back what all deployments created, and not the last one alone.
    type: bool
    default: false
  confirm:
    description:
      - The application's name. Needed when the last deployment was completed, or with O(everything).
    type: str
    default: ""
attributes:
  check_mode:
    description: Says what would be deleted and deletes nothing.
    support: full
  diff_mode:
    description: Shows what is deleted.
    support: full
"""

EXAMPLES = r"""
- name: Take back what the failed deploy created
  pilotlight.aws_dr.deployment_rollback:
    application: "{{ aws_dr_application }}"
    folder: "{{ aws_dr_reports_dir }}"

- name: The same, with the bucket and what is in it
  pilotlight.aws_dr.deployment_rollback:
    application: "{{ aws_dr_application }}"
    folder: "{{ aws_dr_reports_dir }}"
    delete_data_stores: [dr-webapp-dr-data]
"""

RETURN = r"""
run_id:
  description: The last run of the deployment.
  returned: always
  type: str
deleted:
  description: What was deleted, or would be, in that order.
  returned: always
  type: list
  elements: str
kept:
  description: What the deployment created and what stays.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: What it is.
      type: str
      returned: always
    reason:
      description: Why it stays.
      type: str
      returned: always
    command:
      description: What removes it by hand.
      type: str
      returned: always
problems:
  description: What could not be deleted, one sentence each.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.deploying import deployments_of


def _run(module):
    done = deployments_of(module).take_back(
        module.params["delete_data_stores"], module.params["everything"], module.params["confirm"]
    )
    deleted = [str(resource) for resource in done.deleted]
    result = {
        "changed": bool(deleted),
        "run_id": done.run_id,
        "deleted": deleted,
        "kept": [
            {"resource": str(item.resource), "reason": item.reason, "command": item.by_hand} for item in done.kept
        ],
        "problems": list(done.problems),
    }
    if module._diff:
        result["diff"] = {"before": "".join(f"{line}\n" for line in deleted), "after": ""}
    return result


def main():
    module = AnsibleModule(
        argument_spec={
            "application": {"type": "dict", "required": True},
            "folder": {"type": "path", "required": True},
            "delete_data_stores": {"type": "list", "elements": "str", "default": []},
            "everything": {"type": "bool", "default": False},
            "confirm": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    try:
        result = _run(module)
    except RecoveryError as error:
        module.fail_json(msg=str(error))
    if result["problems"]:
        module.fail_json(msg="\n".join(result["problems"]), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
