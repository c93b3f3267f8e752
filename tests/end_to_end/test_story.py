# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploy, activate, drill, come home: real ansible-playbook against the lab, in the order that a user does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from end_to_end.conftest import OTHER_SETTINGS, Chapter, play, the_databases_group, the_drs_switch
from end_to_end.harness import Lab, acknowledged
from end_to_end.plan import Call, calls_made, calls_printed


def names(calls: list[dict[str, Any]]) -> list[str]:
    return [f"{call['region']} {call['service']} {call['operation']}" for call in calls]


def test_check_mode_from_nothing_says_what_would_be_made_and_changes_nothing(checked_from_nothing: Chapter) -> None:
    checked_from_nothing.run.must_succeed()
    assert names(checked_from_nothing.mutations) == []


def test_deploy_builds_the_dr_region(deployed: Chapter, lab: Lab) -> None:
    deployed.run.must_succeed()
    [group] = lab.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[f"{lab.project}-dr-asg"]
    )["AutoScalingGroups"]  # fmt: skip
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (0, 1, 10)
    [cluster] = lab.client("rds").describe_db_clusters(DBClusterIdentifier=f"{lab.project}-dr-cluster")["DBClusters"]
    assert cluster["StorageEncrypted"]
    assert cluster["DBClusterMembers"], "a headless secondary cannot be promoted (R5)"


def test_a_second_deploy_changes_nothing(deployed_again: Chapter) -> None:
    deployed_again.run.must_succeed()
    assert deployed_again.run.changed == 0
    assert names(deployed_again.mutations) == []


def test_activation_leaves_clients_where_they_are(activated: Chapter, lab: Lab) -> None:
    activated.run.must_succeed()
    zones = lab.client("route53", "primary").list_hosted_zones()["HostedZones"]
    records = lab.client("route53", "primary").list_resource_record_sets(HostedZoneId=zones[0]["Id"])
    pair = [record for record in records["ResourceRecordSets"] if record.get("Failover")]
    assert sorted(record["Failover"] for record in pair) == ["PRIMARY", "SECONDARY"]
    assert all(record.get("HealthCheckId") for record in pair), "both records are checked (R17)"


def test_the_plan_changes_nothing(planned: Chapter) -> None:
    planned.run.must_succeed()
    assert names(planned.mutations) == []


def test_the_drill_makes_the_calls_that_the_plan_printed(planned: Chapter, drilled: Chapter) -> None:
    drilled.run.must_succeed()
    printed: list[Call] = calls_printed(planned.run.output)
    assert printed, "the plan prints calls"
    assert calls_made(drilled.mutations) == printed


def test_the_drill_loses_no_acknowledged_write(
    drilled: Chapter, home_again: Chapter, lab: Lab, writer_log: Path
) -> None:
    home_again.run.must_succeed()
    told = acknowledged(writer_log)
    assert len(told) > 500, "the writer was at work"
    stored = lab.stored("writer")
    assert sorted(told - stored) == []


def test_the_report_agrees_with_an_independent_recomputation(drilled: Chapter, lab: Lab, reports: Path) -> None:
    drilled.run.must_succeed()
    lab.recompute(reports, "drill")


def test_the_report_holds_the_move_against_its_objectives(drilled: Chapter, lab: Lab, reports: Path) -> None:
    drilled.run.must_succeed()
    report = lab.latest_report(reports, "drill")
    measured = report["measured"]
    assert measured["rpo_lost_writes"]["value"] == 0
    assert 0 < measured["rto_writes_seconds"]["value"] < report["objectives"]["rto_seconds"]
    assert all(figure["method"] for figure in measured.values())
    assert report["verdict"] == "pass"


def test_after_the_failback_the_world_is_as_before(home_again: Chapter, lab: Lab) -> None:
    home_again.run.must_succeed()
    assert lab.writer_region() == lab.primary_region
    [group] = lab.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[f"{lab.project}-dr-asg"]
    )["AutoScalingGroups"]  # fmt: skip
    assert (group["MinSize"], group["DesiredCapacity"]) == (0, 1)
    assert lab.answering_region() == lab.primary_region


def test_a_second_failback_changes_nothing(home_again: Chapter, lab: Lab, reports: Path) -> None:
    home_again.run.must_succeed()
    again = play(lab, "playbooks/failback.yml", "-e", f"aws_dr_reports_dir={reports}")
    again.run.must_succeed()
    moved = [call for call in again.mutations if call["service"] in ("rds", "autoscaling", "cloudwatch", "route53")]
    assert names(moved) == []


def test_what_was_edited_by_hand_is_reported_and_mended(mended: Chapter, lab: Lab) -> None:
    mended.run.must_succeed()
    assert mended.run.changed >= 1
    database = the_databases_group(lab)
    assert database["GroupId"] in mended.run.output or "aurora" in mended.run.output.lower()
    assert not [rule for rule in database["IpPermissions"] if {"CidrIp": "0.0.0.0/0"} in rule.get("IpRanges", [])]
    config = lab.client("route53", "primary").get_health_check(HealthCheckId=the_drs_switch(lab))["HealthCheck"]
    assert config["HealthCheckConfig"]["InsufficientDataHealthStatus"] == "LastKnownStatus"


def test_other_settings_take_effect_in_place(mended: Chapter, lab: Lab) -> None:
    mended.run.must_succeed()
    function = lab.client("lambda").get_function_configuration(FunctionName=f"{lab.project}-failover-orchestrator")
    assert function["MemorySize"] == OTHER_SETTINGS["orchestrator_memory_mb"]
