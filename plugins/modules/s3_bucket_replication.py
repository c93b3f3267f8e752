# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_bucket_replication
version_added: 0.1.0
short_description: Declare rules of S3 replication of a bucket
description:
  - Merges rules by their id into what the bucket replicates already. Rules of others stay as they are.
  - A bucket has one role for all of its rules. It is never replaced while rules of others depend on it.
  - A rule is complete by default. It replicates delete markers and changes made on replicas, with Replication Time
    Control, and objects under SSE-KMS when it has a O(rules[].replica_key_arn). What it still leaves out is returned
    rule by rule.
  - S3 bucket configuration is a control plane that depends on C(us-east-1), so this belongs in a deployment, never in a
    move.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  bucket:
    description: Name of the source bucket, in the module's region. It must keep versions.
    type: str
    required: true
  state:
    description:
      - V(present) writes the rules, V(absent) takes rules of those ids away.
    type: str
    choices: [present, absent]
    default: present
  role:
    description: ARN of the role that S3 replicates with. Needed for O(state=present).
    type: str
  rules:
    description: The rules that are ours.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Identifies the rule in the bucket; up to 255 characters.
        type: str
        required: true
      destination_bucket:
        description: Name of the bucket that objects are copied to. It must keep versions. Needed for O(state=present).
        type: str
      replica_key_arn:
        description: ARN of the KMS key, in the destination's region, that encrypts replicas of objects under SSE-KMS.
        type: str
      prefix:
        description: Only objects whose keys begin with it. Empty means all.
        type: str
        default: ""
      priority:
        description: Which of overlapping rules wins, the highest. Left out, it stays as it is, or becomes the highest.
        type: int
      enabled:
        description: Whether S3 follows the rule.
        type: bool
        default: true
      delete_markers:
        description: Whether an object deleted here is deleted there.
        type: bool
        default: true
      replica_modifications:
        description: Whether changes of metadata made on replicas are copied too. Both directions need it.
        type: bool
        default: true
      time_control:
        description: Whether Replication Time Control (15 minutes) and its metrics are on.
        type: bool
        default: true
  purge_rules:
    description: Whether rules of others are taken away.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
seealso:
  - module: pilotlight.aws_dr.s3_bucket_replication_info
"""

EXAMPLES = r"""
- name: Replicate everything to the dr region
  pilotlight.aws_dr.s3_bucket_replication:
    bucket: dr-webapp-primary-data
    role: arn:aws:iam::123456789012:role/dr-webapp-s3-replication-role
    rules:
      - id: pilotlight-to-dr
        destination_bucket: dr-webapp-dr-data
        replica_key_arn: arn:aws:kms:us-west-2:123456789012:key/2c6f4b6e-0000-4000-8000-000000000000
    region: us-east-1
"""

RETURN = r"""
replication:
  description: What the bucket replicates now, in check mode what it would. Empty when nothing.
  returned: success
  type: dict
  contains:
    role:
      description: ARN of the role that S3 replicates with.
      type: str
      returned: when there are rules
    rules:
      description: The rules, ours and those of others.
      type: list
      elements: dict
      returned: when there are rules
      contains:
        id:
          description: Its id.
          type: str
          returned: success
        destination_bucket:
          description: Where objects are copied to.
          type: str
          returned: success
        not_covered:
          description: What the rule leaves out, one sentence each.
          type: list
          elements: str
          returned: success
assumed:
  description: What is missing still, and was taken for granted in check mode. Without it that is a failure.
  returned: success
  type: list
  elements: str
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [PutBucketReplication]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import replication
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported, finish

RULE = {
    "id": {"required": True},
    "destination_bucket": {},
    "replica_key_arn": {"no_log": False},
    "prefix": {"default": ""},
    "priority": {"type": "int"},
    "enabled": {"type": "bool", "default": True},
    "delete_markers": {"type": "bool", "default": True},
    "replica_modifications": {"type": "bool", "default": True},
    "time_control": {"type": "bool", "default": True},
}


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "bucket": {"required": True},
            "state": {"choices": ["present", "absent"], "default": "present"},
            "role": {},
            "rules": {"type": "list", "elements": "dict", "required": True, "options": RULE},
            "purge_rules": {"type": "bool", "default": False},
        },
        required_if=[("state", "present", ["role"])],
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "s3"))


def _declare(module, s3):
    bucket, given = module.params["bucket"], module.params["rules"]
    missing = _missing(module, s3)
    if missing and module.params["state"] == "present" and not module.check_mode:
        raise Refused(missing)
    current = None if missing else replication.observe(s3, bucket)
    if module.params["state"] == "absent":
        change = replication.decide_absent(bucket, current, [rule["id"] for rule in given])
    else:
        rules = [_rule(module.params["role"], rule) for rule in given]
        change = replication.decide_present(bucket, current, module.params["role"], rules, module.params["purge_rules"])
    if not module.check_mode:
        s3.apply(change)
    finish(module, change, replication=change.after, assumed=[missing] if missing else [])


def _missing(module, s3):
    """What replication needs and the bucket has not; in check mode a deployment may not have come so far."""
    bucket = module.params["bucket"]
    if not replication.exists(s3, bucket):
        return f"there is no bucket {bucket} that these credentials see"
    if module.params["state"] == "present" and not replication.versioned(s3, bucket):
        return f"bucket {bucket} keeps no versions, without which S3 does not replicate: turn versioning on first"
    return None


def _rule(role, given):
    if not given["destination_bucket"]:
        raise Refused(f"rule {given['id']} needs a destination_bucket")
    return replication.Rule(**given, partition=role.split(":")[1] if role.startswith("arn:") else "aws")


if __name__ == "__main__":
    main()
