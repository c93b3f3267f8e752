"""AWS::Lambda: functions and permissions."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.ec2_common import quietly


class Function(Type):
    """A function whose code is in a bucket, or written in the template."""

    name = "AWS::Lambda::Function"
    _configuration = (
        "Description",
        "Environment",
        "EphemeralStorage",
        "Handler",
        "KmsKeyArn",
        "Layers",
        "LoggingConfig",
        "MemorySize",
        "Role",
        "Runtime",
        "Timeout",
        "TracingConfig",
        "VpcConfig",
    )
    handled = properties(
        "FunctionName Code Architectures PackageType ReservedConcurrentExecutions Tags", " ".join(_configuration)
    )
    named_by = "FunctionName"

    def create(self, it: Handle) -> None:
        name = it.properties.get("FunctionName") or it.name(64)
        answer = it.client("lambda").create_function(
            FunctionName=name,
            Code=self._code(it),
            **it.given("Architectures", "PackageType", *self._configuration),
            Tags=it.all_tags(),
        )
        it.physical_id = name
        it.attributes = {"Arn": answer["FunctionArn"]}
        self._concurrency(it)

    def update(self, it: Handle) -> None:
        client, function = it.client("lambda"), {"FunctionName": it.physical_id}
        if it.changed(*self._configuration):
            client.update_function_configuration(**function, **it.given(*self._configuration))
        if it.changed("Code", "Architectures"):
            client.update_function_code(**function, **self._code(it), **it.given("Architectures"))
        if it.changed("ReservedConcurrentExecutions"):
            self._concurrency(it)
        put, drop = it.tag_changes()
        if drop:
            client.untag_resource(Resource=it.attributes["Arn"], TagKeys=drop)
        if put:
            client.tag_resource(Resource=it.attributes["Arn"], Tags=put)

    def delete(self, it: Handle) -> None:
        quietly(it.client("lambda").delete_function, FunctionName=it.physical_id)

    def _code(self, it: Handle) -> dict[str, Any]:
        code = dict(it.properties["Code"])
        if "ZipFile" not in code:
            return code
        archive = io.BytesIO()
        suffix = "js" if str(it.properties.get("Runtime", "")).startswith("nodejs") else "py"
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr(f"index.{suffix}", code.pop("ZipFile"))
        return {**code, "ZipFile": archive.getvalue()}

    def _concurrency(self, it: Handle) -> None:
        client, function = it.client("lambda"), {"FunctionName": it.physical_id}
        if "ReservedConcurrentExecutions" in it.properties:
            client.put_function_concurrency(**function, **it.given("ReservedConcurrentExecutions"))
        elif "ReservedConcurrentExecutions" in it.previous:
            client.delete_function_concurrency(**function)


class Permission(Type):
    """A statement of a function's policy."""

    name = "AWS::Lambda::Permission"
    _plain = ("Action", "FunctionName", "Principal", "SourceAccount", "SourceArn", "EventSourceToken", "PrincipalOrgID")
    handled = properties(" ".join(_plain))
    taggable = False

    def create(self, it: Handle) -> None:
        statement = it.name(100)
        it.client("lambda").add_permission(StatementId=statement, **it.given(*self._plain))
        it.physical_id = statement
        it.attributes = {"Id": statement}

    def delete(self, it: Handle) -> None:
        quietly(it.client("lambda").remove_permission, StatementId=it.physical_id, **it.given("FunctionName"))


TYPES = (Function(), Permission())
