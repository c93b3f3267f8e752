# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One site's half of a pair of Auto Scaling groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: site_group
version_added: 0.1.0
short_description: One site's half of a pair of Auto Scaling groups
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Turns an entry of C(aws_dr_groups), which names the group of each site, into what the recovery core knows of
    one site.
  - The dr site has a standby and an active capacity. The primary site keeps its active capacity as standby too, unless
    the entry has a C(primary_standby).
  - What is missing in the entry is missing in the result, so that the validation of the settings can name it.
positional: _input, place
options:
  _input:
    description: An entry of C(aws_dr_groups).
    type: dict
    required: true
  place:
    description: The site.
    type: str
    choices: [primary, dr]
    required: true
"""

EXAMPLES = r"""
- name: Show the groups of the dr site
  ansible.builtin.debug:
    msg: "{{ aws_dr_groups | map('pilotlight.aws_dr.site_group', 'dr') | list }}"
"""

RETURN = r"""
_value:
  description: The group's name and capacities (numbers of instances) at that site.
  type: dict
  sample:
    name: dr-webapp-dr-asg
    active: {min: 3, desired: 3, max: 10}
    standby: {min: 0, desired: 1, max: 10}
"""


def site_group(entry: Any, place: str) -> Any:
    """Return the group of ``place`` ("primary" or "dr"); anything but a mapping is handed back as it came."""
    if not isinstance(entry, Mapping):
        return entry
    standby = {"dr": "standby", "primary": "primary_standby"}[place]
    if place == "primary" and entry.get(standby) is None:
        standby = "active"
    chosen = {"name": place, "active": "active", "standby": standby}
    return {name: entry[source] for name, source in chosen.items() if source in entry}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"site_group": site_group}
