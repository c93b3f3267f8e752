# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Things in the lab's account that are not as they should be, and the cases that name them."""

from __future__ import annotations

import json
import time
from typing import Any

from end_to_end.harness import Lab
from integration.bad_input.cases import Case

_ENGINE = {"Engine": "aurora-mysql", "EngineVersion": "8.0.mysql_aurora.3.04.0", "MasterUsername": "admin"}

CASES = [
    Case(
        "a primary cluster that is not encrypted",
        "aws_dr_primary_cluster",
        "it is not encrypted",
        {"aws_dr_primary_cluster": "plain-cluster"},
    ),
    Case(
        "a primary cluster of another engine",
        "aws_dr_primary_cluster",
        "a global database needs aurora-mysql or aurora-postgresql",
        {"aws_dr_primary_cluster": "postgres-cluster"},
    ),
    Case(
        "a primary bucket of another region",
        "aws_dr_buckets[0].primary",
        "that bucket is in us-west-2; one in us-east-1 is needed",
        {"aws_dr_buckets": [{"primary": "elsewhere-data", "dr": "elsewhere-dr-data"}]},
    ),
    Case(
        "a primary bucket without versions",
        "aws_dr_buckets[0].primary",
        "storage_primary_versioning_accepted=true",
        {"aws_dr_buckets": [{"primary": "unversioned-data", "dr": "unversioned-dr-data"}]},
    ),
    Case(
        "a stack that can only be deleted",
        "stack broken-vpc in us-west-2 is in ROLLBACK_COMPLETE",
        "aws cloudformation delete-stack --stack-name broken-vpc --region us-west-2 --profile dr",
        {"network_stack": "broken-vpc"},
    ),
]

#: A stack that fails after its first resource, so that CloudFormation rolls it back.
_BROKEN: dict[str, Any] = {
    "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "broken"}},
        "Gateway": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "DependsOn": "Topic",
            "Properties": {"VpcId": "vpc-00000000", "InternetGatewayId": "igw-00000000"},
        },
    }
}


def prepare(lab: Lab) -> None:
    """Make what the cases name."""
    rds = lab.client("rds", "primary")
    password = "not-a-secret-of-anybody"
    rds.create_db_cluster(
        DBClusterIdentifier="plain-cluster", StorageEncrypted=False, MasterUserPassword=password, **_ENGINE
    )
    rds.create_db_cluster(
        DBClusterIdentifier="postgres-cluster",
        Engine="postgres",
        EngineVersion="15.4",
        StorageEncrypted=True,
        MasterUsername="postgres",
        MasterUserPassword=password,
        DBClusterInstanceClass="db.r6gd.large",
        StorageType="io1",
        Iops=1000,
        AllocatedStorage=100,
    )
    elsewhere = {"LocationConstraint": lab.dr_region}
    lab.client("s3", "dr").create_bucket(Bucket="elsewhere-data", CreateBucketConfiguration=elsewhere)
    lab.client("s3", "primary").create_bucket(Bucket="unversioned-data")
    stacks = lab.client("cloudformation", "dr")
    stacks.create_stack(StackName="broken-vpc", TemplateBody=json.dumps(_BROKEN))
    for _look in range(60):
        [stack] = stacks.describe_stacks(StackName="broken-vpc")["Stacks"]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.5)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE", stack
