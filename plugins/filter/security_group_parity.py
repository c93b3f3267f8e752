# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the security groups of two regions let in different traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
positional: _input, dr, primary_tiers, dr_tiers
options:
  _input:
    description: Groups of the primary site, as M(amazon.aws.ec2_security_group_info) returns them.
    type: list
    elements: dict
    required: true
  dr:
    description: Groups of the dr site.
    type: list
    elements: dict
    required: true
  primary_tiers:
    description: Name or id of the primary site's group of each tier.
    type: dict
    required: true
  dr_tiers:
    description: Name or id of the dr site's group of each tier.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show where the tiers differ
  ansible.builtin.debug:
    msg: >-
      {{ primary.security_groups
      | pilotlight.aws_dr.security_group_parity(dr.security_groups, {'alb': 'web'}, {'alb': 'dr-web'}) }}
"""

RETURN = r"""
_value:
  description: The differences, one sentence each.
  type: list
  elements: str
  sample: ["alb: only primary lets in tcp 8443 from 0.0.0.0/0"]
"""

Group = Mapping[str, Any]
Tiers = Mapping[str, Group]

_PEERS = {
    "ip_ranges": "cidr_ip",
    "ipv6_ranges": "cidr_ipv6",
    "prefix_list_ids": "prefix_list_id",
    "user_id_group_pairs": "group_id",
}


def security_group_parity(
    primary: Iterable[Group], dr: Iterable[Group], primary_tiers: Mapping[str, str], dr_tiers: Mapping[str, str]
) -> list[str]:
    """Return where the inbound rules of the tiers differ, one sentence each."""
    here, there = _tiers(primary, primary_tiers), _tiers(dr, dr_tiers)
    found: list[str] = []
    for tier in sorted({*here, *there}):
        if tier not in here or tier not in there:
            found.append(f"{tier}: only {'primary' if tier in here else 'dr'} has a group")
            continue
        ours, theirs = set(_rules(here, tier)), set(_rules(there, tier))
        found += [f"{tier}: only primary lets in {rule}" for rule in sorted(ours - theirs)]
        found += [f"{tier}: only dr lets in {rule}" for rule in sorted(theirs - ours)]
    return found


def _tiers(groups: Iterable[Group], names: Mapping[str, str]) -> dict[str, Group]:
    known = {group[key]: group for group in groups for key in ("group_name", "group_id")}
    return {tier: known[name] for tier, name in names.items() if name in known}


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
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"security_group_parity": security_group_parity}
