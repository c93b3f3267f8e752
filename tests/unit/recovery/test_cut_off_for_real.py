# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real transport against sockets of this machine that behave as a lost region does.

Budgets are short, so that the tests are; what is asserted has room for a busy machine and is far from what boto3 alone
would take (R2).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils._recovery.clients import BotoTransport, Clients
from plugins.module_utils._recovery.errors import CallFailed, RecoveryError, RegionUnreachable
from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.retries import is_permanent
from plugins.module_utils._recovery.system_clock import SystemClock
from plugins.module_utils._recovery.workers import ThreadWorkers

BUDGET_SECONDS = 1.5
ROOM_SECONDS = 4.0
"""For a machine that does other things too; one call alone would take boto3 a minute."""
READS = [("rds", "DescribeGlobalClusters"), ("autoscaling", "DescribeAutoScalingGroups"), ("dynamodb", "ListTables")]
MANY = [f"127.86.123.{number}" for number in range(1, 5)]
NAME = "region.example"
KEYS = f"aws_access_key_id = AKIALABUNITTESTS0000\naws_secret_access_key = {'x' * 40}\n"

Resolve = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def transport() -> BotoTransport:
    """One that has read botocore's models, as that takes seconds on a busy machine and says nothing of a region."""
    made = BotoTransport()
    for service, operation in [*READS, ("sts", "GetCallerIdentity")]:
        with contextlib.suppress(RecoveryError):
            made.send(Access("us-east-1", "nobody"), service, operation, {}, 5)
    return made


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Access]:
    """Writes an AWS profile whose endpoint is a port of this machine."""

    def write(port: int, lines: str = KEYS, host: str = "127.0.0.1", **access: Any) -> Access:
        name = f"lost-{port}-{host}"
        (tmp_path / "config").write_text(
            f"[profile {name}]\nregion = us-east-1\nendpoint_url = http://{host}:{port}\n{lines}"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        return Access("us-east-1", name, **access)

    return write


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Resolve], None]:
    """Lets a name of ours be answered as a test wants; all others as ever."""
    real = socket.getaddrinfo

    def hook(resolve: Resolve) -> None:
        def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
            if host != NAME:
                return real(host, port, *rest, **more)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, int(port))) for one in resolve(host)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return hook


@contextlib.contextmanager
def listening(address: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Takes connections and never answers."""
    with socket.create_server((address, port)) as server:
        yield int(server.getsockname()[1])


@contextlib.contextmanager
def swallowing(address: str, port: int = 0) -> Iterator[int]:
    """Answers no SYN: the queue of connections that nobody accepts is full."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.listen(0)
        for _number in range(8):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        time.sleep(0.1)
        probe = stack.enter_context(socket.socket())
        probe.settimeout(0.3)
        if probe.connect_ex(server.getsockname()) == 0:
            pytest.skip("this system takes connections whose queue is full")
        yield int(server.getsockname()[1])


class Answers(BaseHTTPRequestHandler):
    """Answers as its server was told, and keeps what it was asked."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        server: Any = self.server
        server.asked.append((self.headers.get("Authorization", ""), body))
        status, content, kind = server.answer(body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_text: Any) -> None:
        pass


Answer = Callable[[str], tuple[int, bytes, str]]


@contextlib.contextmanager
def answering(answer: Answer) -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        server.asked, server.answer = [], answer  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def lost(transport: BotoTransport, access: Access) -> tuple[float, list[str]]:
    """Two dozen calls to a region, side by side and again and again; how long they took, and what was said."""
    clients = Clients(SystemClock(), transport=transport, budgets={access.region: BUDGET_SECONDS})
    said: list[str] = []
    began = time.monotonic()
    for _round in range(8):
        for outcome in ThreadWorkers().gather([lambda one=one: clients.call(access, *one) for one in READS]):  # type: ignore[misc]
            assert isinstance(outcome, (RegionUnreachable, CallFailed)), outcome
            said.append(str(outcome))
    return time.monotonic() - began, said


def test_a_region_that_takes_connections_and_never_answers(
    transport: BotoTransport, profile: Callable[..., Access]
) -> None:
    with listening() as port:
        took, said = lost(transport, profile(port))
    assert took < BUDGET_SECONDS + ROOM_SECONDS
    assert "brought no answer within" in said[0]


def test_a_region_that_swallows_packets_at_each_of_its_addresses(
    transport: BotoTransport, profile: Callable[..., Access], resolver: Callable[[Resolve], None]
) -> None:
    resolver(lambda _name: MANY)
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(swallowing(MANY[0]))
        for address in MANY[1:]:
            stack.enter_context(swallowing(address, port))
        took, said = lost(transport, profile(port, host=NAME))
    assert took < BUDGET_SECONDS + ROOM_SECONDS
    assert "brought no answer within" in said[0]


def test_one_call_to_addresses_that_swallow_packets_ends_at_its_deadline(
    transport: BotoTransport, profile: Callable[..., Access], resolver: Callable[[Resolve], None]
) -> None:
    """Its own connect timeout alone would be waited for once for each address: 8 s."""
    resolver(lambda _name: MANY)
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(swallowing(MANY[0]))
        for address in MANY[1:]:
            stack.enter_context(swallowing(address, port))
        began = time.monotonic()
        with pytest.raises(RegionUnreachable):
            transport.send(profile(port, host=NAME), "rds", "DescribeGlobalClusters", {}, 1)
        assert time.monotonic() - began < 1 + ROOM_SECONDS


def test_a_region_that_refuses_connections(transport: BotoTransport, profile: Callable[..., Access]) -> None:
    with listening() as port:
        pass
    took, said = lost(transport, profile(port))
    assert took < ROOM_SECONDS
    assert "Could not connect" in said[0]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "text/plain"),
        (b"<html><body>503</body></html>", "text/html"),
        (b"upstream connect error", "text/plain"),
        (b"{}", "application/x-amz-json-1.0"),
    ],
)
def test_a_region_that_answers_503_whatever_it_looks_like(
    transport: BotoTransport, profile: Callable[..., Access], content: bytes, kind: str
) -> None:
    with answering(lambda _body: (503, content, kind)) as server:
        took, _said = lost(transport, profile(server.server_address[1]))
        assert took < BUDGET_SECONDS + ROOM_SECONDS
        assert len(server.asked) <= 9, "each service is left alone once it has failed twice"


def test_a_name_that_does_not_resolve(
    transport: BotoTransport, profile: Callable[..., Access], resolver: Callable[[Resolve], None]
) -> None:
    def unknown(_name: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    resolver(unknown)
    took, said = lost(transport, profile(443, host=NAME))
    assert took < ROOM_SECONDS
    assert "is unreachable" in said[0]


def test_a_resolver_that_does_not_answer(
    transport: BotoTransport, profile: Callable[..., Access], resolver: Callable[[Resolve], None]
) -> None:
    over = threading.Event()

    def silent(_name: str) -> list[str]:
        over.wait(30)
        return []

    resolver(silent)
    took, said = lost(transport, profile(444, host=NAME))
    over.set()
    assert took < BUDGET_SECONDS + ROOM_SECONDS
    assert "brought no answer within" in said[0]


def sts_answer(seconds: float) -> bytes:
    ends = datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        "<AccessKeyId>ASIALABUNITTESTS0000</AccessKeyId><SecretAccessKey>y</SecretAccessKey>"
        f"<SessionToken>t</SessionToken><Expiration>{ends}</Expiration></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>"
    ).encode()


NO_CLUSTERS = (
    b'<DescribeGlobalClustersResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeGlobalClustersResult>'
    b"<GlobalClusters/></DescribeGlobalClustersResult></DescribeGlobalClustersResponse>"
)
EXPIRED = (
    b'<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type><Code>ExpiredToken</Code>'
    b"<Message>The security token included in the request is expired</Message></Error></ErrorResponse>"
)
ROLE = "arn:aws:iam::123456789012:role/operator"


def ask(transport: BotoTransport, access: Access, seconds: float = 5) -> dict[str, Any]:
    return transport.send(access, "rds", "DescribeGlobalClusters", {}, seconds)


OURS_OR_THE_PROFILES = pytest.mark.parametrize(
    ("lines", "access"),
    [(KEYS, {"role_arn": ROLE}), (f"role_arn = {ROLE}\nsource_profile = base\n[profile base]\n{KEYS}", {})],
    ids=["a role of ours", "a role of the profile"],
)


@OURS_OR_THE_PROFILES
def test_an_sts_that_does_not_answer(
    transport: BotoTransport, profile: Callable[..., Access], lines: str, access: dict[str, str]
) -> None:
    with listening() as port:
        took, said = lost(transport, profile(port, lines, **access))
    assert took < BUDGET_SECONDS + ROOM_SECONDS
    assert "brought no answer within" in said[0]


def test_an_sts_that_swallows_packets(transport: BotoTransport, profile: Callable[..., Access]) -> None:
    """What a connection waits for in vain is counted, also where it ends before the call's deadline."""
    clients = Clients(SystemClock(), transport=transport)
    with swallowing(MANY[0]) as port, pytest.raises(RegionUnreachable):
        clients.call(profile(port, host=MANY[0], role_arn=ROLE), *READS[0])
    assert clients.breaker("us-east-1").lost_seconds > 1


@OURS_OR_THE_PROFILES
def test_an_sts_that_refuses_connections(
    transport: BotoTransport, profile: Callable[..., Access], lines: str, access: dict[str, str]
) -> None:
    with listening() as port:
        pass
    took, said = lost(transport, profile(port, lines, **access))
    assert took < ROOM_SECONDS
    assert all("us-east-1 is unreachable" in one for one in said)
    assert "not asked again for now" in said[-1]


def test_an_sts_that_answers_503(transport: BotoTransport, profile: Callable[..., Access]) -> None:
    with answering(lambda _body: (503, b"", "text/plain")) as server:
        took, said = lost(transport, profile(server.server_address[1], role_arn=ROLE))
        assert took < BUDGET_SECONDS + ROOM_SECONDS
        assert len(server.asked) <= 9, "each service is left alone once its credentials have failed twice"
    assert said[-1].startswith("us-east-1 is unreachable: sts AssumeRole answered 503; not asked again for now")


def sts_refusal(code: str) -> bytes:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>"
    return f"<ErrorResponse>{error}</ErrorResponse>".encode()


def test_a_throttled_sts_is_asked_again(transport: BotoTransport, profile: Callable[..., Access]) -> None:
    refusals = [(400, sts_refusal("Throttling"), "text/xml")] * 2

    def answer(body: str) -> tuple[int, bytes, str]:
        if "AssumeRole" not in body:
            return 200, NO_CLUSTERS, "text/xml"
        return refusals.pop() if refusals else (200, sts_answer(3600), "text/xml")

    with answering(answer) as server:
        access = profile(server.server_address[1], role_arn=ROLE)
        clients = Clients(SystemClock(), transport=transport)
        assert clients.call(access, "rds", "DescribeGlobalClusters", deadline_seconds=30) == {"GlobalClusters": []}
    assert not refusals


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken"])
def test_a_role_that_sts_refuses_is_asked_for_once_and_the_refusal_keeps_its_name(
    transport: BotoTransport, profile: Callable[..., Access], code: str
) -> None:
    with answering(lambda _body: (403, sts_refusal(code), "text/xml")) as server:
        access = profile(server.server_address[1], role_arn=ROLE)
        with pytest.raises(CallFailed, match=f"sts AssumeRole in us-east-1 failed: {code}: no") as refused:
            Clients(SystemClock(), transport=transport).call(access, *READS[0], deadline_seconds=30)
        assert len(server.asked) == 1
    assert is_permanent(refused.value.code)


def test_credentials_of_a_role_come_from_the_sts_of_the_region_that_is_called(
    transport: BotoTransport, profile: Callable[..., Access]
) -> None:
    """Also where the profile names the other region, which may be the one that is lost."""

    def answer(body: str) -> tuple[int, bytes, str]:
        return 200, sts_answer(3600) if "AssumeRole" in body else NO_CLUSTERS, "text/xml"

    lines = f"role_arn = {ROLE}\nsource_profile = base\n[profile base]\nregion = us-east-1\n{KEYS}"
    for role, text in ((ROLE, KEYS), (None, lines)):
        with answering(answer) as server:
            named = profile(server.server_address[1], text)
            ask(transport, Access("us-west-2", named.profile, role))
            scopes = [authorization.split("/")[2:4] for authorization, _body in server.asked]
        assert scopes == [["us-west-2", "sts"], ["us-west-2", "rds"]]


def test_credentials_that_end_soon_serve_while_sts_does_not_answer(profile: Callable[..., Access]) -> None:
    silent = threading.Event()

    def answer(body: str) -> tuple[int, bytes, str]:
        if "AssumeRole" not in body:
            return 200, NO_CLUSTERS, "text/xml"
        if silent.is_set():
            time.sleep(15)
        return 200, sts_answer(120), "text/xml"  # within the last five minutes already

    with answering(answer) as server:
        transport, access = BotoTransport(), profile(server.server_address[1], role_arn=ROLE)
        ask(transport, access, 30)
        silent.set()
        began = time.monotonic()
        for _number in range(5):
            assert ask(transport, access) == {"GlobalClusters": []}
        assert time.monotonic() - began < ROOM_SECONDS


def test_credentials_that_end_soon_are_renewed_beside_the_calls(profile: Callable[..., Access]) -> None:
    def answer(body: str) -> tuple[int, bytes, str]:
        return 200, sts_answer(120) if "AssumeRole" in body else NO_CLUSTERS, "text/xml"

    with answering(answer) as server:
        transport, access = BotoTransport(), profile(server.server_address[1], role_arn=ROLE)
        ends = time.monotonic() + 20
        while sum("AssumeRole" in body for _authorization, body in server.asked) < 2 and time.monotonic() < ends:
            ask(transport, access, 30)
        assert sum("AssumeRole" in body for _authorization, body in server.asked) >= 2


def test_a_session_that_aws_calls_expired_is_opened_anew_once(profile: Callable[..., Access]) -> None:
    opened: list[str] = []

    def answer(body: str) -> tuple[int, bytes, str]:
        if "AssumeRole" in body:
            opened.append(body)
            return 200, sts_answer(3600), "text/xml"
        return (403, EXPIRED, "text/xml") if len(opened) < 2 else (200, NO_CLUSTERS, "text/xml")

    with answering(answer) as server:
        access = profile(server.server_address[1], role_arn=ROLE)
        assert ask(BotoTransport(), access, 30) == {"GlobalClusters": []}
    assert len(opened) == 2


@pytest.mark.parametrize("operation", ["SwitchoverGlobalCluster", "FailoverGlobalCluster"])
def test_a_change_that_was_given_up_at_its_deadline_is_not_sent_after_it(
    transport: BotoTransport,
    profile: Callable[..., Access],
    resolver: Callable[[Resolve], None],
    operation: str,
) -> None:
    """The lease covers a call up to its deadline, and not what a resolver that wakes up late lets through."""
    awake = threading.Event()
    params = {
        "GlobalClusterIdentifier": "shop-global",
        "TargetDbClusterIdentifier": "arn:aws:rds:us-west-2:123456789012:cluster:shop-dr-cluster",
    }
    with answering(lambda _body: (200, NO_CLUSTERS, "text/xml")) as server:

        def late(_name: str) -> list[str]:
            awake.wait(20)
            return ["127.0.0.1"]

        resolver(late)
        access = profile(server.server_address[1], host=NAME)
        with pytest.raises(RegionUnreachable):
            transport.send(access, "rds", operation, params, 1)
        awake.set()
        for thread in threading.enumerate():
            if thread.name.endswith(operation):
                thread.join(10)
        assert server.asked == []
