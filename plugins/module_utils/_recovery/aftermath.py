# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a move leaves behind: what is exposed, what to hold back in Terraform and CloudFormation, what to do next.

Pure functions of the report's own content. They say what is known from the move and its journal, and name what was not
looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .results import MOVED
from .standstill import nobody_serves
from .steps.pending_job import opening_command, reconcile_command

UNPLANNED = "unplanned"
LARGE_SHARE = 0.5
"""Of the RTO: from there on, what clients took to come over is worth an advice."""


@dataclass(frozen=True)
class Declared:
    """How a thing that a move changes is declared elsewhere, and which of its properties differ now."""

    terraform: str
    cloudformation: str
    differs: str


# By the service of the call that changed it (R28). Names: Terraform's AWS provider and CloudFormation's resource types.
DECLARED: Mapping[str, tuple[Declared, ...]] = {
    "rds": (
        Declared("aws_rds_global_cluster", "AWS::RDS::GlobalCluster", "which member is the writer"),
        Declared("aws_rds_cluster", "AWS::RDS::DBCluster", "of both members: membership and replication source"),
    ),
    "autoscaling": (
        Declared("aws_autoscaling_group", "AWS::AutoScaling::AutoScalingGroup", "minimum and desired capacity"),
    ),
    "ec2": (
        Declared(
            "aws_security_group, aws_vpc_security_group_ingress_rule",
            "AWS::EC2::SecurityGroup, AWS::EC2::SecurityGroupIngress",
            "rules that let clients reach the database",
        ),
    ),
    "lambda": (Declared("aws_lambda_event_source_mapping", "AWS::Lambda::EventSourceMapping", "enabled or not"),),
    "scheduler": (Declared("aws_scheduler_schedule", "AWS::Scheduler::Schedule", "enabled or not"),),
    "secretsmanager": (
        Declared("aws_secretsmanager_secret", "AWS::SecretsManager::Secret", "replica regions: the link is broken"),
    ),
}
RECORDS = Declared(
    "aws_route53_record, aws_route53_health_check",
    "AWS::Route53::RecordSet, AWS::Route53::HealthCheck",
    "nothing, and it must stay so: the switch hangs on them",
)


def hold_back(calls: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What an apply would see as drift: one row for each thing that the move changed, and the records at the end."""
    rows: list[dict[str, str]] = []
    for call in calls:
        for declared in DECLARED.get(str(call.get("service")), ()):
            row = _row(str(call.get("target") or ""), str(call.get("region") or ""), declared)
            if row not in rows:
                rows.append(row)
    return [*rows, _row("failover records and their health checks", "", RECORDS)] if rows else rows


def _row(name: str, region: str, declared: Declared) -> dict[str, str]:
    return {
        "name": name,
        "region": region,
        "terraform": declared.terraform,
        "cloudformation": declared.cloudformation,
        "differs": declared.differs,
    }


def exposed(report: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is at risk from now on, and until when (R7, R8, R9, R22)."""
    left, now = report["from"]["region"], report["to"]["region"]
    if report["status"] != MOVED:
        if (line := _standstill(report, events)) is not None:
            return [f"{line}."]
        return [
            f"The move has not ended, so it is not known which of {left} and {now} stands by for the other: "
            "region_switch_info asks both."
        ]
    if report["mode"] != UNPLANNED:
        return [
            f"A switchover keeps the pair: {left} follows {now} as its standby. Whether it has caught up was not "
            "looked at after the move; playbooks/readiness.yml does."
        ]
    lines = [
        f"There is no standby. {left} holds no copy that follows {now} until the old cluster has joined again with a "
        "new volume, which takes minutes to hours after the region is back (R9). Should "
        f"{now} be lost before that, what is left are its backups."
    ]
    if any(str(call.get("target", "")).endswith("/dr=0") for call in report["calls"]):
        lines.append(
            "The traffic switch of dr is closed until playbooks/reconcile.yml has been run: should "
            f"{now} be lost before that, clients cannot be led to {left} (R16)."
        )
    lines += [*_not_fenced(left, events), *_fence_of_aurora(events)]
    lines.append(
        "Writes that had not been replicated: Aurora tries to keep them in a snapshot "
        f"rds:unplanned-global-failover-<cluster>-<time> in {left}. It appears only when that region is back, and "
        "expires with the old cluster's backups (R8)."
    )
    if any(call.get("service") == "secretsmanager" for call in report["calls"]):
        lines.append(f"Secrets were made independent in {now}: what changes in them does not reach {left} (R22).")
    return lines


def limits_of_the_rpo(report: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a measured RPO does not say, for the reader who sees no more than it and its verdict."""
    measured = report["measured"]
    if measured["rpo_seconds"]["value"] is None:
        return []
    lines = ["It counts the probe's own writes, not those of other clients."]
    lines += _not_fenced(report["from"]["region"], events)
    bound = measured["rpo_bound_seconds"]
    if bound["value"] is None:
        lines.append(f"What others may have lost is {bound['method']}.")
    return lines


def _not_fenced(left: str, events: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for event in events:
        detail = event.get("detail") or {}
        if event.get("step") == "leave-job" and detail.get("unfenced"):
            what = ", ".join(sorted(detail["unfenced"]))
            lines = [
                f"Not fenced in {left}: {what}. What runs there may write to the old database as soon as it can (R7)."
            ]
    return lines


def _fence_of_aurora(events: Sequence[Mapping[str, Any]]) -> list[str]:
    outcomes = [
        (event.get("detail") or {}).get("outcome") for event in events
        if event.get("step") == "fencing-events" and event["kind"] in ("step-done", "step-failed")
    ]  # fmt: skip
    if outcomes and outcomes[-1] != "confirmed":
        return [f"Aurora's own fence of the old writer: {outcomes[-1]} (R7)."]
    return []


def next_actions(report: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to do now, in order."""
    return [*_first(report, events), *_way_home(report), *_learned(report)]


def _standstill(report: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str | None:
    left = report["from"]
    return nobody_serves(events, left["place"], left["region"], report["application"])


def _first(report: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    if report["status"] != MOVED:
        lines.append("Run the same move again: it goes on where it stopped, under the same run id.")
        if _standstill(report, events) is not None:
            left = report["from"]
            opens = opening_command(left["place"], report["application"])
            lines.append(
                f"Where it cannot be made, run {opens}: while the writer is in {left['region']}, it opens that site "
                "again and moves no writer."
            )
    bad = [check["name"] for check in report["validation"] if check["result"] == "failed"]
    if bad:
        lines.append(f"See why clients are not served as they should be: {', '.join(bad)} failed.")
    if report["hold_back"]:
        lines.append("Hold back applies of Terraform and CloudFormation on what is listed here (R28).")
    return lines


def _way_home(report: Mapping[str, Any]) -> list[str]:
    if report["status"] != MOVED:
        return []
    left = report["from"]["region"]
    if report["mode"] == UNPLANNED:
        command = reconcile_command(report["from"]["place"])
        reconcile = (
            f"When {left} is back, run {command}, again until no job is left: it fences what writes there, saves the "
            "lost writes and links secrets again."
        )
        joined = f"When the old cluster in {left} has joined again, "
        if report["to"]["place"] == "primary":
            return [reconcile, f"{joined}run playbooks/readiness.yml: the application is home, dr its standby."]
        return [reconcile, f"{joined}bring the application home with playbooks/failback.yml."]
    if report["to"]["place"] == "dr":
        return ["Bring the application home with playbooks/failback.yml."]
    return [
        "Release what was held back in Terraform and CloudFormation: the application is home.",
        "Run playbooks/readiness.yml: is the pair ready for the next move?",
    ]


def _learned(report: Mapping[str, Any]) -> list[str]:
    lines = []
    fall, measured, objectives = report["waterfall"], report["measured"], report["objectives"]
    rto = measured["rto_writes_seconds"]["value"]
    parts = {part["name"]: part["seconds"] for part in fall["parts"]}
    if rto is not None and rto > objectives["rto_seconds"] and parts:
        name = max(parts, key=lambda part: parts[part])
        lines.append(f"Shorten the RTO where most of it went: {name}, {parts[name]:.3f} s of {rto:.3f} s.")
    if rto and parts.get("client", 0.0) > LARGE_SHARE * rto:
        lines.append(
            f"Clients took {parts['client']:.3f} s of the RTO to come over: look at the TTL of the records, at clients "
            "that keep addresses, and at connections that are kept alive (R15, R18)."
        )
    for name, figure in (("RTO", measured["rto_writes_seconds"]), ("RPO", measured["rpo_seconds"])):
        if figure["value"] is None:
            lines.append(f"See that the {name} is measured next time. This time: {figure['method']}.")
    waived = [gate["gate"] for gate in report["gates"] if (gate.get("detail") or {}).get("waived")]
    if waived:
        lines.append(f"Mend what was waived: {', '.join(waived)}.")
    return lines
