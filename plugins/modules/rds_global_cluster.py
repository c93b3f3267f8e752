# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_global_cluster
version_added: 0.1.0
short_description: Declare an Aurora global cluster and its members
description:
  - Makes a global cluster from an existing cluster, or an empty one, keeps its protection and tags, detaches clusters
    that are not to be members, or takes it away. The member clusters and their data always stay.
  - A cluster joins as secondary when it is created (M(amazon.aws.rds_cluster) with C(global_cluster_identifier)).
    AWS has no call that lets an existing cluster join.
  - It never decides which member is the writer, so it can be run after a move.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  global_cluster_identifier:
    description: Name of the global cluster.
    type: str
    required: true
  state:
    description:
      - Whether the global cluster is to exist.
    type: str
    choices: [present, absent]
    default: present
  source_db_cluster_identifier:
    description:
      - Identifier or ARN of the existing cluster, in the module's region, that founds the global cluster.
      - Its engine, version and encryption become those of the global cluster. It stays available meanwhile.
      - Refused when it is not encrypted, or when RDS manages its master password.
    type: str
  engine:
    description: Engine of a global cluster without a source, or the one that an existing one must have.
    type: str
    choices: [aurora-mysql, aurora-postgresql]
  engine_version:
    description: Engine version of a global cluster without a source, or the one that an existing one must have.
    type: str
  database_name:
    description: Name of the database that is made in a global cluster without a source.
    type: str
  storage_encrypted:
    description: Whether a global cluster without a source is encrypted.
    type: bool
    default: true
  deletion_protection:
    description: Whether AWS refuses to delete the global cluster. Left out, it stays as it is.
    type: bool
  members:
    description: ARNs of all clusters that may be members, for O(purge_members).
    type: list
    elements: str
  purge_members:
    description:
      - Whether secondaries that are not in O(members) are detached.
      - A detached cluster becomes one of its own that takes writes.
    type: bool
    default: false
  detach_members:
    description:
      - Whether O(state=absent) detaches the members, the writer last, before it deletes the global cluster.
      - Without it, a global cluster with members is not deleted.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
  - pilotlight.aws_dr.declaration.tags
  - pilotlight.aws_dr.declaration.wait
"""

EXAMPLES = r"""
- name: Make the existing cluster the first member of a global one
  pilotlight.aws_dr.rds_global_cluster:
    global_cluster_identifier: dr-webapp-global
    source_db_cluster_identifier: dr-webapp
    region: us-east-1

- name: Take the global cluster away and leave its members as clusters of their own
  pilotlight.aws_dr.rds_global_cluster:
    global_cluster_identifier: dr-webapp-global
    state: absent
    detach_members: true
    region: us-east-1
"""

RETURN = r"""
global_cluster:
  description: The global cluster as it is now, in check mode as it would be. Empty when there is none.
  returned: success
  type: dict
  contains:
    global_cluster_identifier:
      description: Its name.
      type: str
      returned: success
    status:
      description: What AWS says of it.
      type: str
      returned: when it exists
    engine_version:
      description: Version of all members.
      type: str
      returned: when it exists
    failover_state:
      description: What AWS says of a move under way; empty when there is none.
      type: dict
      returned: when it exists
    members:
      description: The clusters, each with its ARN, region, whether it is the writer and its synchronisation.
      type: list
      elements: dict
      returned: success
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [CreateGlobalCluster]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import global_cluster
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Change, Refused, wait_until
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import (
    WAIT_OPTIONS,
    api,
    failures_reported,
    finish,
)


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "global_cluster_identifier": {"required": True},
            "state": {"choices": ["present", "absent"], "default": "present"},
            "source_db_cluster_identifier": {},
            "engine": {"choices": ["aurora-mysql", "aurora-postgresql"]},
            "engine_version": {},
            "database_name": {},
            "storage_encrypted": {"type": "bool", "default": True},
            "deletion_protection": {"type": "bool"},
            "members": {"type": "list", "elements": "str"},
            "purge_members": {"type": "bool", "default": False},
            "detach_members": {"type": "bool", "default": False},
            "tags": {"type": "dict"},
            **WAIT_OPTIONS,
        },
        required_if=[("purge_members", True, ["members"])],
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "rds"))


def _declare(module, rds):
    name = module.params["global_cluster_identifier"]
    current = global_cluster.observe(rds, name)
    if module.params["state"] == "absent":
        changes = list(global_cluster.decide_absent(current, module.params["detach_members"]))
    else:
        changes = [global_cluster.decide_present(current, _wanted(module, rds))]
        if module.params["purge_members"]:
            changes.append(global_cluster.decide_detach(current, module.params["members"]))
    for change in changes:
        if not module.check_mode:
            _carry_out(module, rds, change)
    _finish(module, rds, current, changes)


def _wanted(module, rds):
    given = module.params
    return global_cluster.Wanted(
        identifier=given["global_cluster_identifier"],
        source_arn=_source_arn(rds, given["source_db_cluster_identifier"], given["global_cluster_identifier"]),
        engine=given["engine"],
        engine_version=given["engine_version"],
        database_name=given["database_name"],
        storage_encrypted=given["storage_encrypted"],
        deletion_protection=given["deletion_protection"],
        tags=given["tags"],
    )


def _source_arn(rds, identifier, global_name):
    if not identifier:
        return None
    found = rds.read_or_none("DescribeDBClusters", {"DBClusterIdentifier": identifier}, ("DBClusterNotFoundFault",))
    if not found or not found["DBClusters"]:
        raise Refused(f"there is no cluster {identifier} in {rds.region}: name the one that is to found {global_name}")
    source = found["DBClusters"][0]
    problems = global_cluster.source_problems(source)
    if problems:
        raise Refused("; ".join(problems))
    return source["DBClusterArn"]


def _carry_out(module, rds, change):
    """Make the calls of one change, detaching in each member's own region, and wait for what they began."""
    gone = []
    for call in change.calls:
        arn = call.params.get("DbClusterIdentifier")
        there = api(module, "rds", global_cluster.region_of(arn)) if arn else rds
        there.apply(Change(None, None, (call,)))
        gone += [arn] if arn else []
    if change.calls and module.params["wait"]:
        deleted = change.calls[-1].operation == "DeleteGlobalCluster"
        _wait(module, lambda: _still_there(module, rds) if deleted else _not_at_rest(module, rds, gone))


def _not_at_rest(module, rds, gone):
    return global_cluster.waiting_for(global_cluster.observe(rds, module.params["global_cluster_identifier"]), gone)


def _still_there(module, rds):
    name = module.params["global_cluster_identifier"]
    return f"{name} is still being deleted" if global_cluster.observe(rds, name) else None


def _wait(module, reason):
    wait_until(reason, SystemClock(), module.params["wait_timeout"], module.params["wait_interval"])


def _finish(module, rds, current, changes):
    calls = tuple(call for change in changes for call in change.calls)
    before = global_cluster.describe(current)
    if not calls:
        now = before
    elif module.check_mode:
        now = changes[-1].after
    else:
        now = global_cluster.describe(global_cluster.observe(rds, module.params["global_cluster_identifier"]))
    finish(module, Change(before, now, calls), global_cluster=now)


if __name__ == "__main__":
    main()
