# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong in a world, and what the gate that is there for it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gate_world import (
    APPLICATION,
    ARN,
    CHECKS,
    CLUSTER,
    DAY,
    DR,
    FAILS,
    GLOBAL,
    GROUP,
    HOLDS,
    MODES,
    NAME,
    NOW,
    PAIR,
    PRIMARY,
    QUOTA,
    READER,
    ROUTE53,
    SILENT,
    TEMPLATE,
    UNKNOWN,
    WRITER,
    alias,
    application,
    record,
    remembered,
    rule,
)
from simulated_aws import document

from plugins.module_utils._recovery.gates.answers import ANY_DAY, PLANNED, UNPLANNED, Verdict
from plugins.module_utils._recovery.instance_types import STANDARD
from plugins.module_utils._recovery.model import Application
from plugins.module_utils._recovery.snapshot import (
    Alarm,
    Backlog,
    BreakGlass,
    Bucket,
    Cluster,
    GlobalCluster,
    Lag,
    Member,
    Secret,
    Template,
    Unknown,
)

Changes = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A gate, its answer, and what in the world brings it about."""

    gate: str
    verdict: Verdict
    changes: Mapping[str, Any] = field(default_factory=dict)
    moved: Application = APPLICATION
    accept_data_loss: bool = True
    modes: tuple[str, ...] = MODES


def seen(view: GlobalCluster | Unknown | None) -> Changes:
    return {"globals": {(site.access, "shop-global"): view for site in APPLICATION.sites}}


def members(*all_of_them: Member) -> Changes:
    return seen(replace(GLOBAL, members=all_of_them))


def cluster(at: Any, found: Cluster | Unknown | None) -> Changes:
    return {"clusters": {(at.access, at.cluster): found}}


def item(name: str, value: Any, site: Any = DR) -> Changes:
    return {"state": {(site.access, "shop", name): value}}


def group(found: Any) -> Changes:
    return {"groups": {(DR.access, "shop-dr-asg"): found}}


def template(found: Any) -> Changes:
    return {"templates": {(DR.access, TEMPLATE): found}}


def pair(*records: Any) -> Changes:
    return {"records": {NAME: records}}


def check(kind: str, **changes: Any) -> Changes:
    name = f"check-{kind}"
    return {"health_checks": {ROUTE53: {**CHECKS, name: {**CHECKS[name], **changes}}}}


def secret(here: Any, there: Any) -> Changes:
    return {"secrets": {(DR.access, "shop/database"): here, (PRIMARY.access, "shop/database"): there}}


def original(region: str, status: str) -> Secret:
    return Secret("shop/database", None, {region: status})


def replica(region: str) -> Secret:
    return Secret("shop/database", region)


def valve(kind: str, name: str, found: Any) -> Changes:
    return {"valves": {(PRIMARY.access, kind, name): found}}


def watched(at: Any, *found: Alarm) -> Changes:
    return {"alarms": {(at.access, at.cluster): found}}


DR_CLOSED = item("switch#dr", {"position": 0}, PRIMARY)
UNREAD_RECORDS: Changes = {"records": {NAME: SILENT}}
LEASE = {"holder": "another/1", "expires_at": NOW + 30}
RUN = {"run_id": "run-0", "closed_at": NOW - 600}
MOVED_AND_OPEN = {"run_id": "run-0", "opened_at": NOW - 600, "closed_at": None, "writer": READER.arn}
GROUPS = document()["dr"]["groups"]
TWICE = application(dr={**document()["dr"], "groups": [{**GROUPS[0], "name": "shop-jobs"}, *GROUPS]})
UNGROUPED = application(primary={**document()["primary"], "groups": []})
STANDALONE = Secret("shop/database")
SERVED_FROM_DR = members(replace(WRITER, writer=False), replace(READER, writer=True))
AUTOMATIC = application(
    traffic={"policy": "automatic", "hosted_zone": "shop.example", "names": [NAME], "nameservers": []}
)
FORGETFUL = application(traffic={"hosted_zone": "shop.example", "names": [NAME], "nameservers": [], "ttl_seconds": 300})

THE_REGIONS = (
    Case("data-loss-accepted", FAILS, accept_data_loss=False),
    Case("target-region", UNKNOWN, {**cluster(DR, SILENT), **item("run", SILENT), **group(SILENT)}),
    Case("target-region", HOLDS, cluster(DR, SILENT)),
    Case(
        "source-region",
        UNKNOWN,
        {
            **cluster(PRIMARY, SILENT),
            "groups": {(PRIMARY.access, "shop-asg"): SILENT},
            **item("run", SILENT, PRIMARY),
        },
    ),
    Case("old-site-fence", FAILS, {"groups": {(PRIMARY.access, "shop-asg"): SILENT}}),
    Case("old-site-fence", FAILS, valve("event-source mapping", "shop-intake", SILENT)),
    Case("old-site-fence", FAILS, cluster(PRIMARY, SILENT)),
    Case(
        "old-site-fence",
        HOLDS,
        {
            **cluster(PRIMARY, SILENT),
            **members(replace(WRITER, writer=False), replace(READER, writer=True)),
        },
    ),
    Case("old-site-fence", FAILS, moved=UNGROUPED),
    Case("fenceable", UNKNOWN, {"groups": {(PRIMARY.access, "shop-asg"): SILENT}}),
    Case("fenceable", UNKNOWN, valve("schedule", "default/shop-nightly", SILENT)),
    Case("fenceable", UNKNOWN, cluster(PRIMARY, SILENT)),
    Case("fenceable", FAILS, valve("schedule", "default/shop-nightly", ())),
    Case("fenceable", FAILS, valve("event-source mapping", "shop-intake", ())),
    Case("fenceable", FAILS, {"groups": {(PRIMARY.access, "shop-asg"): None}}),
    Case("fenceable", FAILS, moved=UNGROUPED),
    Case("old-site-down", FAILS),
    Case("old-site-down", UNKNOWN, cluster(PRIMARY, SILENT)),
    Case("old-site-down", UNKNOWN, {"globals": {(PRIMARY.access, "shop-global"): SILENT}}),
    Case("old-site-down", HOLDS, cluster(PRIMARY, replace(CLUSTER, identifier="shop", status="failed"))),
    Case("old-site-down", HOLDS, cluster(PRIMARY, replace(CLUSTER, identifier="shop", instances=()))),
    Case("old-site-down", HOLDS, cluster(PRIMARY, None)),
    Case("old-site-down", HOLDS, members(replace(WRITER, writer=False), READER)),
    Case("old-site-down", HOLDS, members(replace(WRITER, writer=False), replace(READER, writer=True))),
    Case("old-site-down", HOLDS, seen(replace(GLOBAL, failover_status="failing-over", failover_to=ARN["dr"]))),
)

THE_DATABASE = (
    Case("global-cluster", FAILS, seen(None)),
    Case("global-cluster", UNKNOWN, seen(SILENT)),
    Case("global-cluster", FAILS, members(WRITER)),
    Case("global-cluster", FAILS, members(replace(WRITER, writer=False), READER)),
    Case(
        "global-cluster",
        FAILS,
        members(
            replace(WRITER, writer=False), READER, Member("arn:aws:rds:eu-west-1:123456789012:cluster:third", True)
        ),
    ),
    Case(
        "no-other-operation", FAILS, seen(replace(GLOBAL, failover_status="failing-over", failover_to=ARN["primary"]))
    ),
    Case("no-other-operation", FAILS, seen(replace(GLOBAL, failover_status="a state that nobody knows"))),
    Case("no-other-operation", HOLDS, seen(replace(GLOBAL, failover_status="pending", failover_to=ARN["dr"]))),
    Case("no-other-operation", FAILS, seen(replace(GLOBAL, status="modifying"))),
    Case("no-other-operation", UNKNOWN, seen(SILENT)),
    Case("target-instance", FAILS, cluster(DR, replace(CLUSTER, instances=()))),
    Case("target-instance", FAILS, cluster(DR, None)),
    Case("target-instance", UNKNOWN, cluster(DR, SILENT)),
    Case("engine-version", FAILS, cluster(DR, replace(CLUSTER, engine_version="8.1"))),
    Case("engine-version", UNKNOWN, cluster(DR, SILENT)),
    Case("target-synchronised", FAILS, members(WRITER, replace(READER, synchronisation="pending-resync"))),
    Case("target-synchronised", UNKNOWN, seen(SILENT)),
    Case("replication-lag", FAILS, {"lags": {(DR.access, DR.cluster): Lag(61, NOW, "us-west-2")}}),
    Case("replication-lag", HOLDS, {"lags": {(DR.access, DR.cluster): Lag(60, NOW, "us-west-2")}}),
    Case("replication-lag", UNKNOWN, {"lags": {(DR.access, DR.cluster): SILENT}}),
    Case("replication-lag", UNKNOWN, {"lags": {(DR.access, DR.cluster): Lag(0.1, NOW - 301, "us-west-2")}}),
    Case("target-key", FAILS, {"keys": {(DR.access, "key-1"): "Disabled"}}),
    Case("target-key", UNKNOWN, {"keys": {(DR.access, "key-1"): SILENT}}),
    Case("target-key", UNKNOWN, cluster(DR, replace(CLUSTER, key=None))),
    Case("global-db-rpo", FAILS, {"parameters": {(DR.access, "parameters"): {"rds.global_db_rpo": "60"}}}),
    Case("global-db-rpo", HOLDS, {"parameters": {(DR.access, "parameters"): {"rds.global_db_rpo": "-1"}}}),
    Case("global-db-rpo", HOLDS, {**seen(replace(GLOBAL, engine="aurora-mysql")), **cluster(DR, SILENT)}),
    Case("global-db-rpo", UNKNOWN, {"parameters": {(DR.access, "parameters"): SILENT}}),
    Case("global-db-rpo", UNKNOWN, cluster(DR, SILENT)),
)

CAPACITY = (
    Case("group-limits", FAILS, group(replace(GROUP, max=2))),
    Case("group-limits", FAILS, group(None)),
    Case("group-limits", UNKNOWN, group(SILENT)),
    Case(
        "group-limits", FAILS, {"groups": {(DR.access, "shop-jobs"): SILENT, (DR.access, "shop-dr-asg"): None}}, TWICE
    ),
    Case("launch-template", FAILS, template(None)),
    Case("launch-template", UNKNOWN, template(SILENT)),
    Case("launch-template", UNKNOWN, group(replace(GROUP, template=None))),
    Case("launch-template", UNKNOWN, group(SILENT)),
    Case("launch-image", FAILS, {"images": {(DR.access, "image-1"): None}}),
    Case("launch-image", FAILS, {"images": {(DR.access, "image-1"): "deregistered"}}),
    Case("launch-image", UNKNOWN, {"images": {(DR.access, "image-1"): SILENT}}),
    Case("launch-image", UNKNOWN, template(Template("resolve:ssm:/image", "t3.medium"))),
    Case("launch-image", UNKNOWN, template(None)),
    Case("instance-type", FAILS, {"offerings": {(DR.access, "t3.medium"): frozenset({"us-west-2a"})}}),
    Case("instance-type", UNKNOWN, {"offerings": {(DR.access, "t3.medium"): SILENT}}),
    Case("instance-type", UNKNOWN, template(Template("image-1", None))),
    Case(
        "instance-type",
        HOLDS,
        {
            **group(replace(GROUP, types=("t3.large", "t3.medium"))),
            "offerings": {
                (DR.access, "t3.large"): frozenset({"us-west-2a"}),
                (DR.access, "t3.medium"): frozenset({"us-west-2b"}),
            },
        },
    ),
    Case("instance-quota", FAILS, {"quotas": {(DR.access, STANDARD): replace(QUOTA, limit=11)}}),
    Case("instance-quota", HOLDS, {"quotas": {(DR.access, STANDARD): replace(QUOTA, limit=12)}}),
    Case("instance-quota", FAILS, {"quotas": {(DR.access, STANDARD): replace(QUOTA, limit=3, used=None)}}),
    Case("instance-quota", UNKNOWN, {"quotas": {(DR.access, STANDARD): replace(QUOTA, used=None)}}),
    Case("instance-quota", HOLDS, {"quotas": {(DR.access, STANDARD): replace(QUOTA, used=None, asked=0)}}),
    Case("instance-quota", UNKNOWN, {"quotas": {(DR.access, STANDARD): SILENT}}),
    Case("instance-quota", UNKNOWN, {"vcpus": {(DR.access, "t3.medium"): SILENT}}),
)

STORAGE = (
    Case("secret-replicated", FAILS, secret(None, STANDALONE)),
    Case(
        "secret-replicated",
        FAILS,
        secret(replica("us-east-1"), original("us-west-2", "Failed")),
    ),
    Case(
        "secret-replicated",
        FAILS,
        secret(replica("us-east-1"), original("us-west-2", "InProgress")),
    ),
    Case("secret-replicated", FAILS, secret(STANDALONE, STANDALONE)),
    Case(
        "secret-replicated",
        HOLDS,
        secret(original("us-east-1", "InSync"), replica("us-west-2")),
    ),
    Case("secret-replicated", UNKNOWN, secret(SILENT, STANDALONE)),
    Case("secret-replicated", UNKNOWN, secret(replica("us-east-1"), SILENT)),
    Case("bucket-replication", FAILS, {"buckets": {(DR.access, "shop-dr-data"): Bucket("shop-dr-data", True)}}),
    Case(
        "bucket-replication",
        FAILS,
        {"buckets": {(PRIMARY.access, "shop-data"): Bucket("shop-data", True, (rule("shop-dr-data", False),))}},
    ),
    Case(
        "bucket-replication",
        FAILS,
        {"buckets": {(PRIMARY.access, "shop-data"): Bucket("shop-data", True, (rule("another"),))}},
    ),
    Case(
        "bucket-replication",
        FAILS,
        {"buckets": {(DR.access, "shop-dr-data"): Bucket("shop-dr-data", False, (rule("shop-data"),))}},
    ),
    Case("bucket-replication", FAILS, {"buckets": {(DR.access, "shop-dr-data"): None}}),
    Case("bucket-replication", UNKNOWN, {"buckets": {(DR.access, "shop-dr-data"): SILENT}}),
    Case("bucket-backlog", FAILS, {"backlogs": {(PRIMARY.access, "shop-data", "shop-dr-data"): Backlog(9000, 901.0)}}),
    Case("bucket-backlog", UNKNOWN, {"backlogs": {(PRIMARY.access, "shop-data", "shop-dr-data"): SILENT}}),
    Case(
        "bucket-backlog",
        UNKNOWN,
        {
            "buckets": {(PRIMARY.access, "shop-data"): Bucket("shop-data", True)},
            "backlogs": {(PRIMARY.access, "shop-data", "shop-dr-data"): SILENT},
        },
    ),
    Case("alarms", FAILS, watched(DR)),
    Case("alarms", FAILS, watched(PRIMARY)),
    Case("alarms", FAILS, watched(DR, Alarm("lag", "OK", False))),
    Case("alarms", FAILS, watched(DR, Alarm("lag", "INSUFFICIENT_DATA", True))),
    Case("alarms", HOLDS, watched(PRIMARY, Alarm("lag", "INSUFFICIENT_DATA", True))),
    Case("alarms", UNKNOWN, {"alarms": {(PRIMARY.access, PRIMARY.cluster): SILENT}}),
)

TRAFFIC = (
    Case("failover-records", FAILS, pair({"Name": f"{NAME}.", "Type": "CNAME", "TTL": 60})),
    Case("failover-records", FAILS, pair()),
    Case("failover-records", FAILS, pair(PAIR[0])),
    Case("failover-records", UNKNOWN, UNREAD_RECORDS),
    Case("target-health-off", FAILS, pair(alias("PRIMARY", True), alias("SECONDARY", False))),
    Case("target-health-off", HOLDS, pair(alias("PRIMARY", False), alias("SECONDARY", False))),
    Case("target-health-off", HOLDS, pair(alias("PRIMARY", True), alias("SECONDARY", True)), AUTOMATIC),
    Case("target-health-off", UNKNOWN, UNREAD_RECORDS),
    Case("health-checks", FAILS, pair(PAIR[0], record("SECONDARY", HealthCheckId=None))),
    Case("health-checks", FAILS, pair(PAIR[0], record("SECONDARY", HealthCheckId="gone"))),
    Case("health-checks", FAILS, check("SECONDARY", disabled=True)),
    Case("health-checks", FAILS, check("PRIMARY", type="HTTPS")),
    Case("health-checks", HOLDS, check("SECONDARY", type="HTTPS")),
    Case("health-checks", HOLDS, check("PRIMARY", type="HTTPS"), AUTOMATIC),
    Case("health-checks", FAILS, check("PRIMARY", alarm_region="us-east-1")),
    Case("health-checks", FAILS, check("SECONDARY", alarm_region="us-west-2")),
    Case("health-checks", FAILS, check("PRIMARY", inverted=True)),
    Case("health-checks", FAILS, pair(PAIR[0], record("SECONDARY", HealthCheckId="check-PRIMARY"))),
    Case("health-checks", UNKNOWN, UNREAD_RECORDS),
    Case("health-checks", UNKNOWN, {"health_checks": {ROUTE53: SILENT}}),
    Case("record-ttl", FAILS, pair(PAIR[0], record("SECONDARY", TTL=61))),
    Case("record-ttl", FAILS, pair(PAIR[0], record("SECONDARY", TTL=300)), FORGETFUL),
    Case("record-ttl", HOLDS, pair(alias("PRIMARY", False), alias("SECONDARY", False))),
    Case("record-ttl", UNKNOWN, UNREAD_RECORDS),
    Case("dns-answers", UNKNOWN, {"answers": {NAME: SILENT}}),
    Case("switch-position", UNKNOWN, item("switch#primary", SILENT)),
    Case("switch-position", FAILS, DR_CLOSED, modes=(PLANNED, ANY_DAY)),
    Case("switch-position", HOLDS, DR_CLOSED, modes=(UNPLANNED,)),  # which the move opens: the region answers
    Case("switch-position", UNKNOWN, item("switch#dr", SILENT, PRIMARY)),
    Case("switch-position", HOLDS, item("switch#dr", {"position": 1}, PRIMARY)),
)

STATE = (
    Case("state-store", UNKNOWN, item("run", SILENT)),
    Case("reconciled", FAILS, item("pending#dr", {"run_id": "run-0"}, PRIMARY)),
    Case("reconciled", HOLDS, item("pending#dr", {"run_id": "run-0", "closed_at": NOW}, PRIMARY)),
    Case("reconciled", UNKNOWN, item("pending#dr", SILENT, PRIMARY)),
    Case("reconciled", FAILS, item("pending#primary", {"run_id": "run-0"}, DR)),
    Case("reconciled", UNKNOWN, item("pending#primary", SILENT, DR)),
    Case("reconciled", HOLDS, {**SERVED_FROM_DR, **item("pending#dr", {"run_id": "run-0"}, PRIMARY)}),
    Case("reconciled", FAILS, {**SERVED_FROM_DR, **item("pending#primary", {"run_id": "run-0"}, DR)}),
    Case("lease-free", FAILS, item("lease", LEASE)),
    Case("lease-free", HOLDS, item("lease", {**LEASE, "expires_at": NOW - 10})),
    Case("lease-free", HOLDS, item("lease", {**LEASE, "holder": "run-1/2"})),
    Case("lease-free", UNKNOWN, item("lease", SILENT)),
    Case("block-period", FAILS, item("run", RUN)),
    Case("block-period", FAILS, item("run", RUN, PRIMARY)),
    Case("block-period", HOLDS, item("run", {**RUN, "closed_at": NOW - 1801})),
    Case("block-period", HOLDS, item("run", {**RUN, "run_id": "run-1"})),
    Case("block-period", FAILS, item("run", MOVED_AND_OPEN, PRIMARY)),
    Case("block-period", FAILS, {**item("run", MOVED_AND_OPEN, PRIMARY), **seen(SILENT)}),
    Case("block-period", HOLDS, item("run", {**MOVED_AND_OPEN, "opened_at": NOW - 1801}, PRIMARY)),
    Case("block-period", HOLDS, item("run", {**MOVED_AND_OPEN, "run_id": "run-1"}, PRIMARY)),
    Case("block-period", HOLDS, item("run", {**MOVED_AND_OPEN, "writer": WRITER.arn}, PRIMARY)),
    Case("block-period", HOLDS, item("run", MOVED_AND_OPEN, DR)),
    Case("block-period", UNKNOWN, item("run", SILENT, PRIMARY)),
    Case("readiness", UNKNOWN, item("readiness", None)),
    Case("readiness", UNKNOWN, item("readiness", SILENT)),
    Case("readiness", UNKNOWN, item("readiness", {"format": 0})),
    Case("readiness", UNKNOWN, item("readiness", {"format": 1, "at": "yesterday"})),
    Case("readiness", FAILS, item("readiness", remembered(NOW - 8 * DAY))),
    Case("readiness", HOLDS, item("readiness", remembered(NOW - 6 * DAY))),
    Case("readiness", FAILS, item("readiness", remembered(NOW - 60, **{"switch-position": "fails"}))),
    Case("break-glass", UNKNOWN, {"break_glass": None}),
    Case("break-glass", UNKNOWN, {"break_glass": BreakGlass(None, 90 * DAY)}),
    Case("break-glass", FAILS, {"break_glass": BreakGlass(NOW - 91 * DAY, 90 * DAY)}),
)

CASES = (*THE_REGIONS, *THE_DATABASE, *CAPACITY, *STORAGE, *TRAFFIC, *STATE)
