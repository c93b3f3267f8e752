"""Templates: functions, parameters, and what is refused before anything is made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloudformation_stacks import Cloud, refusal

TOPIC: dict[str, Any] = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}}


def outputs(cloud: Cloud, values: dict[str, Any], **more: Any) -> dict[str, str]:
    content = {"Resources": {"Topic": TOPIC}, "Outputs": {k: {"Value": v} for k, v in values.items()}, **more}
    assert cloud.create("demo", content) == "CREATE_COMPLETE", cloud.reasons("demo")
    return cloud.outputs("demo")


def refused(cloud: Cloud, content: Any, **more: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    with pytest.raises(ClientError) as caught:
        cloud.stacks.create_stack(StackName="demo", TemplateBody=text, **more)
    assert cloud.stacks.describe_stacks()["Stacks"] == []
    return refusal(caught.value)


def test_functions(cloud: Cloud) -> None:
    values = {
        "Joined": {"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}]]},
        "Substituted": {"Fn::Sub": ["${X} ${AWS::StackName} ${!Literal} ${Topic.TopicName}", {"X": "x"}]},
        "Selected": {"Fn::Select": [1, {"Fn::Split": [",", "a,b,c"]}]},
        "Zone": {"Fn::Select": [1, {"Fn::GetAZs": ""}]},
        "Cidr": {"Fn::Join": [" ", {"Fn::Cidr": ["10.1.0.0/16", 3, 12]}]},
        "Mapped": {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "Name"]},
        "Encoded": {"Fn::Base64": "hello"},
        "Chosen": {"Fn::If": ["Here", "yes", "no"]},
        "Listed": {"Fn::Join": ["+", {"Ref": "Names"}]},
    }
    more = {
        "Mappings": {"M": {"us-west-2": {"Name": "west"}}},
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "a, b"}},
        "Conditions": {
            "Here": {
                "Fn::And": [
                    {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-west-2"]},
                    {"Fn::Not": [{"Condition": "There"}]},
                    {"Fn::Or": [{"Condition": "There"}, {"Fn::Equals": [1, "1"]}]},
                ]
            },
            "There": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
        },
    }
    assert outputs(cloud, values, **more) == {
        "Joined": "a-us-west-2-123456789012",
        "Substituted": "x demo ${Literal} alerts",
        "Selected": "b",
        "Zone": "us-west-2b",
        "Cidr": "10.1.0.0/20 10.1.16.0/20 10.1.32.0/20",
        "Mapped": "west",
        "Encoded": "aGVsbG8=",
        "Chosen": "yes",
        "Listed": "a+b",
    }


def test_yaml_with_short_and_long_functions(cloud: Cloud) -> None:
    text = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Name: {Type: String, Default: alerts}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Sub "${Name}-x"}
  Policy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Topic]
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: "*", Action: "sns:Publish", Resource: {Ref: Topic}}]
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
"""
    cloud.stacks.create_stack(StackName="demo", TemplateBody=text)
    cloud.clock.wait(60)
    assert cloud.status("demo") == "CREATE_COMPLETE", cloud.reasons("demo")
    assert cloud.outputs("demo") == {"Name": "alerts-x"}
    assert cloud.stacks.get_template(StackName="demo")["TemplateBody"] == text


def test_conditions_leave_resources_out(cloud: Cloud) -> None:
    content = {
        "Parameters": {"With": {"Type": "String", "Default": "no", "AllowedValues": ["yes", "no"]}},
        "Conditions": {"Wanted": {"Fn::Equals": [{"Ref": "With"}, "yes"]}},
        "Resources": {
            "Logs": {"Type": "AWS::Logs::LogGroup"},
            "Topic": {**TOPIC, "Condition": "Wanted"},
            "Other": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"DisplayName": {"Fn::If": ["Wanted", "x", {"Ref": "AWS::NoValue"}]}},
            },
        },
        "Outputs": {"Topic": {"Condition": "Wanted", "Value": {"Ref": "Topic"}}},
    }
    cloud.create("demo", content)
    assert set(cloud.resources("demo")) == {"Logs", "Other"}
    assert cloud.outputs("demo") == {}
    given = [{"ParameterKey": "With", "ParameterValue": "yes"}]
    assert cloud.update("demo", content, Parameters=given) == "UPDATE_COMPLETE"
    assert set(cloud.resources("demo")) == {"Logs", "Other", "Topic"}
    assert cloud.outputs("demo")["Topic"].endswith(":alerts")
    assert cloud.update("demo", content) == "UPDATE_COMPLETE"
    assert set(cloud.resources("demo")) == {"Logs", "Other"}


def with_parameter(**spec: Any) -> dict[str, Any]:
    return {"Parameters": {"P": {"Type": "String", **spec}}, "Resources": {"Topic": TOPIC}}


def given(value: str, key: str = "P") -> dict[str, Any]:
    return {"Parameters": [{"ParameterKey": key, "ParameterValue": value}]}


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (with_parameter(), {}, "Parameters: [P] must have values"),
        (with_parameter(Default="x"), given("y", "Q"), "Parameters: [Q] do not exist in the template"),
        (with_parameter(AllowedValues=["a"]), given("b"), "Parameter 'P' must be one of AllowedValues"),
        (with_parameter(AllowedPattern="[a-z]+"), given("1"), "Parameter 'P' must match pattern [a-z]+"),
        (
            with_parameter(AllowedPattern="[a-z]+", ConstraintDescription="letters"),
            given("1"),
            "Parameter P failed to satisfy constraint: letters",
        ),
        (with_parameter(Type="Number"), given("x"), "Parameter 'P' must be a number."),
        (
            with_parameter(Type="Number", MaxValue=3),
            given("4"),
            "Parameter 'P' must be a number not greater than 3",
        ),
        ("nonsense", {}, "Template format error: unsupported structure."),
        ({"Resources": {}}, {}, "Template format error: At least one Resources member must be defined."),
        ({"Resource": {}}, {}, "Invalid template property or properties [Resource]"),
        (
            {"Resources": {"A": {"Type": "AWS::No::Thing"}}},
            {},
            "Template format error: Unrecognized resource types: [AWS::No::Thing]",
        ),
        (
            {"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "B"}}}}},
            {},
            "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
        ),
        (
            {
                "Resources": {
                    "A": {"Type": "AWS::SNS::Topic", "DependsOn": "B"},
                    "B": {"Type": "AWS::SNS::Topic", "DependsOn": "A"},
                }
            },
            {},
            "Circular dependency between resources: [A, B]",
        ),
        (
            {"Resources": {"Topic": TOPIC}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["Topic", "Nope"]}}}},
            {},
            "Template error: resource Topic does not support attribute type Nope in Fn::GetAtt",
        ),
        (
            {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}}},
            {},
            "Requires capabilities : [CAPABILITY_IAM]",
        ),
        (
            {
                "Resources": {
                    "R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": {}}}
                }
            },
            {"Capabilities": ["CAPABILITY_IAM"]},
            "Requires capabilities : [CAPABILITY_NAMED_IAM]",
        ),
    ],
)
def test_refused_before_anything_is_made(cloud: Cloud, content: Any, more: dict[str, Any], words: str) -> None:
    assert refused(cloud, content, **more) == words


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"Nope": 1}, "Properties validation failed for resource Logs with message:\n#: extraneous key [Nope]"),
        ({"RetentionInDays": "many"}, "#/RetentionInDays: expected type: integer"),
        ({"RetentionInDays": 2}, "#/RetentionInDays: 2 is not a valid enum value"),
        ({"DataProtectionPolicy": {}}, "the lab does not emulate DataProtectionPolicy of AWS::Logs::LogGroup"),
    ],
)
def test_properties_are_checked_against_the_schema(cloud: Cloud, properties: dict[str, Any], words: str) -> None:
    content = {"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": properties}}}
    assert cloud.create("demo", content) == "ROLLBACK_COMPLETE"
    assert words in cloud.reasons("demo")[0]


def test_a_required_property_that_is_missing(cloud: Cloud) -> None:
    content = {"Resources": {"Group": {"Type": "AWS::EC2::SecurityGroup"}}}
    assert cloud.create("demo", content) == "ROLLBACK_COMPLETE"
    assert "required key [GroupDescription] not found" in cloud.reasons("demo")[0]


def test_a_secret_parameter_is_masked(cloud: Cloud) -> None:
    cloud.create("demo", with_parameter(NoEcho=True), **given("hush"))
    assert cloud.describe("demo")["Parameters"] == [{"ParameterKey": "P", "ParameterValue": "****"}]


def test_a_template_in_a_bucket(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="templates-x", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="templates-x", Key="a/b.json", Body=json.dumps({"Resources": {"Topic": TOPIC}}))
    for number, url in enumerate(
        (
            "https://templates-x.s3.us-west-2.amazonaws.com/a/b.json",
            "https://s3.us-west-2.amazonaws.com/templates-x/a/b.json",
            "http://127.0.0.1:4566/templates-x/a/b.json",
        )
    ):
        cloud.stacks.create_stack(StackName=f"demo{number}", TemplateURL=url)
    assert len(cloud.stacks.list_stacks()["StackSummaries"]) == 3


def test_validation_and_summary(cloud: Cloud) -> None:
    content = json.dumps({"Description": "text", **with_parameter(Default="x", Description="one")})
    found = cloud.stacks.validate_template(TemplateBody=content)
    assert found["Description"] == "text"
    assert found["Parameters"] == [{"ParameterKey": "P", "DefaultValue": "x", "NoEcho": False, "Description": "one"}]
    summary = cloud.stacks.get_template_summary(TemplateBody=content)
    assert summary["ResourceTypes"] == ["AWS::SNS::Topic"]


def test_a_parameter_that_names_what_is_not_there(cloud: Cloud) -> None:
    content = {"Parameters": {"Vpc": {"Type": "AWS::EC2::VPC::Id"}}, "Resources": {"Topic": TOPIC}}
    assert cloud.create("demo", content, **given("vpc-0123", "Vpc")) == "ROLLBACK_COMPLETE"
    events = cloud.stacks.describe_stack_events(StackName="demo")["StackEvents"]
    words = "Parameter validation failed: parameter value vpc-0123 for parameter name Vpc does not exist."
    assert any(event.get("ResourceStatusReason", "").startswith(words) for event in events)
