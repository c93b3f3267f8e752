"""The three clients against real sockets: two applications with certificates, and a nameserver whose answer changes."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from unit.measure.dns_server import Zone, nameserver

from lab.clients.behaving import MEMBERS, Client, Target, clients, run
from lab.clients.returning import returns

HOST = "app.shop.example"
EAST, WEST = "us-east-1", "us-west-2"
ADDRESSES = {EAST: "127.0.0.1", WEST: "127.0.0.2"}
TTL = 1


class Answering(http.server.BaseHTTPRequestHandler):
    """Stores every write, and says where."""

    protocol_version = "HTTP/1.1"
    server: Application

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"region": self.server.region}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class Application(http.server.ThreadingHTTPServer):
    """One region's application, which can die with all its connections."""

    def __init__(self, region: str, port: int, certificate: trustme.LeafCert) -> None:
        super().__init__((ADDRESSES[region], port), Answering)
        self.region = region
        self.opened: list[socket.socket] = []
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(self._tls)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        plain, address = super().get_request()
        secured = self._tls.wrap_socket(plain, server_side=True)
        self.opened.append(secured)
        return secured, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was cut is no news."""

    def die(self) -> None:
        self.shutdown()
        self.server_close()
        for one in self.opened:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


@dataclass
class Site:
    """Both applications behind one name."""

    zone: Zone
    target: Target
    east: Application
    west: Application

    def lead_to(self, region: str) -> None:
        self.zone.records[HOST] = [("A", TTL, ADDRESSES[region])]


def served_by(authority: trustme.CA, name: str, tmp_path: Path) -> Iterator[Site]:
    """`name` is whom the certificates are for."""
    certificate = authority.issue_cert(name, common_name=name)
    east = Application(EAST, 0, certificate)
    west = Application(WEST, east.server_port, certificate)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    zone = Zone()
    with nameserver(zone) as at:
        address, _colon, port = at.partition(":")
        site = Site(zone, Target(HOST, east.server_port, (address, int(port)), str(ca_file)), east, west)
        site.lead_to(EAST)
        yield site
    for one in (east, west):
        one.die()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def site(authority: trustme.CA, tmp_path: Path) -> Iterator[Site]:
    yield from served_by(authority, HOST, tmp_path)


def regions(everyone: list[Client], number: int) -> dict[str, str | None]:
    """Who stored the next write of each client; of the pool, of its first connection."""
    return {one.behaviour: one.write(number).region for one in everyone if not one.member}


def test_who_obeys_the_ttl_goes_over_when_it_is_over_and_the_others_stay_until_the_old_site_dies(site: Site) -> None:
    everyone = clients(site.target, "try")
    assert regions(everyone, 0) == {"obeys-ttl": EAST, "keeps-address": EAST, "pooled": EAST}
    site.lead_to(WEST)
    assert regions(everyone, 1)["obeys-ttl"] == EAST, "the answer may be believed for its TTL"
    time.sleep(TTL + 0.1)
    assert regions(everyone, 2) == {"obeys-ttl": WEST, "keeps-address": EAST, "pooled": EAST}
    site.east.die()
    assert regions(everyone, 3) == {"obeys-ttl": WEST, "keeps-address": None, "pooled": None}
    assert regions(everyone, 4) == {"obeys-ttl": WEST, "keeps-address": None, "pooled": WEST}


def test_each_client_runs_beside_the_others_and_what_became_of_it_is_told(site: Site) -> None:
    began = time.monotonic()
    moved = threading.Event()

    def ended() -> bool:
        if time.monotonic() - began > 0.3 and not moved.is_set():
            moved.set()
            site.lead_to(WEST)
            site.east.die()
        return time.monotonic() - began > TTL + 1.2

    everyone = clients(site.target, "try")
    found = {one.behaviour: one for one in returns(run(everyone, 0.1, ended))}
    assert len(everyone) == 2 + MEMBERS
    assert (found["obeys-ttl"].last, found["keeps-address"].seconds, found["pooled"].last) == (WEST, None, WEST)
    assert found["obeys-ttl"].seconds is not None
    assert found["obeys-ttl"].seconds > 0, "it believed the old answer"


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    for site in served_by(authority, "app.other.example", tmp_path):
        tries = [one.write(0) for one in clients(site.target, "try")]
        assert [one.region for one in tries] == [None] * (2 + MEMBERS)
        assert all("certificate" in str(one.error).lower() for one in tries), tries


def test_a_certificate_of_an_authority_that_is_not_known_is_refused(site: Site, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(site.target.ca_file)
    tries = [one.write(0) for one in clients(site.target, "try")]
    assert all("CERTIFICATE_VERIFY_FAILED" in str(one.error) for one in tries), tries
