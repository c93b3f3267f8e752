"""AWS::EC2::LaunchTemplate; each update makes a version, as on AWS."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.resources.base import Handle, Type, properties
from lab.cloud.cloudformation.resources.ec2_common import quietly


class LaunchTemplate(Type):
    """A launch template and its versions."""

    name = "AWS::EC2::LaunchTemplate"
    handled = properties("LaunchTemplateName LaunchTemplateData VersionDescription TagSpecifications")
    named_by = "LaunchTemplateName"
    taggable = False

    def create(self, it: Handle) -> None:
        template = it.client("ec2").create_launch_template(
            LaunchTemplateName=it.properties.get("LaunchTemplateName") or it.name(128),
            **it.given("LaunchTemplateData", "VersionDescription", "TagSpecifications"),
        )["LaunchTemplate"]
        it.physical_id = template["LaunchTemplateId"]
        it.attributes = self._attributes(template)

    def update(self, it: Handle) -> None:
        it.client("ec2").create_launch_template_version(
            LaunchTemplateId=it.physical_id, **it.given("LaunchTemplateData", "VersionDescription")
        )
        found = it.client("ec2").describe_launch_templates(LaunchTemplateIds=[it.physical_id])
        it.attributes = self._attributes(found["LaunchTemplates"][0])

    def delete(self, it: Handle) -> None:
        quietly(it.client("ec2").delete_launch_template, LaunchTemplateId=it.physical_id)

    def _attributes(self, template: dict[str, Any]) -> dict[str, Any]:
        return {
            "LaunchTemplateId": template["LaunchTemplateId"],
            "DefaultVersionNumber": str(template["DefaultVersionNumber"]),
            "LatestVersionNumber": str(template["LatestVersionNumber"]),
        }


TYPES = (LaunchTemplate(),)
