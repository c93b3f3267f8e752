#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: region_switch
version_added: 0.1.0
short_description: Move applications to their other region
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Moves any number of applications to their primary or dr site. Capacity is raised, the Aurora cluster of the target
    becomes the writer, a write is made and read back, and only then clients are led there.
  - Before an unplanned promotion the old site is fenced, as far as its region answers. Its groups go to zero, schedules
    and event-source mappings that write are switched off, and its database lets nobody in. What was shut is kept in the
    state tables and opened again when the application moves back.
  - Before anything is changed, all gates are asked, and everything that stands in the way is reported at once.
  - In an unplanned move the region that is left may be gone. It costs the move at most ten seconds, and neither
    Route 53's nor IAM's control plane is ever asked.
  - Run again, an unfinished move goes on under its run id. A finished one is found to be done, and no call is made that
    changes anything.
  - Every call that changes something stands in a journal before it is made, in the state table of the target's region
    and in a local file.
attributes:
  check_mode:
    description: Asks all gates and returns the plan, without changing anything.
    support: full
options:
  target:
    description: The place to which the applications are moved.
    type: str
    choices: [primary, dr]
    required: true
  mode:
    description:
      - V(planned) is a switchover. Both regions must be healthy, and nothing is lost.
      - V(unplanned) is a failover. The other region may be gone, and data may be lost.
    type: str
    choices: [planned, unplanned]
    default: planned
  intent:
    description:
      - What the move is for. It names the run and changes nothing else.
      - By default V(failback) when O(target=primary), else V(failover).
    type: str
    choices: [drill, failover, failback]
  accept_data_loss:
    description: Whether an unplanned move may lose what had not been replicated. Without it, none begins.
    type: bool
    default: false
  accept_unfenced:
    description:
      - Whether an unplanned move may promote the database although what writes at the old site could not be stopped,
        because its region does not answer or does not allow it. Without it, no such promotion is made.
      - Every unplanned move leaves a job for M(pilotlight.aws_dr.region_reconcile).
    type: bool
    default: false
  waive:
    description:
      - Names of gates that must not hold the move back. The journal and the report name them.
      - Some gates cannot be waived, as AWS would refuse the move or data would be lost.
    type: list
    elements: str
    default: []
  break_lease:
    description:
      - The id of the run whose lease is to be taken away from it, when that run will surely not go on or must not.
        RV(applications[].reasons) and M(pilotlight.aws_dr.region_switch_info) name it. A lease of any other run is left
        alone.
      - The move waits until the last call that the lease covered is over, about a minute, and the journal says whose
        lease was broken.
    type: str
    default: ""
  operator:
    description: Who moves, and waives. The journal and the report name them. By default nobody is named.
    type: str
  run_id:
    description: The id of a new run. One that is taken up again keeps its own. By default it is made up.
    type: str
extends_documentation_fragment:
  - pilotlight.aws_dr.applications
  - pilotlight.aws_dr.applications.live
"""

EXAMPLES = r"""
- name: Drill, moving the application to its dr region
  pilotlight.aws_dr.region_switch:
    applications: ["{{ aws_dr_application }}"]
    target: dr
    intent: drill
    journal_dir: reports/journals

- name: Fail over because the primary region is lost
  pilotlight.aws_dr.region_switch:
    applications: "{{ groups.dr | map('extract', hostvars, 'aws_dr_application') }}"
    target: dr
    mode: unplanned
    accept_data_loss: true
    accept_unfenced: true
  run_once: true

- name: Move home
  pilotlight.aws_dr.region_switch:
    applications: ["{{ aws_dr_application }}"]
    target: primary
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
        - V(moved), V(nothing-to-do), V(planned) in check mode, V(refused) by a gate before anything was changed, or
          V(failed).
      type: str
      returned: always
    run_id:
      description: The id of the run, when there was one.
      type: str
      returned: always
    changed:
      description: Whether anything was changed, in check mode whether it would be.
      type: bool
      returned: always
    resumed:
      description: Whether an earlier run that had not ended was taken up.
      type: bool
      returned: always
    reasons:
      description: What stood in the way, one line each.
      type: list
      elements: str
      returned: always
    notes:
      description: What could not be done and did not stop the move, such as fencing an unreachable site.
      type: list
      elements: str
      returned: always
    gates:
      description: All gates, each with its rule, its answer, the reason, and whether it blocks or was waived.
      type: list
      elements: dict
      returned: always
    plan:
      description: The calls that change something, in order, each with its step, region, plane and target.
      type: list
      elements: dict
      returned: always
    bookkeeping:
      description: Calls that keep the lease and the journal, made before and after those of the plan.
      type: list
      elements: dict
      returned: always
    steps:
      description: The steps, each with its stage, when it began and ended, and its outcome.
      type: list
      elements: dict
      returned: always
    began_at:
      description: When the run was opened, in seconds since the epoch.
      type: float
      returned: when there was a run
    ended_at:
      description: When this process ended its work on it.
      type: float
      returned: when there was a run
    journal:
      description: The local copy of the journal.
      type: str
      returned: when O(journal_dir) is given
"""
