# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which networks overlap others (R31: two that do cannot be joined)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

DOCUMENTATION = r"""
name: overlapping_networks
version_added: 0.1.0
short_description: Which networks overlap others
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Returns those networks of a list that overlap any network of another list.
positional: _input, others
options:
  _input:
    description: IPv4 networks.
    type: list
    elements: str
    required: true
  others:
    description: The networks with which they are compared.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse a network that cannot be joined with the primary region's
  ansible.builtin.assert:
    that: "[network_vpc_cidr] | pilotlight.aws_dr.overlapping_networks(['10.0.0.0/16']) | length == 0"
"""

RETURN = r"""
_value:
  description: The networks of the first list that overlap one of the second.
  type: list
  elements: str
"""


def overlapping_networks(networks: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return the networks that overlap any of ``others``."""
    taken = [ipaddress.ip_network(other) for other in others]
    return [network for network in networks if any(ipaddress.ip_network(network).overlaps(other) for other in taken)]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"overlapping_networks": overlapping_networks}
