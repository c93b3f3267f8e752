# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check that holds policies against a call log finds what it is for."""

from __future__ import annotations

from typing import Any

import pytest
from privileges import check, conditions
from privileges.actions import actions_of, needed
from privileges.policies import Policy
from privileges.resources import resources_of

ACCOUNT = "123456789012"


TAGGED = {"StringEquals": {"aws:ResourceTag/Project": "shop"}}


def policy(
    *actions: str, resources: str | list[str] = "*", name: str = "a-policy", condition: dict[str, Any] | None = None
) -> Policy:
    statement = {"Sid": "All", "Effect": "Allow", "Action": list(actions), "Resource": resources}
    statement |= {"Condition": condition} if condition else {}
    return Policy.of(name, {"Version": "2012-10-17", "Statement": [statement]})


def call(service: str, operation: str, region: str = "us-west-2", **request: Any) -> dict[str, Any]:
    return {"service": service, "operation": operation, "region": region, "request": request}


SWITCHOVER = call(
    "rds", "SwitchoverGlobalCluster", GlobalClusterIdentifier="shop-global",
    TargetDbClusterIdentifier="arn:aws:rds:us-west-2:123456789012:cluster:shop-dr",
)  # fmt: skip
BOTH = ["arn:aws:rds::123456789012:global-cluster:shop-global", "arn:aws:rds:us-west-2:123456789012:cluster:shop-*"]


def test_a_call_that_no_statement_allows_is_found() -> None:
    found = check.not_allowed([SWITCHOVER], [policy("rds:DescribeGlobalClusters")], ACCOUNT)
    assert found == ["rds:SwitchoverGlobalCluster: called (rds SwitchoverGlobalCluster) and not allowed"]


def test_a_call_on_something_else_than_the_policy_names_is_found() -> None:
    elsewhere = [BOTH[0], "arn:aws:rds:us-east-1:123456789012:cluster:shop-*"]
    [found] = check.not_allowed([SWITCHOVER], [policy("rds:SwitchoverGlobalCluster", resources=elsewhere)], ACCOUNT)
    assert "us-west-2:123456789012:cluster:shop-dr" in found


def test_a_call_that_is_allowed_where_it_was_made_is_none() -> None:
    assert check.not_allowed([SWITCHOVER], [policy("rds:SwitchoverGlobalCluster", resources=BOTH)], ACCOUNT) == []


def test_an_action_that_was_never_called_is_found() -> None:
    held = policy("rds:SwitchoverGlobalCluster", "rds:DeleteDBCluster", resources=BOTH)
    assert check.never_called([SWITCHOVER], [held]) == ["a-policy: rds:DeleteDBCluster is allowed and was never called"]


def test_what_calls_bring_with_them_is_explained_for_the_policy_that_the_table_names_alone() -> None:
    row = "lambda:InvokeFunction"
    assert check.never_called([], [policy(row, name="scheduler")]) == []
    assert check.never_called([], [policy(row, name="operator-move")]) != []


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (policy("rds:*"), "has a wildcard"),
        (policy("rds:DeleteDBCluster"), "is allowed on *"),
        (policy("kms:ScheduleKeyDeletion", resources="arn:aws:kms:us-west-2:1:key/*"), "is allowed on arn:aws:kms"),
        (policy("rds:DeleteDBCluster", resources="arn:aws:rds:*:1:cluster:*"), "is allowed on arn:aws:rds"),
        (policy("cloudformation:DeleteStack", resources="arn:aws:cloudformation:*:1:stack/*"), "stack/*"),
        (policy("rds:DeleteTheUniverse"), "is no action that"),
        (policy(*["rds:DescribeEvents"] * 400), "over the 6144"),
    ],
)
def test_a_policy_that_is_too_wide_is_found(held: Policy, said: str) -> None:
    assert any(said in line for line in check.too_wide([held]))


@pytest.mark.parametrize(
    "held",
    [
        policy("kms:ScheduleKeyDeletion", resources="arn:aws:kms:*:1:key/*", condition=TAGGED),
        policy("cloudformation:DeleteStack", resources="arn:aws:cloudformation:us-west-2:1:stack/shop-*/*"),
        policy("s3:GetObject", resources="arn:aws:s3:::shop-data/*"),
        policy("rds:DeleteDBCluster", resources="arn:aws:rds:us-west-2:1:cluster:shop-*"),
        policy("kms:DescribeKey", resources="arn:aws:kms:us-west-2:1:key/*", name="operator-look"),
    ],
)
def test_what_a_tag_a_name_or_a_reason_in_the_table_limits_is_not_too_wide(held: Policy) -> None:
    assert check.too_wide([held]) == []


def test_a_reason_for_what_is_limited_in_the_meantime_is_found() -> None:
    held = policy("kms:DescribeKey", resources="arn:aws:kms:us-west-2:1:key/0815", name="operator-look")
    assert "operator-look: kms:DescribeKey stands in unlimited.yml and is limited" in check.not_granted([held])


NAMESPACE = {"StringEquals": {"cloudwatch:namespace": "PilotLight/DR"}}


def test_a_call_that_does_not_meet_the_condition_is_found() -> None:
    held = policy("cloudwatch:PutMetricData", condition=NAMESPACE)
    assert check.not_allowed([call("cloudwatch", "PutMetricData", Namespace="PilotLight/DR")], [held], ACCOUNT) == []
    [found] = check.not_allowed([call("cloudwatch", "PutMetricData", Namespace="AWS/RDS")], [held], ACCOUNT)
    assert "not allowed so" in found


@pytest.mark.parametrize(
    ("condition", "values", "met"),
    [
        ({"StringEquals": {"k": ["a", "b"]}}, ["b"], True),
        ({"StringEquals": {"k": "a"}}, ["b"], False),
        ({"StringEquals": {"k": "a"}}, [], False),
        ({"StringEqualsIfExists": {"K": "a"}}, ["a"], True),
        ({"StringLike": {"k": "shop-*"}}, ["shop-key"], True),
        ({"ArnLike": {"k": "arn:*:shop"}}, ["arn:aws:other"], False),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, ["a", "c"], False),
        ({"ForAllValues:StringEquals": {"k": ["a"]}}, [], True),
        ({"ForAnyValue:StringEquals": {"k": ["a"]}}, ["a", "c"], True),
        ({"ForAnyValue:StringEquals": {"k": ["a"]}}, [], False),
        ({"StringEquals": {"of-the-resource": "a"}}, ["b"], True),
    ],
)
def test_conditions_are_held_against_what_a_call_says(condition: Any, values: list[str], met: bool) -> None:
    assert conditions.met(condition, {"k": values}) is met


def test_an_action_that_iam_cannot_limit_may_be_allowed_on_everything() -> None:
    assert check.too_wide([policy("rds:DescribeEvents")]) == []


@pytest.mark.parametrize(
    ("service", "operation", "actions"),
    [
        ("rds", "SwitchoverGlobalCluster", ("rds:SwitchoverGlobalCluster",)),
        ("elbv2", "DescribeTargetHealth", ("elasticloadbalancing:DescribeTargetHealth",)),
        ("s3", "PutBucketReplication", ("s3:PutReplicationConfiguration",)),
        ("s3", "HeadBucket", ("s3:ListBucket",)),
        ("sts", "GetCallerIdentity", ()),
    ],
)
def test_calls_and_actions_are_not_always_called_alike(service: str, operation: str, actions: tuple[str, ...]) -> None:
    assert actions_of(service, operation) == actions


def test_a_version_of_an_object_is_a_permission_of_its_own() -> None:
    assert needed(call("s3", "DeleteObject", Bucket="b", Key="k", VersionId="1")) == ("s3:DeleteObjectVersion",)


@pytest.mark.parametrize(
    ("made", "arns"),
    [
        (call("s3", "PutObject", Bucket="b", Key="k/1"), ["arn:aws:s3:::b/k/1"]),
        (call("dynamodb", "BatchGetItem", RequestItems={"t": {}}), ["arn:aws:dynamodb:us-west-2:123456789012:table/t"]),
        (call("kms", "DescribeKey", KeyId="alias/x"), ["arn:aws:kms:us-west-2:123456789012:key/abcdef"]),
        (call("route53", "GetHealthCheck", HealthCheckId="7"), ["arn:aws:route53:::healthcheck/7"]),
        (
            call("scheduler", "GetSchedule", Name="s", GroupName="g"),
            ["arn:aws:scheduler:us-west-2:123456789012:schedule/g/s"],
        ),
        (call("ec2", "DescribeVpcs"), []),
    ],
)
def test_what_a_call_is_about_is_named_as_iam_names_it(made: dict[str, Any], arns: list[str]) -> None:
    assert resources_of(made, ACCOUNT) == arns
