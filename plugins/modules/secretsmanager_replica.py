# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secretsmanager_replica
version_added: 0.1.0
short_description: Declare a replica of a secret in another region
description:
  - Replicates a secret of Secrets Manager to another region and waits until the replica is in sync.
  - The secret's value is never read and never written, and no other replica, rotation or policy is touched.
    M(community.aws.secretsmanager_secret) replicates too, but compares and rewrites the value, and takes away what it
    is not told of.
  - A replica is read-only and keeps up with rotation. The key of a replica cannot be changed, so another key means that
    the replica is removed and made anew.
  - A secret of the same name that is there already and is no replica is never overwritten.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  name:
    description: Name or ARN of the secret in the module's region.
    type: str
    required: true
  replica_region:
    description: Region of the replica.
    type: str
    required: true
  kms_key:
    description:
      - ARN or alias of the KMS key in O(replica_region) that the replica is encrypted under.
      - Empty means the account's own key of Secrets Manager there, or whatever key an existing replica has.
    type: str
    default: ""
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
  - pilotlight.aws_dr.declaration.wait
seealso:
  - module: community.aws.secretsmanager_secret
"""

EXAMPLES = r"""
- name: Keep the database's password in the dr region too
  pilotlight.aws_dr.secretsmanager_replica:
    name: dr-webapp/database
    replica_region: us-west-2
    kms_key: arn:aws:kms:us-west-2:123456789012:key/2c6f4b6e-0000-4000-8000-000000000000
    region: us-east-1
"""

RETURN = r"""
replica:
  description: The replica as it is now, in check mode as it was. Empty when there is none.
  returned: success
  type: dict
  contains:
    region:
      description: Its region.
      type: str
      returned: when it exists
    kms_key:
      description: The key that it is encrypted under.
      type: str
      returned: when it exists
    status:
      description: Its state.
      type: str
      returned: when it exists
      sample: InSync
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [ReplicateSecretToRegions]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import secret_replica
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import wait_until
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
            "replica_region": {"required": True},
            "kms_key": {"default": "", "no_log": False},
            **WAIT_OPTIONS,
        },
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "secretsmanager"))


def _declare(module, secrets):
    given = module.params
    wanted = secret_replica.Wanted(given["name"], given["replica_region"], given["kms_key"])
    change = secret_replica.decide(secret_replica.observe(secrets, wanted), wanted)
    if not module.check_mode:
        secrets.apply(change)
        if given["wait"]:
            wait_until(
                lambda: secret_replica.unfinished(secret_replica.observe(secrets, wanted), wanted),
                SystemClock(),
                given["wait_timeout"],
                given["wait_interval"],
            )
    held = secret_replica.replica(secret_replica.observe(secrets, wanted), wanted.region)
    names = {"Region": "region", "KmsKeyId": "kms_key", "Status": "status"}
    finish(module, change, replica={name: held[key] for key, name in names.items() if key in held})


if __name__ == "__main__":
    main()
