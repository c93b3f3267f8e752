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
    M(pilotlight.aws_dr.region_switch), holds them against the objectives, and writes C(report.json) and C(report.md).
  - Every figure carries its method. One that could not be had is null, with the reason as its method.
  - Asks nothing of AWS.
options:
  directory:
    description:
      - Folder for the two files. It is made when it is missing.
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
  sample: {"json": "reports/run/report.json", "markdown": "reports/run/report.md"}
"""

import json
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.dns import DnsError, Resolver, normal_name
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.measure import Lag, Objectives, measure
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.report import (
    Move,
    as_json,
    as_markdown,
    to_report,
)
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.samples import Balancer, parse, placed

SITE = {
    "place": {"type": "str", "choices": ["primary", "dr"], "required": True},
    "region": {"type": "str", "required": True},
}
CHECKS = {
    "name": {"type": "str", "required": True},
    "result": {"type": "str", "required": True},
    "detail": {"type": "str"},
}
OBJECTIVES = {
    "rto_seconds": {"type": "float", "required": True},
    "rpo_seconds": {"type": "float", "required": True},
}
LAG = {
    "seconds": {"type": "float"},
    "metric": {"type": "str", "default": "AuroraGlobalDBReplicationLag"},
    "region": {"type": "str"},
    "at": {"type": "float"},
}
ARGUMENTS = {
    "directory": {"type": "path", "required": True},
    "run_id": {"type": "str", "required": True},
    "application": {"type": "str", "required": True},
    "intent": {"type": "str", "choices": ["drill", "failover", "failback"], "required": True},
    "mode": {"type": "str", "choices": ["planned", "unplanned"], "default": "planned"},
    "origin": {"type": "dict", "required": True, "options": SITE},
    "target": {"type": "dict", "required": True, "options": SITE},
    "status": {"type": "str", "default": "moved"},
    "reasons": {"type": "list", "elements": "str", "default": []},
    "notes": {"type": "list", "elements": "str", "default": []},
    "objectives": {"type": "dict", "required": True, "options": OBJECTIVES},
    "samples": {"type": "path"},
    "journal": {"type": "path"},
    "endpoints": {"type": "dict", "default": {}},
    "nameservers": {"type": "list", "elements": "str", "default": []},
    "stable_samples": {"type": "int", "default": 10},
    "lag": {"type": "dict", "options": LAG},
    "outage_began_at": {"type": "float"},
    "checklist": {"type": "list", "elements": "dict", "default": [], "options": CHECKS},
    "validation": {"type": "list", "elements": "dict", "default": [], "options": CHECKS},
}


def lines_of(path: str | None) -> list[str]:
    if not path:
        return []
    with open(path, encoding="utf-8") as file:
        return file.readlines()


def balancers_of(arguments: dict[str, Any]) -> list[Balancer]:
    """The load balancers with their addresses, as far as DNS knows them: an alias is recognised by them alone."""
    resolver = Resolver(arguments["nameservers"])
    found = []
    for region, host in arguments["endpoints"].items():
        if host:
            try:
                addresses = resolver.resolve(host).addresses
            except DnsError:
                addresses = ()
            found.append(Balancer(region, normal_name(host), frozenset(addresses)))
    return found


def report_of(arguments: dict[str, Any], files: dict[str, str]) -> dict[str, Any]:
    """Reads the two files and computes the report; ValueError and OSError name what is wrong."""
    events = [json.loads(line) for line in lines_of(arguments["journal"]) if line.strip()]
    objectives = Objectives(**arguments["objectives"])
    lag = Lag(**arguments["lag"]) if arguments["lag"] else None
    observation = placed(parse(lines_of(arguments["samples"])), balancers_of(arguments))
    measurement = measure(
        observation,
        events,
        objectives,
        target_region=arguments["target"]["region"],
        stable_samples=arguments["stable_samples"],
        lag=lag,
        outage_began_at=arguments["outage_began_at"],
    )
    move = Move(
        run_id=arguments["run_id"],
        application=arguments["application"],
        intent=arguments["intent"],
        mode=arguments["mode"],
        origin=arguments["origin"]["place"],
        target=arguments["target"]["place"],
        origin_region=arguments["origin"]["region"],
        target_region=arguments["target"]["region"],
        status=arguments["status"],
        reasons=tuple(arguments["reasons"]),
        notes=tuple(arguments["notes"]),
    )
    return to_report(
        move,
        measurement,
        objectives,
        events=events,
        lag=lag,
        files=files,
        vantage=observation.vantage,
        checklist=arguments["checklist"],
        validation=arguments["validation"],
    )


def written(module: AnsibleModule, path: str, content: str) -> tuple[bool, str]:
    """Writes a file where it differs, and says what was there before."""
    before = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            before = file.read()
    if before == content:
        return False, before
    if not module.check_mode:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
    return True, before


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    arguments = module.params
    paths = {kind: os.path.join(arguments["directory"], f"report.{end}") for kind, end in
             (("json", "json"), ("markdown", "md"))}  # fmt: skip
    files = paths | {kind: arguments[kind] for kind in ("samples", "journal") if arguments[kind]}
    try:
        report = report_of(arguments, files)
        markdown = as_markdown(report)
        changed_json, _before = written(module, paths["json"], as_json(report))
        changed_markdown, before = written(module, paths["markdown"], markdown)
    except (OSError, ValueError, KeyError) as error:
        module.fail_json(msg=f"no report on {arguments['run_id']}: {error}")
    module.exit_json(
        changed=changed_json or changed_markdown,
        report=report,
        verdict=report["verdict"],
        summary=f"{report['verdict']}: {'; '.join(report['reasons'])}",
        files=files,
        diff={
            "before": before,
            "after": markdown,
            "before_header": paths["markdown"],
            "after_header": paths["markdown"],
        },
    )


if __name__ == "__main__":
    main()
