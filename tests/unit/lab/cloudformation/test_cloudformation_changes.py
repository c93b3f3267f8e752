"""Change sets and drift."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloudformation_stacks import Cloud

GROUP: dict[str, Any] = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {
        "GroupDescription": "web",
        "SecurityGroupIngress": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0", "Description": "web"},
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"},
        ],
        "SecurityGroupEgress": [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}],
    },
}
OTHER: dict[str, Any] = {
    "Type": "AWS::EC2::SecurityGroupIngress",
    "Properties": {
        "GroupId": {"Ref": "Group"},
        "IpProtocol": "tcp",
        "FromPort": 8443,
        "ToPort": 8443,
        "CidrIp": "10.0.0.0/8",
    },
}
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def change_set(cloud: Cloud, content: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = cloud.stacks.create_change_set(
        StackName="demo", ChangeSetName="look", TemplateBody=json.dumps(content), **more
    )
    found: dict[str, Any] = cloud.stacks.describe_change_set(ChangeSetName=made["Id"])
    return found


def ports(cloud: Cloud) -> list[int]:
    found = cloud.client("ec2").describe_security_groups(GroupIds=[cloud.physical("demo", "Group")])
    return sorted(rule["FromPort"] for rule in found["SecurityGroups"][0]["IpPermissions"])


# Change sets


def test_a_change_set_without_changes_fails_as_amazon_aws_expects(cloud: Cloud) -> None:
    cloud.create("demo", template(Group=GROUP))
    found = change_set(cloud, template(Group=GROUP))
    assert found["Status"] == "FAILED"
    assert "The submitted information didn't contain changes" in found["StatusReason"]
    with pytest.raises(ClientError, match="cannot be executed"):
        cloud.stacks.execute_change_set(ChangeSetName=found["ChangeSetId"])
    cloud.stacks.delete_change_set(ChangeSetName=found["ChangeSetId"])
    assert cloud.stacks.list_change_sets(StackName="demo")["Summaries"] == []


def test_a_change_set_tells_before_anything_is_done(cloud: Cloud) -> None:
    cloud.create("demo", template(Group=GROUP, Other=OTHER))
    changed = json.loads(json.dumps(GROUP))
    changed["Properties"]["GroupDescription"] = "another"
    topic = {"Type": "AWS::SNS::Topic"}
    found = change_set(cloud, template(Group=changed, Other=OTHER, Topic=topic))
    assert found["Status"] == "CREATE_COMPLETE"
    told = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in found["Changes"]}
    assert told["Topic"]["Action"] == "Add"
    assert (told["Group"]["Action"], told["Group"]["Replacement"]) == ("Modify", "True")
    assert (told["Other"]["Action"], told["Other"]["Replacement"]) == ("Modify", "True")
    assert cloud.status("demo") == "CREATE_COMPLETE"
    cloud.stacks.execute_change_set(ChangeSetName="look", StackName="demo")
    cloud.clock.wait(100)
    assert cloud.status("demo") == "UPDATE_COMPLETE", cloud.reasons("demo")


def test_a_removal_in_a_change_set(cloud: Cloud) -> None:
    cloud.create("demo", template(Group=GROUP, Other=OTHER))
    changes = change_set(cloud, template(Group=GROUP))["Changes"]
    assert [(c["ResourceChange"]["Action"], c["ResourceChange"]["LogicalResourceId"]) for c in changes] == [
        ("Remove", "Other")
    ]


def test_a_stack_from_a_change_set(cloud: Cloud) -> None:
    found = change_set(cloud, template(Group=GROUP), ChangeSetType="CREATE")
    assert cloud.status("demo") == "REVIEW_IN_PROGRESS"
    cloud.stacks.execute_change_set(ChangeSetName=found["ChangeSetId"])
    cloud.clock.wait(100)
    assert cloud.status("demo") == "CREATE_COMPLETE"


# Drift


def test_a_rule_added_by_hand_is_seen_and_mended(cloud: Cloud) -> None:
    cloud.create("demo", template(Group=GROUP, Other=OTHER))
    assert cloud.drift("demo") == "IN_SYNC"
    cloud.client("ec2").authorize_security_group_ingress(GroupId=cloud.physical("demo", "Group"), IpPermissions=[SSH])
    assert cloud.update_refused("demo", template(Group=GROUP, Other=OTHER)) == "No updates are to be performed."
    assert cloud.drift("demo") == "DRIFTED"
    difference = cloud.drifted("demo")["Group"]["PropertyDifferences"][0]
    assert (difference["PropertyPath"], difference["DifferenceType"]) == ("/SecurityGroupIngress/2", "ADD")
    assert json.loads(difference["ActualValue"])["FromPort"] == 22

    found = change_set(cloud, template(Group=GROUP, Other=OTHER), DeploymentMode="REVERT_DRIFT")
    assert [c["ResourceChange"]["LogicalResourceId"] for c in found["Changes"]] == ["Group"]
    cloud.stacks.execute_change_set(ChangeSetName=found["ChangeSetId"])
    cloud.clock.wait(100)
    assert cloud.status("demo") == "UPDATE_COMPLETE"
    assert ports(cloud) == [80, 443, 8443]
    assert cloud.drift("demo") == "IN_SYNC"


def test_a_rule_taken_away_by_hand_is_seen_and_mended(cloud: Cloud) -> None:
    cloud.create("demo", template(Group=GROUP))
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    cloud.client("ec2").revoke_security_group_ingress(GroupId=cloud.physical("demo", "Group"), IpPermissions=[rule])
    assert cloud.drift("demo") == "DRIFTED"
    assert cloud.drifted("demo")["Group"]["PropertyDifferences"][0]["DifferenceType"] == "REMOVE"
    found = change_set(cloud, template(Group=GROUP), DeploymentMode="REVERT_DRIFT")
    cloud.stacks.execute_change_set(ChangeSetName=found["ChangeSetId"])
    cloud.clock.wait(100)
    assert ports(cloud) == [80, 443]


def test_an_ordinary_update_of_a_drifted_group_leaves_the_foreign_rule(cloud: Cloud) -> None:
    """An update goes from what was deployed to what is wanted: it does not know of the rule."""
    cloud.create("demo", template(Group=GROUP))
    cloud.client("ec2").authorize_security_group_ingress(GroupId=cloud.physical("demo", "Group"), IpPermissions=[SSH])
    changed = json.loads(json.dumps(GROUP))
    del changed["Properties"]["SecurityGroupIngress"][1]
    assert cloud.update("demo", template(Group=changed)) == "UPDATE_COMPLETE"
    assert ports(cloud) == [22, 443]


def test_what_was_deleted_by_hand_is_seen_and_made_again(cloud: Cloud) -> None:
    cloud.create("demo", template(Group=GROUP))
    cloud.client("ec2").delete_security_group(GroupId=cloud.physical("demo", "Group"))
    assert cloud.drift("demo") == "DRIFTED"
    assert cloud.drifted("demo")["Group"]["StackResourceDriftStatus"] == "DELETED"
    found = change_set(cloud, template(Group=GROUP), DeploymentMode="REVERT_DRIFT")
    cloud.stacks.execute_change_set(ChangeSetName=found["ChangeSetId"])
    cloud.clock.wait(100)
    assert cloud.status("demo") == "UPDATE_COMPLETE", cloud.reasons("demo")
    assert ports(cloud) == [80, 443]
    assert cloud.drift("demo") == "IN_SYNC"


def test_a_rule_resource_taken_away_by_hand_is_drift_of_its_own(cloud: Cloud) -> None:
    cloud.create("demo", template(Group=GROUP, Other=OTHER))
    rule = {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    cloud.client("ec2").revoke_security_group_ingress(GroupId=cloud.physical("demo", "Group"), IpPermissions=[rule])
    assert cloud.drift("demo") == "DRIFTED"
    assert set(cloud.drifted("demo")) == {"Other"}
