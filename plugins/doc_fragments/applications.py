# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation of the modules that look at whole applications or move them has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The applications, and what an action that works on them needs and shows."""

    DOCUMENTATION = r"""
requirements:
  - python >= 3.11
  - boto3 >= 1.35.0
options:
  applications:
    description:
      - The applications, each as the dictionary that C(aws_dr_application) of the role P(pilotlight.aws_dr.aws_dr#role)
        composes.
    type: list
    elements: dict
    required: true
"""

    LIVE = r"""
notes:
  - Runs on the controller as an action plugin, where it shows live what each application is waiting for.
  - Credentials come from the profile or role of each site, or from the default chain. A play's C(environment) does not
    reach it.
attributes:
  diff_mode:
    description: Shows the plan, each call with its region and plane.
    support: full
  idempotent:
    description: A second run makes no call that changes anything.
    support: full
options:
  journal_dir:
    description:
      - A folder on the controller for copies of the journals, C(<application>/<run id>.jsonl).
      - Without it the journal is kept in the state table only.
    type: path
"""
