"""The application as its clients meet it: promises kept, capacity followed, every kind of outage."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from unit.lab.planes import DR, PRIMARY, a_plane, settings, stored

from lab import certificates
from lab.dataplane.postgres import PostgresPlane
from lab.dataplane.process import ApplicationProcess
from lab.truth.record import load

NAME = "app.dr-webapp.example"


@dataclass
class Site:
    """An application and its database."""

    process: ApplicationProcess
    address: str
    home: Path
    plane: PostgresPlane
    tls: ssl.SSLContext

    def ask(
        self, method: str, path: str, value: dict[str, object] | None = None, timeout: float = 2.0
    ) -> tuple[int, dict[str, object]]:
        """One request on a new TLS connection, as a probe makes it."""
        with (
            socket.create_connection((self.address, 8443), timeout) as plain,
            self.tls.wrap_socket(plain, server_hostname=NAME) as secure,
        ):
            connection = http.client.HTTPConnection(NAME, timeout=timeout)
            connection.sock = secure
            connection.request(method, path, json.dumps(value) if value is not None else None)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def write(self, number: int, client: str = "test") -> int:
        return self.ask("POST", "/writes", {"client": client, "number": number})[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    home: Path = tmp_path_factory.mktemp("app")
    here = settings(home)
    with a_plane(home) as plane:
        certificate = certificates.issue(here)
        tls = ssl.create_default_context(cafile=str(home / "ca.pem"))
        sites = {}
        for region in (PRIMARY, DR):
            process = ApplicationProcess(
                region,
                here.app_address(region),
                plane.instances[region].conninfo(timeout=1),
                certificate,
                home / "log" / f"app-{region}.log",
                home / "truth" / f"application-{region}.jsonl",
            )
            process.start()
            sites[region] = Site(process, here.app_address(region), home, plane, tls)
        yield sites
        for site in sites.values():
            site.process.stop()


@pytest.fixture
def site(whole: dict[str, Site]) -> Iterator[Site]:
    found = whole[PRIMARY]
    found.process.tell(in_service=3)
    yield found
    found.process.tell(in_service=3, outage="none")


def test_an_acknowledged_write_is_in_the_database_and_is_given_back(site: Site) -> None:
    status, answer = site.ask("POST", "/writes", {"client": "a/b c", "number": 7})
    assert (status, answer) == (201, {"stored": 7, "region": PRIMARY})
    assert stored(site.plane.instances[PRIMARY], "a/b c") == {7}
    assert site.ask("GET", "/writes/a%2Fb%20c") == (200, {"client": "a/b c", "numbers": [7], "region": PRIMARY})
    assert site.ask("GET", "/writes/a%2Fb%20c/7")[0] == 200
    assert site.ask("GET", "/writes/a%2Fb%20c/8")[0] == 404


def test_the_record_holds_what_clients_were_told_and_when_they_could_be_told_nothing(site: Site) -> None:
    before = time.time()
    assert site.write(1, "recorded") == 201
    site.ask("GET", "/writes/recorded/1")
    site.process.tell(in_service=0)
    assert site.write(2, "recorded") == 503
    site.process.tell(in_service=3, outage="hang")
    with pytest.raises(TimeoutError):
        site.ask("POST", "/writes", {"client": "recorded", "number": 3}, timeout=0.5)
    site.process.tell(outage="none")
    record = load(site.home)
    mine = [one for one in record.requests if one.client == "recorded"]
    assert [(one.verb, one.number, one.status) for one in mine] == [
        ("write", 1, 201),
        ("read", None, 200),
        ("write", 2, 503),
    ]
    assert [one.number for one in mine if one.stored] == [1]
    assert all(before <= one.at <= (one.told_at or 0) <= time.time() for one in mine)
    assert [state for _at, state in record.fronts[PRIMARY].changes][-2:] == ["hang", "none"]
    assert [count for _at, count in record.in_service[PRIMARY].changes][-2:] == [0, 3]


def test_a_write_that_is_repeated_is_stored_once(site: Site) -> None:
    assert site.write(1, "twice") == 201
    assert site.write(1, "twice") == 201
    assert site.ask("GET", "/writes/twice")[1]["numbers"] == [1]


def test_a_standby_reads_but_does_not_write(whole: dict[str, Site], site: Site) -> None:
    standby = whole[DR]
    standby.process.tell(in_service=1)
    assert site.write(5, "both") == 201
    deadline = time.monotonic() + 5
    while standby.ask("GET", "/writes/both/5")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    status, answer = standby.ask("POST", "/writes", {"client": "both", "number": 6})
    assert (status, answer["error"]) == (503, "the database is read-only here")
    standby.process.tell(in_service=0)


def test_without_an_instance_in_service_it_answers_503(site: Site) -> None:
    assert site.ask("GET", "/health") == (200, {"status": "ok", "region": PRIMARY})
    site.process.tell(in_service=0)
    assert site.ask("GET", "/health")[0] == 503
    assert site.write(1) == 503


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"client": "a"}', b'{"client": "", "number": 1}', b'{"client": "a", "number": -1}',
             b'{"client": "a", "number": true}', b'{"client": "a\\u0000", "number": 1}']
)  # fmt: skip
def test_a_body_that_is_no_write_is_refused(site: Site, body: bytes) -> None:
    connection = http.client.HTTPConnection(site.address, 8080, timeout=2)
    connection.request("POST", "/writes", body)
    assert connection.getresponse().status == 400
    connection.close()


def test_a_connection_may_be_kept(site: Site) -> None:
    connection = http.client.HTTPConnection(site.address, 8080, timeout=2)
    for _ in range(3):
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()


@pytest.mark.parametrize(
    ("kind", "error"),
    [("hang", TimeoutError), ("swallow", TimeoutError), ("refuse", ConnectionRefusedError)],
)
def test_an_outage_looks_as_it_is_called(site: Site, kind: str, error: type[Exception]) -> None:
    site.process.tell(outage=kind)
    with pytest.raises(error):
        site.ask("GET", "/health", timeout=0.5)
    site.process.tell(outage="none")
    assert site.ask("GET", "/health")[0] == 200


def test_an_outage_of_errors_answers_503(site: Site) -> None:
    site.process.tell(outage="errors")
    assert site.ask("GET", "/health")[0] == 503


def test_who_waits_for_an_answer_when_the_outage_begins_gets_none(site: Site) -> None:
    connection = http.client.HTTPConnection(site.address, 8080, timeout=0.5)
    connection.connect()
    site.process.tell(outage="hang")
    connection.request("GET", "/health")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()


def test_it_is_started_again_when_it_dies_and_knows_what_it_was_told(site: Site) -> None:
    process = site.process._process
    assert process is not None
    process.kill()
    process.wait()
    assert site.process.supervise()
    assert site.ask("GET", "/health")[0] == 200


def test_a_hundred_clients_at_once_are_each_answered(site: Site) -> None:
    """Each on a new TLS connection, as the clients of an open-loop probe come."""
    with ThreadPoolExecutor(100) as clients:
        results = list(clients.map(lambda number: site.write(number, "load"), range(100)))
    assert results == [201] * 100
    assert stored(site.plane.instances[PRIMARY], "load") == set(range(100))


def test_it_goes_with_its_parent(whole: dict[str, Site], tmp_path: Path) -> None:
    """Its input ends when the lab's process does, however that ended."""
    process = whole[DR].process._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(5) == 0
    whole[DR].process.stop()
    whole[DR].process.start()
