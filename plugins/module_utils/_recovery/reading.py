# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads the world into a snapshot: side by side, one call per region and kind for all applications (R26).

Only ``DescribeTargetHealth``, ``DescribeKey`` and ``DescribeSecret`` are made per resource, because AWS takes one at a
time; the first is asked only for groups whose instances are in service. A reading that fails becomes ``Unknown`` with
its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from .clients import Caller
from .declared import Api
from .errors import CallFailed, RecoveryError
from .failover_records import dangers, find_zone, form_of, observe
from .model import PLACES, Access, Application, Site
from .ports import Clock, Resolver, Workers
from .snapshot import (
    Cluster,
    ClusterSnapshot,
    Event,
    Facet,
    GlobalCluster,
    GroupState,
    Lag,
    Member,
    Secret,
    Snapshot,
    Unknown,
)
from .store import LAG, LEASE, READINESS, RUN, Store, fence_item, pending_item, switch_item
from .switch import RECORDS
from .valves import INGRESS, listed, read_valves, was_shut

GROUP_NAMES_LIMIT = 50
FILTER_VALUES_LIMIT = 100
METRIC_QUERIES_LIMIT = 500
LAG_METRIC = "AuroraGlobalDBReplicationLag"  # milliseconds; exists for secondaries only (R10)
LAG_WINDOW_SECONDS = 600
LAG_PERIOD_SECONDS = 60
DNS_TIMEOUT_SECONDS = 2.0
ROUTE53_REGION = "us-east-1"  # its control plane lives there (R3)

T = TypeVar("T")


@dataclass(frozen=True)
class Wanted:
    """What is to be read: a facet of one site of an application."""

    facet: Facet
    application: Application
    site: Site


@dataclass(frozen=True)
class Reading:
    """One piece of reading. ``field`` names the snapshot's mapping; ``keys`` become unknown when it fails."""

    field: str
    keys: tuple[Any, ...]
    read: Callable[[], Mapping[Any, Any]]


@dataclass
class WorldReader:
    """Turns wishes into as few calls as there are regions and kinds."""

    caller: Caller
    clock: Clock
    workers: Workers
    resolver: Resolver
    events_since: float = 0.0

    def read(self, before: Snapshot, wanted: Iterable[Wanted]) -> Snapshot:
        """A newer snapshot: what is wanted is read anew, the rest is carried over."""
        wishes = list(dict.fromkeys(wanted))
        snapshot = self._gather(before, self._readings(_FIRST, wishes, before))
        snapshot = self._gather(snapshot, self._readings(_SECOND, wishes, snapshot))
        return replace(snapshot, at=self.clock.now())

    def _readings(self, makers: Mapping[Facet, _Maker], wishes: Sequence[Wanted], known: Snapshot) -> list[Reading]:
        readings: list[Reading] = []
        for facet, maker in makers.items():
            by_access: dict[Access, list[Wanted]] = {}
            for wish in wishes:
                if wish.facet is facet:
                    by_access.setdefault(wish.site.access, []).append(wish)
            for access, group in by_access.items():
                readings += maker(self, access, group, known)
        return list({(one.field, one.keys): one for one in readings}.values())

    def _gather(self, snapshot: Snapshot, readings: Sequence[Reading]) -> Snapshot:
        if not readings:
            return snapshot
        facts: dict[str, dict[Any, Any]] = {}
        for reading, outcome in zip(readings, self.workers.gather([reading.read for reading in readings]), strict=True):
            found = facts.setdefault(reading.field, {})
            if isinstance(outcome, RecoveryError):
                found.update({key: Unknown(str(outcome)) for key in reading.keys})
            elif isinstance(outcome, Exception):
                raise outcome
            else:
                found.update(outcome)
        changes: dict[str, Any] = {name: {**getattr(snapshot, name), **found} for name, found in facts.items()}
        return replace(snapshot, **changes)


def _globals(reader: WorldReader, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    names = sorted({wish.application.global_cluster for wish in wanted})
    keys = tuple((access, name) for name in names)

    def read() -> Mapping[Any, Any]:
        # One name can be asked for, which lets a policy name the resource; several come with the list of all.
        params = {"GlobalClusterIdentifier": names[0]} if len(names) == 1 else {}
        try:
            found = list(_pages(reader.caller, access, "rds", "DescribeGlobalClusters", params, "GlobalClusters"))
        except CallFailed as error:
            if error.code != "GlobalClusterNotFoundFault":
                raise
            found = []
        by_name = {one["GlobalClusterIdentifier"]: global_cluster(one) for one in found}
        return {key: by_name.get(key[1]) for key in keys}

    return [Reading("globals", keys, read)]


def global_cluster(document: Mapping[str, Any]) -> GlobalCluster:
    """One entry of DescribeGlobalClusters."""
    failover = document.get("FailoverState") or {}
    members = [
        Member(one["DBClusterArn"], bool(one.get("IsWriter")), one.get("SynchronizationStatus"))
        for one in document.get("GlobalClusterMembers") or []
    ]
    return GlobalCluster(
        identifier=document["GlobalClusterIdentifier"],
        status=str(document.get("Status", "")),
        engine=str(document.get("Engine", "")),
        engine_version=str(document.get("EngineVersion", "")),
        members=tuple(members),
        # A state without a status is one that we do not know: it counts as under way (R14).
        failover_status=str(failover.get("Status") or "in an unnamed state") if failover else None,
        failover_to=failover.get("ToDbClusterArn"),
    )


def _clusters(reader: WorldReader, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    names = sorted({wish.site.cluster for wish in wanted})
    return [_cluster_batch(reader, access, batch) for batch in _batches(names, FILTER_VALUES_LIMIT)]


def _cluster_batch(reader: WorldReader, access: Access, names: tuple[str, ...]) -> Reading:
    keys = tuple((access, name) for name in names)

    def read() -> Mapping[Any, Any]:
        params = {"Filters": [{"Name": "db-cluster-id", "Values": list(names)}]}
        try:
            found = list(_pages(reader.caller, access, "rds", "DescribeDBClusters", params, "DBClusters"))
        except CallFailed as error:
            if error.code != "DBClusterNotFoundFault":
                raise
            found = []
        by_name = {
            one["DBClusterIdentifier"]: Cluster(
                identifier=one["DBClusterIdentifier"],
                status=str(one.get("Status", "")),
                engine_version=str(one.get("EngineVersion", "")),
                instances=tuple(member["DBInstanceIdentifier"] for member in one.get("DBClusterMembers") or []),
                key=one.get("KmsKeyId"),
                security_groups=tuple(
                    group["VpcSecurityGroupId"]
                    for group in one.get("VpcSecurityGroups") or []
                    if group.get("VpcSecurityGroupId")
                ),
            )
            for one in found
        }
        return {key: by_name.get(key[1]) for key in keys}

    return Reading("clusters", keys, read)


def _groups(reader: WorldReader, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    names = sorted({group.name for wish in wanted for group in wish.site.groups})
    return [_group_batch(reader, access, batch) for batch in _batches(names, GROUP_NAMES_LIMIT)]


def _group_batch(reader: WorldReader, access: Access, names: tuple[str, ...]) -> Reading:
    keys = tuple((access, name) for name in names)

    def read() -> Mapping[Any, Any]:
        params = {"AutoScalingGroupNames": list(names)}
        found = _pages(
            reader.caller, access, "autoscaling", "DescribeAutoScalingGroups", params, "AutoScalingGroups", "NextToken"
        )
        by_name = {one["AutoScalingGroupName"]: _group_state(one) for one in found}
        return {key: by_name.get(key[1]) for key in keys}

    return Reading("groups", keys, read)


def _group_state(document: Mapping[str, Any]) -> GroupState:
    instances = document.get("Instances") or []
    return GroupState(
        name=document["AutoScalingGroupName"],
        min=int(document["MinSize"]),
        desired=int(document["DesiredCapacity"]),
        max=int(document["MaxSize"]),
        in_service=sum(1 for one in instances if one.get("LifecycleState") == "InService"),
        instances=len(instances),
        target_groups=tuple(document.get("TargetGroupARNs") or []),
    )


def _targets(reader: WorldReader, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    readings = []
    for wish in wanted:
        for group in wish.site.groups:
            state = known.group(wish.site, group.name)
            if isinstance(state, GroupState) and state.in_service >= group.active.desired > 0:
                readings += [_target_health(reader, access, arn) for arn in state.target_groups]
    return readings


def _target_health(reader: WorldReader, access: Access, arn: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        answer = reader.caller.call(access, "elbv2", "DescribeTargetHealth", {"TargetGroupArn": arn})
        described = answer.get("TargetHealthDescriptions") or []
        return {(access, arn): sum(1 for one in described if one.get("TargetHealth", {}).get("State") == "healthy")}

    return Reading("healthy", ((access, arn),), read)


def _lags(reader: WorldReader, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    names = sorted({wish.site.cluster for wish in wanted})
    return [_lag_batch(reader, access, batch) for batch in _batches(names, METRIC_QUERIES_LIMIT)]


def _lag_batch(reader: WorldReader, access: Access, names: tuple[str, ...]) -> Reading:
    keys = tuple((access, name) for name in names)

    def read() -> Mapping[Any, Any]:
        now = reader.clock.now()
        params = {
            "MetricDataQueries": [_lag_query(f"lag{index}", name) for index, name in enumerate(names)],
            "StartTime": _time(now - LAG_WINDOW_SECONDS),
            "EndTime": _time(now + LAG_PERIOD_SECONDS),
            "ScanBy": "TimestampDescending",
        }
        results = _pages(reader.caller, access, "cloudwatch", "GetMetricData", params, "MetricDataResults", "NextToken")
        found: dict[Any, Any] = {
            key: Unknown(f"no sample of {LAG_METRIC} for {key[1]} in {access.region} in the last 10 minutes")
            for key in keys
        }
        for result in results:
            index = int(str(result["Id"]).removeprefix("lag"))
            samples = sorted(
                zip(result.get("Timestamps") or [], result.get("Values") or [], strict=False), reverse=True
            )
            if samples:
                at, value = samples[0]
                found[keys[index]] = Lag(float(value) / 1000, _seconds(at), access.region)
        return found

    return Reading("lags", keys, read)


def _lag_query(query: str, cluster: str) -> dict[str, Any]:
    dimensions = [{"Name": "DBClusterIdentifier", "Value": cluster}]
    metric = {"Namespace": "AWS/RDS", "MetricName": LAG_METRIC, "Dimensions": dimensions}
    stat = {"Metric": metric, "Period": LAG_PERIOD_SECONDS, "Stat": "Maximum"}
    return {"Id": query, "MetricStat": stat, "ReturnData": True}


STATE_ITEMS = (LEASE, RUN, LAG, READINESS, *(switch_item(record) for record in RECORDS))
FENCE_ITEMS = tuple(item(place) for item in (fence_item, pending_item) for place in PLACES)
"""Apart from the others, which are read each time anew while a move waits."""


def _state(reader: WorldReader, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    return _tables(reader, access, wanted, STATE_ITEMS)


def _fence_state(reader: WorldReader, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    return _tables(reader, access, wanted, FENCE_ITEMS)


def _tables(reader: WorldReader, access: Access, wanted: Sequence[Wanted], items: tuple[str, ...]) -> list[Reading]:
    by_table: dict[str, list[str]] = {}
    for wish in wanted:
        by_table.setdefault(wish.site.state_table, []).append(wish.application.name)
    return [
        _table(reader, Store(reader.caller, access, table), tuple(names), items) for table, names in by_table.items()
    ]


def _table(reader: WorldReader, store: Store, names: tuple[str, ...], items: tuple[str, ...]) -> Reading:
    keys = tuple((store.access, name, item) for name in names for item in items)

    def read() -> Mapping[Any, Any]:
        found = store.read([(name, item) for _access, name, item in keys])
        return {key: found.get((key[1], key[2])) for key in keys}

    return Reading("state", keys, read)


def _hosts(reader: WorldReader, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """Load balancers that are known by name only, each until it was found; a missing one would fail a common call."""
    names = sorted({wish.site.load_balancer or "" for wish in wanted if not isinstance(known.host(wish.site), str)})
    return [_load_balancer(reader, access, name) for name in names]


def _load_balancer(reader: WorldReader, access: Access, name: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        try:
            answer = reader.caller.call(access, "elbv2", "DescribeLoadBalancers", {"Names": [name]})
        except CallFailed as error:
            if error.code not in ("LoadBalancerNotFound", "LoadBalancerNotFoundException"):
                raise
            return {(access, name): None}
        found = answer.get("LoadBalancers") or []
        return {(access, name): found[0]["DNSName"].rstrip(".").lower() if found else None}

    return Reading("hosts", ((access, name),), read)


def _events(reader: WorldReader, access: Access, _wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    def read() -> Mapping[Any, Any]:
        # Events of instances tell of blocked writes (R7); AWS takes one source type at a time.
        params = {"SourceType": "db-instance", "StartTime": _time(reader.events_since)}
        found = _pages(reader.caller, access, "rds", "DescribeEvents", params, "Events")
        events = [
            Event(
                access.region, str(one.get("SourceIdentifier", "")), str(one.get("Message", "")), _seconds(one["Date"])
            )
            for one in found
            if one.get("Date") is not None
        ]
        return {access: tuple(events)}

    return [Reading("events", (access,), read)]


def _records(reader: WorldReader, _access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    return [_record_pairs(reader, wish) for wish in wanted]


def _record_pairs(reader: WorldReader, wish: Wanted) -> Reading:
    application = wish.application
    traffic = application.traffic
    by_default = wish.site.access
    access = Access(ROUTE53_REGION, traffic.profile or by_default.profile, traffic.role_arn or by_default.role_arn)

    def read() -> Mapping[Any, Any]:
        api = Api(_At(reader.caller, access), ROUTE53_REGION, "route53")
        zone = find_zone(api, traffic.hosted_zone)["Id"].rpartition("/")[2]
        problems: list[str] = []
        for name in traffic.names:
            records = observe(api, zone, name)
            form = form_of(records)
            if form != "failover":
                problems.append(f"the record of {name} is no failover pair ({form})")
                continue
            kinds = {record["Failover"] for record in records if record.get("Failover")}
            problems += [f"{name} has no {kind} record" for kind in sorted({"PRIMARY", "SECONDARY"} - kinds)]
            problems += dangers(records) if traffic.policy == "orchestrated" else []
            problems += [
                f"the TTL of {name} is {record['TTL']} s, over {traffic.ttl_seconds} s"
                for record in records
                if int(record.get("TTL") or 0) > traffic.ttl_seconds
            ]
        return {application.name: tuple(problems)}

    return Reading("records", (application.name,), read)


@dataclass(frozen=True)
class _At:
    """Sends all calls with one access."""

    caller: Caller
    access: Access

    def call(
        self,
        at: Access | str,
        service: str,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        mutates: bool | None = None,
        deadline_seconds: float | None = None,
    ) -> dict[str, Any]:
        del at
        return self.caller.call(
            self.access, service, operation, params, mutates=mutates, deadline_seconds=deadline_seconds
        )


def _keys(reader: WorldReader, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    clusters = [known.cluster(wish.site) for wish in wanted]
    keys = sorted({cluster.key for cluster in clusters if isinstance(cluster, Cluster) and cluster.key})
    return [_key(reader, access, key) for key in keys]


def _key(reader: WorldReader, access: Access, key: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        answer = reader.caller.call(access, "kms", "DescribeKey", {"KeyId": key})
        return {(access, key): str(answer["KeyMetadata"].get("KeyState", "unknown"))}

    return Reading("keys", ((access, key),), read)


def _secrets(reader: WorldReader, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    names = sorted({name for wish in wanted for name in wish.site.secrets})
    return [_secret(reader, access, name) for name in names]


def _secret(reader: WorldReader, access: Access, name: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        try:
            answer = reader.caller.call(access, "secretsmanager", "DescribeSecret", {"SecretId": name})
        except CallFailed as error:
            if error.code != "ResourceNotFoundException":
                raise
            return {(access, name): None}
        source = answer.get("PrimaryRegion")
        stages = answer.get("VersionIdsToStages") or {}
        secret = Secret(
            name=name,
            replica_of=source if source != access.region else None,
            replicas={one["Region"]: str(one.get("Status", "")) for one in answer.get("ReplicationStatus") or []},
            version=next((version for version, labels in stages.items() if "AWSCURRENT" in labels), None),
            key=answer.get("KmsKeyId"),
        )
        return {(access, name): secret}

    return Reading("secrets", ((access, name),), read)


def _answers(reader: WorldReader, _access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    readings = []
    for wish in wanted:
        host = known.host(wish.site)
        names = [*wish.application.traffic.names, wish.application.probe.host]
        names += [] if isinstance(host, Unknown) else [host]
        readings += [_answer(reader, name, wish.application.traffic.nameservers) for name in names]
    return readings


def _answer(reader: WorldReader, name: str, nameservers: tuple[str, ...]) -> Reading:
    def read() -> Mapping[Any, Any]:
        try:
            return {name: reader.resolver(name, nameservers, DNS_TIMEOUT_SECONDS)}
        except (OSError, ValueError) as error:
            return {name: Unknown(f"DNS: {error}")}

    return Reading("answers", (name,), read)


def _valves(reader: WorldReader, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    return _valve_readings(reader, access, (p for wish in wanted for p in listed(known, wish.application, wish.site)))


def _shut_valves(reader: WorldReader, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    return _valve_readings(reader, access, (p for wish in wanted for p in was_shut(known, wish.application, wish.site)))


def _valve_readings(reader: WorldReader, access: Access, pairs: Iterable[tuple[str, str]]) -> list[Reading]:
    """One for each schedule and function, as AWS takes one at a time, and one for all security groups."""
    every = tuple(dict.fromkeys(pairs))
    groups = tuple(name for kind, name in every if kind == INGRESS)
    batches: list[tuple[tuple[str, str], ...]] = [((kind, name),) for kind, name in every if kind != INGRESS]
    batches += [tuple((INGRESS, name) for name in batch) for batch in _batches(groups, FILTER_VALUES_LIMIT)]
    return [_valve_reading(reader, access, batch) for batch in batches]


def _valve_reading(reader: WorldReader, access: Access, batch: tuple[tuple[str, str], ...]) -> Reading:
    keys = tuple((access, kind, name) for kind, name in batch)
    kind, names = batch[0][0], [name for _kind, name in batch]

    def read() -> Mapping[Any, Any]:
        valves = read_valves(reader.caller, access, kind, names)
        return {key: valves.get(key[2], ()) for key in keys}

    return Reading("valves", keys, read)


def _cluster_snapshots(
    reader: WorldReader, access: Access, wanted: Sequence[Wanted], _known: Snapshot
) -> list[Reading]:
    return [_snapshots_of(reader, access, name) for name in sorted({wish.site.cluster for wish in wanted})]


def _snapshots_of(reader: WorldReader, access: Access, cluster: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        # Of which type the snapshot of lost writes is AWS does not say (R8), so all are listed.
        params = {"DBClusterIdentifier": cluster}
        found = _pages(reader.caller, access, "rds", "DescribeDBClusterSnapshots", params, "DBClusterSnapshots")
        snapshots = [
            ClusterSnapshot(
                identifier=one["DBClusterSnapshotIdentifier"],
                arn=str(one.get("DBClusterSnapshotArn", "")),
                status=str(one.get("Status", "")),
                created=_seconds(one["SnapshotCreateTime"]) if one.get("SnapshotCreateTime") else 0.0,
            )
            for one in found
        ]
        return {(access, cluster): tuple(snapshots)}

    return Reading("cluster_snapshots", ((access, cluster),), read)


_Maker = Callable[[WorldReader, Access, Sequence[Wanted], Snapshot], list[Reading]]

_FIRST: Mapping[Facet, _Maker] = {
    Facet.GLOBAL: _globals,
    Facet.CLUSTERS: _clusters,
    Facet.GROUPS: _groups,
    Facet.LAG: _lags,
    Facet.STATE: _state,
    Facet.FENCE_STATE: _fence_state,
    Facet.HOSTS: _hosts,
    Facet.EVENTS: _events,
    Facet.RECORDS: _records,
    Facet.SECRETS: _secrets,
    Facet.LOST_WRITES: _cluster_snapshots,
}
_SECOND: Mapping[Facet, _Maker] = {  # these need what the first ones found
    Facet.TARGETS: _targets,
    Facet.KEYS: _keys,
    Facet.DNS: _answers,
    Facet.VALVES: _valves,
    Facet.SHUT_VALVES: _shut_valves,
}


def _pages(
    caller: Caller,
    access: Access,
    service: str,
    operation: str,
    params: Mapping[str, Any],
    member: str,
    marker: str = "Marker",
) -> Iterable[Mapping[str, Any]]:
    """All entries of a listing, page after page."""
    request = dict(params)
    while True:
        answer = caller.call(access, service, operation, request)
        yield from answer.get(member) or []
        if not answer.get(marker):
            return
        request[marker] = answer[marker]


def _batches(names: Sequence[T], size: int) -> Iterable[tuple[T, ...]]:
    rest = iter(names)
    while batch := tuple(islice(rest, size)):
        yield batch


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(value: Any) -> float:
    return float(value.timestamp()) if isinstance(value, datetime) else float(value)
