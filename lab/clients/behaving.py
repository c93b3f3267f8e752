"""The three clients: each writes numbers over TLS, with the certificate validated, as its behaviour would have it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import dns.exception
import dns.resolver

from lab.clients.returning import Behaviour, Try

MEMBERS = 4
"""Connections of the pool."""


@dataclass(frozen=True)
class Target:
    """What the clients write to."""

    host: str
    port: int
    nameserver: tuple[str, int]
    ca_file: str
    timeout: float = 2.0
    """Seconds of one try, name resolution and TLS included."""


def resolver(target: Target) -> dns.resolver.Resolver:
    """One that believes an answer for its TTL, and no longer."""
    found = dns.resolver.Resolver(configure=False)
    found.nameservers, found.port = [target.nameserver[0]], target.nameserver[1]
    found.cache = dns.resolver.Cache()
    found.lifetime = target.timeout
    return found


@dataclass
class Client:
    """One client, or one connection of the client with the pool."""

    behaviour: Behaviour
    target: Target
    tls: ssl.SSLContext
    name: str
    member: int = 0
    _resolver: dns.resolver.Resolver = field(init=False)
    _address: str | None = None
    _held: http.client.HTTPConnection | None = None

    def __post_init__(self) -> None:
        self._resolver = resolver(self.target)

    def write(self, number: int) -> Try:
        """Try one write; never raises for what the network does."""
        began = time.time()
        region, error = None, None
        try:
            connection = self._connection()
            body = json.dumps({"client": self.name, "number": number})
            connection.request("POST", "/writes", body=body, headers={"Content-Type": "application/json"})
            answer = connection.getresponse()
            value = json.loads(answer.read() or b"{}")
            region = value.get("region")
            error = None if answer.status == 201 else f"{answer.status} {value.get('error', '')}".strip()
            if self.behaviour != "pooled":
                self._drop()
        except (OSError, ValueError, http.client.HTTPException, dns.exception.DNSException) as problem:
            error = str(problem) or type(problem).__name__
            # Also the pool notices that a connection is dead when a request on it has failed, and not before.
            self._drop()
        return Try(self.behaviour, self.member, began, time.time(), None if error else region, error)

    def close(self) -> None:
        """Give its connection up."""
        self._drop()

    def _connection(self) -> http.client.HTTPConnection:
        if self._held is None:
            plain = socket.create_connection((self._resolved(), self.target.port), timeout=self.target.timeout)
            try:
                secured = self.tls.wrap_socket(plain, server_hostname=self.target.host)
            except (OSError, ValueError):
                plain.close()
                raise
            self._held = http.client.HTTPConnection(self.target.host, self.target.port, timeout=self.target.timeout)
            self._held.sock = secured
        return self._held

    def _resolved(self) -> str:
        if self.behaviour == "keeps-address" and self._address is not None:
            return self._address
        self._address = self._resolver.resolve(self.target.host, "A")[0].to_text()
        return self._address

    def _drop(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()


def clients(target: Target, label: str) -> list[Client]:
    """All of them; `label` goes before the names under which they write."""
    tls = ssl.create_default_context(cafile=target.ca_file)
    found = [Client(behaviour, target, tls, f"{label}-{behaviour}") for behaviour in ("obeys-ttl", "keeps-address")]
    return [*found, *(Client("pooled", target, tls, f"{label}-pooled-{one}", one) for one in range(MEMBERS))]


def run(everyone: list[Client], interval: float, ended: Callable[[], bool]) -> list[Try]:
    """Let all of them write, each once an interval (seconds), until `ended` says so."""
    found: list[Try] = []

    def keep_writing(client: Client) -> None:
        number, due = 0, time.monotonic()
        while not ended():
            found.append(client.write(number))
            number, due = number + 1, max(due + interval, time.monotonic())
            while not ended() and time.monotonic() < due:
                time.sleep(min(0.05, max(0.0, due - time.monotonic())))
        client.close()

    threads = [threading.Thread(target=keep_writing, args=(one,), name=one.name, daemon=True) for one in everyone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
