# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_protected_bucket_info
version_added: 0.1.0
short_description: Read how a bucket is protected
description:
  - Returns the versioning, encryption, privacy and tags of a bucket.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  name:
    description: Name of the bucket.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration.info
seealso:
  - module: pilotlight.aws_dr.s3_protected_bucket
"""

EXAMPLES = r"""
- name: Read how the bucket is protected
  pilotlight.aws_dr.s3_protected_bucket_info:
    name: dr-webapp-dr-data
    region: us-west-2
"""

RETURN = r"""
bucket:
  description: The bucket, as M(pilotlight.aws_dr.s3_protected_bucket) returns it. Empty when there is none.
  returned: success
  type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import protected_bucket
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported


def main():
    module = AnsibleAWSModule(argument_spec={"name": {"required": True}}, supports_check_mode=True)
    with failures_reported(module):
        held = protected_bucket.observe(api(module, "s3"), module.params["name"])
        module.exit_json(changed=False, bucket=protected_bucket.describe(held))


if __name__ == "__main__":
    main()
