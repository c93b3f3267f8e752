# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation of the modules that declare one AWS resource has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes, the tags that are added, and the waits."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Reads what is there and says what would change, without changing it.
    support: full
  diff_mode:
    description: Shows what is there and what is wanted.
    support: full
  idempotent:
    description: A second run with the same arguments makes no call that changes anything.
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
"""

    TAGS = r"""
options:
  tags:
    description:
      - Tags that the resource is to have. Others that it has are left alone.
    type: dict
"""

    WAIT = r"""
options:
  wait:
    description:
      - Whether to wait until what was asked for is done.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds after which waiting fails, with what was still missing.
    type: int
    default: 900
  wait_interval:
    description:
      - Seconds between two looks while waiting.
    type: float
    default: 5.0
"""
