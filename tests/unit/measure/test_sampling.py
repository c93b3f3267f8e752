# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The open-loop probe against an application that answers, refuses, drips and hangs."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from typing import Any

import pytest
from unit.measure.dns_server import Zone, nameserver

from plugins.module_utils._recovery.dns import Resolver
from plugins.module_utils._recovery.probe import HttpApplication, ProbeSettings, http_request
from plugins.module_utils._recovery.samples import Sample
from plugins.module_utils._recovery.sampling import Sampler, SteadyClock

HOST, REGION = "app.example.com", "us-east-1"


class Application:
    """Stores numbers in memory; `mode` says how it behaves, `lost` which numbers it acknowledges and has not."""

    def __init__(self) -> None:
        self.mode = "good"
        self.numbers: list[int] = []
        self.hosts: set[str] = set()
        self.lost: set[int] = set()
        self.read: set[str] = set()
        self.missed: set[str] = set()
        self.missed_in = "us-west-2"
        self.listed_in: list[str] = []
        self.heal = threading.Event()


@pytest.fixture
def application() -> Iterator[tuple[Application, int]]:
    state = Application()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: Any) -> None:
            pass

        def answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle_one(self) -> None:
            state.hosts.add(self.headers["Host"])
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else {}
            if state.mode == "hang":
                state.heal.wait(30)
                return
            if state.mode == "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for letter in itertools.cycle(b"x"):
                    if state.heal.wait(0.1):
                        return
                    self.wfile.write(bytes([letter]))
            if state.mode == "down":
                self.answer(503, {})
            elif self.command == "POST":
                state.numbers.append(body["number"])
                self.answer(201, {"stored": body["number"], "region": REGION})
            elif (last := self.path.rpartition("/")[2]) in {str(number) for number in state.lost}:
                state.missed.add(last)
                self.answer(404, {"number": last, "region": state.missed_in})
            else:
                state.read |= {last} if last.isdigit() else set()
                region = state.listed_in.pop() if state.listed_in and not last.isdigit() else REGION
                self.answer(200, {"numbers": state.numbers, "region": region})

        do_GET = do_POST = handle_one

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield state, server.server_address[1]
    state.heal.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def zone() -> Iterator[tuple[Zone, str]]:
    zone = Zone()
    zone.records = {HOST: [("CNAME", 1, "alb.example.net.")], "alb.example.net": [("A", 1, "127.0.0.1")]}
    with nameserver(zone) as address:
        yield zone, address


def sampler(port: int, server: str, samples: list[Sample], **settings: Any) -> Sampler:
    known = {"interval_seconds": 0.1, "timeout_seconds": 0.8, **settings}
    return Sampler(
        ProbeSettings(HOST, port=port, scheme="http", **known), "client", samples.append,
        resolver=Resolver([server]), clock=SteadyClock(), endpoints={REGION: "alb.example.net"},
    )  # fmt: skip


def test_every_slot_is_tried_and_what_was_acknowledged_is_read_back(
    application: tuple[Application, int], zone: tuple[Zone, str]
) -> None:
    samples: list[Sample] = []
    probe = sampler(application[1], zone[1], samples)
    probe.run(1.0, lambda: False)
    writes = sorted(one.number for one in samples if one.kind == "write")
    assert len(writes) == len(set(writes)) > 4, "a busy machine misses slots, never tries one twice"
    assert set(writes) <= set(range(10))
    assert all(one.ok and one.region == REGION for one in samples)
    assert {one.kind for one in samples} == {"write", "read", "dns"}
    assert application[0].hosts == {f"{HOST}:{application[1]}"}
    assert probe.read_back(5).numbers == frozenset(writes)


def test_a_server_that_hangs_does_not_stretch_the_interval(
    application: tuple[Application, int], zone: tuple[Zone, str]
) -> None:
    application[0].mode = "hang"
    samples: list[Sample] = []
    sampler(application[1], zone[1], samples).run(1.5, lambda: False)
    writes = [one for one in samples if one.kind == "write"]
    assert len(writes) > 7, "of 15 slots: one after the other, two would have been tried"
    assert not any(one.ok for one in writes)
    assert median(one.started_at - one.scheduled_at for one in writes) < 0.4
    assert 0.7 < median(one.ended_at - one.started_at for one in writes) < 1.6


def test_it_ends_when_it_is_told_to(application: tuple[Application, int], zone: tuple[Zone, str]) -> None:
    samples: list[Sample] = []
    began = time.monotonic()
    sampler(application[1], zone[1], samples).run(60, lambda: time.monotonic() - began > 0.5)
    assert time.monotonic() - began < 20


def test_what_cannot_be_read_back_has_a_reason(application: tuple[Application, int], zone: tuple[Zone, str]) -> None:
    application[0].mode = "down"
    stored = sampler(application[1], zone[1], []).read_back(0.1)
    assert stored.numbers is None
    assert stored.error is not None
    assert "503" in stored.error


def test_a_write_that_was_taken_back_is_missing_from_what_is_read_back(
    application: tuple[Application, int], zone: tuple[Zone, str]
) -> None:
    probe = sampler(application[1], zone[1], [])
    probe.run(0.5, lambda: False)
    *kept, lost = probe.acknowledged()
    application[0].numbers.remove(lost)
    assert kept
    assert probe.read_back(5).numbers == frozenset(kept)


def test_reads_come_back_although_the_number_that_was_read_is_lost(
    application: tuple[Application, int], zone: tuple[Zone, str]
) -> None:
    """The first numbers did not reach the new region: clients read what is there, and so does the probe."""
    application[0].lost = {0, 1}
    samples: list[Sample] = []
    sampler(application[1], zone[1], samples).run(1.5, lambda: False)
    reads = sorted((one for one in samples if one.kind == "read"), key=lambda one: one.number)
    failed = [one for one in reads if not one.ok]
    assert {one.status for one in failed} == {404}
    assert 1 <= len(failed) < len(reads)
    assert all(one.ok for one in reads[-3:])


def test_a_replica_that_lags_does_not_send_the_probe_from_number_to_number(
    application: tuple[Application, int], zone: tuple[Zone, str]
) -> None:
    """The region has acknowledged it, so it will be there: what was written since is there later yet."""
    application[0].lost, application[0].missed_in = set(range(100)), REGION
    sampler(application[1], zone[1], []).run(1.0, lambda: False)
    assert len(application[0].numbers) > 4
    assert len(application[0].missed) == 1


def test_a_number_that_is_there_is_read_again_and_again(
    application: tuple[Application, int], zone: tuple[Zone, str]
) -> None:
    """A replica lags: what was written last would not be there yet, and nothing would be wrong."""
    sampler(application[1], zone[1], []).run(1.0, lambda: False)
    assert len(application[0].numbers) > 4
    assert len(application[0].read) == 1


def test_what_is_stored_is_asked_for_until_the_region_answers_that_took_the_last_write(
    application: tuple[Application, int], zone: tuple[Zone, str]
) -> None:
    """A client's resolver still leads to the old region, which has all that it acknowledged."""
    probe = sampler(application[1], zone[1], [])
    probe.run(0.3, lambda: False)
    application[0].listed_in = ["us-west-2"] * 3
    assert probe.read_back(10).region == REGION
    application[0].listed_in = ["us-west-2"] * 9
    assert probe.read_back(0.1).region == "us-west-2", "and what there is, when time is over"


def test_an_application_without_writes_is_only_read(
    application: tuple[Application, int], zone: tuple[Zone, str]
) -> None:
    samples: list[Sample] = []
    sampler(application[1], zone[1], samples, write_path="").run(0.3, lambda: False)
    assert {one.kind for one in samples} == {"read", "dns"}
    assert application[0].numbers == []


def test_dns_that_fails_fails_the_write_and_says_so(
    application: tuple[Application, int], zone: tuple[Zone, str]
) -> None:
    zone[0].silent = True
    samples: list[Sample] = []
    sampler(application[1], zone[1], samples).run(0.2, lambda: False)
    assert all("DNS: " in str(one.error) and not one.ok for one in samples if one.kind == "write")
    assert len(samples) > 1


def test_a_nameserver_that_is_silent_on_the_load_balancers_does_not_stretch_a_slot(zone: tuple[Zone, str]) -> None:
    """Two regions, two names to ask for: each may not have a timeout of its own, as workers are counted by slots."""
    names, server = zone
    names.deaf_to = {"east.example.net", "west.example.net"}
    samples: list[Sample] = []
    endpoints = {REGION: "east.example.net", "us-west-2": "west.example.net"}
    settings = ProbeSettings(HOST, scheme="http", port=9, write_path="", interval_seconds=0.1, timeout_seconds=0.4)
    probe = Sampler(
        settings, "me", samples.append, resolver=Resolver([server], 5.0), clock=SteadyClock(), endpoints=endpoints
    )
    began = time.monotonic()
    probe.run(0.3, lambda: False)
    assert time.monotonic() - began < 1.5
    assert {one.region for one in samples if one.kind == "dns" and one.ok} == {None}


def test_a_server_that_drips_is_cut_off_at_the_total_timeout(application: tuple[Application, int]) -> None:
    application[0].mode = "drip"
    began = time.monotonic()
    reply = http_request("GET", "http", HOST, application[1], "/health", address="127.0.0.1", timeout=0.6)
    assert 0.5 < time.monotonic() - began < 10
    assert reply.error == "no answer within 0.6 s"


def test_a_name_whose_resolver_is_silent_is_cut_off_at_the_total_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver knows no timeout, and a move's lease covers a request up to its own."""
    over = threading.Event()

    def silent(*_name: Any, **_more: Any) -> list[Any]:
        over.wait(8)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    began = time.monotonic()
    reply = http_request("POST", "http", HOST, 9, "/writes", address="lb.example", timeout=0.5, body=b"{}")
    assert time.monotonic() - began < 5
    over.set()
    assert (reply.status, reply.error) == (None, "no answer within 0.5 s")


def test_a_name_is_asked_at_the_first_of_its_addresses_that_takes_a_connection(
    application: tuple[Application, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def resolve(name: Any, *rest: Any, **more: Any) -> Any:
        if name != "lb.example":
            return real(name, *rest, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in ("127.86.124.9", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    reply = http_request("GET", "http", HOST, application[1], "/health", address="lb.example", timeout=5)
    assert (reply.status, reply.address) == (200, "lb.example")


def test_a_name_that_nobody_knows_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_name: Any, **_more: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    reply = http_request("GET", "http", HOST, 9, "/health", address="lb.example", timeout=5)
    assert (reply.status, reply.error) == (None, "Name or service not known")


def test_nothing_listening_is_an_answer_too() -> None:
    reply = http_request("GET", "http", HOST, 9, "/health", address="127.0.0.1", timeout=0.5)
    assert (reply.status, reply.error) == (None, "Connection refused")


def test_a_numbered_write_is_named_and_read_back(application: tuple[Application, int]) -> None:
    client = HttpApplication(ProbeSettings(HOST, port=application[1], scheme="http"))
    assert client.write("127.0.0.1", "me", 7).status == 201
    assert client.numbers("127.0.0.1", "me").body["numbers"] == [7]


@pytest.mark.parametrize(
    ("field", "value"),
    [("host", ""), ("port", 0), ("port", "x"), ("scheme", "ftp"), ("interval_seconds", 0.01), ("timeout_seconds", 0),
     ("stable_samples", 0), ("health_path", "health"), ("write_path", "writes")],
)  # fmt: skip
def test_a_wrong_setting_names_its_field_and_value(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"probe\.{field} is {value!r}: "):
        ProbeSettings.from_mapping({"host": HOST, field: value})
