# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which IAM actions a call needs: mostly service and operation under another prefix, with exceptions that have sources.

Source of the rule: IAM user guide, "IAM JSON policy elements: Action": an action is the service's prefix and the
operation's name. Prefixes and exceptions: Service Authorization Reference, the page of the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIXES = {
    "application-autoscaling": "application-autoscaling",
    "elbv2": "elasticloadbalancing",
    "elb": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
}
"""boto3's name of a service -> its prefix in policies, where they differ."""

EXCEPTIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    # Service Authorization Reference, Amazon S3: actions are named after what is read or written, not after the call.
    ("s3", "ListBuckets"): ("s3:ListAllMyBuckets",),
    ("s3", "HeadBucket"): ("s3:ListBucket",),
    ("s3", "ListObjects"): ("s3:ListBucket",),
    ("s3", "ListObjectsV2"): ("s3:ListBucket",),
    ("s3", "ListObjectVersions"): ("s3:ListBucketVersions",),
    ("s3", "HeadObject"): ("s3:GetObject",),
    ("s3", "CopyObject"): ("s3:GetObject", "s3:PutObject"),
    ("s3", "DeleteObjects"): ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    ("s3", "GetBucketEncryption"): ("s3:GetEncryptionConfiguration",),
    ("s3", "PutBucketEncryption"): ("s3:PutEncryptionConfiguration",),
    ("s3", "GetBucketReplication"): ("s3:GetReplicationConfiguration",),
    ("s3", "PutBucketReplication"): ("s3:PutReplicationConfiguration",),
    ("s3", "DeleteBucketReplication"): ("s3:PutReplicationConfiguration",),
    ("s3", "GetBucketLifecycleConfiguration"): ("s3:GetLifecycleConfiguration",),
    ("s3", "PutBucketLifecycleConfiguration"): ("s3:PutLifecycleConfiguration",),
    ("s3", "DeleteBucketLifecycle"): ("s3:PutLifecycleConfiguration",),
    ("s3", "GetPublicAccessBlock"): ("s3:GetBucketPublicAccessBlock",),
    ("s3", "PutPublicAccessBlock"): ("s3:PutBucketPublicAccessBlock",),
    ("s3", "DeletePublicAccessBlock"): ("s3:PutBucketPublicAccessBlock",),
    ("s3", "DeleteBucketTagging"): ("s3:PutBucketTagging",),
    ("s3", "GetBucketNotificationConfiguration"): ("s3:GetBucketNotification",),
    ("s3", "GetBucketAccelerateConfiguration"): ("s3:GetAccelerateConfiguration",),
    ("s3", "GetObjectLockConfiguration"): ("s3:GetBucketObjectLockConfiguration",),
    # AWS Lambda: one action for two generations of the same call.
    ("lambda", "Invoke"): ("lambda:InvokeFunction",),
    # Amazon DynamoDB: conditional and plain writes are one action; nothing to map. Amazon RDS, IAM, EC2: by name.
    # Developer guide, "Using IAM with DynamoDB transactions": what is in a transaction needs its own actions.
    ("dynamodb", "TransactWriteItems"): ("dynamodb:UpdateItem",),
    # AWS STS: GetCallerIdentity needs no permission at all (STS API reference), and cannot be forbidden.
    ("sts", "GetCallerIdentity"): (),
}


def actions_of(service: str, operation: str) -> tuple[str, ...]:
    """The IAM actions that the call needs; none for a call that needs no permission."""
    if (service, operation) in EXCEPTIONS:
        return EXCEPTIONS[service, operation]
    return (f"{PREFIXES.get(service, service)}:{operation}",)


def needed(call: Mapping[str, Any]) -> tuple[str, ...]:
    """The actions that one line of a call log needs, those included that its parameters ask for."""
    actions = actions_of(call["service"], call["operation"])
    request = call["request"]
    match call["service"], call["operation"]:
        case "s3", "PutObject":
            # S3 user guide, PutObject: tags and ACLs in the same request are permissions of their own.
            actions += ("s3:PutObjectTagging",) if request.get("Tagging") else ()
        case "s3", ("GetObject" | "HeadObject" | "DeleteObject" as name) if request.get("VersionId"):
            actions = ({"DeleteObject": "s3:DeleteObjectVersion"}.get(name, "s3:GetObjectVersion"),)
    return actions
