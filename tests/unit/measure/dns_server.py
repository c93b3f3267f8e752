"""A nameserver of a few lines for the tests: answers from a table that a test changes while it runs."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class Zone:
    """name -> list of (type, ttl, value); `cut` truncates over UDP, `silent` never answers."""

    def __init__(self) -> None:
        self.records: dict[str, list[tuple[str, int, str]]] = {}
        self.refused: set[str] = set()
        self.cut = False
        self.silent = False
        self.asked: list[str] = []

    def answer(self, wire: bytes, udp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        reply = dns.message.make_response(query)
        name = query.question[0].name.to_text().rstrip(".").lower()
        self.asked.append(name)
        if self.silent:
            return None
        if udp and self.cut:
            reply.flags |= dns.flags.TC
            return reply.to_wire()
        if name in self.refused:
            reply.set_rcode(dns.rcode.REFUSED)
        elif name not in self.records:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        while name in self.records:
            owner, name = name, ""
            for kind, ttl, value in self.records[owner]:
                reply.answer.append(dns.rrset.from_text(owner + ".", ttl, "IN", kind, value))
                name = value.rstrip(".").lower() if kind == "CNAME" else name
        return reply.to_wire()


@contextmanager
def nameserver(zone: Zone) -> Iterator[str]:
    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, connection = self.request
            reply = zone.answer(wire, True)
            if reply:
                connection.sendto(reply, self.client_address)

    class Stream(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            length = int.from_bytes(self.request.recv(2, socket.MSG_WAITALL), "big")
            reply = zone.answer(self.request.recv(length, socket.MSG_WAITALL), False) or b""
            self.request.sendall(len(reply).to_bytes(2, "big") + reply)

    udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Datagram)
    tcp = socketserver.ThreadingTCPServer(("127.0.0.1", udp.server_address[1]), Stream)
    for server in (udp, tcp):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"127.0.0.1:{udp.server_address[1]}"
    finally:
        for server in (udp, tcp):
            server.shutdown()
            server.server_close()
