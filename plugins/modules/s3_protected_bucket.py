# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_protected_bucket
version_added: 0.1.0
short_description: Declare a versioned, encrypted and private bucket
description:
  - Makes a bucket that keeps versions, encrypts under KMS, blocks public access and answers over TLS only.
  - Statements and tags of others are left alone. A bucket is never deleted.
  - Does what M(amazon.aws.s3_bucket) does, and can say beforehand what it would do.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  name:
    description: Name of the bucket.
    type: str
    required: true
  create:
    description: Whether the bucket is made when there is none. Otherwise that is a failure.
    type: bool
    default: true
  versioned:
    description: Whether versioning is turned on. It can be suspended later, never removed.
    type: bool
    default: true
  kms_key:
    description:
      - ARN of the KMS key that objects are encrypted under by default. Empty means the account's own key of S3.
      - Left out together with O(encrypted=false), the default encryption stays as it is.
    type: str
    default: ""
  encrypted:
    description: Whether default encryption under KMS is turned on.
    type: bool
    default: true
  private:
    description: Whether all public access is blocked.
    type: bool
    default: true
  tls_only:
    description: Whether a statement of the bucket's policy denies requests without TLS.
    type: bool
    default: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
  - pilotlight.aws_dr.declaration.tags
seealso:
  - module: amazon.aws.s3_bucket
  - module: pilotlight.aws_dr.s3_bucket_replication
"""

EXAMPLES = r"""
- name: Make the bucket of the dr site
  pilotlight.aws_dr.s3_protected_bucket:
    name: dr-webapp-dr-data
    kms_key: arn:aws:kms:us-west-2:123456789012:key/2c6f4b6e-0000-4000-8000-000000000000
    region: us-west-2

- name: Turn on versioning of an existing bucket, and nothing else
  pilotlight.aws_dr.s3_protected_bucket:
    name: dr-webapp-primary-data
    create: false
    encrypted: false
    private: false
    tls_only: false
    region: us-east-1
"""

RETURN = r"""
bucket:
  description: The bucket as it is now, in check mode as it would be.
  returned: success
  type: dict
  contains:
    versioning:
      description: V(Enabled), V(Suspended) or C(never enabled).
      type: str
      returned: success
    encryption:
      description: The algorithm of the default encryption.
      type: str
      returned: success
    public_access_blocked:
      description: Whether all public access is blocked.
      type: bool
      returned: success
    tls_only:
      description: Whether the policy has our statement.
      type: bool
      returned: success
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [CreateBucket, PutPublicAccessBlock]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import protected_bucket
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported, finish


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"required": True},
            "create": {"type": "bool", "default": True},
            "versioned": {"type": "bool", "default": True},
            "kms_key": {"default": "", "no_log": False},
            "encrypted": {"type": "bool", "default": True},
            "private": {"type": "bool", "default": True},
            "tls_only": {"type": "bool", "default": True},
            "tags": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "s3"))


def _declare(module, s3):
    given = module.params
    wanted = protected_bucket.Wanted(
        name=given["name"],
        region=module.region,
        create=given["create"],
        versioned=given["versioned"],
        kms_key=given["kms_key"] if given["encrypted"] else None,
        private=given["private"],
        tls_only=given["tls_only"],
        tags=given["tags"] or {},
        partition=module.client("s3").meta.partition,
    )
    held = protected_bucket.observe(s3, wanted.name)
    change = protected_bucket.decide(held, wanted)
    if not module.check_mode:
        s3.apply(change)
    finish(module, change, bucket=change.after)


if __name__ == "__main__":
    main()
