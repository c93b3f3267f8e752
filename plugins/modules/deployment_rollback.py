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

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import ledger, resources, rollback
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.clients import Clients
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.ledger_store import ledger_of
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_application
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.workers import ThreadWorkers
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import SystemClock


def _refuse_without_confirmation(module, application, deployment):
    if not (deployment.completed or module.params["everything"]) or module.params["confirm"] == application.name:
        return
    given = module.params["confirm"] or "empty"
    what = "all deployments" if module.params["everything"] else f"the deployment {deployment.run_id}, which completed,"
    raise Refused(
        f"rollback_confirm is {given}: to take back {what} say rollback_confirm={application.name}; nothing was changed"
    )


def _run(module):
    application = parse_application(module.params["application"])
    clients = Clients(clock=SystemClock())

    def at_place(place):
        return resources.At(clients, resources.access_of(application, place))

    at = resources.doors(application, clients)
    store = ledger_of(application, Path(module.params["folder"]), at_place("dr"))
    deployment = ledger.last_deployment(store.read(), module.params["everything"])
    there = [resource for resource, exists in rollback.present(deployment.created, at, ThreadWorkers(8)) if exists]
    named = module.params["delete_data_stores"]
    for name in rollback.unknown_names(there, named):
        module.warn(f"rollback_delete_data_stores names {name}: the deployment has created no such data store")
    items = rollback.plan(there, named)
    doomed = [item for item in items if item.action == "delete"]
    if doomed:
        _refuse_without_confirmation(module, application, deployment)
        reasons = rollback.in_service(application, at_place)
        if reasons:
            raise Refused("; ".join(reasons) + "; nothing was changed")
    deleted, problems = [str(item.resource) for item in doomed], []
    if not module.check_mode:
        deleted = []

        def gone(resource):
            deleted.append(str(resource))
            store.append([ledger.deleted(deployment.run_id, time.time(), resource)])

        problems = rollback.take_back(items, at, SystemClock(), gone)
        if deleted:
            store.publish()
    result = {
        "changed": bool(deleted),
        "run_id": deployment.run_id,
        "deleted": deleted,
        "kept": [
            {"resource": str(item.resource), "reason": item.reason, "command": item.by_hand}
            for item in items
            if item.action == "keep"
        ],
        "problems": problems,
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
