# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Auto Scaling groups launch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: launch_data
version_added: 0.1.0
short_description: What Auto Scaling groups launch
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Finds for each group the version of the launch template that it uses, by itself or in its mixed instances policy.
  - A group without a launch template, or whose template is not among those given, has no data.
positional: _input, templates
options:
  _input:
    description: Groups as M(amazon.aws.autoscaling_group_info) returns them.
    type: list
    elements: dict
    required: true
  templates:
    description: Launch templates as M(amazon.aws.ec2_launch_template_info) returns them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the image of each group
  ansible.builtin.debug:
    msg: "{{ groups_found.results | pilotlight.aws_dr.launch_data(templates_found.launch_templates) }}"
"""

RETURN = r"""
_value:
  description: For each group, by name, the data of the version that it launches.
  type: dict
  sample:
    dr-webapp-asg:
      image_id: ami-0123456789abcdef0
      instance_type: t3.medium
"""


def launch_data(groups: Iterable[Mapping[str, Any]], templates: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the launch template data of each group that has any."""
    known = {template["launch_template_name"]: template for template in templates}
    found: dict[str, Any] = {}
    for group in groups:
        used = _used(group)
        template = known.get(used.get("launch_template_name", ""))
        if template:
            wanted = _number(template, str(used.get("version", "$Default")))
            for version in template["versions"]:
                if version["version_number"] == wanted:
                    found[group["auto_scaling_group_name"]] = version["launch_template_data"]
    return found


def _used(group: Mapping[str, Any]) -> Mapping[str, Any]:
    """The group's launch template specification, also out of a mixed instances policy."""
    if group.get("launch_template"):
        return dict(group["launch_template"])
    mixed = (group.get("mixed_instances_policy_full") or {}).get("launch_template") or {}
    return dict(mixed.get("launch_template_specification") or {})


def _number(template: Mapping[str, Any], version: str) -> int:
    named = {"$Latest": "latest_version_number", "$Default": "default_version_number"}
    return int(template[named[version]] if version in named else version)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"launch_data": launch_data}
