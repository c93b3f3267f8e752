#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: move_archive
version_added: 0.1.0
short_description: Keep the files of a move in the state bucket of a living region
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Puts files into the state bucket of one of an application's sites. Each call runs under a deadline, as this follows
    a move after which half of AWS may not answer. Nothing but objects is written.
  - Where that bucket does not take them, as after a move whose target is dead, they go to that of the other site,
    with a warning.
options:
  application:
    description: The application, as M(pilotlight.aws_dr.region_switch) takes it.
    type: dict
    required: true
  place:
    description: The site whose bucket is asked first to take the files.
    type: str
    choices: [primary, dr]
    required: true
  required:
    description: Whether it is a failure that no bucket takes the files; otherwise it is a warning.
    type: bool
    default: true
  objects:
    description: The files.
    type: list
    elements: dict
    required: true
    suboptions:
      key:
        description: Key of the object.
        type: str
        required: true
      path:
        description: File to keep. In check mode it need not be there yet.
        type: path
        required: true
attributes:
  check_mode:
    description: Keeps nothing. RV(plan) says what would be called.
    support: full
  diff_mode:
    description: Shows the calls.
    support: full
"""

EXAMPLES = r"""
- name: Keep the report in the dr region
  pilotlight.aws_dr.move_archive:
    application: "{{ aws_dr_application }}"
    place: dr
    objects:
      - key: reports/20261123T020000Z-drill-abcdef/report.json
        path: reports/20261123T020000Z-drill-abcdef/report.json
"""

RETURN = r"""
objects:
  description: The objects, as C(s3://) names. Empty where no bucket took them.
  returned: always
  type: list
  elements: str
kept_in:
  description:
    - The site whose bucket has the files, V(primary) or V(dr). In check mode the one that would be asked first.
  returned: when one has them
  type: str
plan:
  description: The calls, as the plan of a move names them.
  returned: always
  type: list
  elements: dict
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.archive import Kept, keep
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.checklist import object_call, plan_lines
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.clients import Clients
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import RecoveryError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.fields import ModelError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_application
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock


def main():
    module = AnsibleModule(
        argument_spec={
            "application": {"type": "dict", "required": True},
            "place": {"type": "str", "choices": ["primary", "dr"], "required": True},
            "required": {"type": "bool", "default": True},
            "objects": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "key": {"type": "str", "required": True, "no_log": False},
                    "path": {"type": "path", "required": True},
                },
            },
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        application = parse_application(given["application"])
        site = application.site(given["place"])
        kept = Kept(site)
        if not module.check_mode:
            files = {one["key"]: Path(one["path"]).read_bytes() for one in given["objects"]}
            kept = keep(Clients(SystemClock()), (site, application.other(given["place"])), files)
    except (ModelError, RecoveryError, OSError) as error:
        module.fail_json(msg=str(error))
    if kept.site is None and given["required"]:
        module.fail_json(msg=kept.line())
    if kept.line():
        module.warn(kept.line())
    objects = given["objects"] if kept.site else []
    plan = [object_call("keep-report", kept.site, one["key"]) for one in objects]
    module.exit_json(
        changed=bool(plan),
        objects=[f"s3://{kept.site.state_bucket}/{one['key']}" for one in objects],
        **({"kept_in": kept.site.place} if kept.site else {}),
        plan=plan,
        diff={"prepared": plan_lines(plan)},
    )


if __name__ == "__main__":
    main()
