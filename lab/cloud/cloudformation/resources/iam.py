"""AWS::IAM: roles, inline policies, managed policies and instance profiles (IAM is global; its control plane, R3)."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.documents import as_text
from lab.cloud.cloudformation.resources.ec2_common import quietly


class Role(Type):
    """A role with its inline and managed policies."""

    name = "AWS::IAM::Role"
    handled = properties(
        "RoleName Path AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration PermissionsBoundary"
        " Policies Tags"
    )
    named_by = "RoleName"
    delay = "cloudformation.role"

    def create(self, it: Handle) -> None:
        name = it.properties.get("RoleName") or it.name(64)
        role = it.client("iam").create_role(
            RoleName=name,
            AssumeRolePolicyDocument=as_text(it.properties["AssumeRolePolicyDocument"]),
            **it.given("Path", "Description", "MaxSessionDuration", "PermissionsBoundary"),
            Tags=it.tag_list(),
        )["Role"]
        it.physical_id = name
        it.attributes = {"Arn": role["Arn"], "RoleId": role["RoleId"]}
        self._policies(it, {}, [])

    def update(self, it: Handle) -> None:
        client, role = it.client("iam"), {"RoleName": it.physical_id}
        if it.changed("AssumeRolePolicyDocument"):
            client.update_assume_role_policy(**role, PolicyDocument=as_text(it.properties["AssumeRolePolicyDocument"]))
        if it.changed("Description", "MaxSessionDuration"):
            client.update_role(**role, **it.given("Description", "MaxSessionDuration"))
        if it.changed("PermissionsBoundary"):
            if "PermissionsBoundary" in it.properties:
                client.put_role_permissions_boundary(**role, **it.given("PermissionsBoundary"))
            else:
                client.delete_role_permissions_boundary(**role)
        old = {policy["PolicyName"]: policy["PolicyDocument"] for policy in it.previous.get("Policies", [])}
        self._policies(it, old, it.previous.get("ManagedPolicyArns", []))
        put, drop = it.tag_changes()
        if drop:
            client.untag_role(**role, TagKeys=drop)
        if put:
            client.tag_role(**role, Tags=[{"Key": key, "Value": value} for key, value in put.items()])

    def delete(self, it: Handle) -> None:
        """A role goes only without policies; those that others attached are in the way, as on AWS."""
        client, role = it.client("iam"), {"RoleName": it.physical_id}
        for policy in it.properties.get("Policies", []):
            quietly(client.delete_role_policy, **role, PolicyName=policy["PolicyName"])
        for arn in it.properties.get("ManagedPolicyArns", []):
            quietly(client.detach_role_policy, **role, PolicyArn=arn)
        quietly(client.delete_role, **role)

    def _policies(self, it: Handle, old: dict[str, Any], old_arns: list[str]) -> None:
        client, role = it.client("iam"), {"RoleName": it.physical_id}
        new = {policy["PolicyName"]: policy["PolicyDocument"] for policy in it.properties.get("Policies", [])}
        arns = it.properties.get("ManagedPolicyArns", [])
        for name in old.keys() - new.keys():
            quietly(client.delete_role_policy, **role, PolicyName=name)
        for name, document in new.items():
            if old.get(name) != document:
                client.put_role_policy(**role, PolicyName=name, PolicyDocument=as_text(document))
        for arn in set(old_arns) - set(arns):
            quietly(client.detach_role_policy, **role, PolicyArn=arn)
        for arn in set(arns) - set(old_arns):
            client.attach_role_policy(**role, PolicyArn=arn)


class Policy(Type):
    """An inline policy of roles."""

    name = "AWS::IAM::Policy"
    handled = properties("PolicyName PolicyDocument Roles")
    taggable = False

    def create(self, it: Handle) -> None:
        it.physical_id = it.name(128)
        self._put(it, it.properties.get("Roles", []))

    def update(self, it: Handle) -> None:
        self._put(it, it.properties.get("Roles", []))
        gone = set(it.previous.get("Roles", []))
        if not it.changed("PolicyName"):
            gone -= set(it.properties.get("Roles", []))
        self._drop(it, gone, it.previous["PolicyName"])

    def delete(self, it: Handle) -> None:
        self._drop(it, it.properties.get("Roles", []), it.properties["PolicyName"])

    def _put(self, it: Handle, roles: list[str]) -> None:
        document = as_text(it.properties["PolicyDocument"])
        for role in roles:
            it.client("iam").put_role_policy(
                RoleName=role, PolicyName=it.properties["PolicyName"], PolicyDocument=document
            )

    def _drop(self, it: Handle, roles: Any, name: str) -> None:
        for role in roles:
            quietly(it.client("iam").delete_role_policy, RoleName=role, PolicyName=name)


class InstanceProfile(Type):
    """What gives a role to instances."""

    name = "AWS::IAM::InstanceProfile"
    handled = properties("InstanceProfileName Path Roles")
    named_by = "InstanceProfileName"
    taggable = False

    def create(self, it: Handle) -> None:
        name = it.properties.get("InstanceProfileName") or it.name(128)
        profile = it.client("iam").create_instance_profile(InstanceProfileName=name, **it.given("Path"))
        it.physical_id = name
        it.attributes = {"Arn": profile["InstanceProfile"]["Arn"]}
        for role in it.properties["Roles"]:
            it.client("iam").add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)

    def update(self, it: Handle) -> None:
        for role in it.previous.get("Roles", []):
            quietly(
                it.client("iam").remove_role_from_instance_profile, InstanceProfileName=it.physical_id, RoleName=role
            )
        for role in it.properties["Roles"]:
            it.client("iam").add_role_to_instance_profile(InstanceProfileName=it.physical_id, RoleName=role)

    def delete(self, it: Handle) -> None:
        client, profile = it.client("iam"), {"InstanceProfileName": it.physical_id}
        for role in it.properties["Roles"]:
            quietly(client.remove_role_from_instance_profile, **profile, RoleName=role)
        quietly(client.delete_instance_profile, **profile)


TYPES = (Role(), Policy(), InstanceProfile())
