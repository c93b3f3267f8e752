# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One request to the application, as one of its clients would make it.

Each request has a connection of its own, as a pooled one stays on an address that DNS no longer gives; it goes to an
address that was resolved before, with the Host header and the TLS name of the application kept; and it ends when its
time is over, whatever the server does: a server that sends a byte a second must not stretch it.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .ports import HttpAnswer
from .workers import in_time

MOST_BODY = 16 * 1024 * 1024
"""Bytes of an answer that are read: a list of a hundred thousand numbers is far below this."""


@dataclass(frozen=True)
class ProbeSettings:
    """How the application is reached (the dictionary `probe` of an application). Times are in seconds.

    An empty `write_path` says that the application offers no numbered writes, an empty `read_path` that reads are
    made on what was written (or on `health_path`, where nothing can be written).
    """

    host: str
    port: int = 443
    scheme: str = "https"
    health_path: str = "/health"
    write_path: str = "/writes"
    read_path: str = ""
    interval_seconds: float = 0.25
    timeout_seconds: float = 2.0
    ca_file: str = ""
    stable_samples: int = 10

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> ProbeSettings:
        """Parses the dictionary; an error names the field and the value."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if values.get(name) is not None}
        for name in known.keys() & {"port", "stable_samples", "interval_seconds", "timeout_seconds"}:
            try:
                known[name] = (float if name.endswith("_seconds") else int)(known[name])
            except (TypeError, ValueError):
                raise ValueError(f"probe.{name} is {known[name]!r}: a number is wanted") from None
        settings = cls(**{**known, "host": str(known.get("host", ""))})
        for holds, field, wanted in (
            (settings.host != "", "host", "the DNS name of the application"),
            (0 < settings.port < 65536, "port", "a port between 1 and 65535"),
            (settings.scheme in ("http", "https"), "scheme", "http or https"),
            (settings.interval_seconds >= 0.05, "interval_seconds", "at least 0.05 seconds"),
            (settings.timeout_seconds > 0, "timeout_seconds", "more than 0 seconds"),
            (settings.stable_samples > 0, "stable_samples", "at least 1 sample"),
            (settings.health_path.startswith("/"), "health_path", "a path that begins with /"),
            (settings.write_path[:1] in ("", "/"), "write_path", "a path that begins with /, or nothing"),
            (settings.read_path[:1] in ("", "/"), "read_path", "a path that begins with /, or nothing"),
        ):
            if not holds:
                raise ValueError(
                    f"probe.{field} is {values.get(field, getattr(settings, field))!r}: {wanted} is wanted"
                )
        return settings


@dataclass(frozen=True)
class Reply:
    """What came back: a status (None where there was none, and then `error` says why) and the decoded JSON, if it
    was any.
    """

    status: int | None
    body: Mapping[str, Any]
    address: str
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the application said yes."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def region(self) -> str | None:
        """The region that says it answered, where the application tells."""
        region = self.body.get("region")
        return region if isinstance(region, str) else None


class HttpApplication:
    """The application at an address; what is asked for are the three things that a probe needs to know."""

    def __init__(self, settings: ProbeSettings) -> None:
        self.settings = settings

    def health(self, address: str, timeout: float | None = None) -> Reply:
        """Whether the site at `address` has something in service."""
        return self._request("GET", self.settings.health_path, address, timeout)

    def write(self, address: str, client: str, number: int, timeout: float | None = None) -> Reply:
        """Stores a numbered write. A reply that is ok means that it is committed."""
        body = json.dumps({"client": client, "number": number}).encode()
        return self._request("POST", self.settings.write_path, address, timeout, body)

    def read(self, address: str, client: str, number: int, timeout: float | None = None) -> Reply:
        """Reads one write back: ok when it is stored, 404 when it is not."""
        return self._request("GET", f"{self._written(client)}/{number}", address, timeout)

    def numbers(self, address: str, client: str, timeout: float | None = None) -> Reply:
        """Lists what is stored of a client, as `numbers` in the body."""
        return self._request("GET", self._written(client), address, timeout)

    def get(self, address: str, path: str, timeout: float | None = None) -> Reply:
        """Reads any path."""
        return self._request("GET", path, address, timeout)

    def _written(self, client: str) -> str:
        return f"{self.settings.write_path.rstrip('/')}/{quote(client, safe='')}"

    def _request(self, method: str, path: str, address: str, timeout: float | None, body: bytes | None = None) -> Reply:
        known = self.settings
        return http_request(
            method,
            known.scheme,
            known.host,
            known.port,
            path,
            address=address,
            body=body,
            ca_file=known.ca_file,
            timeout=known.timeout_seconds if timeout is None else timeout,
        )


def http_request(
    method: str,
    scheme: str,
    host: str,
    port: int,
    path: str,
    *,
    address: str,
    timeout: float,
    body: bytes | None = None,
    ca_file: str = "",
) -> Reply:
    """Makes one request to `address`, or to a name that the system resolves; never raises for what the network or the
    server does. `timeout` is the total.
    """
    deadline = time.monotonic() + timeout
    try:
        with _connected(address, port, deadline) as plain:
            connection = _secured(plain, host, ca_file, deadline) if scheme == "https" else plain
            with connection:
                connection.settimeout(_left(deadline))
                connection.sendall(_request_bytes(method, scheme, host, port, path, body))
                response = http.client.HTTPResponse(_Answering(connection, deadline), method=method)  # type: ignore[arg-type]
                response.begin()
                content = response.read(MOST_BODY)
                return Reply(response.status, _decoded(content), address)
    except TimeoutError:
        return Reply(None, {}, address, f"no answer within {timeout:.1f} s")
    except ssl.SSLCertVerificationError as error:
        return Reply(None, {}, address, f"TLS: {error.verify_message}")
    except http.client.HTTPException as error:
        return Reply(None, {}, address, f"not an HTTP answer ({type(error).__name__})")
    except OSError as error:
        return Reply(None, {}, address, error.strerror or str(error) or type(error).__name__)


def request(
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
    """Makes one request, in the shape that the core is handed (`ports.ApplicationClient`)."""
    reply = http_request(
        method,
        scheme,
        host,
        port,
        path,
        address=connect or host,
        timeout=timeout_seconds,
        body=None if body is None else json.dumps(body).encode(),
        ca_file=ca_file or "",
    )
    return HttpAnswer(reply.status, reply.body or None, reply.error, reply.address)


class _Answering(io.RawIOBase):
    """A connection to read from until a deadline, in the shape that `http.client` wants."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(_left(self._deadline))
        return self._connection.recv_into(buffer)


def _connected(address: str, port: int, deadline: float) -> socket.socket:
    """A connection to the first of the addresses that takes one; each may need what is left of the time."""
    failed: OSError = TimeoutError()
    for one in _addresses(address, deadline):
        try:
            return socket.create_connection((one, port), timeout=_left(deadline))
        except OSError as error:
            failed = error
    raise failed


def _addresses(name: str, deadline: float) -> list[str]:
    """Those of a name; an address stands for itself.

    In a thread that is left behind when the time is over: the system's resolver knows no timeout.
    """
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return [name]

    def resolve() -> list[str]:
        try:
            return [str(sockaddr[0]) for *_kind, sockaddr in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]
        except UnicodeError as error:
            raise OSError(str(error)) from error

    return in_time(resolve, _left(deadline), f"resolve {name}")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _secured(plain: socket.socket, host: str, ca_file: str, deadline: float) -> ssl.SSLSocket:
    plain.settimeout(_left(deadline))
    return _tls_context(ca_file).wrap_socket(plain, server_hostname=host)


@functools.lru_cache(maxsize=8)
def _tls_context(ca_file: str) -> ssl.SSLContext:
    """Reading the certificates of a system takes tens of milliseconds: once is enough. Sessions are not taken up
    again.
    """
    return ssl.create_default_context(cafile=ca_file or None)


def _request_bytes(method: str, scheme: str, host: str, port: int, path: str, body: bytes | None) -> bytes:
    usual = {"https": 443, "http": 80}[scheme]
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}" if port == usual else f"Host: {host}:{port}",
        "User-Agent: pilotlight.aws_dr",
        "Accept: application/json",
        "Connection: close",
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")


def _decoded(content: bytes) -> Mapping[str, Any]:
    """A body that is no JSON object (a page, a plain OK) is no error: nothing is read from it."""
    try:
        decoded = json.loads(content)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
