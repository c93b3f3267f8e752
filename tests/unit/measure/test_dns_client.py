# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The DNS client, against a real server of another make (dnspython)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from unit.measure.dns_server import Zone, nameserver

from plugins.module_utils._recovery.dns import (
    CachingResolver,
    DnsError,
    Nameserver,
    Resolver,
    leads_to,
    parse_nameserver,
    system_nameservers,
)

APP, ALB = "app.example.com", "dr-webapp-dr-alb.us-west-2.elb.amazonaws.com"


@pytest.fixture
def zone() -> Zone:
    zone = Zone()
    zone.records = {APP: [("CNAME", 60, ALB + ".")], ALB: [("A", 20, "127.0.0.22"), ("A", 20, "127.0.0.23")]}
    return zone


@pytest.fixture
def server(zone: Zone) -> Iterator[str]:
    with nameserver(zone) as address:
        yield address


def test_follows_a_cname_and_keeps_the_smallest_ttl(server: str) -> None:
    answer = Resolver([server]).resolve("APP.example.com.")
    assert (answer.name, answer.chain, answer.canonical) == (APP, (ALB,), ALB)
    assert set(answer.addresses) == {"127.0.0.22", "127.0.0.23"}
    assert answer.ttl == 20


def test_a_cname_into_a_zone_that_the_server_refuses_is_still_an_answer(zone: Zone, server: str) -> None:
    zone.records.pop(ALB)
    zone.refused.add(ALB)
    answer = Resolver([server]).resolve(APP)
    assert (answer.chain, answer.addresses, answer.ttl) == ((ALB,), (), 60)


def test_an_alias_is_answered_with_addresses_alone_and_recognised_by_them(zone: Zone, server: str) -> None:
    zone.records[APP] = [("A", 60, "127.0.0.23")]
    resolver = Resolver([server])
    answer = resolver.resolve(APP)
    assert answer.chain == ()
    assert leads_to(answer, ALB, resolver)
    zone.records[APP] = [("A", 60, "127.0.0.11")]
    assert not leads_to(resolver.resolve(APP), ALB, resolver)


def test_a_truncated_answer_is_asked_for_over_tcp(zone: Zone, server: str) -> None:
    zone.cut = True
    assert Resolver([server]).resolve(APP).chain == (ALB,)


def test_a_name_that_does_not_exist_says_so(server: str) -> None:
    with pytest.raises(DnsError, match=r"nothing\.example\.com: no such name"):
        Resolver([server]).resolve("nothing.example.com")


def test_an_endless_chain_of_cnames_ends(zone: Zone, server: str) -> None:
    names = [f"n{index}.example.com" for index in range(20)]
    following = [*names[1:], "elsewhere.example.com"]
    zone.records = {name: [("CNAME", 5, target + ".")] for name, target in zip(names, following, strict=True)}
    with pytest.raises(DnsError, match="CNAMEs one after the other"):
        Resolver([server]).resolve(names[0])


def test_a_silent_server_costs_no_more_than_the_timeout(zone: Zone, server: str) -> None:
    zone.silent = True
    began = time.monotonic()
    with pytest.raises(DnsError, match="timed out"):
        Resolver([server], timeout=1.0).resolve(APP)
    assert time.monotonic() - began < 1.9, "asked twice, it would be two timeouts"


def test_the_second_server_is_asked_when_the_first_is_silent(zone: Zone, server: str) -> None:
    dead = Zone()
    dead.silent = True
    with nameserver(dead) as first:
        assert Resolver([first, server], timeout=3.0).resolve(APP).chain == (ALB,)


def test_a_cached_answer_is_believed_for_its_ttl_and_not_longer(zone: Zone, server: str) -> None:
    clock = [1000.0]
    resolver = CachingResolver(Resolver([server]), now=lambda: clock[0])
    resolver.resolve(APP)
    zone.records[ALB] = [("A", 20, "127.0.0.99")]
    clock[0] += 19.9
    assert "127.0.0.99" not in resolver.resolve(APP).addresses
    clock[0] += 0.2
    assert resolver.resolve(APP).addresses == ("127.0.0.99",)


def test_a_failure_is_not_remembered(zone: Zone, server: str) -> None:
    resolver = CachingResolver(Resolver([server], timeout=1.0))
    zone.silent = True
    with pytest.raises(DnsError):
        resolver.resolve(APP)
    zone.silent = False
    assert resolver.resolve(APP).chain == (ALB,)


def test_an_address_answers_for_itself() -> None:
    assert Resolver(["127.0.0.1:1"]).resolve("10.0.0.7").addresses == ("10.0.0.7",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.2", Nameserver("10.0.0.2", 53)),
        ("127.86.1.1:5353", Nameserver("127.86.1.1", 5353)),
        ("[fd00::2]:5353", Nameserver("fd00::2", 5353)),
        ("fd00::2", Nameserver("fd00::2", 53)),
    ],
)
def test_nameservers_are_written_as_people_write_them(text: str, expected: Nameserver) -> None:
    assert parse_nameserver(text) == expected


@pytest.mark.parametrize("text", ["", "dns.example.com", "10.0.0.2:", "10.0.0.2:70000", "10.0.0"])
def test_a_wrong_nameserver_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address with an optional port"):
        parse_nameserver(text)


def test_the_system_s_servers_come_from_resolv_conf(tmp_path: object) -> None:
    path = f"{tmp_path}/resolv.conf"
    with open(path, "w", encoding="utf-8") as file:
        file.write("# comment\nsearch example.com\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\nnameserver 10.0.0.3\n")
    assert system_nameservers(path) == (Nameserver("10.0.0.2"), Nameserver("10.0.0.3"))
    assert system_nameservers(f"{tmp_path}/missing") == ()
