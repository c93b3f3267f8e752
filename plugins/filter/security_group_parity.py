# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the security groups of two regions let in different traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

DOCUMENTATION = r"""
name: security_group_parity
version_added: 0.1.0
short_description: Where the security groups of two regions let in different traffic
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Compares the tiers of two sites by their inbound rules. References to a group of the same site are compared by tier,
    so that the ids, which differ in every region, make no difference. Descriptions are not compared.
  - A tier that the first site has and the second has not, or the other way round, is a difference too.
positional: _input, dr
options:
  _input:
    description: For each tier the group of the primary site, as M(amazon.aws.ec2_security_group_info) returns it.
    type: dict
    required: true
  dr:
    description: For each tier the group of the dr site.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show where the tiers differ
  ansible.builtin.debug:
    msg: "{{ primary_groups | pilotlight.aws_dr.security_group_parity(dr_groups) }}"
"""

RETURN = r"""
_value:
  description: The differences, one sentence each.
  type: list
  elements: str
  sample: ["alb: only primary lets in tcp 8443 from 0.0.0.0/0"]
"""

Tiers = Mapping[str, Mapping[str, Any]]

_PEERS = {
    "ip_ranges": "cidr_ip",
    "ipv6_ranges": "cidr_ipv6",
    "prefix_list_ids": "prefix_list_id",
    "user_id_group_pairs": "group_id",
}


def security_group_parity(primary: Tiers, dr: Tiers) -> list[str]:
    """Return where the inbound rules of the tiers differ, one sentence each."""
    found: list[str] = []
    for tier in sorted({*primary, *dr}):
        if tier not in primary or tier not in dr:
            found.append(f"{tier}: only {'primary' if tier in primary else 'dr'} has a group")
            continue
        here, there = set(_rules(primary, tier)), set(_rules(dr, tier))
        found += [f"{tier}: only primary lets in {rule}" for rule in sorted(here - there)]
        found += [f"{tier}: only dr lets in {rule}" for rule in sorted(there - here)]
    return found


def _rules(site: Tiers, tier: str) -> Iterator[str]:
    tiers = {group["group_id"]: f"tier {name}" for name, group in site.items()}
    for permission in site[tier].get("ip_permissions", []):
        protocol = permission["ip_protocol"]
        first, last = permission.get("from_port"), permission.get("to_port")
        ports = f"{first}" if first == last else f"{first}-{last}"
        what = "everything" if protocol == "-1" else f"{protocol} {ports}"
        for member, key in _PEERS.items():
            for peer in permission.get(member, []):
                yield f"{what} from {tiers.get(peer[key], peer[key])}"


class FilterModule:
    """The filter, as Ansible loads it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"security_group_parity": security_group_parity}
