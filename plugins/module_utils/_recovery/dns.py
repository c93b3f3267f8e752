# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small DNS client: what do the clients of an application get to hear, and for how long may they believe it?

The system's resolver hides CNAMEs and TTLs and may cache, so a name is asked for here with a query of our own (RFC
1035), over UDP and, for a truncated answer, over TCP. DNS answers are Route 53's data plane: they may be asked for
during an unplanned move (R3), which the records behind them may not.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from .ports import DnsAnswer

DNS_PORT = 53
TYPE_A, TYPE_CNAME, TYPE_AAAA, CLASS_IN = 1, 5, 28, 1
ADDRESS_FAMILIES = {TYPE_A: socket.AF_INET, TYPE_AAAA: socket.AF_INET6}
RESPONSE_CODES = {1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}
FLAG_RESPONSE, FLAG_TRUNCATED, FLAG_RECURSION_DESIRED = 0x8000, 0x0200, 0x0100
UDP_SIZE = 4096
LONGEST_CHAIN = 8
"""How many CNAMEs are followed before a chain is called a loop."""


class DnsError(OSError):
    """No usable answer for a name; says which name and why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@dataclass(frozen=True)
class Nameserver:
    """Where to ask."""

    address: str
    port: int = DNS_PORT

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Answer:
    """What was answered for a name.

    `chain` holds the targets of the CNAMEs in order (lower case, no final dot) and is empty where there was none, as
    for a Route 53 alias. `addresses` is empty where the server knew a CNAME but not the zone that it leads to. `ttl`
    is in seconds: the smallest of all records, as that is when a client asks again.
    """

    name: str
    chain: tuple[str, ...]
    addresses: tuple[str, ...]
    ttl: int
    nameserver: str

    @property
    def canonical(self) -> str:
        """The name at the end of the chain."""
        return self.chain[-1] if self.chain else self.name


@dataclass(frozen=True)
class _Record:
    name: str
    kind: int
    ttl: int
    value: str


def normal_name(name: str) -> str:
    """DNS compares names without case, and a final dot only says that the name is complete."""
    return name.rstrip(".").lower()


def parse_nameserver(text: str) -> Nameserver:
    """`address`, `address:port`, `[IPv6]:port` or an IPv6 address alone; a wrong one raises ValueError with one
    clear line.
    """
    address, port = text.strip(), str(DNS_PORT)
    if address.startswith("["):
        address, _bracket, rest = address[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif address.count(":") == 1:
        address, _colon, port = address.partition(":")
    try:
        ipaddress.ip_address(address)
        if not 0 < int(port) < 65536:
            raise ValueError(port)
    except ValueError:
        raise ValueError(
            f"nameserver {text!r} is not an IP address with an optional port, such as 10.0.0.2 or 10.0.0.2:53"
        ) from None
    return Nameserver(address, int(port))


def system_nameservers(path: str = "/etc/resolv.conf") -> tuple[Nameserver, ...]:
    """The servers that this machine is told to ask."""
    servers = []
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver" and "%" not in words[1]:
                    servers.append(Nameserver(words[1]))
    return tuple(servers)


class Resolver:
    """Asks the nameservers in turn, each time anew.

    `timeout` is what one name may take in all, in seconds: every server, every CNAME and the change to TCP are
    inside it.
    """

    def __init__(self, nameservers: Sequence[str] = (), timeout: float = 2.0) -> None:
        self.nameservers = tuple(parse_nameserver(text) for text in nameservers) or system_nameservers()
        self.timeout = timeout

    def resolve(self, name: str, timeout: float | None = None) -> Answer:
        """The answer for `name`; an address answers for itself. Raises DnsError."""
        asked = normal_name(name)
        if _is_address(asked):
            return Answer(asked, (), (asked,), 0, "")
        if not self.nameservers:
            raise DnsError(asked, "no nameserver is configured on this machine and none was given")
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        reasons = []
        for position, server in enumerate(self.nameservers):
            # A dead server must leave time for the next one.
            share = (deadline - time.monotonic()) / (len(self.nameservers) - position)
            if share <= 0:
                break
            try:
                return _follow(server, asked, time.monotonic() + share)
            except DnsError as error:
                if error.reason == RESPONSE_CODES[3]:
                    raise
                reasons.append(f"{server} {error.reason}")
        raise DnsError(asked, "; ".join(reasons) or "timed out")


class CachingResolver:
    """Believes an answer for its TTL and no longer, as a well-behaved client does. Safe to use from several
    threads.
    """

    def __init__(self, resolver: Resolver, now: Callable[[], float] = time.monotonic) -> None:
        self._resolver = resolver
        self._now = now
        self._lock = Lock()
        self._known: dict[str, tuple[float, Answer]] = {}

    def resolve(self, name: str, timeout: float | None = None) -> Answer:
        """The answer for `name`, asked for again once its TTL is over. Raises DnsError: a failure is never
        remembered.
        """
        asked = normal_name(name)
        with self._lock:
            expires, answer = self._known.get(asked, (0.0, None))
        if answer is not None and self._now() < expires:
            return answer
        asked_at = self._now()
        fresh = self._resolver.resolve(asked, timeout)
        with self._lock:
            self._known[asked] = (asked_at + fresh.ttl, fresh)
        return fresh


def leads_to(answer: Answer, host: str, resolver: Resolver | CachingResolver, timeout: float | None = None) -> bool:
    """Whether `answer` sends clients to `host`: by a CNAME, or, for an alias, by having its addresses.

    `timeout` bounds the question for these, in seconds; that it was not answered is a no.
    """
    wanted = normal_name(host)
    if wanted == answer.name or wanted in answer.chain or wanted in answer.addresses:
        return True
    if not answer.addresses:
        return False
    try:
        there = resolver.resolve(wanted, timeout).addresses
    except DnsError:
        return False
    # The addresses of a load balancer come and go, and an answer holds a choice of them: one in common is enough.
    return bool(set(there) & set(answer.addresses))


def resolve(name: str, nameservers: Sequence[str], timeout_seconds: float) -> DnsAnswer:
    """Asks once, in the shape that the core is handed (`ports.Resolver`)."""
    answer = Resolver(nameservers, timeout_seconds).resolve(name)
    return DnsAnswer(answer.name, answer.chain, answer.addresses, answer.ttl)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _follow(server: Nameserver, name: str, deadline: float) -> Answer:
    """Asks one server, following CNAMEs that it answered without what they lead to."""
    chain: list[str] = []
    ttls: list[int] = []
    current = name
    while True:
        try:
            records = _ask(server, current, deadline)
        except DnsError:
            if chain:
                # An authoritative server refuses names of other zones: the CNAME itself is an answer.
                return Answer(name, tuple(chain), (), min(ttls), str(server))
            raise
        aliases = {record.name: record for record in records if record.kind == TYPE_CNAME}
        asked = current
        while current in aliases:
            ttls.append(aliases[current].ttl)
            current = aliases[current].value
            chain.append(current)
            if len(chain) > LONGEST_CHAIN:
                raise DnsError(name, f"more than {LONGEST_CHAIN} CNAMEs one after the other")
        found = [record for record in records if record.name == current and record.kind in ADDRESS_FAMILIES]
        if found or current == asked:
            if not found and not chain:
                raise DnsError(name, f"{server} knows no address")
            return Answer(
                name,
                tuple(chain),
                tuple(record.value for record in found),
                min([*ttls, *(record.ttl for record in found)]),
                str(server),
            )


def _ask(server: Nameserver, name: str, deadline: float) -> list[_Record]:
    """The records answered for one question. Addresses are asked for as A: that is what failover records of type A
    hold.
    """
    ident = secrets.randbelow(1 << 16)
    query = _encode_query(ident, name)
    reply = _exchange_udp(server, name, query, ident, deadline)
    if struct.unpack_from("!H", reply, 2)[0] & FLAG_TRUNCATED:
        reply = _exchange_tcp(server, name, query, deadline)
    return _decode_reply(name, reply)


def _left(name: str, deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise DnsError(name, "timed out")
    return left


def _exchange_udp(server: Nameserver, name: str, query: bytes, ident: int, deadline: float) -> bytes:
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        try:
            connection.connect((server.address, server.port))
            pause = 0.5  # seconds until a lost datagram is sent again
            while True:
                left = _left(name, deadline)
                connection.send(query)
                connection.settimeout(min(left, pause))
                try:
                    reply = connection.recv(UDP_SIZE)
                    # Somebody else's or an older answer is not ours.
                    while len(reply) < 12 or struct.unpack_from("!H", reply)[0] != ident:
                        connection.settimeout(_left(name, deadline))
                        reply = connection.recv(UDP_SIZE)
                    return reply
                except TimeoutError:
                    pause *= 2
        except OSError as error:
            raise DnsError(name, f"does not answer ({error.strerror or error})") from error


def _exchange_tcp(server: Nameserver, name: str, query: bytes, deadline: float) -> bytes:
    try:
        with socket.create_connection((server.address, server.port), timeout=_left(name, deadline)) as connection:
            connection.sendall(struct.pack("!H", len(query)) + query)
            received = b""
            while len(received) < 2 or len(received) < 2 + struct.unpack_from("!H", received)[0]:
                connection.settimeout(_left(name, deadline))
                part = connection.recv(UDP_SIZE)
                if not part:
                    raise DnsError(name, "the connection was closed in the middle of an answer")
                received += part
            return received[2:]
    except OSError as error:
        raise DnsError(name, f"does not answer over TCP ({error.strerror or error})") from error


def _encode_query(ident: int, name: str) -> bytes:
    question = b""
    for label in name.split("."):
        try:
            encoded = label.encode("ascii") if label.isascii() else label.encode("idna")
        except UnicodeError:
            raise DnsError(name, "is not a name that DNS can hold") from None
        if not 0 < len(encoded) < 64:
            raise DnsError(name, "is not a name that DNS can hold")
        question += bytes([len(encoded)]) + encoded
    header = struct.pack("!6H", ident, FLAG_RECURSION_DESIRED, 1, 0, 0, 0)
    return header + question + struct.pack("!BHH", 0, TYPE_A, CLASS_IN)


def _decode_reply(name: str, reply: bytes) -> list[_Record]:
    try:
        _ident, flags, questions, answers = struct.unpack_from("!4H", reply)
        if not flags & FLAG_RESPONSE:
            raise DnsError(name, "a question came back in place of an answer")
        if flags & 0xF:
            raise DnsError(name, RESPONSE_CODES.get(flags & 0xF, f"response code {flags & 0xF}"))
        offset = 12
        for _question in range(questions):
            _asked, offset = _decode_name(reply, offset)
            offset += 4
        records = []
        for _answer in range(answers):
            owner, offset = _decode_name(reply, offset)
            kind, _class, ttl, length = struct.unpack_from("!HHIH", reply, offset)
            offset += 10
            if kind == TYPE_CNAME:
                records.append(_Record(owner, kind, ttl, _decode_name(reply, offset)[0]))
            elif kind in ADDRESS_FAMILIES:
                value = socket.inet_ntop(ADDRESS_FAMILIES[kind], reply[offset : offset + length])
                records.append(_Record(owner, kind, ttl, value))
            offset += length
        return records
    except (struct.error, IndexError, ValueError) as error:
        raise DnsError(name, f"the answer cannot be read ({error})") from error


def _decode_name(reply: bytes, offset: int) -> tuple[str, int]:
    """The name at `offset` and where the next field begins (RFC 1035, 4.1.4: a name may end in a pointer
    backwards).
    """
    labels: list[str] = []
    after: int | None = None
    while True:
        length = reply[offset]
        if length & 0xC0 == 0xC0:
            target = struct.unpack_from("!H", reply, offset)[0] & 0x3FFF
            after = offset + 2 if after is None else after
            if target >= offset:
                raise ValueError("a pointer that does not point backwards")
            offset = target
        elif length:
            labels.append(reply[offset + 1 : offset + 1 + length].decode("ascii", "replace"))
            offset += 1 + length
        else:
            return normal_name(".".join(labels)), offset + 1 if after is None else after
