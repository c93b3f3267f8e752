"""The address of a region's application as its clients see it, through every kind of outage."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable

from lab.dataplane.http import MAX_HEADER, Answer, BadRequest, Request, read_request

Handler = Callable[[Request], Awaitable[Answer]]
Witness = Callable[[Request, Answer, float, float | None], None]
"""Told of each request: when it had come, and when its answer went out (nothing if it never did), since the epoch."""

HEALTHY = "none"
KINDS = ("hang", "swallow", "refuse", "errors")
"""What an outage can look like: connections that are accepted and never served; packets that vanish; connections
that are refused; answers that are errors."""

_IDLE_SECONDS = 30.0


class Front:
    """Serves `handler` on an address: TLS on one port, plain HTTP on another."""

    def __init__(
        self,
        address: str,
        ports: dict[int, ssl.SSLContext | None],
        handler: Handler,
        witness: Witness = lambda _request, _answer, _came, _told: None,
    ) -> None:
        self._address = address
        self._ports = ports
        self._handler = handler
        self._witness = witness
        self._kind = HEALTHY
        self._servers: list[asyncio.Server] = []
        self._stuffing: list[socket.socket] = []
        self._open: set[asyncio.StreamWriter] = set()
        self._change = asyncio.Lock()

    async def start(self) -> None:
        """Begin to serve."""
        await self._serve()

    async def stop(self) -> None:
        """Close every socket."""
        await self._close()
        self._abort()

    async def fail(self, kind: str) -> None:
        """Begin an outage of that kind, or end it (`none`)."""
        async with self._change:
            if kind == self._kind:
                return
            await self._close()
            self._kind = kind
            if kind in (HEALTHY, "errors"):
                self._abort()
                await self._serve()
            elif kind == "refuse":
                self._abort()
            elif kind == "hang":
                for port in self._ports:
                    self._servers.append(await asyncio.start_server(self._hold, self._address, port))
            elif kind == "swallow":
                for port in self._ports:
                    self._stuff(port)
            else:
                raise ValueError(f"an outage is one of {', '.join(KINDS)}, not {kind!r}")

    async def _serve(self) -> None:
        for port, context in self._ports.items():
            self._servers.append(
                await asyncio.start_server(
                    self._client,
                    self._address,
                    port,
                    ssl=context,
                    backlog=512,
                    limit=MAX_HEADER,
                    ssl_handshake_timeout=5.0 if context else None,
                )
            )

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        self._servers = []
        for one in self._stuffing:
            one.close()
        self._stuffing = []
        await asyncio.sleep(0)

    def _abort(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()
        self._open.clear()

    async def _hold(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Accept a connection and do nothing with it."""
        self._open.add(writer)

    def _stuff(self, port: int) -> None:
        """Fill the queue of a listening socket: Linux then drops every further SYN, as a dead route would."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self._address, port))
        listener.listen(0)
        self._stuffing.append(listener)
        for _ in range(4):
            one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect((self._address, port))
            self._stuffing.append(one)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, TimeoutError, ssl.SSLError, OSError):
            pass
        finally:
            if self._kind in ("hang", "swallow"):
                # Whoever waits for this answer goes on waiting: the connection ends with the outage.
                self._open.add(writer)
            else:
                self._open.discard(writer)
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; whether the connection goes on."""
        try:
            request = await asyncio.wait_for(read_request(reader), _IDLE_SECONDS)
            if request is None:
                return False
            came = time.time()
            answer, keep = await self._answer(request), request.keep
        except BadRequest as error:
            request, answer, keep = None, Answer(400, {"error": str(error)}), False
        told = None
        try:
            if self._kind not in (HEALTHY, "errors"):
                return False
            writer.write(answer.encode(keep=keep))
            # A client that has gone away meanwhile is told nothing.
            told = None if writer.transport.is_closing() else time.time()
            await writer.drain()
            return keep
        finally:
            if request is not None:
                self._witness(request, answer, came, told)

    async def _answer(self, request: Request) -> Answer:
        if self._kind == HEALTHY:
            return await self._handler(request)
        if self._kind == "errors":
            return Answer(503, {"error": "the region is failing"})
        return Answer(503, {"error": "never sent"})
