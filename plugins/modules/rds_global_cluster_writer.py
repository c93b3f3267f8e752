#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_global_cluster_writer
version_added: 0.1.0
short_description: Declare which member of an Aurora global cluster is the writer
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Makes one member the writer, and changes nothing where it is the writer already.
  - By default with a switchover, which needs both regions and loses nothing. It is asked for in the region of the
    current writer, whatever the region of the module.
  - Moves the database only. Capacity, clients and the checks before and after belong to
    M(pilotlight.aws_dr.region_switch).
notes:
  - No API call cancels a switchover. When the wait runs out, it goes on at AWS, and running the task again goes on
    waiting.
options:
  global_cluster_identifier:
    description: Name of the global cluster.
    type: str
    required: true
  writer:
    description: ARN of the member that is to be the writer.
    type: str
    required: true
  allow_data_loss:
    description:
      - Whether to promote the member though the writer's region may be gone, losing what it had not replicated.
      - It is asked for in the region of O(writer), and so is the state of the global cluster.
    type: bool
    default: false
  profiles:
    description:
      - Profiles by region, for regions that are reached with another one than O(profile).
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
  - pilotlight.aws_dr.declaration.wait
"""

EXAMPLES = r"""
- name: Let the dr cluster be the writer
  pilotlight.aws_dr.rds_global_cluster_writer:
    global_cluster_identifier: dr-webapp-global
    writer: arn:aws:rds:us-west-2:123456789012:cluster:dr-webapp-dr-cluster
    region: us-west-2
    profiles:
      us-east-1: production-primary
      us-west-2: production-dr
"""

RETURN = r"""
writer:
  description: ARN of the writer as it is now, in check mode as it would be.
  returned: success
  type: str
  sample: arn:aws:rds:us-west-2:123456789012:cluster:dr-webapp-dr-cluster
previous_writer:
  description: ARN of the writer as it was. Empty when AWS named none.
  returned: success
  type: str
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [SwitchoverGlobalCluster]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.clients import from_boto3
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import (
    Api,
    Call,
    Change,
    Refused,
    wait_until,
)
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.global_cluster import observe, region_of
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.reading.rds import global_cluster
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.steps.aurora_global import (
    failover_params,
    observe_writer,
    switchover_params,
)
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.steps.base import State
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import (
    WAIT_OPTIONS,
    failures_reported,
    finish,
)


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "global_cluster_identifier": {"required": True},
            "writer": {"required": True},
            "allow_data_loss": {"type": "bool", "default": False},
            "profiles": {"type": "dict", "default": {}},
            **WAIT_OPTIONS,
        },
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module)


def _declare(module):
    target = module.params["writer"]
    if target.count(":") < 6 or ":cluster:" not in target:
        raise Refused(
            f"writer is {target!r}: the ARN of a cluster is wanted, arn:aws:rds:<region>:<account>:cluster:<name>"
        )
    view, seen = _look(module)
    if seen.state is State.IMPOSSIBLE:
        raise Refused(seen.reason)
    before = view.writer.arn if view and view.writer else ""
    call, region = _call(module, view, before) if seen.state is State.NEEDED else (None, None)
    if call and not module.check_mode:
        _rds(module, region).apply(Change(None, None, (call,)))
    if seen.state is not State.DONE and not module.check_mode and module.params["wait"]:
        wait_until(
            lambda: _missing(module), SystemClock(), module.params["wait_timeout"], module.params["wait_interval"]
        )
    change = Change({"writer": before}, {"writer": target}, (call,) if call else ())
    finish(module, change, writer=target, previous_writer=before)


def _look(module):
    """The global cluster as the target's region sees it, as that one must be alive; and whether it is as wanted."""
    name, target = module.params["global_cluster_identifier"], module.params["writer"]
    found = observe(_rds(module, region_of(target)), name)
    view = global_cluster(found) if found else None
    return view, observe_writer(view, name, target, _member(target))


def _rds(module, region):
    profile = module.params["profiles"].get(region)
    extra = {"profile_name": profile} if profile else {}
    return Api(from_boto3(lambda name: module.client(name, region=region, **extra)), region, "rds")


def _member(arn):
    return lambda view: next((member for member in view.members if member.arn == arn), None)


def _call(module, view, writer):
    """The call that moves the writer, and where it is to be made (R1)."""
    member = _member(module.params["writer"])(view)
    if module.params["allow_data_loss"]:
        return Call("FailoverGlobalCluster", failover_params(view, member)), member.region
    return Call("SwitchoverGlobalCluster", switchover_params(view, member)), region_of(writer)


def _missing(module):
    _view, seen = _look(module)
    if seen.state is State.IMPOSSIBLE:
        raise Refused(seen.reason)
    return None if seen.state is State.DONE else f"still waiting: {seen.reason}"


if __name__ == "__main__":
    main()
