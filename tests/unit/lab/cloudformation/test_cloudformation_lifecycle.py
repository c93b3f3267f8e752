"""Stacks come and go as on AWS: states, events, rollbacks, what is refused (R33)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloudformation_stacks import Cloud, refusal

from lab.clock import SystemClock
from lab.cloud import cloudformation

TOPIC: dict[str, Any] = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}}
LOGS: dict[str, Any] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/demo"}}
VPC: dict[str, Any] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}}
SUBNET: dict[str, Any] = {
    "Type": "AWS::EC2::Subnet",
    "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.9.0.0/24"},
}
OUTSIDE: dict[str, Any] = {
    "Type": "AWS::EC2::Subnet",
    "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "192.168.0.0/24"},
}
"""A subnet that EC2 refuses: its block lies outside the VPC."""


def stack(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def body(template: dict[str, Any]) -> dict[str, Any]:
    return {"TemplateBody": json.dumps(template), "Capabilities": ["CAPABILITY_NAMED_IAM"]}


def vpcs(cloud: Cloud) -> int:
    """VPCs beside the account's default one."""
    return len([vpc for vpc in cloud.client("ec2").describe_vpcs()["Vpcs"] if not vpc["IsDefault"]])


# Creation


def test_creation_takes_its_time(cloud: Cloud) -> None:
    cloud.stacks.create_stack(StackName="demo", **body(stack(Vpc=VPC, Subnet=SUBNET)))
    assert cloud.status("demo") == "CREATE_IN_PROGRESS"
    assert cloud.resources("demo") == {"Vpc": "CREATE_IN_PROGRESS"}
    cloud.clock.wait(3)
    assert cloud.resources("demo") == {"Subnet": "CREATE_IN_PROGRESS", "Vpc": "CREATE_COMPLETE"}
    cloud.clock.wait(3)
    assert cloud.status("demo") == "CREATE_COMPLETE"


def test_events_tell_the_story(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC, Subnet=SUBNET), ClientRequestToken="token-1")
    assert cloud.events("demo") == [
        ("demo", "CREATE_IN_PROGRESS"),
        ("Vpc", "CREATE_IN_PROGRESS"),
        ("Vpc", "CREATE_IN_PROGRESS"),
        ("Vpc", "CREATE_COMPLETE"),
        ("Subnet", "CREATE_IN_PROGRESS"),
        ("Subnet", "CREATE_IN_PROGRESS"),
        ("Subnet", "CREATE_COMPLETE"),
        ("demo", "CREATE_COMPLETE"),
    ]
    events = cloud.stacks.describe_stack_events(StackName="demo")["StackEvents"]
    assert {event["ClientRequestToken"] for event in events} == {"token-1"}


def test_a_request_that_is_sent_again_is_the_same_request(cloud: Cloud) -> None:
    request = {"StackName": "demo", "ClientRequestToken": "one", **body(stack(Vpc=VPC))}
    first = cloud.stacks.create_stack(**request)["StackId"]
    assert cloud.stacks.create_stack(**request)["StackId"] == first
    cloud.clock.wait(60)
    change = {"StackName": "demo", "ClientRequestToken": "two", **body(stack(Vpc=VPC, Topic=TOPIC))}
    cloud.stacks.update_stack(**change)
    assert cloud.stacks.update_stack(**change)["StackId"] == first
    cloud.clock.wait(60)
    assert cloud.status("demo") == "UPDATE_COMPLETE"


def test_resources_without_needs_are_made_side_by_side(cloud: Cloud) -> None:
    cloud.stacks.create_stack(StackName="demo", **body(stack(Topic=TOPIC, Logs=LOGS, Vpc=VPC)))
    assert set(cloud.resources("demo").values()) == {"CREATE_IN_PROGRESS"}
    assert set(cloud.resources("demo")) == {"Topic", "Logs", "Vpc"}


def test_a_failed_creation_is_rolled_back(cloud: Cloud) -> None:
    assert cloud.create("demo", stack(Vpc=VPC, Bad=OUTSIDE)) == "ROLLBACK_COMPLETE"
    assert vpcs(cloud) == 0
    assert "Bad: " in cloud.reasons("demo")[0]
    states = [state for name, state in cloud.events("demo") if name == "demo"]
    assert states == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]


def test_a_stack_in_rollback_complete_can_only_be_deleted(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC, Bad=OUTSIDE))
    stack_id = cloud.describe("demo")["StackId"]
    assert (
        cloud.update_refused("demo", stack(Vpc=VPC))
        == f"Stack:{stack_id} is in ROLLBACK_COMPLETE state and can not be updated."
    )
    with pytest.raises(ClientError, match="already exists"):
        cloud.create("demo", stack(Vpc=VPC))
    assert cloud.delete("demo") == "DELETE_COMPLETE"
    assert cloud.create("demo", stack(Vpc=VPC)) == "CREATE_COMPLETE"


def test_on_failure_do_nothing_leaves_what_was_made(cloud: Cloud) -> None:
    assert cloud.create("demo", stack(Vpc=VPC, Bad=OUTSIDE), OnFailure="DO_NOTHING") == "CREATE_FAILED"
    assert vpcs(cloud) == 1
    assert cloud.delete("demo") == "DELETE_COMPLETE"
    assert vpcs(cloud) == 0


def test_disable_rollback_leaves_what_was_made_and_an_update_may_mend_it(cloud: Cloud) -> None:
    assert cloud.create("demo", stack(Vpc=VPC, Net=OUTSIDE), DisableRollback=True) == "CREATE_FAILED"
    assert cloud.update("demo", stack(Vpc=VPC, Net=SUBNET)) == "UPDATE_COMPLETE"
    assert vpcs(cloud) == 1


def test_on_failure_delete_removes_the_stack(cloud: Cloud) -> None:
    assert cloud.create("demo", stack(Vpc=VPC, Bad=OUTSIDE), OnFailure="DELETE") == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="Stack with id demo does not exist"):
        cloud.describe("demo")


def test_a_creation_that_takes_too_long_is_rolled_back(cloud: Cloud) -> None:
    gateway = {
        "Type": "AWS::EC2::NatGateway",
        "Properties": {"SubnetId": {"Ref": "Net"}, "ConnectivityType": "private"},
    }
    template = stack(Vpc=VPC, Net=SUBNET, Nat=gateway)
    assert cloud.create("demo", template, TimeoutInMinutes=1) == "ROLLBACK_COMPLETE"
    assert vpcs(cloud) == 0


def test_a_failure_cancels_what_is_under_way(cloud: Cloud) -> None:
    slow = {"Type": "AWS::SNS::Topic", "Properties": {}}
    cloud.create("demo", stack(Vpc=VPC, Bad=OUTSIDE, Slow=slow))
    assert "Slow: Resource creation cancelled" in cloud.reasons("demo")
    assert cloud.client("sns").list_topics()["Topics"] == []


def test_a_name_that_is_taken_fails_and_what_had_it_stays(cloud: Cloud) -> None:
    cloud.client("logs").create_log_group(logGroupName="/demo")
    assert cloud.create("demo", stack(Logs=LOGS)) == "ROLLBACK_COMPLETE"
    assert [g["logGroupName"] for g in cloud.client("logs").describe_log_groups()["logGroups"]] == ["/demo"]


def test_what_has_the_name_already_is_never_adopted(cloud: Cloud) -> None:
    """CreateTopic, PutRule, PutDashboard and PutMetricAlarm take what they find; CloudFormation does not."""
    cloud.client("sns").create_topic(Name="alerts")
    cloud.client("events").put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
    cloud.client("cloudwatch").put_dashboard(DashboardName="board", DashboardBody='{"widgets": []}')
    rule = {"Type": "AWS::Events::Rule", "Properties": {"Name": "nightly", "ScheduleExpression": "rate(1 hour)"}}
    board = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardName": "board", "DashboardBody": '{"widgets": []}'},
    }
    for number, taken in enumerate((TOPIC, rule, board)):
        assert cloud.create(f"demo{number}", stack(Taken=taken)) == "ROLLBACK_COMPLETE"
        assert "AlreadyExists" in cloud.reasons(f"demo{number}")[0]
    assert len(cloud.client("sns").list_topics()["Topics"]) == 1
    assert cloud.client("events").describe_rule(Name="nightly")["ScheduleExpression"] == "rate(1 day)"
    assert len(cloud.client("cloudwatch").list_dashboards()["DashboardEntries"]) == 1


# Deletion


def test_deletion_goes_in_reverse(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC, Subnet=SUBNET))
    stack_id = cloud.describe("demo")["StackId"]
    cloud.delete("demo")
    assert [name for name, state in cloud.events(stack_id) if state == "DELETE_COMPLETE"] == ["Subnet", "Vpc", "demo"]


def test_a_deletion_that_fails_says_what_is_in_the_way_and_can_be_tried_again(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC, Subnet=SUBNET))
    ec2 = cloud.client("ec2")
    foreign = ec2.create_subnet(VpcId=cloud.physical("demo", "Vpc"), CidrBlock="10.9.9.0/24")["Subnet"]["SubnetId"]
    assert cloud.delete("demo") == "DELETE_FAILED"
    assert cloud.describe("demo")["StackStatusReason"] == "The following resource(s) failed to delete: [Vpc]."
    assert cloud.resources("demo") == {"Vpc": "DELETE_FAILED"}
    assert "has dependencies" in cloud.reasons("demo")[0]
    ec2.delete_subnet(SubnetId=foreign)
    assert cloud.delete("demo") == "DELETE_COMPLETE"


def test_what_could_not_be_deleted_can_be_retained(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC))
    vpc = cloud.physical("demo", "Vpc")
    cloud.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.9.9.0/24")
    with pytest.raises(ClientError, match="RetainResources"):
        cloud.delete("demo", RetainResources=["Vpc"])
    cloud.delete("demo")
    assert cloud.delete("demo", RetainResources=["Vpc"]) == "DELETE_COMPLETE"
    assert vpcs(cloud) == 1


def test_deletion_policy_retain(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC | {"DeletionPolicy": "Retain"}, Topic=TOPIC))
    assert cloud.delete("demo") == "DELETE_COMPLETE"
    assert vpcs(cloud) == 1


def test_deleting_what_is_gone_already(cloud: Cloud) -> None:
    cloud.create("demo", stack(Topic=TOPIC, Vpc=VPC))
    cloud.client("ec2").delete_vpc(VpcId=cloud.physical("demo", "Vpc"))
    assert cloud.delete("demo") == "DELETE_COMPLETE"
    cloud.stacks.delete_stack(StackName="demo")
    cloud.stacks.delete_stack(StackName="never-was")


def test_termination_protection(cloud: Cloud) -> None:
    cloud.create("demo", stack(Topic=TOPIC), EnableTerminationProtection=True)
    with pytest.raises(ClientError) as caught:
        cloud.delete("demo")
    assert refusal(caught.value) == "Stack [demo] cannot be deleted while TerminationProtection is enabled"
    cloud.stacks.update_termination_protection(StackName="demo", EnableTerminationProtection=False)
    assert cloud.delete("demo") == "DELETE_COMPLETE"


def test_a_stack_that_is_being_made_can_be_deleted(cloud: Cloud) -> None:
    cloud.stacks.create_stack(StackName="demo", **body(stack(Vpc=VPC, Subnet=SUBNET)))
    cloud.clock.wait(4)
    assert cloud.delete("demo") == "DELETE_COMPLETE"
    assert vpcs(cloud) == 0


# Update


def test_no_updates(cloud: Cloud) -> None:
    parameters = {"Size": {"Type": "Number", "Default": 7}, "Ids": {"Type": "List<Number>", "Default": "1,2"}}
    logs = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": {"Ref": "Size"}}}
    template = {"Parameters": parameters, **stack(Logs=logs)}
    cloud.create("demo", template)
    for same in (template, {**template, "Description": "another text"}):
        assert cloud.update_refused("demo", same) == "No updates are to be performed."
    assert cloud.status("demo") == "CREATE_COMPLETE"


def test_no_updates_of_a_template_without_parameters(cloud: Cloud) -> None:
    cloud.create("demo", stack(Topic=TOPIC))
    assert cloud.update_refused("demo", stack(Topic=TOPIC)) == "No updates are to be performed."


def test_an_update_in_place(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC))
    before = cloud.physical("demo", "Vpc")
    changed = {"Type": VPC["Type"], "Properties": {**VPC["Properties"], "EnableDnsHostnames": True}}
    assert cloud.update("demo", stack(Vpc=changed)) == "UPDATE_COMPLETE"
    assert cloud.physical("demo", "Vpc") == before
    answer = cloud.client("ec2").describe_vpc_attribute(VpcId=before, Attribute="enableDnsHostnames")
    assert answer["EnableDnsHostnames"]["Value"] is True


def test_a_replacement_reaches_those_that_refer_to_it(cloud: Cloud) -> None:
    table = {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}}
    cloud.create("demo", {**stack(Vpc=VPC, Table=table), "Outputs": {"Id": {"Value": {"Ref": "Vpc"}}}})
    old_vpc, old_table = cloud.physical("demo", "Vpc"), cloud.physical("demo", "Table")
    other = {"Type": VPC["Type"], "Properties": {"CidrBlock": "10.10.0.0/16"}}
    template = {**stack(Vpc=other, Table=table), "Outputs": {"Id": {"Value": {"Ref": "Vpc"}}}}
    assert cloud.update("demo", template) == "UPDATE_COMPLETE", cloud.reasons("demo")
    assert cloud.physical("demo", "Vpc") != old_vpc
    assert cloud.physical("demo", "Table") != old_table
    assert cloud.outputs("demo") == {"Id": cloud.physical("demo", "Vpc")}
    assert vpcs(cloud) == 1
    states = [state for name, state in cloud.events("demo") if name == "demo"][2:]
    assert states == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_a_resource_with_a_name_cannot_be_replaced_under_it(cloud: Cloud) -> None:
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": "web", "GroupDescription": "one"}}
    other = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": "web", "GroupDescription": "two"}}
    cloud.create("demo", stack(Group=group))
    assert cloud.update("demo", stack(Group=other)) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("custom-named resource requires replacing" in reason for reason in cloud.reasons("demo"))
    assert cloud.update_refused("demo", stack(Group=group)) == "No updates are to be performed."


def test_an_update_adds_and_removes(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC, Subnet=SUBNET))
    assert cloud.update("demo", stack(Vpc=VPC, Topic=TOPIC)) == "UPDATE_COMPLETE"
    assert set(cloud.resources("demo")) == {"Vpc", "Topic"}
    by_vpc = [{"Name": "vpc-id", "Values": [cloud.physical("demo", "Vpc")]}]
    assert cloud.client("ec2").describe_subnets(Filters=by_vpc)["Subnets"] == []


def test_a_failed_update_goes_back(cloud: Cloud) -> None:
    cloud.create("demo", {**stack(Vpc=VPC, Logs=LOGS), "Outputs": {"Is": {"Value": "old"}}})
    before = {name: cloud.physical("demo", name) for name in ("Vpc", "Logs")}
    changed = {"Type": LOGS["Type"], "Properties": {"LogGroupName": "/demo", "RetentionInDays": 7}}
    template = {**stack(Vpc=VPC, Logs=changed, Topic=TOPIC, Bad={**OUTSIDE, "DependsOn": ["Topic", "Logs"]})}
    assert cloud.update("demo", template) == "UPDATE_ROLLBACK_COMPLETE"
    assert {name: cloud.physical("demo", name) for name in cloud.resources("demo")} == before
    assert cloud.client("sns").list_topics()["Topics"] == []
    assert "retentionInDays" not in cloud.client("logs").describe_log_groups()["logGroups"][0]
    assert cloud.outputs("demo") == {"Is": "old"}
    states = [state for name, state in cloud.events("demo") if name == "demo"][2:]
    assert states == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert cloud.update("demo", stack(Vpc=VPC, Logs=changed)) == "UPDATE_COMPLETE"


def test_a_failed_update_without_rollback_stays_and_can_be_mended(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC))
    assert cloud.update("demo", stack(Vpc=VPC, Net=OUTSIDE), DisableRollback=True) == "UPDATE_FAILED"
    assert cloud.update("demo", stack(Vpc=VPC, Net=SUBNET)) == "UPDATE_COMPLETE"


def test_what_failed_without_rollback_can_be_rolled_back_later(cloud: Cloud) -> None:
    cloud.create("made", stack(Vpc=VPC, Net=OUTSIDE), DisableRollback=True)
    cloud.stacks.rollback_stack(StackName="made")
    cloud.create("demo", stack(Logs=LOGS))
    changed = {"Type": LOGS["Type"], "Properties": {"LogGroupName": "/demo", "RetentionInDays": 7}}
    bad = stack(Logs=changed, Vpc={**VPC, "DependsOn": "Logs"}, Net=OUTSIDE)
    assert cloud.update("demo", bad, DisableRollback=True) == "UPDATE_FAILED"
    cloud.stacks.rollback_stack(StackName="demo")
    cloud.clock.wait(100)
    assert (cloud.status("made"), cloud.status("demo")) == ("ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    assert set(cloud.resources("demo")) == {"Logs"}
    assert vpcs(cloud) == 0
    assert "retentionInDays" not in cloud.client("logs").describe_log_groups()["logGroups"][0]


def test_a_rollback_that_failed_can_be_continued(cloud: Cloud) -> None:
    cloud.create("demo", stack(Logs=LOGS))
    changed = {"Type": LOGS["Type"], "Properties": {"LogGroupName": "/demo", "RetentionInDays": 7}}
    table = {"Type": "AWS::SNS::Topic", "DependsOn": "Logs"}
    template = stack(Logs=changed, Slow=table, Vpc={**VPC, "DependsOn": "Slow"}, Net=OUTSIDE)
    cloud.stacks.update_stack(StackName="demo", **body(template))
    cloud.clock.wait(5)
    assert cloud.resources("demo")["Logs"] == "UPDATE_COMPLETE"
    cloud.client("logs").delete_log_group(logGroupName="/demo")
    cloud.clock.wait(100)
    assert cloud.status("demo") == "UPDATE_ROLLBACK_FAILED"
    assert "can not be updated" in cloud.update_refused("demo", stack(Logs=changed))
    cloud.client("logs").create_log_group(logGroupName="/demo")
    cloud.stacks.continue_update_rollback(StackName="demo")
    cloud.clock.wait(100)
    assert cloud.status("demo") == "UPDATE_ROLLBACK_COMPLETE", cloud.reasons("demo")
    assert vpcs(cloud) == 0


def test_an_update_of_a_stack_that_is_busy_is_refused(cloud: Cloud) -> None:
    cloud.stacks.create_stack(StackName="demo", **body(stack(Vpc=VPC)))
    stack_id = cloud.describe("demo")["StackId"]
    with pytest.raises(ClientError) as caught:
        cloud.stacks.update_stack(StackName="demo", **body(stack(Vpc=VPC, Topic=TOPIC)))
    assert refusal(caught.value) == f"Stack:{stack_id} is in CREATE_IN_PROGRESS state and can not be updated."


def test_an_update_of_nothing_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.stacks.update_stack(StackName="demo", **body(stack(Vpc=VPC)))
    assert refusal(caught.value) == "Stack [demo] does not exist"


def test_tags_of_the_stack_reach_its_resources(cloud: Cloud) -> None:
    cloud.create("demo", stack(Vpc=VPC), Tags=[{"Key": "Project", "Value": "one"}])

    def tags() -> dict[str, str]:
        found = cloud.client("ec2").describe_vpcs(VpcIds=[cloud.physical("demo", "Vpc")])["Vpcs"][0]
        return {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}

    assert tags() == {"Project": "one"}
    assert cloud.update("demo", stack(Vpc=VPC), Tags=[{"Key": "Project", "Value": "two"}]) == "UPDATE_COMPLETE"
    assert tags() == {"Project": "two"}
    assert cloud.describe("demo")["Tags"] == [{"Key": "Project", "Value": "two"}]


def test_previous_template_and_values(cloud: Cloud) -> None:
    parameters = {"Days": {"Type": "Number"}, "Name": {"Type": "String"}}
    logs = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": {"Ref": "Name"}, "RetentionInDays": {"Ref": "Days"}},
    }
    given = [{"ParameterKey": "Days", "ParameterValue": "7"}, {"ParameterKey": "Name", "ParameterValue": "/x"}]
    cloud.create("demo", {"Parameters": parameters, **stack(Logs=logs)}, Parameters=given)
    cloud.stacks.update_stack(
        StackName="demo",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "Days", "ParameterValue": "14"},
            {"ParameterKey": "Name", "UsePreviousValue": True},
        ],
    )
    cloud.clock.wait(60)
    assert cloud.status("demo") == "UPDATE_COMPLETE"
    assert cloud.client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 14


# Exports


def test_exports_are_imported_and_held(cloud: Cloud) -> None:
    name = {"Fn::Sub": "${AWS::StackName}-topic"}
    cloud.create(
        "base", {**stack(Topic=TOPIC), "Outputs": {"T": {"Value": {"Ref": "Topic"}, "Export": {"Name": name}}}}
    )
    user = stack(
        Mail={
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Fn::ImportValue": "base-topic"},
                "Protocol": "email",
                "Endpoint": "a@b.example",
            },
        }
    )
    assert cloud.create("user", user) == "CREATE_COMPLETE"
    assert cloud.stacks.list_imports(ExportName="base-topic")["Imports"] == ["user"]
    assert cloud.delete("base") == "CREATE_COMPLETE"
    assert "Cannot delete export base-topic as it is in use by user" in cloud.describe("base")["StackStatusReason"]
    assert cloud.update("base", stack(Topic=TOPIC)) == "UPDATE_ROLLBACK_COMPLETE"
    events = cloud.stacks.describe_stack_events(StackName="base")["StackEvents"]
    reason = "Export base-topic cannot be updated as it is in use by user"
    assert reason in [event.get("ResourceStatusReason") for event in events]
    cloud.delete("user")
    assert cloud.delete("base") == "DELETE_COMPLETE"


def test_an_import_of_nothing_fails(cloud: Cloud) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ImportValue": "nothing"}}}
    assert cloud.create("demo", stack(Topic=topic)) == "ROLLBACK_COMPLETE"
    assert "No export named nothing found." in cloud.reasons("demo")[0]


# Time


def test_an_operation_goes_on_while_nobody_asks(cloud: Cloud) -> None:
    """On the system's clock, as in the lab's server: who waits for the VPC itself need not ask CloudFormation."""
    cloudformation.extend(SystemClock(), "fast")
    cloud.stacks.create_stack(StackName="demo", **body(stack(Vpc=VPC)))
    ends = time.monotonic() + 20
    while not vpcs(cloud) and time.monotonic() < ends:
        time.sleep(0.05)
    assert vpcs(cloud) == 1
    assert cloud.status("demo") == "CREATE_COMPLETE"
