# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: deployment_ledger
version_added: 0.1.0
short_description: Note what existed before a deploy
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Looks at every resource that a deploy manages and notes whether it exists, before the deploy creates anything.
    M(pilotlight.aws_dr.deployment_rollback) then takes back what was not there, and nothing else.
  - The ledger is a file of JSON lines on the controller, with a copy in the dr region's state bucket as soon as that is
    there. The copy is only written when a deploy has something to create.
  - Runs that follow one another without success are one deployment.
options:
  application:
    description: The application, as C(aws_dr_application) has it.
    type: dict
    required: true
  folder:
    description: Folder on the controller; the ledger is C(deployments/<application>.jsonl) in it.
    type: path
    required: true
  event:
    description:
      - What is noted.
      - V(begun) opens a run and looks at O(resources).
      - V(continued) only brings the copy in the bucket up to date.
      - V(completed) and V(failed) close the run.
    type: str
    choices: [begun, continued, completed, failed]
    default: begun
  run_id:
    description: The run that is continued or closed, as V(begun) returned it.
    type: str
  phase:
    description: The phase in which a run failed.
    type: str
    default: ""
  resources:
    description: What the deploy manages, in the order in which it is created.
    type: list
    elements: dict
    default: []
    suboptions:
      phase:
        description: The phase that creates it.
        type: str
        default: ""
      kind:
        description: The kind of resource, such as V(cloudformation_stack).
        type: str
        required: true
      names:
        description: Names of resources of that kind.
        type: list
        elements: str
        required: true
      place:
        description: The site in whose region it is, or V(traffic) for DNS.
        type: str
        choices: [primary, dr, traffic]
        default: dr
      belongs_to:
        description: Name of the data store that it is a part of.
        type: str
        default: ""
      optional:
        description: Whether it is made only where the application needs it.
        type: bool
        default: false
      stands_on:
        description: Names of resources that cannot be deleted as long as it exists.
        type: list
        elements: str
        default: []
attributes:
  check_mode:
    description: Looks at everything and notes nothing.
    support: full
  diff_mode:
    description: It does not change what it looks at, so there is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Note what exists already
  pilotlight.aws_dr.deployment_ledger:
    application: "{{ aws_dr_application }}"
    folder: "{{ aws_dr_reports_dir }}"
    resources:
      - {phase: network, kind: cloudformation_stack, names: [dr-webapp-vpc]}
  register: deploy_ledger

- name: Note that the deploy is complete
  pilotlight.aws_dr.deployment_ledger:
    application: "{{ aws_dr_application }}"
    folder: "{{ aws_dr_reports_dir }}"
    event: completed
    run_id: "{{ deploy_ledger.run_id }}"
"""

RETURN = r"""
run_id:
  description: The run.
  returned: always
  type: str
  sample: 20260101T120000Z-deploy-1a2b3c
file:
  description: The ledger on the controller.
  returned: always
  type: str
absent:
  description: What is not there yet, so what the run will create.
  returned: when O(event=begun)
  type: list
  elements: dict
  contains:
    phase:
      description: The phase that creates it.
      type: str
      returned: always
    place:
      description: The site, or V(traffic).
      type: str
      returned: always
    region:
      description: The region.
      type: str
      returned: always
    sentence:
      description: What it is, and whether it can be taken back.
      type: str
      returned: always
existing:
  description: What is there already, one sentence each.
  returned: when O(event=begun)
  type: list
  elements: str
"""

import secrets

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import deployment, resources
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.deploying import deployments_of


def _announced(resource):
    return {
        "phase": resource.phase,
        "place": resource.place,
        "region": resource.region,
        "sentence": deployment.announced(resource),
    }


def _begin(module, deployments):
    wanted = resources.declared(deployments.application, module.params["resources"])
    begun = deployments.begin(wanted, secrets.token_hex(3))
    return {
        "run_id": begun.run_id,
        "absent": [_announced(resource) for resource in begun.absent],
        "existing": [str(resource) for resource in begun.existing],
    }


def _go_on(module, deployments):
    run_id = module.params["run_id"]
    if module.params["event"] == "continued":
        deployments.go_on(run_id)
    elif module.params["event"] == "completed":
        deployments.complete(run_id)
    else:
        deployments.fail(run_id, module.params["phase"])
    return {"run_id": run_id}


def main():
    module = AnsibleModule(
        argument_spec={
            "application": {"type": "dict", "required": True},
            "folder": {"type": "path", "required": True},
            "event": {
                "type": "str",
                "choices": ["begun", "continued", "completed", "failed"],
                "default": "begun",
            },
            "run_id": {"type": "str"},
            "phase": {"type": "str", "default": ""},
            "resources": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "phase": {"type": "str", "default": ""},
                    "kind": {"type": "str", "required": True},
                    "names": {"type": "list", "elements": "str", "required": True},
                    "place": {"type": "str", "choices": ["primary", "dr", "traffic"], "default": "dr"},
                    "belongs_to": {"type": "str", "default": ""},
                    "optional": {"type": "bool", "default": False},
                    "stands_on": {"type": "list", "elements": "str", "default": []},
                },
            },
        },
        required_if=[("event", event, ("run_id",)) for event in ("continued", "completed", "failed")],
        supports_check_mode=True,
    )
    try:
        deployments = deployments_of(module)
        result = (_begin if module.params["event"] == "begun" else _go_on)(module, deployments)
    except RecoveryError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, file=str(deployments.store.file), **result)


if __name__ == "__main__":
    main()
