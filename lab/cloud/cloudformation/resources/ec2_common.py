"""What all EC2 resources share: tags, and deleting what may be gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from lab.cloud.cloudformation.resources.base import Handle, gone


def tag_specification(it: Handle, kind: str) -> list[dict[str, Any]]:
    """`TagSpecifications` of a create call."""
    tags = it.tag_list()
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


def update_tags(it: Handle, identifier: str) -> None:
    """Bring the tags of an EC2 resource to what the template says."""
    put, drop = it.tag_changes()
    if drop:
        it.client("ec2").delete_tags(Resources=[identifier], Tags=[{"Key": key} for key in drop])
    if put:
        it.client("ec2").create_tags(Resources=[identifier], Tags=[{"Key": k, "Value": v} for k, v in put.items()])


def quietly(call: Callable[..., Any], **arguments: Any) -> None:
    """Make a call that removes something; that it is not there is no error."""
    try:
        call(**arguments)
    except ClientError as error:
        if not gone(error):
            raise
