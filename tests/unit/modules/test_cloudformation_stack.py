"""A stack is brought to what is declared, whatever state an earlier run left it in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import stack
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused, WaitedTooLong
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import CallFailed

from lab.clock import VirtualClock

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Name:
    Type: String
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      TopicName:
        Ref: Name
Outputs:
  Topic:
    Value:
      Ref: Topic
"""
BROKEN = TEMPLATE.replace("Outputs:", "  Alias:\n    Type: AWS::KMS::Alias\n    Properties:\n      AliasName: alias/a\n"
                          "      TargetKeyId: 00000000-0000-0000-0000-000000000000\nOutputs:")  # fmt: skip
DECLARED = {"name": "web", "template_body": TEMPLATE, "parameters": {"Name": "one"}, "tags": {"Project": "web"}}


STACKS = ("CreateStack", "UpdateStack", "DeleteStack")


def settled(cloud: Any, **arguments: Any) -> Any:
    """Check mode, for real, and again; the lab makes resources in this process too, so only calls for stacks count."""
    planned = cloud.run("cloudformation_stack", check=True, **arguments)
    assert not cloud.mutations
    done = cloud.run("cloudformation_stack", **arguments)
    assert not done["failed"], done
    assert [name for name in cloud.mutations if name in STACKS] == done["operations"] == planned["operations"]
    again = cloud.run("cloudformation_stack", **arguments)
    assert not cloud.mutations
    assert not again["changed"]
    return done


def test_a_stack_is_made_once_and_its_outputs_are_returned(cloud: Any) -> None:
    done = settled(cloud, **DECLARED)
    assert done["operations"] == ["CreateStack"]
    assert done["stack"]["status"] == "CREATE_COMPLETE"
    assert done["stack"]["outputs"]["Topic"].endswith(":one")


OTHER_TEMPLATE = TEMPLATE + "# end\n  X:\n    Value: x\n"


@pytest.mark.parametrize(
    "other", [{"parameters": {"Name": "two"}}, {"tags": {"Project": "shop"}}, {"template_body": OTHER_TEMPLATE}]
)
def test_what_differs_is_updated(cloud: Any, other: dict[str, Any]) -> None:
    cloud.run("cloudformation_stack", **DECLARED)
    assert settled(cloud, **{**DECLARED, **other})["operations"] == ["UpdateStack"]


def test_comments_and_empty_lines_are_no_difference(cloud: Any) -> None:
    cloud.run("cloudformation_stack", **DECLARED)
    again = cloud.run("cloudformation_stack", **{**DECLARED, "template_body": f"---\n# why\n\n{TEMPLATE}"[4:]})
    assert not again["changed"]
    assert not cloud.mutations


def test_a_failed_creation_says_which_resource_failed_and_why(cloud: Any) -> None:
    failed = cloud.run("cloudformation_stack", **{**DECLARED, "template_body": BROKEN})
    assert failed["failed"]
    assert re.search(
        r"CreateStack of web in us-east-1 ended in ROLLBACK_COMPLETE: Alias \(AWS::KMS::Alias\): ", failed["msg"]
    )


def test_a_stack_that_never_came_up_is_made_anew(cloud: Any) -> None:
    cloud.run("cloudformation_stack", **{**DECLARED, "template_body": BROKEN})
    assert settled(cloud, **DECLARED)["operations"] == ["DeleteStack", "CreateStack"]


def test_a_stack_is_deleted_once(cloud: Any) -> None:
    cloud.run("cloudformation_stack", **DECLARED)
    done = settled(cloud, name="web", state="absent")
    assert done["operations"] == ["DeleteStack"]
    assert done["stack"]["status"] == ""


WANTED = stack.Wanted("web", TEMPLATE, {"Name": "one"})


def held(status: str, *resources: str) -> stack.Held:
    return stack.Held(status, "arn:web", TEMPLATE, {"Name": "one"}, resources=resources)


def test_one_that_never_came_up_and_still_holds_something_is_left_to_a_person() -> None:
    with pytest.raises(
        Refused, match="is in ROLLBACK_COMPLETE and still holds Bucket: remove these, then delete the stack"
    ):
        stack.decide_present(held("ROLLBACK_COMPLETE", "Bucket"), WANTED)


@pytest.mark.parametrize(("status", "right"), stack.STUCK.items())
def test_one_that_needs_a_person_is_refused_with_what_would_be_right(status: str, right: str) -> None:
    with pytest.raises(Refused, match=f"stack web is in {status}: {re.escape(right)}"):
        stack.decide_present(held(status), WANTED)


class Busy:
    """CloudFormation that is busy with a stack for a while."""

    region = "us-west-2"

    def __init__(self, *states: str) -> None:
        self.states = list(states)

    def read(self, _operation: str, _params: Any) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if not state:
            raise CallFailed("us-west-2", "cloudformation", "DescribeStacks", "ValidationError", "web does not exist")
        return {"Stacks": [{"StackStatus": state}]}


@pytest.mark.parametrize("end", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", ""])
def test_a_busy_stack_is_waited_for(end: str) -> None:
    clock = VirtualClock(0.0)
    assert stack.settle(Busy("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", end), "web", clock, 60, 5) == end
    assert clock.now() == pytest.approx(1.5)


def test_a_wait_has_an_end_and_says_what_was_seen_last() -> None:
    clock = VirtualClock(0.0)
    with pytest.raises(WaitedTooLong, match="stack web in us-west-2 is still in UPDATE_IN_PROGRESS after 60 s"):
        stack.settle(Busy("UPDATE_IN_PROGRESS"), "web", clock, 60, 5)


CATALOGUE = Path(__file__).parents[3] / "files" / "cloudformation"


@pytest.mark.parametrize("link", sorted(CATALOGUE.iterdir()), ids=lambda link: link.name)
def test_the_catalogue_has_a_link_for_each_template(link: Path) -> None:
    assert link.is_symlink()
    assert link.resolve().relative_to(CATALOGUE.parents[1]).parts[0] == "roles"
