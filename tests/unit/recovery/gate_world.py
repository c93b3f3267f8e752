# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A snapshot in which all is well, and what gates answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulated_aws import document

from plugins.module_utils._recovery.gates.answers import ANY_DAY, PLANNED, UNPLANNED, Ruling, Verdict
from plugins.module_utils._recovery.gates.ruling import evaluate
from plugins.module_utils._recovery.instance_types import STANDARD
from plugins.module_utils._recovery.model import Application, parse_application
from plugins.module_utils._recovery.ports import DnsAnswer
from plugins.module_utils._recovery.snapshot import (
    Alarm,
    Backlog,
    BreakGlass,
    Bucket,
    Cluster,
    GlobalCluster,
    GroupState,
    Lag,
    Member,
    Quota,
    Secret,
    Snapshot,
    Template,
    TemplateUse,
    Unknown,
    Valve,
)
from plugins.module_utils._recovery.steps.base import Move

HOLDS, FAILS, UNKNOWN = Verdict.HOLDS, Verdict.FAILS, Verdict.UNKNOWN
SILENT = Unknown("us-west-2 is unreachable")
NOW = 1_790_000_000.0
DAY = 86400.0


def application(**changes: Any) -> Application:
    """One with a pair of buckets."""
    given = {**document(), **changes}
    for place, bucket in (("primary", "shop-data"), ("dr", "shop-dr-data")):
        given[place] = {**given[place], "buckets": [bucket]}
    return parse_application(given)


APPLICATION = application()
DR, PRIMARY = APPLICATION.dr, APPLICATION.primary
ROUTE53 = APPLICATION.records_access(DR)
ARN = {site.place: f"arn:aws:rds:{site.region}:123456789012:cluster:{site.cluster}" for site in APPLICATION.sites}
WRITER, READER = Member(ARN["primary"], True, "connected"), Member(ARN["dr"], False, "connected")
GLOBAL = GlobalCluster("shop-global", "available", "aurora-postgresql", "8.0", (WRITER, READER))
CLUSTER = Cluster("shop-dr-cluster", "available", "8.0", ("shop-dr-1",), "key-1", parameter_group="parameters")
TEMPLATE = TemplateUse("shop-dr-template", "$Latest")
GROUP = GroupState("shop-dr-asg", 0, 1, 10, 1, 1, (), TEMPLATE, (), ("us-west-2a", "us-west-2b"))
QUOTA = Quota("Running On-Demand Standard instances", 64, 8, 4)
NIGHTLY = Valve("schedule", "default/shop-nightly", True)
INTAKE = Valve("event-source mapping", "mapping-1", True, {"FunctionName": "shop-intake"})
NAME = "app.shop.example"


def record(kind: str, **changes: Any) -> dict[str, Any]:
    """One record of the failover pair."""
    record = {"Name": f"{NAME}.", "Type": "CNAME", "TTL": 60, "Failover": kind, "SetIdentifier": kind}
    return {**record, "HealthCheckId": f"check-{kind}", "ResourceRecords": [{"Value": "x"}], **changes}


def alias(kind: str, follows: bool) -> dict[str, Any]:
    """An alias record of the pair."""
    plain = {key: value for key, value in record(kind, Type="A").items() if key not in ("TTL", "ResourceRecords")}
    return {**plain, "AliasTarget": {"HostedZoneId": "Z", "DNSName": "x", "EvaluateTargetHealth": follows}}


PAIR = (record("PRIMARY"), record("SECONDARY"))
CHECKS = {
    f"check-{kind}": {"type": "CLOUDWATCH_METRIC", "alarm_region": region, "inverted": False, "disabled": False}
    for kind, region in (("PRIMARY", "us-west-2"), ("SECONDARY", "us-east-1"))
}


def rule(other: str, enabled: bool = True) -> dict[str, Any]:
    """A replication rule, as ``replication.describe`` shows it."""
    return {"id": "ours", "enabled": enabled, "destination_bucket": other}


def remembered(at: float, **answers: str) -> dict[str, Any]:
    """A readiness snapshot, as it is stored: what is not named holds."""
    gates = [{"gate": name, "answer": answer, "reason": f"{name} then"} for name, answer in answers.items()]
    return {"format": 1, "application": "shop", "at": at, "target": "dr", "score": 96, "gates": gates}


def world(**changes: Any) -> Snapshot:
    """All is well; ``changes`` replace single facts (a field's name, and what to update it with)."""
    pending = ("pending#primary", "pending#dr")
    items = ("lease", "run", "lag", "readiness", "switch#primary", "switch#dr", "fence#primary", *pending)
    snapshot = Snapshot(
        at=NOW,
        globals={(site.access, "shop-global"): GLOBAL for site in APPLICATION.sites},
        clusters={
            (DR.access, DR.cluster): CLUSTER,
            (PRIMARY.access, PRIMARY.cluster): replace(CLUSTER, identifier="shop"),
        },
        groups={(DR.access, "shop-dr-asg"): GROUP, (PRIMARY.access, "shop-asg"): replace(GROUP, name="shop-asg")},
        lags={(DR.access, DR.cluster): Lag(0.1, NOW - 30, "us-west-2")},
        state={(site.access, "shop", item): None for site in APPLICATION.sites for item in items}
        | {(DR.access, "shop", "readiness"): remembered(NOW - 7200)},
        answers={
            NAME: DnsAnswer(NAME, (), ("192.0.2.1",), 60),
            DR.endpoint.host: DnsAnswer(DR.endpoint.host, (), ("192.0.2.2",), 60),
        },
        keys={(DR.access, "key-1"): "Enabled"},
        records={NAME: PAIR},
        health_checks={ROUTE53: CHECKS},
        parameters={(DR.access, "parameters"): {}},
        templates={(DR.access, TEMPLATE): Template("image-1", "t3.medium")},
        images={(DR.access, "image-1"): "available"},
        offerings={(DR.access, "t3.medium"): frozenset(("us-west-2a", "us-west-2b", "us-west-2c"))},
        vcpus={(DR.access, "t3.medium"): 2},
        quotas={(DR.access, STANDARD): QUOTA},
        secrets={
            (PRIMARY.access, "shop/database"): Secret("shop/database", None, {"us-west-2": "InSync"}),
            (DR.access, "shop/database"): Secret("shop/database", "us-east-1"),
        },
        valves={
            (PRIMARY.access, "schedule", "default/shop-nightly"): (NIGHTLY,),
            (PRIMARY.access, "event-source mapping", "shop-intake"): (INTAKE,),
        },
        buckets={
            (PRIMARY.access, "shop-data"): Bucket("shop-data", True, (rule("shop-dr-data"),)),
            (DR.access, "shop-dr-data"): Bucket("shop-dr-data", True, (rule("shop-data"),)),
        },
        backlogs={(PRIMARY.access, "shop-data", "shop-dr-data"): Backlog(2, 3.0)},
        alarms={(site.access, site.cluster): (Alarm("lag", "OK", True),) for site in APPLICATION.sites},
        break_glass=BreakGlass(NOW - 30 * DAY, 90 * DAY),
    )
    for name, update in changes.items():
        known = getattr(snapshot, name)
        snapshot = replace(snapshot, **{name: {**known, **update} if isinstance(known, Mapping) else update})
    return snapshot


def answers(
    mode: str, snapshot: Snapshot, moved: Application = APPLICATION, accept_data_loss: bool = True
) -> dict[str, Ruling]:
    """What the gates of a mode say to a move to dr."""
    move = Move(moved, "dr", mode != UNPLANNED, "failover", "run-1", accept_data_loss)
    return {ruling.gate.name: ruling for ruling in evaluate(move, snapshot, mode=mode)}


MODES = (PLANNED, UNPLANNED, ANY_DAY)
