#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_reconcile
version_added: 0.1.0
short_description: Do what is left of an unplanned move, once the old region is back
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Does the job that an unplanned move with M(pilotlight.aws_dr.region_switch) left in the state table of the living
    region. Without such a job nothing is done, unless O(without_job) says that one is missing.
  - While the living region cannot say which site has the writer, nothing is fenced and no job is closed.
  - The old site is fenced first, as it would have been before the move had its region answered. Its groups go to zero,
    schedules and event-source mappings that write are switched off, and its database lets nobody in.
  - The snapshot in which Aurora keeps the writes that were lost is copied to a manual one, as it would expire. It may
    not be there yet, or not at all, which is said.
  - Secrets that were promoted in the living region are linked again where both regions still have the same version.
    Where they differ, nothing is overwritten unless O(overwrite_secrets) names the secret.
  - What is still exposed is said, such as a standby that has not joined again.
  - The job is closed when all of it is done. Until then it may be run again at any time.
notes:
  - What was shut at the old site is opened again by the move that brings the application back to it.
attributes:
  check_mode:
    description: Returns the plan, without changing anything.
    support: full
options:
  place:
    description: The site whose region is back.
    type: str
    choices: [primary, dr]
    default: primary
  overwrite_secrets:
    description:
      - Names of secrets that differ between both regions, and whose copy in the region that is back may be replaced by
        that of the living region. The value that is replaced is lost.
    type: list
    elements: str
    default: []
  without_job:
    description:
      - Whether to do all of it although no job was kept. An unplanned move says so when the state table of the living
        region took no writes. A site that is the writer is never fenced.
    type: bool
    default: false
  break_lease:
    description:
      - The id of a run that is dead and holds the lease, or that must not go on. RV(applications[].reasons) names it. A
        lease of any other run is left alone.
    type: str
    default: ""
extends_documentation_fragment:
  - pilotlight.aws_dr.applications
  - pilotlight.aws_dr.applications.live
"""

EXAMPLES = r"""
- name: The primary region is back
  pilotlight.aws_dr.region_reconcile:
    applications: "{{ groups.dr | map('extract', hostvars, 'aws_dr_application') }}"
  run_once: true
"""

RETURN = r"""
applications:
  description: The outcome of each application.
  returned: when the arguments are right
  type: list
  elements: dict
  contains:
    application:
      description: Its name.
      type: str
      returned: always
    status:
      description:
        - V(reconciled), V(pending) where something is left of the job, V(nothing-to-do), V(planned) in check mode,
          V(refused) by a gate before anything was changed, or V(failed).
      type: str
      returned: always
    snapshots:
      description: Names of the manual snapshots in the old region that hold the writes that were lost.
      type: list
      elements: str
      returned: always
    exposed:
      description: What the application still lacks, one line each.
      type: list
      elements: str
      returned: always
    left:
      description: What of the job has to wait, or needs the operator's word.
      type: list
      elements: str
      returned: always
    changed:
      description: Whether anything was changed, in check mode whether it would be.
      type: bool
      returned: always
    reasons:
      description: What stood in the way, one line each.
      type: list
      elements: str
      returned: always
    notes:
      description: What is to be known, one line each.
      type: list
      elements: str
      returned: always
    plan:
      description: The calls that change something, in order, each with its step, region, plane and target.
      type: list
      elements: dict
      returned: always
    steps:
      description: The steps, each with its stage, when it began and ended, and its outcome.
      type: list
      elements: dict
      returned: always
    run_id:
      description: The id of the run, when there was one.
      type: str
      returned: always
    journal:
      description: The local copy of the journal.
      type: str
      returned: when O(journal_dir) is given
"""
