#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: orchestrator_package
version_added: 0.1.0
short_description: Pack Python files for a Lambda function, the same bytes each time
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Packs files and folders into a zip whose bytes depend on their content and names alone. Entries are sorted; times,
    owners and modes are fixed, so a function is updated when its code changed and not when it was packed again.
options:
  sources:
    description:
      - What is packed. Of a folder all C(.py) files.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: File or folder.
        type: path
        required: true
      name:
        description: Its name at the top of the zip.
        type: str
        required: true
  dest:
    description: The zip. Its folder is made when it is missing.
    type: path
    required: true
attributes:
  check_mode:
    description: Says whether the zip would change.
    support: full
  diff_mode:
    description: Shows the digests of the zip.
    support: full
  idempotent:
    description: Unchanged sources leave the zip as it is.
    support: full
"""

EXAMPLES = r"""
- name: Pack the orchestrator
  pilotlight.aws_dr.orchestrator_package:
    sources:
      - path: plugins/module_utils/_recovery
        name: _recovery
      - path: roles/orchestrator/files/failover_handler.py
        name: failover_handler.py
    dest: /var/tmp/orchestrator.zip
"""

RETURN = r"""
dest:
  description: The zip.
  returned: always
  type: str
sha256:
  description: Its SHA-256 digest in base64, as Lambda names it (C(CodeSha256)).
  returned: always
  type: str
size:
  description: Its size in bytes.
  returned: always
  type: int
files:
  description: Names of the files in it.
  returned: always
  type: list
  elements: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.package import code_sha256, collected, packed


def main():
    module = AnsibleModule(
        argument_spec={
            "sources": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {"path": {"type": "path", "required": True}, "name": {"type": "str", "required": True}},
            },
            "dest": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    dest = module.params["dest"]
    try:
        files = collected([(source["path"], source["name"]) for source in module.params["sources"]])
        content = packed(files)
        before = _read(dest)
        if before != content and not module.check_mode:
            os.makedirs(os.path.dirname(dest) or ".", exist_ok=True)
            with open(dest, "wb") as file:
                file.write(content)
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"{dest} cannot be packed: {error}")
    module.exit_json(
        changed=before != content,
        dest=dest,
        sha256=code_sha256(content),
        size=len(content),
        files=sorted(files),
        diff={"before": {"sha256": code_sha256(before) if before else None}, "after": {"sha256": code_sha256(content)}},
    )


def _read(path):
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    main()
