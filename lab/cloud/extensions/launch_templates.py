"""Launch templates: the tags of the template itself are no part of its first version's data; later versions launch too.

EC2 API reference, CreateLaunchTemplate: `TagSpecifications` are "the tags to apply to the launch template on creation";
those of instances and volumes stand in `LaunchTemplateData`.  moto adds the former to the latter, so that whoever
compares a template with what it was made of finds a difference.

CreateLaunchTemplateVersion: user data is encoded as at the creation.  moto takes it as it comes there, and can then
launch nothing from the version.
"""

from __future__ import annotations

from typing import Any

from moto.core.types import Base64EncodedString
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend
from moto.ec2.utils import parse_user_data

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap


def install(world: worlds.World) -> None:
    """Patch the creation of templates and of versions."""

    @wrap(LaunchTemplateBackend, "create_launch_template")
    def create_launch_template(
        original: Any, self: Any, name: str, description: str, template_data: dict[str, Any], tag_spec: dict[str, Any]
    ) -> Any:
        tagged = template_data.get("TagSpecifications", [])
        template_data["TagSpecifications"] = [one for one in tagged if one["ResourceType"] != "launch-template"]
        return original(self, name, description, template_data, tag_spec)

    @wrap(LaunchTemplate, "create_version")
    def create_version(original: Any, self: Any, data: dict[str, Any], description: str) -> Any:
        given = data.get("UserData")
        if given is not None and not isinstance(given, Base64EncodedString):
            data = {**data, "UserData": parse_user_data(given)}
        return original(self, data, description)
