"""Name resolution of the lab: an authoritative server that answers from the emulated hosted zones.

What Route 53's data plane does, this does, and it goes on doing it in any outage (R3):

- failover pairs: a healthy PRIMARY answers; otherwise a healthy SECONDARY; **when neither is healthy, the PRIMARY**
  (R16); a record without a health check always counts as healthy;
- an alias answers with the addresses of what it points to, TTL 60; a CNAME is followed while the name is known here;
- load balancers' names (`….elb.amazonaws.com`) resolve to the address of the region's application.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lab.cloud.view import CloudView, Record

log = logging.getLogger("lab.dns")

LOAD_BALANCER_TTL = 60
"""Seconds; Elastic Load Balancing user guide."""
_NEGATIVE_TTL = 60
_LONGEST_CHAIN = 8
_UDP_SIZE = 1232
_LARGEST_QUERY = 4096
_SAME_SECONDS = 0.1
_REMEMBERED = 1000
_WAITING = 300
_RECEIVE_BUFFER = 1 << 20
"""Bytes.  A full buffer makes the kernel drop the newest datagram, which is the one that somebody still waits for; the
kernel's default of 208 KiB holds fewer than 300 questions (each is charged with its bookkeeping)."""

SYNTHETIC = "elb.amazonaws.com."


class Zones:
    """Answers to questions, from the records as they are at this moment."""

    def __init__(self, view: CloudView, regions: Iterable[str], application: Callable[[str], str]) -> None:
        self._view = view
        self._regions = tuple(regions)
        self._application = application
        self._by_name: dict[str, tuple[tuple[Record, ...], dict[str, list[Record]]]] = {}
        """The records of each zone, and the same by name."""

    def reply(self, query: dns.message.Message) -> dns.message.Message:
        """The authoritative answer to a query."""
        response = dns.message.make_response(query)
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            response.set_rcode(dns.rcode.NOTIMP)
            return response
        question = query.question[0]
        name = question.name.to_text().lower()
        if not self._authoritative(name):
            response.set_rcode(dns.rcode.REFUSED)
            return response
        response.flags |= dns.flags.AA
        exists = self._answer(response, name, question.rdtype)
        if not response.answer:
            response.set_rcode(dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN)
            self._add_authority(response, name)
        return response

    def _answer(self, response: dns.message.Message, name: str, kind: dns.rdatatype.RdataType) -> bool:
        """Fill in the answer, following CNAMEs; whether the first name exists at all."""
        exists = False
        asked, wanted = name, dns.rdatatype.to_text(kind)
        for step in range(_LONGEST_CHAIN):
            addresses = self._load_balancer(name)
            if addresses is not None:
                if wanted in ("A", "ANY"):
                    _add(response, name, LOAD_BALANCER_TTL, "A", addresses)
                return exists or name == asked
            records = [record for zone in self._zones_of(name) for record in self._at(zone, name)]
            exists = exists or bool(records) or (step == 0 and self._has_children(name))
            fitting = self._choose(r for r in records if r.kind == wanted or (wanted == "ANY" and r.kind != "CNAME"))
            if fitting is not None and fitting.alias:
                values = self._alias(fitting.values[0], fitting.kind)
                if values:
                    _add(response, name, fitting.ttl, fitting.kind, values)
                return exists
            if fitting is not None:
                _add(response, name, fitting.ttl, fitting.kind, fitting.values)
                return exists
            pointer = self._choose(r for r in records if r.kind == "CNAME")
            if pointer is None:
                return exists
            _add(response, name, pointer.ttl, "CNAME", pointer.values)
            if wanted == "CNAME":
                return exists
            name = _dotted(pointer.values[0])
            if not self._authoritative(name):
                return exists
        return exists

    def _alias(self, target: str, kind: str) -> tuple[str, ...]:
        """Addresses behind an alias; Route 53 puts `dualstack.` before the names of load balancers."""
        name = _dotted(target).removeprefix("dualstack.")
        for _ in range(_LONGEST_CHAIN):
            addresses = self._load_balancer(name)
            if addresses is not None:
                return addresses if kind == "A" else ()
            records = [record for zone in self._zones_of(name) for record in self._at(zone, name)]
            chosen = self._choose(r for r in records if r.kind in (kind, "CNAME"))
            if chosen is None:
                return ()
            if not chosen.alias and chosen.kind == kind:
                return chosen.values
            name = _dotted(chosen.values[0]).removeprefix("dualstack.")
        return ()

    def _choose(self, candidates: Iterable[Record]) -> Record | None:
        """The record that answers, by the rules of failover routing (R16)."""
        records = list(candidates)
        primary = next((record for record in records if record.failover == "PRIMARY"), None)
        secondary = next((record for record in records if record.failover == "SECONDARY"), None)
        if primary is None or secondary is None:
            return records[0] if records else None
        if not self._healthy(primary) and self._healthy(secondary):
            return secondary
        return primary

    def _healthy(self, record: Record) -> bool:
        if record.health_check_id and not self._view.health(record.health_check_id):
            return False
        # An alias that evaluates its target is healthy only while the load balancer has a healthy target.
        if record.alias and record.evaluate_target_health:
            region = self._region_of(record.values[0].removeprefix("dualstack."))
            return region is None or self._view.in_service(region) > 0
        return True

    def _load_balancer(self, name: str) -> tuple[str, ...] | None:
        region = self._region_of(name)
        return None if region is None else (self._application(region),)

    def _region_of(self, name: str) -> str | None:
        if not name.endswith("." + SYNTHETIC):
            return None
        plain = name.rstrip(".")
        return next((region for region in self._regions if plain in self._view.alb_dns_names(region)), None)

    def _at(self, zone: str, name: str) -> list[Record]:
        records = self._view.records(zone)
        known, by_name = self._by_name.get(zone, ((), {}))
        if records is not known:
            by_name = {}
            for record in records:
                by_name.setdefault(record.name, []).append(record)
            self._by_name[zone] = (records, by_name)
        return by_name.get(name, [])

    def _has_children(self, name: str) -> bool:
        return any(
            record.name.endswith("." + name) for zone in self._zones_of(name) for record in self._view.records(zone)
        )

    def _zones_of(self, name: str) -> tuple[str, ...]:
        """The closest hosted zone that holds the name; nothing when none does."""
        holding = [zone for zone in self._view.zones() if name == zone or name.endswith("." + zone)]
        return (max(holding, key=len),) if holding else ()

    def _authoritative(self, name: str) -> bool:
        return name.endswith("." + SYNTHETIC) or bool(self._zones_of(name))

    def _add_authority(self, response: dns.message.Message, name: str) -> None:
        zone = next(iter(self._zones_of(name)), SYNTHETIC)
        serial = f"ns.lab. hostmaster.lab. 1 7200 900 1209600 {_NEGATIVE_TTL}"
        response.authority.append(dns.rrset.from_text(zone, _NEGATIVE_TTL, "IN", "SOA", serial))


class NameServer:
    """The server on UDP and TCP."""

    def __init__(self, address: str, port: int, zones: Zones) -> None:
        self._zones = zones
        self._address = (address, port)
        self._tcp: socketserver.BaseServer | None = None
        self._udp: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        self._end = threading.Event()
        self._said: dict[bytes, tuple[float, bytes | None]] = {}

    def start(self) -> None:
        """Begin to answer."""
        udp = self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            udp.bind(self._address)
            udp.setblocking(False)
            handler: type[socketserver.BaseRequestHandler] = type("Tcp", (_Tcp,), {"answer": staticmethod(self.answer)})
            tcp = self._tcp = _TcpServer(self._address, handler)
        except OSError:
            udp.close()
            raise
        self._threads = [
            threading.Thread(target=self._serve_udp, args=(udp,), name="dns udp", daemon=True),
            threading.Thread(target=tcp.serve_forever, args=(0.1,), name="dns tcp", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close the ports."""
        self._end.set()
        if self._tcp is not None:
            self._tcp.shutdown()
            self._tcp.server_close()
        for thread in self._threads:
            thread.join(5)
        if self._udp is not None:
            self._udp.close()

    def _serve_udp(self, udp: socket.socket) -> None:
        """Answer what waits, the newest first: on a busy machine the oldest questions have nobody left who listens.

        One thread does it all.  A thread for each question cost so much beside a busy emulator that, once behind, the
        server never caught up.
        """
        waiting: deque[tuple[bytes, tuple[str, int]]] = deque(maxlen=_WAITING)
        while not self._end.is_set():
            if not waiting:
                select.select([udp], [], [], 0.1)
            with contextlib.suppress(OSError):
                while True:
                    waiting.append(udp.recvfrom(_LARGEST_QUERY))
            if waiting:
                wire, client = waiting.pop()
                response = self._quick(wire)
                if response is not None:
                    with contextlib.suppress(OSError):
                        udp.sendto(response, client)

    def _quick(self, wire: bytes) -> bytes | None:
        """The answer over UDP; the same question within a tenth of a second has the same answer, but for its number."""
        now = time.monotonic()
        number, question = wire[:2], wire[2:]
        at, said = self._said.get(question, (0.0, None))
        if now - at > _SAME_SECONDS:
            if len(self._said) > _REMEMBERED:
                self._said.clear()
            said = self.answer(wire, _UDP_SIZE)
            self._said[question] = (now, said)
        return None if said is None else number + said[2:]

    def answer(self, wire: bytes, limit: int | None) -> bytes | None:
        """The bytes of the answer; nothing to what is no DNS message.  `limit` in bytes, for UDP."""
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, struct.error):
            return None
        try:
            return self._wire(query, self._zones.reply(query), limit)
        except Exception:
            log.exception("a question failed: %s", query.question)
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()

    @staticmethod
    def _wire(query: dns.message.Message, response: dns.message.Message, limit: int | None) -> bytes:
        if limit is None:
            return response.to_wire()
        try:
            # a client that says nothing of its buffer has 512 bytes (RFC 1035)
            return response.to_wire(max_size=min(limit, max(512, query.payload or 512)))
        except dns.exception.TooBig:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.AA | dns.flags.TC
            return short.to_wire()


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


class _Tcp(socketserver.BaseRequestHandler):
    answer: Callable[[bytes, int | None], bytes | None]

    def handle(self) -> None:
        sock: socket.socket = self.request
        sock.settimeout(5)
        with contextlib.suppress(OSError, struct.error):
            while (wire := _message(sock)) is not None:
                response = type(self).answer(wire, None)
                if response is None:
                    return
                sock.sendall(struct.pack("!H", len(response)) + response)


def _message(sock: socket.socket) -> bytes | None:
    """One message of DNS over TCP: two bytes of length, then the message."""
    head = _exactly(sock, 2)
    return None if head is None else _exactly(sock, struct.unpack("!H", head)[0])


def _exactly(sock: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return data


def _dotted(name: str) -> str:
    return name.lower().rstrip(".") + "."


def _add(response: dns.message.Message, name: str, ttl: int, kind: str, values: Iterable[Any]) -> None:
    """Names within the data may lack their final dot, as Route 53 allows: they are absolute all the same."""
    data = [dns.rdata.from_text("IN", kind, str(value), origin=dns.name.root, relativize=False) for value in values]
    response.answer.append(dns.rrset.from_rdata_list(name, ttl, data))
