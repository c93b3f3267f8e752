# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The region that was lost is back: it is fenced, lost writes are saved, and all comes to be as it was before."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from end_to_end.harness import Lab, PlaybookRun
from scenarios.conftest import Labs

FAILOVER = ("-e", "failover_mode=unplanned", "-e", "accept_data_loss=true")


def doors(lab: Lab) -> dict[str, Any]:
    """What lets writes in at the primary site: ingress, schedule, mapping, capacity."""
    cluster = lab.client("rds", "primary").describe_db_clusters(DBClusterIdentifier=lab.project)["DBClusters"][0]
    groups = [group["VpcSecurityGroupId"] for group in cluster["VpcSecurityGroups"]]
    found = lab.client("ec2", "primary").describe_security_groups(GroupIds=groups)["SecurityGroups"]
    mappings = lab.client("lambda", "primary").list_event_source_mappings(FunctionName=f"{lab.project}-jobs")
    schedule = lab.client("scheduler", "primary").get_schedule(Name=f"{lab.project}-figures")
    capacity = lab.client("autoscaling", "primary").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {
        "ingress": {group["GroupId"]: group["IpPermissions"] for group in found},
        "mappings": [mapping["State"] for mapping in mappings["EventSourceMappings"]],
        "schedule": {key: schedule[key] for key in ("State", "ScheduleExpression", "Target", "Description")},
        "capacity": {one["AutoScalingGroupName"]: (one["MinSize"], one["DesiredCapacity"]) for one in capacity},
    }


def dr_capacity(lab: Lab) -> dict[str, Any]:
    groups = lab.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {one["AutoScalingGroupName"]: (one["MinSize"], one["DesiredCapacity"]) for one in groups}


def pending(lab: Lab) -> dict[str, Any]:
    """The job in the living region's table; empty where there is none or it is closed."""
    key = {"application": {"S": lab.project}, "item": {"S": "pending#primary"}}
    found = lab.client("dynamodb").get_item(TableName=f"{lab.project}-dr-state", Key=key).get("Item")
    job: dict[str, Any] = json.loads(found["document"]["S"]) if found else {}
    return {} if job.get("closed_at") else job


def mutations(lab: Lab, since: int) -> list[tuple[str, str]]:
    calls = [call for call in lab.calls(since, mutating=True) if "lambda" not in str(call.get("caller", "")).lower()]
    return [(call["service"], call["operation"]) for call in calls]


def saved(lab: Lab) -> list[str]:
    """Manual snapshots in the region that was lost."""
    found = lab.client("rds", "primary").describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    return [one["DBClusterSnapshotIdentifier"] for one in found]


def reconcile_until_done(lab: Lab, *arguments: str) -> PlaybookRun:
    """Run again until no job is left, as the playbook says."""
    deadline = time.monotonic() + 300
    while True:
        run = lab.playbook("playbooks/reconcile.yml", *arguments).must_succeed()
        if not pending(lab):
            return run
        assert time.monotonic() < deadline, run.output[-4000:]


def connected(lab: Lab) -> bool:
    found = lab.client("rds").describe_global_clusters(GlobalClusterIdentifier=f"{lab.project}-global")
    members = found["GlobalClusters"][0]["GlobalClusterMembers"]
    return all(member.get("SynchronizationStatus") == "connected" for member in members)


def test_a_region_that_was_lost_is_fenced_reconciled_and_served_from_again(labs: Labs, tmp_path: Path) -> None:
    lab = labs.start()
    reports = ("-e", f"aws_dr_reports_dir={tmp_path / 'reports'}")
    for playbook in ("playbooks/deploy-dr.yml", "playbooks/activate.yml"):
        lab.playbook(playbook, "-e", "activate_team_trained=true").must_succeed()
    before, dr_before = doors(lab), dr_capacity(lab)
    assert (before["mappings"], before["schedule"]["State"]) == (["Enabled"], "ENABLED")
    confirmed = (*FAILOVER, "-e", f"failover_confirm={lab.project}", *reports)

    lab.command("outage", lab.primary_region, "--kind", "hang")
    mark = lab.mark()
    refused = lab.playbook("playbooks/failover.yml", *confirmed)
    assert refused.code != 0
    assert "say accept_unfenced=true" in " ".join(refused.output.split())
    assert mutations(lab, mark) == []
    assert lab.answering_region() == lab.primary_region

    lab.playbook("playbooks/failover.yml", *confirmed, "-e", "accept_unfenced=true").must_succeed()
    assert lab.answering_region() == lab.dr_region
    assert sorted(pending(lab)["unfenced"]) == ["groups", "ingress", "other writers"]
    report = lab.latest_report(tmp_path / "reports", "failover")
    assert any("run playbooks/reconcile.yml when it is back" in note for note in report["notes"])

    mark = lab.mark()
    too_early = lab.playbook("playbooks/reconcile.yml", *reports)
    assert too_early.code != 0
    assert mutations(lab, mark) == []

    lab.command("heal", lab.primary_region)
    mark = lab.mark()
    planned = lab.playbook("playbooks/reconcile.yml", "--check", "--diff", *reports).must_succeed()
    assert "RevokeSecurityGroupIngress" in planned.output
    assert mutations(lab, mark) == []
    reconcile_until_done(lab, *reports)
    fenced = doors(lab)
    assert [rules for rules in fenced["ingress"].values() if rules] == []
    assert (fenced["mappings"], fenced["schedule"]["State"]) == (["Disabled"], "DISABLED")
    assert set(fenced["capacity"].values()) == {(0, 0)}
    (copy,) = saved(lab)
    assert copy.startswith(f"lost-writes-{lab.project}-")

    mark = lab.mark()
    again = lab.playbook("playbooks/reconcile.yml", *reports).must_succeed()
    assert (again.changed, mutations(lab, mark)) == (0, [])

    lab.command("wait", "--timeout", "180")
    deadline = time.monotonic() + 120
    while not connected(lab):
        assert time.monotonic() < deadline
        time.sleep(1)
    lab.playbook("playbooks/failback.yml", *reports).must_succeed()
    assert lab.writer_region() == lab.primary_region
    assert lab.answering_region() == lab.primary_region
    assert doors(lab) == before
    assert dr_capacity(lab) == dr_before
