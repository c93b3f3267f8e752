# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: dynamodb_protected_table
version_added: 0.1.0
short_description: Declare an encrypted and recoverable table
description:
  - Makes a table with two string keys, paid for on demand, encrypted under KMS, with point-in-time recovery.
  - Tags of others are left alone. A table is never deleted, and its keys are never changed.
  - M(community.aws.dynamodb_table) knows neither encryption nor point-in-time recovery.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  name:
    description: Name of the table.
    type: str
    required: true
  hash_key:
    description: Name of the hash key.
    type: str
    required: true
  range_key:
    description: Name of the range key.
    type: str
    required: true
  kms_key:
    description: ARN of the KMS key that it is encrypted under. Empty means the account's own key of DynamoDB.
    type: str
    default: ""
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
  - pilotlight.aws_dr.declaration.tags
  - pilotlight.aws_dr.declaration.wait
"""

EXAMPLES = r"""
- name: Make the table of the state store
  pilotlight.aws_dr.dynamodb_protected_table:
    name: dr-webapp-dr-state
    hash_key: application
    range_key: item
    region: us-west-2
"""

RETURN = r"""
table:
  description: The table as it is now, in check mode as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: success
    encryption:
      description: V(KMS), or whose key it is encrypted with otherwise.
      type: str
      returned: success
    recoverable:
      description: Whether point-in-time recovery is on.
      type: bool
      returned: success
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [CreateTable, UpdateContinuousBackups]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import protected_table
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Change, wait_until
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import (
    WAIT_OPTIONS,
    api,
    failures_reported,
    finish,
)


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"required": True},
            "hash_key": {"required": True, "no_log": False},
            "range_key": {"required": True, "no_log": False},
            "kms_key": {"default": "", "no_log": False},
            "tags": {"type": "dict"},
            **WAIT_OPTIONS,
        },
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "dynamodb"))


def _declare(module, dynamodb):
    given = module.params
    keys = {key: given[key] for key in ("hash_key", "range_key", "kms_key")}
    wanted = protected_table.Wanted(name=given["name"], tags=given["tags"] or {}, **keys)
    held = protected_table.observe(dynamodb, wanted.name)
    changes = protected_table.decide(held, wanted)
    if not module.check_mode:
        for change in changes:
            dynamodb.apply(change)
            _wait(module, dynamodb, change)
    calls = tuple(call for change in changes for call in change.calls)
    after = changes[-1].after
    finish(module, Change(protected_table.describe(held), after, calls), table=after)


def _wait(module, dynamodb, change):
    name = module.params["name"]
    if change.calls and module.params["wait"]:
        wait_until(
            lambda: protected_table.waiting_for(protected_table.observe(dynamodb, name), name),
            SystemClock(),
            module.params["wait_timeout"],
            module.params["wait_interval"],
        )


if __name__ == "__main__":
    main()
