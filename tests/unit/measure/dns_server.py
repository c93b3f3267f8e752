# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
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
    """name -> list of (type, ttl, value); `cut` truncates over UDP, `silent` never answers, `deaf_to` not for these."""

    def __init__(self) -> None:
        self.records: dict[str, list[tuple[str, int, str]]] = {}
        self.refused: set[str] = set()
        self.cut = False
        self.silent = False
        self.deaf_to: set[str] = set()
        self.asked: list[str] = []

    def answer(self, wire: bytes, udp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        reply = dns.message.make_response(query)
        name = query.question[0].name.to_text().rstrip(".").lower()
        self.asked.append(name)
        if self.silent or name in self.deaf_to:
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


def _on_one_port(
    stream: type[socketserver.BaseRequestHandler], datagram: type[socketserver.BaseRequestHandler]
) -> tuple[socketserver.ThreadingTCPServer, socketserver.ThreadingUDPServer]:
    """A free port of TCP may be taken for UDP: another one is tried then."""
    while True:
        tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), stream)
        try:
            return tcp, socketserver.ThreadingUDPServer(tcp.server_address[:2], datagram)
        except OSError:
            tcp.server_close()


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

    tcp, udp = _on_one_port(Stream, Datagram)
    for server in (udp, tcp):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"127.0.0.1:{udp.server_address[1]}"
    finally:
        for server in (udp, tcp):
            server.shutdown()
            server.server_close()
