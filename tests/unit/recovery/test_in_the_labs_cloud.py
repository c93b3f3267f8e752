# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The core, through boto3, against the lab's cloud and name server in this process, on a virtual clock."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import dns.message
import dns.rdatatype
import pytest
from lab_site import (
    EAST,
    WEST,
    build_compute,
    build_primary_database,
    build_secondary,
    build_secret,
    build_state,
    build_traffic,
)
from moto import mock_aws
from simulated_aws import check_request, document

from lab.clock import VirtualClock
from lab.cloud import extend
from lab.cloud.hooks import NoDatabasePlane
from lab.cloud.state import MotoView
from lab.cloud.world import World
from lab.dataplane.dns import Zones
from lab.settings import LabSettings
from plugins.module_utils._recovery.clients import BotoTransport, CallRecord, Clients
from plugins.module_utils._recovery.errors import RegionUnreachable
from plugins.module_utils._recovery.model import Access, parse_application
from plugins.module_utils._recovery.orchestrator import publish_switch
from plugins.module_utils._recovery.ports import DnsAnswer, HttpAnswer
from plugins.module_utils._recovery.reconcile import CLOSED, reconcile
from plugins.module_utils._recovery.results import MOVED, NOTHING
from plugins.module_utils._recovery.runner import MoveResult, Options, Tools, run_move
from plugins.module_utils._recovery.workers import InlineWorkers

WAIVED = ("old-site-down", "block-period")
ADDRESSES = {EAST: "192.0.2.11", WEST: "192.0.2.12"}


@dataclass
class Laboratory:
    """The lab's cloud without its servers."""

    clock: VirtualClock
    world: World
    plane: NoDatabasePlane
    settings: LabSettings
    calls: list[CallRecord] = field(default_factory=list)
    written: set[tuple[str, int]] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.view = MotoView(self.settings)
        self.zones = Zones(self.view, ADDRESSES, lambda region: ADDRESSES[region])
        self._boto = BotoTransport()
        self._made: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        if (service, region) not in self._made:
            self._made[(service, region)] = boto3.client(service, region_name=region)  # type: ignore[call-overload]
        return self._made[(service, region)]

    def wait(self, seconds: float) -> None:
        self.clock.wait(seconds)
        self.world.tick()

    def now(self) -> float:
        return self.clock.now()

    def send(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        check_request(service, operation, params)
        if access.region in self.lost:
            self.clock.wait(deadline_seconds)
            raise RegionUnreachable(access.region, "no answer")
        return self._boto.send(access, service, operation, params, 60)

    def resolve(self, name: str, nameservers: Sequence[str], timeout_seconds: float) -> DnsAnswer:
        reply = self.zones.reply(dns.message.make_query(name, "A"))
        chain, addresses = [], []
        for found in reply.answer:
            texts = [one.to_text().rstrip(".") for one in found]
            if found.rdtype == dns.rdatatype.CNAME:
                chain += texts
            elif found.rdtype == dns.rdatatype.A:
                addresses += texts
        return DnsAnswer(name, tuple(chain), tuple(addresses), 60)

    def request(
        self, method: str, *, path: str, connect: str, body: Mapping[str, Any] | None, **_more: Any
    ) -> HttpAnswer:
        region = next(region for region, address in ADDRESSES.items() if address == connect)
        if region in self.lost:
            return HttpAnswer(None, error="no answer")
        if not self.view.in_service(region) or (method == "POST" and self.plane.writer_region() != region):
            return HttpAnswer(503, {})
        if method == "POST" and body is not None:
            self.written.add((body["client"], body["number"]))
            return HttpAnswer(201, {"stored": body["number"], "region": region})
        _empty, _writes, client, number = path.split("/")
        return HttpAnswer(200 if (client, int(number)) in self.written else 404, {})

    def move(self, options: Options, check: bool = False) -> MoveResult:
        application = parse_application(document("shop"))
        clients = Clients(self, transport=self, record=self.calls.append, monotonic=self.clock.now)
        tools = Tools(clients, self, InlineWorkers(), self.resolve, self.request)  # type: ignore[arg-type]
        return run_move([application], options, tools, check=check)

    def mutations(self) -> list[str]:
        return [f"{call.service} {call.operation}" for call in self.calls if call.mutates]

    def writer(self) -> str:
        clusters = self.client("rds", WEST).describe_global_clusters()["GlobalClusters"]
        members = clusters[0]["GlobalClusterMembers"]
        return next(str(one["DBClusterArn"]).split(":")[3] for one in members if one["IsWriter"])

    def answered(self) -> tuple[str, ...]:
        return self.resolve("app.shop.example", (), 1).addresses


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    """The lab with an application whose dr region is deployed."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIALABUNITTESTS0000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)
    settings = LabSettings.from_environment({"PROJECT_NAME": "shop"})
    with mock_aws():
        clock, plane = VirtualClock(1_800_000_000.0), NoDatabasePlane()
        lab = Laboratory(clock, extend(clock, "fast", plane), plane, settings)
        build_primary_database(lab.client, "shop")
        lab.wait(5)
        build_secondary(lab.client, "shop")
        build_secret(lab.client, "shop")
        build_state(lab.client, "shop")
        hosts = {
            "primary": build_compute(lab.client, EAST, "shop", "", 3, 3, 10),
            "dr": build_compute(lab.client, WEST, "shop", "-dr", 0, 1, 10),
        }
        build_traffic(lab.client, "shop", "shop.example", hosts, 2)
        lab.wait(10)
        yield lab


@pytest.fixture(autouse=True)
def as_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither profiles nor endpoints are given: the default chain, and discovery by name."""
    plain = document

    def without(name: str) -> dict[str, Any]:
        whole = plain(name)
        for place in ("primary", "dr"):
            whole[place].update(profile="", endpoint={"host": "", "port": 443})
        return whole

    monkeypatch.setitem(globals(), "document", without)


def problems(result: MoveResult) -> list[str]:
    return [one.status for one in result.applications] + [result.problem()]


def test_a_drill_goes_there_and_comes_home(lab: Laboratory) -> None:
    """One story, as building the world takes longer than all of it."""
    drill = Options("dr", "planned", "drill")
    assert lab.answered() == (ADDRESSES[EAST],)

    planned = lab.move(drill, check=True).applications[0]
    announced = [call["operation"] for call in planned.plan]
    assert lab.mutations() == []

    assert problems(lab.move(drill)) == [MOVED, ""]
    made = [call.split()[1] for call in lab.mutations() if not call.startswith("dynamodb") or call.endswith("PutItem")]
    assert list(dict.fromkeys(made)) == [call for call in dict.fromkeys(announced) if call != "WriteAndReadBack"]
    assert (lab.writer(), lab.answered()) == (WEST, (ADDRESSES[WEST],))
    assert lab.view.in_service(WEST, "shop-dr-asg") == 3

    lab.calls.clear()
    assert problems(lab.move(drill)) == [NOTHING, ""]
    assert lab.mutations() == []

    lab.wait(3600)
    clients = Clients(lab, transport=lab, monotonic=lab.clock.now)
    published = publish_switch(parse_application(document("shop")), WEST, clients)["published"]
    assert published == {"primary": 0}
    lab.wait(5)
    assert lab.answered() == (ADDRESSES[WEST],)

    assert problems(lab.move(Options("primary", "planned"))) == [MOVED, ""]
    assert (lab.writer(), lab.answered()) == (EAST, (ADDRESSES[EAST],))
    lab.wait(30)
    assert lab.view.in_service(WEST, "shop-dr-asg") == 1


def test_a_failover_without_the_lost_region_asks_nothing_of_global_control_planes(lab: Laboratory) -> None:
    lab.world.outage(EAST)
    lab.lost.add(EAST)
    began = lab.now()
    result = lab.move(Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True))
    assert problems(result) == [MOVED, ""]
    assert (lab.writer(), lab.answered()) == (WEST, (ADDRESSES[WEST],))
    assert {call.service for call in lab.calls} & {"route53", "iam", "s3"} == set()
    assert lab.now() - began < 30


def test_a_lost_region_that_is_back_is_fenced_and_reconciled_and_serves_again(lab: Laboratory) -> None:
    """Schedules, mappings, ingress and snapshots as moto and the lab have them, through boto3."""
    group = build_what_writes(lab)
    before = what_is_open(lab, group)
    lab.world.outage(EAST)
    lab.lost.add(EAST)
    assert problems(
        lab.move(Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True))
    ) == [MOVED, ""]
    lab.wait(60)
    lab.world.heal(EAST)
    lab.lost.clear()
    lab.calls.clear()
    application = parse_application(document("shop"))
    clients = Clients(lab, transport=lab, record=lab.calls.append, monotonic=lab.clock.now)
    tools = Tools(clients, lab, InlineWorkers(), lab.resolve, lab.request)  # type: ignore[arg-type]
    (result,) = reconcile([application], "primary", tools)
    assert (result.status, result.reasons, result.left) == (CLOSED, (), ())
    assert len(result.snapshots) == 1
    assert what_is_open(lab, group) == {"ingress": [], "schedule": "DISABLED", "mappings": ["Disabled"]}
    lab.wait(60)
    assert problems(lab.move(Options("primary", "planned"))) == [MOVED, ""]
    assert what_is_open(lab, group) == before


def build_what_writes(lab: Laboratory) -> str:
    """A security group in front of the old database, a schedule, and a function that a queue feeds; the group's id."""
    ec2 = lab.client("ec2", EAST)
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = str(ec2.create_security_group(GroupName="database", Description="database", VpcId=vpc)["GroupId"])
    source = [{"CidrIp": "10.0.0.0/16", "Description": "the application"}, {"CidrIp": "10.9.0.0/24"}]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": source}
    itself = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule, itself])
    lab.client("rds", EAST).modify_db_cluster(DBClusterIdentifier="shop", VpcSecurityGroupIds=[group])
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = lab.client("iam", EAST).create_role(RoleName="jobs", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("jobs.py", "def handler(event, context): pass\n")
    made = {"Runtime": "python3.11", "Handler": "jobs.handler", "Role": role, "Code": {"ZipFile": code.getvalue()}}
    function = lab.client("lambda", EAST).create_function(FunctionName="shop-intake", **made)["FunctionArn"]
    queue = lab.client("sqs", EAST).create_queue(QueueName="orders")["QueueUrl"]
    asked = lab.client("sqs", EAST).get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    lab.client("lambda", EAST).create_event_source_mapping(FunctionName="shop-intake", EventSourceArn=arn)
    lab.client("scheduler", EAST).create_schedule(
        Name="shop-nightly",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function, "RoleArn": role},
    )
    lab.wait(5)
    return group


def what_is_open(lab: Laboratory, group: str) -> dict[str, Any]:
    found = lab.client("ec2", EAST).describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    mappings = lab.client("lambda", EAST).list_event_source_mappings(FunctionName="shop-intake")
    return {
        "ingress": sorted(found["IpPermissions"], key=str),
        "schedule": lab.client("scheduler", EAST).get_schedule(Name="shop-nightly")["State"],
        "mappings": [mapping["State"] for mapping in mappings["EventSourceMappings"]],
    }
