# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A small AWS of two regions on a virtual clock, for tests of decisions; the lab is the large one.

It is a ``Transport``: every request is checked against botocore's service model first. Regions hang, refuse or heal.
The application, DNS and the switch follow from the same state, so that a move can be seen from outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from plugins.module_utils._recovery.clients import Clients, is_read
from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable
from plugins.module_utils._recovery.model import Access, Application, parse_application
from plugins.module_utils._recovery.ports import DnsAnswer, HttpAnswer
from plugins.module_utils._recovery.runner import Line, Tools
from plugins.module_utils._recovery.workers import InlineWorkers

EAST, WEST = "us-east-1", "us-west-2"
ACCOUNT = "123456789012"
ADDRESSES = {EAST: "192.0.2.11", WEST: "192.0.2.12"}


class VirtualClock:
    """Time that passes only when somebody waits."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds


def document(name: str = "shop", **changes: Any) -> dict[str, Any]:
    """An application as the inventory gives it."""

    def site(place: str, region: str, infix: str) -> dict[str, Any]:
        group = {"name": f"{name}{infix}-asg", "active": {"min": 3, "desired": 3, "max": 10}}
        if place == "dr":
            group["standby"] = {"min": 0, "desired": 1, "max": 10}
        return {
            "place": place,
            "region": region,
            "profile": place,
            "role_arn": None,
            "cluster": f"{name}{infix}-cluster" if place == "dr" else name,
            "groups": [group],
            "buckets": [],
            "secrets": [f"{name}/database"],
            "endpoint": {"host": f"{name}{infix}-alb.{region}.elb.example", "port": 443},
            "load_balancer": f"{name}{infix}-alb",
            "state_table": f"{name}-dr-state",
            "state_bucket": f"{name}-dr-state-{region}",
            "notification_topic": f"{name}-dr-alerts",
        }

    return {
        "name": name,
        "environment": "test",
        "global_cluster": f"{name}-global",
        "objectives": {"rto_seconds": 900, "rpo_seconds": 60},
        "primary": site("primary", EAST, ""),
        "dr": site("dr", WEST, "-dr"),
        "traffic": {"hosted_zone": f"{name}.example", "names": [f"app.{name}.example"], "nameservers": []},
        "probe": {"stable_samples": 3},
        "secrets_promote": "never",
        **changes,
    }


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def check_request(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Hold a request against botocore's model; raises AssertionError with all that is wrong."""
    shape = _model(service).operation_model(operation).input_shape
    if shape is None:
        assert not params, f"{service} {operation} takes no parameters"
        return
    report = ParamValidator().validate(params, shape)
    assert not report.has_errors(), f"{service} {operation}: {report.generate_report()}"
    for value, allowed in _enums(shape, params):
        assert value in allowed, f"{service} {operation}: {value!r} is none of {allowed}"


def _enums(shape: Any, value: Any) -> list[tuple[Any, list[str]]]:
    if shape.type_name == "structure":
        return [pair for name, one in value.items() for pair in _enums(shape.members[name], one)]
    if shape.type_name == "list":
        return [pair for one in value for pair in _enums(shape.member, one)]
    return [(value, shape.enum)] if getattr(shape, "enum", None) else []


@dataclass
class Call:
    """One line of the call log."""

    at: float
    region: str
    service: str
    operation: str
    params: Mapping[str, Any]
    outcome: str = "ok"

    @property
    def mutates(self) -> bool:
        return not is_read(self.operation)


@dataclass
class Group:
    min: int
    desired: int
    max: int
    born: list[float] = field(default_factory=list)


@dataclass
class Delays:
    launch: float = 40.0
    promote: float = 20.0
    dns: float = 8.0
    fencing_event: float = 1.0


class SimulatedAws:
    """The state of both regions, of all applications."""

    def __init__(self, clock: VirtualClock, documents: Sequence[Mapping[str, Any]]) -> None:
        self.clock = clock
        self.delays = Delays()
        self.applications = [parse_application(one) for one in documents]
        self.calls: list[Call] = []
        self.outages: dict[str, str] = {}
        self.globals: dict[str, dict[str, Any]] = {}
        self.moves: dict[str, tuple[float, str]] = {}
        self.groups: dict[tuple[str, str], Group] = {}
        self.tables: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        self.positions: dict[tuple[str, str], list[tuple[float, float]]] = {}
        self.published: list[Mapping[str, Any]] = []
        self.events: list[tuple[float, str, str]] = []
        self.instances: dict[tuple[str, str], list[str]] = {}
        self.versions: dict[tuple[str, str], str] = {}
        self.lag_ms: float | None = 80.0
        self.key_state = "Enabled"
        self.records_form = "failover"
        self.writes: dict[tuple[str, int], str] = {}
        self.application_calls: list[tuple[float, str, str]] = []
        self.refusals: list[Callable[[Call], CallFailed | RegionUnreachable | None]] = []
        self.after_call: Callable[[Call], None] = lambda call: None
        for one in self.applications:
            self._build(one)

    def _build(self, application: Application) -> None:
        members = []
        for site in application.sites:
            arn = f"arn:aws:rds:{site.region}:{ACCOUNT}:cluster:{site.cluster}"
            members.append({"DBClusterArn": arn, "IsWriter": site.place == "primary", "Readers": []})
            self.instances[(site.region, site.cluster)] = [f"{site.cluster}-1"]
            self.versions[(site.region, site.cluster)] = "8.0.mysql_aurora.3.04.0"
            for group in site.groups:
                wish = group.active if site.place == "primary" else group.standby
                born = [0.0] * wish.desired
                self.groups[(site.region, group.name)] = Group(wish.min, wish.desired, wish.max, born)
            self.tables[(site.region, site.state_table)] = {}
        self.globals[application.global_cluster] = {
            "GlobalClusterIdentifier": application.global_cluster,
            "Status": "available",
            "Engine": "aurora-mysql",
            "EngineVersion": "8.0.mysql_aurora.3.04.0",
            "GlobalClusterMembers": members,
        }

    # What tests look at

    def writer(self, application: Application) -> str:
        """The region of the writer."""
        self._pass_time()
        members = self.globals[application.global_cluster]["GlobalClusterMembers"]
        return next(str(m["DBClusterArn"]).split(":")[3] for m in members if m["IsWriter"])

    def mutations(self, *without: str) -> list[Call]:
        """Calls that change something, except those of services named."""
        return [call for call in self.calls if call.mutates and call.service not in without]

    def made(self, service: str, operation: str | None = None) -> list[Call]:
        """Calls of one service or operation."""
        return [c for c in self.calls if c.service == service and operation in (None, c.operation)]

    def outage(self, region: str, kind: str = "hang") -> None:
        self.outages[region] = kind

    def heal(self, region: str) -> None:
        self.outages.pop(region, None)

    # Transport

    def send(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        check_request(service, operation, params)
        call = Call(self.clock.now(), access.region, service, operation, params)
        self.calls.append(call)
        kind = self.outages.get(access.region)
        if kind == "hang":
            call.outcome = "hang"
            self.clock.wait(deadline_seconds)
            raise RegionUnreachable(access.region, f"{service} {operation} brought no answer")
        if kind == "refuse":
            call.outcome = "refuse"
            raise RegionUnreachable(access.region, "connection refused")
        for refusal in self.refusals:
            error = refusal(call)
            if error:
                call.outcome = str(error)
                raise error
        self._pass_time()
        answer: dict[str, Any] = getattr(self, f"_{service}_{_snake(operation)}")(access.region, params)
        self.after_call(call)
        return answer

    def _fail(self, region: str, service: str, operation: str, code: str, message: str = "") -> CallFailed:
        self.calls[-1].outcome = code
        return CallFailed(region, service, operation, code, message)

    def _pass_time(self) -> None:
        now = self.clock.now()
        for name, (due, to_arn) in list(self.moves.items()):
            if now >= due:
                del self.moves[name]
                for member in self.globals[name]["GlobalClusterMembers"]:
                    member["IsWriter"] = member["DBClusterArn"] == to_arn
                self.globals[name].pop("FailoverState", None)

    def _rds_describe_global_clusters(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params.get("GlobalClusterIdentifier")
        if name and name not in self.globals:
            raise self._fail(region, "rds", "DescribeGlobalClusters", "GlobalClusterNotFoundFault")
        return {"GlobalClusters": [one for key, one in self.globals.items() if name in (None, key)]}

    def _rds_describe_db_clusters(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        names = params["Filters"][0]["Values"]
        return {
            "DBClusters": [
                {
                    "DBClusterIdentifier": name,
                    "Status": "available",
                    "EngineVersion": self.versions[(region, name)],
                    "DBClusterMembers": [{"DBInstanceIdentifier": one} for one in self.instances[(region, name)]],
                    "KmsKeyId": f"arn:aws:kms:{region}:{ACCOUNT}:key/1",
                }
                for name in names
                if (region, name) in self.instances
            ]
        }

    def _rds_switchover_global_cluster(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._begin_move(region, params, "SwitchoverGlobalCluster", planned=True)

    def _rds_failover_global_cluster(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        assert params.get("AllowDataLoss"), "without AllowDataLoss this is a switchover"
        return self._begin_move(region, params, "FailoverGlobalCluster", planned=False)

    def _begin_move(self, region: str, params: Mapping[str, Any], operation: str, planned: bool) -> dict[str, Any]:
        name, to_arn = params["GlobalClusterIdentifier"], params["TargetDbClusterIdentifier"]
        cluster = self.globals[name]
        writer = next(m["DBClusterArn"] for m in cluster["GlobalClusterMembers"] if m["IsWriter"])
        if cluster.get("FailoverState") or writer == to_arn:
            raise self._fail(region, "rds", operation, "InvalidGlobalClusterStateFault", "not now")
        expected = writer.split(":")[3] if planned else to_arn.split(":")[3]
        if region != expected:
            raise self._fail(region, "rds", operation, "InvalidDBClusterStateFault", f"call it in {expected} (R1)")
        now = self.clock.now()
        state = {"Status": "pending", "FromDbClusterArn": writer, "ToDbClusterArn": to_arn}
        cluster["FailoverState"] = {**state, "IsDataLossAllowed": not planned}
        self.moves[name] = (now + self.delays.promote, to_arn)
        old = writer.rpartition(":")[2]
        message = f"Attempt to block writes for DB cluster {old} in Region {writer.split(':')[3]} succeeded."
        self.events.append((now + self.delays.fencing_event, to_arn.split(":")[3], message))
        return {"GlobalCluster": cluster}

    def _rds_describe_events(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        now = self.clock.now()
        found = [(at, text) for at, where, text in self.events if where == region and at <= now]
        return {"Events": [{"SourceIdentifier": "x", "Message": text, "Date": at} for at, text in found]}

    def _autoscaling_describe_auto_scaling_groups(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        found = []
        for name in params["AutoScalingGroupNames"]:
            group = self.groups.get((region, name))
            if group:
                found.append(
                    {
                        "AutoScalingGroupName": name,
                        "MinSize": group.min,
                        "DesiredCapacity": group.desired,
                        "MaxSize": group.max,
                        "Instances": [
                            {"LifecycleState": "InService" if self._launched(born) else "Pending"}
                            for born in group.born
                        ],
                        "TargetGroupARNs": [f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:targetgroup/{name}/1"],
                    }
                )
        return {"AutoScalingGroups": found}

    def _autoscaling_update_auto_scaling_group(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        group = self.groups[(region, params["AutoScalingGroupName"])]
        group.min, group.desired = params["MinSize"], params["DesiredCapacity"]
        now = self.clock.now()
        group.born = (group.born + [now] * group.desired)[: group.desired]
        return {}

    def _launched(self, born: float) -> bool:
        return self.clock.now() - born >= self.delays.launch

    def in_service(self, region: str, name: str) -> int:
        return sum(1 for born in self.groups[(region, name)].born if self._launched(born))

    def _elbv2_describe_target_health(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params["TargetGroupArn"].split("/")[1]
        healthy = {"TargetHealth": {"State": "healthy"}}
        return {"TargetHealthDescriptions": [healthy] * self.in_service(region, name)}

    def _cloudwatch_get_metric_data(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        results = []
        for query in params["MetricDataQueries"]:
            known = self.lag_ms is not None
            now = self.clock.now()
            results.append(
                {
                    "Id": query["Id"],
                    "Timestamps": [now - 30] if known else [],
                    "Values": [self.lag_ms] if known else [],
                }
            )
        return {"MetricDataResults": results}

    def _cloudwatch_put_metric_data(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        for data in params["MetricData"]:
            names = {one["Name"]: one["Value"] for one in data["Dimensions"]}
            # An alarm sees only what is written in its own region (R17).
            if region == {"primary": WEST, "dr": EAST}[names["Record"]]:
                key = (names["Application"], names["Record"])
                self.positions.setdefault(key, []).append((self.clock.now(), data["Value"]))
        self.published.append(params)
        return {}

    def _kms_describe_key(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"KeyMetadata": {"KeyId": "1", "KeyState": self.key_state}}

    def _sns_publish(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"MessageId": "1"}

    def _route53_list_hosted_zones_by_name(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        assert region == EAST
        return {"HostedZones": [{"Id": "/hostedzone/Z1", "Name": params["DNSName"], "CallerReference": "x"}]}

    def _route53_list_resource_record_sets(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params["StartRecordName"]
        simple = {"Name": name, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "x"}]}
        if self.records_form == "simple":
            return {"ResourceRecordSets": [simple], "IsTruncated": False}
        check = {} if self.records_form == "unchecked" else {"HealthCheckId": "1"}
        pair = [("PRIMARY", "primary"), ("SECONDARY", "dr")]
        records = [{**simple, **check, "Failover": kind, "SetIdentifier": place} for kind, place in pair]
        return {"ResourceRecordSets": records, "IsTruncated": False}

    def _secretsmanager_describe_secret(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"Name": params["SecretId"], "PrimaryRegion": EAST if region == WEST else None}

    # DynamoDB, as much of it as a state table needs

    def _dynamodb_batch_get_item(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for table, request in params["RequestItems"].items():
            rows = self._rows(region, table)
            found[table] = [rows[_key(key)] for key in request["Keys"] if _key(key) in rows]
        return {"Responses": found, "UnprocessedKeys": {}}

    def _dynamodb_batch_write_item(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        for table, requests in params["RequestItems"].items():
            assert len(requests) <= 25
            for request in requests:
                item = request["PutRequest"]["Item"]
                self._rows(region, table)[_key(item)] = item
        return {"UnprocessedItems": {}}

    def _dynamodb_put_item(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        rows = self._rows(region, params["TableName"])
        item = rows.get(_key(params["Item"]), {})
        names, values = params.get("ExpressionAttributeNames", {}), params.get("ExpressionAttributeValues", {})
        if "ConditionExpression" in params and not _condition(params["ConditionExpression"], item, names, values):
            raise self._fail(region, "dynamodb", "PutItem", "ConditionalCheckFailedException", "no")
        rows[_key(params["Item"])] = params["Item"]
        return {}

    def _dynamodb_query(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        values = params["ExpressionAttributeValues"]
        prefix = f"{values[':application']['S']}|{values[':prefix']['S']}"
        rows = self._rows(region, params["TableName"])
        return {"Items": [rows[key] for key in sorted(rows) if key.startswith(prefix)]}

    def _dynamodb_update_item(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        rows = self._rows(region, params["TableName"])
        item = dict(rows.get(_key(params["Key"]), params["Key"]))
        names, values = params.get("ExpressionAttributeNames", {}), params["ExpressionAttributeValues"]
        if not _condition(params["ConditionExpression"], item, names, values):
            raise self._fail(region, "dynamodb", "UpdateItem", "ConditionalCheckFailedException", "no")
        used = set(re.findall(r"[:#]\w+", params["UpdateExpression"] + " " + params["ConditionExpression"]))
        assert used == set(names) | set(values), "DynamoDB refuses names and values that no expression uses"
        sets, _space, adds = params["UpdateExpression"].removeprefix("SET ").partition(" ADD ")
        for part in sets.split(", "):
            name, value = part.split(" = ")
            item[names.get(name, name)] = values[value]
        for name, value in [adds.split(" ")] if adds else []:
            old = float(item.get(names.get(name, name), {"N": "0"})["N"])
            item[names.get(name, name)] = {"N": repr(old + float(values[value]["N"]))}
        rows[_key(params["Key"])] = item
        return {"Attributes": item}

    def _rows(self, region: str, table: str) -> dict[str, dict[str, Any]]:
        if (region, table) not in self.tables:
            raise self._fail(region, "dynamodb", "any", "ResourceNotFoundException", f"no table {table}")
        return self.tables[(region, table)]

    # The data plane

    def _open(self, application: str, record: str) -> bool:
        """What the health check of a record says: the newest metric that has had time to be seen."""
        seen = [
            value
            for at, value in self.positions.get((application, record), [])
            if self.clock.now() - at >= self.delays.dns
        ]
        return not seen or seen[-1] >= 1

    def resolve(self, name: str, nameservers: Sequence[str], timeout_seconds: float) -> DnsAnswer:
        for one in self.applications:
            for site in one.sites:
                if name == site.endpoint.host:
                    return DnsAnswer(name, (), (ADDRESSES[site.region],), 60)
            if name in one.traffic.names:
                primary, dr = self._open(one.name, "primary"), self._open(one.name, "dr")
                site = one.dr if not primary and dr else one.primary
                return DnsAnswer(name, (site.endpoint.host,), (ADDRESSES[site.region],), 60)
        raise OSError(f"{name}: no such name")

    def request(
        self,
        method: str,
        *,
        scheme: str,
        host: str,
        port: int,
        path: str,
        connect: str | None,
        body: Mapping[str, Any] | None,
        timeout_seconds: float,
        ca_file: str | None,
    ) -> HttpAnswer:
        region = next((region for region, address in ADDRESSES.items() if address == connect), None)
        application = next(one for one in self.applications if host in one.traffic.names)
        self.application_calls.append((self.clock.now(), method, region or "?"))
        if region is None or region in self.outages:
            self.clock.wait(timeout_seconds)
            return HttpAnswer(None, error="no answer")
        site = application.site_in(region)
        assert site is not None
        if not any(self.in_service(region, group.name) for group in site.groups):
            return HttpAnswer(503, {}, address=connect)
        if method == "POST":
            busy = self.globals[application.global_cluster].get("FailoverState")
            if self.writer(application) != region or busy:
                return HttpAnswer(503, {"error": "read-only"}, address=connect)
            assert body is not None
            self.writes[(body["client"], body["number"])] = region
            return HttpAnswer(201, {"stored": body["number"], "region": region}, address=connect)
        _empty, _writes, client, number = path.split("/")
        return HttpAnswer(200 if (client, int(number)) in self.writes else 404, {}, address=connect)


def _key(attributes: Mapping[str, Any]) -> str:
    return f"{attributes['application']['S']}|{attributes['item']['S']}"


def _snake(operation: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation).lower().replace("d_bc", "dbc")


def _condition(text: str, item: Mapping[str, Any], names: Mapping[str, str], values: Mapping[str, Any]) -> bool:
    def plain(value: Mapping[str, str]) -> float | str:
        return float(value["N"]) if "N" in value else value["S"]

    def one(part: str) -> bool:
        absent = re.fullmatch(r"attribute_not_exists\((\S+)\)", part)
        if absent:
            return names.get(absent[1], absent[1]) not in item
        name, sign, value = part.split(" ")
        stored = item.get(names.get(name, name))
        if stored is None:
            return False
        left, right = plain(stored), plain(values[value])
        return left < right if sign == "<" else left == right  # type: ignore[operator]

    return any(all(one(part) for part in both.split(" AND ")) for both in text.split(" OR "))


@dataclass
class Bench:
    """Everything that a scenario needs."""

    clock: VirtualClock
    aws: SimulatedAws
    lines: list[Line] = field(default_factory=list)

    @classmethod
    def of(cls, *names: str, **changes: Any) -> Bench:
        clock = VirtualClock()
        return cls(clock, SimulatedAws(clock, [document(name, **changes) for name in names or ("shop",)]))

    def clients(self, **settings: Any) -> Clients:
        return Clients(self.clock, transport=self.aws, monotonic=self.clock.now, **settings)

    def tools(self, **changes: Any) -> Tools:
        settings = {
            "caller": self.clients(),
            "clock": self.clock,
            "workers": InlineWorkers(),
            "resolver": self.aws.resolve,
            "client": self.aws.request,
            "progress": self.lines.append,
            **changes,
        }
        return Tools(**settings)
