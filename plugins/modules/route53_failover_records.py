# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_failover_records
version_added: 0.1.0
short_description: Declare a name as a failover pair, or as a simple record
description:
  - Makes the primary and the secondary failover record of a name, each with a health check, or makes it simple again.
  - The name goes from one form to the other in one change batch, which Route 53 carries out as a whole or not at all,
    so there is no moment without an answer.
  - Refuses weighted, latency and other routing, a CNAME at the apex of a zone or beside other records, and a record
    without a health check, which Route 53 would always take as healthy.
  - Aliases are written with C(EvaluateTargetHealth) false, since true can move clients to a region whose database
    is still read-only. The API reference says that failover aliases must have true; CNAME records avoid the question.
  - Route 53's control plane lives in C(us-east-1), so this belongs in an activation, never in a move.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  hosted_zone:
    description: Name or id of the hosted zone. An id is needed where several zones have that name.
    type: str
    required: true
  private_zone:
    description: Whether the zone of that name is a private one.
    type: bool
    default: false
  name:
    description: The name that clients use.
    type: str
    required: true
  state:
    description:
      - V(failover) makes the pair, V(simple) makes one record again.
    type: str
    choices: [failover, simple]
    default: failover
  primary:
    description: Where the primary site answers. Needed, except for O(state=simple) with O(record_sets).
    type: dict
    suboptions:
      host:
        description: DNS name of the load balancer.
        type: str
        required: true
      zone_id:
        description: Hosted zone id of the load balancer, for O(alias=true).
        type: str
      health_check_id:
        description: Id of the health check on its record. Needed for O(state=failover).
        type: str
  dr:
    description: Where the dr site answers. Needed for O(state=failover).
    type: dict
    suboptions:
      host:
        description: DNS name of the load balancer.
        type: str
        required: true
      zone_id:
        description: Hosted zone id of the load balancer, for O(alias=true).
        type: str
      health_check_id:
        description: Id of the health check on its record. Needed for O(state=failover).
        type: str
  alias:
    description: Whether alias A records are written, in place of CNAME records.
    type: bool
    default: false
  ttl:
    description: Seconds for which a CNAME record may be kept. An alias has its load balancer's 60.
    type: int
    default: 60
  record_sets:
    description:
      - For O(state=simple), the records to restore, as RV(record_sets) of this module or its info twin returned them.
      - Left out, a record that names the primary site is written.
    type: list
    elements: dict
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
  - pilotlight.aws_dr.declaration.wait
seealso:
  - module: pilotlight.aws_dr.route53_failover_records_info
  - module: pilotlight.aws_dr.route53_switch
"""

EXAMPLES = r"""
- name: Make the name a failover pair
  pilotlight.aws_dr.route53_failover_records:
    hosted_zone: example.com
    name: app.example.com
    primary:
      host: dr-webapp-alb-1234567890.us-east-1.elb.amazonaws.com
      health_check_id: 3a4b5c6d-0000-4000-8000-000000000001
    dr:
      host: dr-webapp-dr-alb-1234567890.us-west-2.elb.amazonaws.com
      health_check_id: 3a4b5c6d-0000-4000-8000-000000000002

- name: Make it one record again, as it was backed up
  pilotlight.aws_dr.route53_failover_records:
    hosted_zone: example.com
    name: app.example.com
    state: simple
    record_sets: "{{ backup.record_sets }}"
"""

RETURN = r"""
form:
  description: What the name was before.
  returned: success
  type: str
  sample: simple
record_sets:
  description: The records of the name as they were before, fit for a backup and for O(record_sets).
  returned: success
  type: list
  elements: dict
records:
  description: The records as they are now, in check mode as they would be.
  returned: success
  type: list
  elements: dict
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [ChangeResourceRecordSets]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import failover_records
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused, wait_until
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import (
    WAIT_OPTIONS,
    api,
    failures_reported,
    finish,
)

ENDPOINT = {"host": {"required": True}, "zone_id": {}, "health_check_id": {}}


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "hosted_zone": {"required": True},
            "private_zone": {"type": "bool", "default": False},
            "name": {"required": True},
            "state": {"choices": ["failover", "simple"], "default": "failover"},
            "primary": {"type": "dict", "options": ENDPOINT},
            "dr": {"type": "dict", "options": ENDPOINT},
            "alias": {"type": "bool", "default": False},
            "ttl": {"type": "int", "default": 60},
            "record_sets": {"type": "list", "elements": "dict"},
            **WAIT_OPTIONS,
        },
        required_if=[("state", "failover", ["primary", "dr"]), ("state", "simple", ["primary", "record_sets"], True)],
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "route53"))


def _declare(module, route53):
    given = module.params
    zone = failover_records.find_zone(route53, given["hosted_zone"], given["private_zone"])
    current = failover_records.observe(route53, zone["Id"], given["name"])
    if given["state"] == "simple":
        change = failover_records.decide_simple(zone, current, _wanted(given), given["record_sets"])
    else:
        change = failover_records.decide_failover(zone, current, _wanted(given))
    if not module.check_mode:
        for answer in route53.apply(change):
            _wait(module, route53, answer["ChangeInfo"]["Id"])
    before = {"form": failover_records.form_of(current), "record_sets": current}
    finish(module, change, records=change.after["records"], **before)


def _wanted(given):
    ends = {place: failover_records.Endpoint(**given[place]) if given[place] else None for place in ("primary", "dr")}
    if ends["primary"] is None and not given["record_sets"]:
        raise Refused(f"{given['name']} needs the endpoint of the primary site, or the records to restore")
    return failover_records.Wanted(name=given["name"], alias=given["alias"], ttl=given["ttl"], **ends)


def _wait(module, route53, change_id):
    """Wait until all of Route 53's servers answer with the change."""

    def reason():
        status = route53.read("GetChange", {"Id": change_id})["ChangeInfo"]["Status"]
        return (
            None
            if status == "INSYNC"
            else f"Route 53 has not yet taken the change of {module.params['name']} everywhere"
        )

    if module.params["wait"]:
        wait_until(reason, SystemClock(), module.params["wait_timeout"], module.params["wait_interval"])


if __name__ == "__main__":
    main()
