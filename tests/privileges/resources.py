# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ARNs of what a call is about, as far as its parameters name it.

Forms: Service Authorization Reference, "Resource types defined by" the service. What AWS makes up itself and no call
names (the end of a secret's or a stack's ARN) is filled in with letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MADE_UP = "abcdef"

# service -> member of the request -> ARN, without partition; {r} region, {a} account, {v} the value, others by name
_FORMS: Mapping[str, Mapping[str, str]] = {
    "autoscaling": {"AutoScalingGroupName": "autoscaling:{r}:{a}:autoScalingGroup:abcdef:autoScalingGroupName/{v}"},
    "cloudformation": {"StackName": "cloudformation:{r}:{a}:stack/{v}/abcdef"},
    "cloudwatch": {
        "AlarmName": "cloudwatch:{r}:{a}:alarm:{v}",
        "AlarmNames": "cloudwatch:{r}:{a}:alarm:{v}",
        "DashboardName": "cloudwatch::{a}:dashboard/{v}",
    },
    "dynamodb": {"TableName": "dynamodb:{r}:{a}:table/{v}", "RequestItems": "dynamodb:{r}:{a}:table/{v}"},
    "ec2": {
        "GroupId": "ec2:{r}:{a}:security-group/{v}",
        "LaunchTemplateId": "ec2:{r}:{a}:launch-template/{v}",
    },
    "iam": {
        "RoleName": "iam::{a}:role/{v}",
        "InstanceProfileName": "iam::{a}:instance-profile/{v}",
    },
    "kms": {"KeyId": "kms:{r}:{a}:key/{v}", "TargetKeyId": "kms:{r}:{a}:key/{v}", "AliasName": "kms:{r}:{a}:{v}"},
    "lambda": {"FunctionName": "lambda:{r}:{a}:function:{v}", "UUID": "lambda:{r}:{a}:event-source-mapping:{v}"},
    "logs": {"logGroupName": "logs:{r}:{a}:log-group:{v}"},
    "rds": {
        "DBClusterIdentifier": "rds:{r}:{a}:cluster:{v}",
        "DBInstanceIdentifier": "rds:{r}:{a}:db:{v}",
        "DBSubnetGroupName": "rds:{r}:{a}:subgrp:{v}",
        "DBClusterParameterGroupName": "rds:{r}:{a}:cluster-pg:{v}",
        "GlobalClusterIdentifier": "rds::{a}:global-cluster:{v}",
        "TargetDbClusterIdentifier": "{v}",
        "SourceDBClusterIdentifier": "{v}",
        "DbClusterIdentifier": "{v}",
        "SourceDBClusterSnapshotIdentifier": "{v}",
        "TargetDBClusterSnapshotIdentifier": "rds:{r}:{a}:cluster-snapshot:{v}",
    },
    "route53": {
        "HostedZoneId": "route53:::hostedzone/{v}",
        "HealthCheckId": "route53:::healthcheck/{v}",
    },
    "scheduler": {"Name": "scheduler:{r}:{a}:schedule/{GroupName}/{v}"},
    "secretsmanager": {"SecretId": "secretsmanager:{r}:{a}:secret:{v}-abcdef"},
    "service-quotas": {"QuotaCode": "servicequotas:{r}:{a}:{ServiceCode}/{v}"},
    "sns": {"Name": "sns:{r}:{a}:{v}"},
}
_ARN_MEMBERS = ("ResourceArn", "ResourceARN", "TopicArn", "LoadBalancerArn", "TargetGroupArn", "ResourceName")


def resources_of(call: Mapping[str, Any], account: str) -> list[str]:
    """The ARNs that one line of a call log names; none for a call that names nothing."""
    return list(dict.fromkeys(_named(call, account)))


def _named(call: Mapping[str, Any], account: str) -> Iterator[str]:
    request, region = call["request"], call["region"]
    if call["service"] == "s3":
        if bucket := request.get("Bucket"):
            key = request.get("Key")
            yield f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
        return
    for member in _ARN_MEMBERS:
        if str(request.get(member, "")).startswith("arn:"):
            yield str(request[member])
    others = {"GroupName": request.get("GroupName", "default"), "ServiceCode": request.get("ServiceCode", "")}
    for member, form in _FORMS.get(call["service"], {}).items():
        for value in _values(request.get(member)):
            if value.startswith("arn:"):
                yield value
            elif member == "KeyId" and value.startswith("alias/"):
                # KMS developer guide: calls that name a key by its alias are authorised on the key itself.
                yield "arn:aws:" + form.format(r=region, a=account, v=MADE_UP)
            else:
                name = value.rpartition("/")[2] if call["service"] == "route53" else value
                yield "arn:aws:" + form.format(r=region, a=account, v=name, **others)


def _values(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [str(one) for one in value]
    if isinstance(value, list):
        return [str(one) for one in value]
    return [str(value)]
