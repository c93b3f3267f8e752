# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_bucket_replication_info
version_added: 0.1.0
short_description: Read what a bucket replicates, and what it leaves out
description:
  - Returns the rules of S3 replication of a bucket, each with what it leaves out.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  bucket:
    description: Name of the source bucket, in the module's region.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration.info
seealso:
  - module: pilotlight.aws_dr.s3_bucket_replication
"""

EXAMPLES = r"""
- name: Read what the bucket replicates
  pilotlight.aws_dr.s3_bucket_replication_info:
    bucket: dr-webapp-primary-data
    region: us-east-1
"""

RETURN = r"""
exists:
  description: Whether the bucket is there.
  returned: success
  type: bool
versioned:
  description: Whether the bucket keeps versions.
  returned: success
  type: bool
replication:
  description: What the bucket replicates, as M(pilotlight.aws_dr.s3_bucket_replication) returns it. Empty when nothing.
  returned: success
  type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import replication
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported


def main():
    module = AnsibleAWSModule(argument_spec={"bucket": {"required": True}}, supports_check_mode=True)
    s3, bucket = api(module, "s3"), module.params["bucket"]
    with failures_reported(module):
        if not replication.exists(s3, bucket):
            module.exit_json(changed=False, exists=False, versioned=False, replication={})
        module.exit_json(
            changed=False,
            exists=True,
            versioned=replication.versioned(s3, bucket),
            replication=replication.describe(replication.observe(s3, bucket)),
        )


if __name__ == "__main__":
    main()
