#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rto_report
version_added: 0.1.0
short_description: Turn the samples and the journal of a move into a report
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Computes the measured RTO and RPO of a move from the samples of M(pilotlight.aws_dr.rto_probe) and the journal of
    M(pilotlight.aws_dr.region_switch), holds them against the objectives, and writes C(report.json), C(report.md),
    C(report.html) and C(junit.xml). All of them say what is in the JSON.
  - C(report.html) is one file that needs no network and no other file, for the screen and for paper.
  - Every figure carries its method. One that could not be had is null, with the reason as its method.
  - Asks nothing of AWS. It runs on the controller, where the samples and the journal are.
options:
  directory:
    description:
      - Folder for the files. It is made when it is missing.
    type: path
    required: true
  run_id:
    description: The run's identifier.
    type: str
    required: true
  application:
    description: Name of the application.
    type: str
    required: true
  intent:
    description: What the move was for.
    type: str
    choices: [drill, failover, failback]
    required: true
  mode:
    description: Whether the old site was asked first.
    type: str
    choices: [planned, unplanned]
    default: planned
  origin:
    description: Where the application was.
    type: dict
    required: true
    suboptions: &site
      place:
        description: V(primary) or V(dr).
        type: str
        choices: [primary, dr]
        required: true
      region:
        description: AWS region.
        type: str
        required: true
  target:
    description: Where the application was moved to.
    type: dict
    required: true
    suboptions: *site
  status:
    description:
      - What came of the move, as RV(pilotlight.aws_dr.region_switch#module:applications[].status) says it. Anything but
        V(moved) fails, whatever was measured.
    type: str
    default: moved
  reasons:
    description: What stood in its way.
    type: list
    elements: str
    default: []
  notes:
    description: What could not be done and did not stop it.
    type: list
    elements: str
    default: []
  objectives:
    description: What the move is held against.
    type: dict
    required: true
    suboptions:
      rto_seconds:
        description: The recovery time objective.
        type: float
        required: true
      rpo_seconds:
        description: The recovery point objective.
        type: float
        required: true
  samples:
    description:
      - File with the samples of the probe. Without one nothing that clients saw is measured.
    type: path
  journal:
    description:
      - File with the events of the run, one JSON object a line. Without one no stage is measured.
    type: path
  endpoints:
    description:
      - DNS name of the load balancer of each region, so that DNS answers can be told as one region's where the probe
        did not know them.
    type: dict
    default: {}
  profiles:
    description:
      - AWS profiles that the move was made with; an empty one is the default chain. Where the environment or one of
        these has endpoints that are not AWS's own, the report says that its figures come from a test endpoint.
    type: list
    elements: str
    default: ['']
  nameservers:
    description:
      - Name servers that are asked for the addresses of O(endpoints), as C(address) or C(address:port). By default
        those that the system asks.
    type: list
    elements: str
    default: []
  stable_samples:
    description: How many good samples in a row make a stable series.
    type: int
    default: 10
  lag:
    description: The last replication lag that CloudWatch reported before the move.
    type: dict
    suboptions:
      seconds:
        description: The lag.
        type: float
      metric:
        description: The metric's name.
        type: str
        default: AuroraGlobalDBReplicationLag
      region:
        description: The region in which it was read.
        type: str
      at:
        description: When it was measured, in seconds since the epoch.
        type: float
  outage_began_at:
    description:
      - When the outage began, in seconds since the epoch, for a probe that was started when the application was down
        already. The report says that the time was given.
      - It makes an outage longer, never shorter. Where the probe saw a failure before that time, what was seen counts,
        and the report says so. A time in the future, or after the probe had ended and the run was opened, is refused.
    type: float
  checklist:
    description: What was checked before the move.
    type: list
    elements: dict
    default: []
    suboptions: &checks
      name:
        description: What was checked.
        type: str
        required: true
      result:
        description: What came of it.
        type: str
        required: true
      detail:
        description: More about it.
        type: str
  validation:
    description: What was checked after the move.
    type: list
    elements: dict
    default: []
    suboptions: *checks
  vantage_points:
    description:
      - Other places from which the move was watched, each with the samples of its own M(pilotlight.aws_dr.rto_probe).
        The same figures are measured of them. The headline and the verdict stay those of O(samples).
      - Their samples are on the clocks of their own hosts, which must agree with that of O(journal).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Where that is.
        type: str
        required: true
      samples:
        description: File with its samples. Without one nothing is measured from there.
        type: path
      error:
        description: Why there are no samples, or not all of them. It stands in the report.
        type: str
        default: ''
attributes:
  check_mode:
    description: Computes the report and writes no file.
    support: full
  diff_mode:
    description: Shows how C(report.md) changes.
    support: full
seealso:
  - module: pilotlight.aws_dr.rto_probe
"""

EXAMPLES = r"""
- name: Report on a drill
  pilotlight.aws_dr.rto_report:
    directory: reports/20261123T020000Z-drill-abcdef
    run_id: 20261123T020000Z-drill-abcdef
    application: dr-webapp
    intent: drill
    origin: {place: primary, region: us-east-1}
    target: {place: dr, region: us-west-2}
    objectives: {rto_seconds: 900, rpo_seconds: 60}
    samples: /var/tmp/samples.jsonl
    journal: /var/tmp/journal.jsonl
    vantage_points:
      - name: office-tokyo
        samples: /var/tmp/samples-office-tokyo.jsonl
      - name: office-oslo
        error: it could not be reached
"""

RETURN = r"""
report:
  description: The report, as it stands in C(report.json).
  returned: always
  type: dict
verdict:
  description: V(pass), V(fail) or V(not measured).
  returned: always
  type: str
  sample: pass
summary:
  description: The verdict and its reasons in one line.
  returned: always
  type: str
files:
  description: The files of the report by kind.
  returned: always
  type: dict
  sample:
    json: reports/run/report.json
    markdown: reports/run/report.md
    html: reports/run/report.html
    junit: reports/run/junit.xml
    samples: reports/run/samples.jsonl
    journal: reports/run/journal.jsonl
"""
