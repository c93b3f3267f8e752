"""Launch templates: the tags of the template itself are no part of its first version's data.

EC2 API reference, CreateLaunchTemplate: `TagSpecifications` are "the tags to apply to the launch template on creation";
those of instances and volumes stand in `LaunchTemplateData`.  moto adds the former to the latter, so that whoever
compares a template with what it was made of finds a difference.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.launch_templates import LaunchTemplateBackend

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap


def install(world: worlds.World) -> None:
    """Patch the creation."""

    @wrap(LaunchTemplateBackend, "create_launch_template")
    def create_launch_template(
        original: Any, self: Any, name: str, description: str, template_data: dict[str, Any], tag_spec: dict[str, Any]
    ) -> Any:
        tagged = template_data.get("TagSpecifications", [])
        template_data["TagSpecifications"] = [one for one in tagged if one["ResourceType"] != "launch-template"]
        return original(self, name, description, template_data, tag_spec)
