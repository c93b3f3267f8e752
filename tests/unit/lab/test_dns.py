"""Name resolution by the rules of failover routing (R16)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import dns.message
import dns.query
import dns.rcode
import pytest

from lab.cloud.view import Record
from lab.dataplane.dns import NameServer, Zones

TIMEOUT = 10
"""Seconds: for a machine that does other things too."""
ZONE = "dr-webapp.example."
APP = f"app.{ZONE}"
PRIMARY, DR = "us-east-1", "us-west-2"
ALB = {PRIMARY: "dr-webapp-alb-1.us-east-1.elb.amazonaws.com", DR: "dr-webapp-dr-alb-1.us-west-2.elb.amazonaws.com"}
ADDRESS = {PRIMARY: "127.9.9.21", DR: "127.9.9.22"}


@dataclass
class View:
    """A cloud with one hosted zone."""

    held: list[Record] = field(default_factory=list)
    sick: set[str] = field(default_factory=set)
    instances: dict[str, int] = field(default_factory=lambda: {PRIMARY: 3, DR: 1})

    def in_service(self, region: str, group: str | None = None) -> int:
        return self.instances[region]

    def zones(self) -> tuple[str, ...]:
        return (ZONE,)

    def records(self, zone: str) -> tuple[Record, ...]:
        return tuple(self.held)

    def health(self, check_id: str) -> bool:
        return check_id not in self.sick

    def alb_dns_names(self, region: str) -> dict[str, str]:
        return {ALB[region]: "dr-webapp-alb"}


def pair(*, dr_check: str | None = "check-dr", alias: bool = False, evaluate: bool = False) -> list[Record]:
    kind, ttl = ("A", 60) if alias else ("CNAME", 2)
    return [
        Record(APP, kind, ttl, (ALB[PRIMARY] + ".",), alias, "PRIMARY", "primary", "check-primary", evaluate),
        Record(APP, kind, ttl, (ALB[DR] + ".",), alias, "SECONDARY", "dr", dr_check, evaluate),
    ]


@pytest.fixture
def view() -> View:
    return View()


@pytest.fixture
def zones(view: View) -> Zones:
    return Zones(view, (PRIMARY, DR), ADDRESS.__getitem__)


def ask(zones: Zones, name: str = APP, kind: str = "A") -> dns.message.Message:
    return zones.reply(dns.message.make_query(name, kind))


def region(zones: Zones) -> str:
    """Where the application's name leads."""
    found = [item.address for rrset in ask(zones).answer for item in rrset if rrset.rdtype == 1]
    assert len(found) == 1
    return next(name for name, address in ADDRESS.items() if address == found[0])


@pytest.mark.parametrize("alias", [False, True])
@pytest.mark.parametrize(
    ("sick", "answer"),
    [
        (set(), PRIMARY),
        ({"check-primary"}, DR),
        ({"check-dr"}, PRIMARY),
        ({"check-primary", "check-dr"}, PRIMARY),  # R16: when all are unhealthy, the primary
    ],
)
def test_a_failover_pair_answers_by_its_health_checks(
    view: View, zones: Zones, alias: bool, sick: set[str], answer: str
) -> None:
    view.held, view.sick = pair(alias=alias), sick
    assert region(zones) == answer


def test_a_secondary_without_a_check_counts_as_healthy(view: View, zones: Zones) -> None:
    view.held, view.sick = pair(dr_check=None), {"check-primary"}
    assert region(zones) == DR


def test_an_alias_that_evaluates_its_target_follows_the_instances(view: View, zones: Zones) -> None:
    view.held = pair(alias=True, evaluate=True)
    view.instances[PRIMARY] = 0
    assert region(zones) == DR


def test_a_simple_record_leads_through_the_load_balancer(view: View, zones: Zones) -> None:
    view.held = [Record(APP, "CNAME", 60, (ALB[PRIMARY],))]
    answer = ask(zones).answer
    assert [rrset.to_text() for rrset in answer] == [
        f"{APP} 60 IN CNAME {ALB[PRIMARY]}.",
        f"{ALB[PRIMARY]}. 60 IN A {ADDRESS[PRIMARY]}",
    ]


def test_the_records_own_ttl_is_answered_and_an_aliass_is_sixty(view: View, zones: Zones) -> None:
    view.held = pair()
    assert ask(zones).answer[0].ttl == 2
    view.held = pair(alias=True)
    assert ask(zones).answer[0].ttl == 60


def test_an_alias_to_a_dualstack_name_resolves(view: View, zones: Zones) -> None:
    view.held = [Record(APP, "A", 60, ("dualstack." + ALB[DR] + ".",), alias=True)]
    assert region(zones) == DR


def test_an_unknown_name_does_not_exist_but_one_above_a_record_does(view: View, zones: Zones) -> None:
    view.held = [Record(f"a.b.{ZONE}", "A", 5, ("192.0.2.1",))]
    assert ask(zones, f"nope.{ZONE}").rcode() == dns.rcode.NXDOMAIN
    assert ask(zones, f"b.{ZONE}").rcode() == dns.rcode.NOERROR
    assert ask(zones, f"a.b.{ZONE}", "AAAA").rcode() == dns.rcode.NOERROR


def test_a_foreign_name_is_refused(zones: Zones) -> None:
    assert ask(zones, "www.example.org.").rcode() == dns.rcode.REFUSED


def test_a_deleted_load_balancer_does_not_resolve(view: View, zones: Zones) -> None:
    view.held = [Record(APP, "CNAME", 60, ("gone-1.us-east-1.elb.amazonaws.com",))]
    answer = ask(zones)
    assert [rrset.rdtype for rrset in answer.answer] == [5]


@pytest.fixture
def served(zones: Zones, view: View) -> Iterator[tuple[str, int]]:
    view.held = pair()
    server = NameServer("127.0.0.53", 15353, zones)
    server.start()
    yield ("127.0.0.53", 15353)
    server.stop()


def test_it_answers_over_udp_and_tcp(served: tuple[str, int]) -> None:
    address, port = served
    query = dns.message.make_query(APP, "A")
    for transport in (dns.query.udp, dns.query.tcp):
        answer = transport(query, address, port=port, timeout=TIMEOUT)
        assert answer.answer[-1][0].to_text() == ADDRESS[PRIMARY]


def test_noise_does_not_disturb_it(served: tuple[str, int]) -> None:
    address, port = served
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"\x00\x01noise", (address, port))
    query = dns.message.make_query(APP, "A")
    assert dns.query.udp(query, address, port=port, timeout=TIMEOUT).answer


def test_a_new_question_is_answered_before_those_that_have_waited(
    served: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 old questions of 20 ms each would hold a new one for 4 s, were they answered as they arrived."""
    reply = Zones.reply

    def slowly(zones: Zones, query: dns.message.Message) -> dns.message.Message:
        time.sleep(0.02)
        return reply(zones, query)

    monkeypatch.setattr(Zones, "reply", slowly)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        for number in range(200):
            flood.sendto(dns.message.make_query(f"n{number}.{ZONE}", "A").to_wire(), served)
    answer = dns.query.udp(dns.message.make_query(APP, "A"), served[0], port=served[1], timeout=3)
    assert answer.answer[-1][0].to_text() == ADDRESS[PRIMARY]


def test_a_changed_health_check_soon_changes_the_answer(served: tuple[str, int], view: View) -> None:
    query = dns.message.make_query(APP, "A")
    assert dns.query.udp(query, served[0], port=served[1], timeout=TIMEOUT).answer[-1][0].to_text() == ADDRESS[PRIMARY]
    view.sick = {"check-primary"}
    ends = time.monotonic() + 5
    while dns.query.udp(query, served[0], port=served[1], timeout=TIMEOUT).answer[-1][0].to_text() != ADDRESS[DR]:
        assert time.monotonic() < ends
        time.sleep(0.02)
