# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: settings
version_added: 0.1.0
short_description: Check the variables of roles of this collection
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Checks the variables of roles of this collection as the roles would see them, before any of them has begun
    and before anything is asked of AWS. It changes nothing and calls nobody.
  - Reports every problem at once. Each names the variable, what it was and what would be right.
  - Types and choices come from the roles' C(meta/argument_specs.yml); what AWS accepts as a name, a region or a network
    comes from its own rules.
options:
  roles:
    description:
      - Names of the roles, without the collection.
    type: list
    elements: str
    default: [aws_dr]
attributes:
  action:
    description: Runs on the controller, where variables are.
    support: full
extends_documentation_fragment:
  - pilotlight.aws_dr.declaration.info
"""

EXAMPLES = r"""
- name: Check the settings that all roles share
  pilotlight.aws_dr.settings:

- name: Check what the network and the database would be made from
  pilotlight.aws_dr.settings:
    roles: [aws_dr, network, database]
"""

RETURN = r"""
problems:
  description: What is wrong, one sentence each. Empty when the settings are right.
  returned: always
  type: list
  elements: str
  sample:
    - "aws_dr_dr_region is 'us-west-22': AWS has no such region; did you mean us-west-2?"
"""
