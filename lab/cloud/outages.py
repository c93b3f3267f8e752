"""How a region goes away: the socket that hangs, swallows packets, refuses, or answers 503."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any, Literal

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

OutageKind = Literal["hang", "swallow", "refuse", "errors"]
KINDS: tuple[OutageKind, ...] = ("hang", "swallow", "refuse", "errors")

_BACKLOG = 128


class _QuietHandler(MotoRequestHandler):
    """No line on stderr per request: the call log has them."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""

    def handle(self) -> None:
        """A client that goes away is no news."""
        with contextlib.suppress(OSError):
            super().handle()


class _Server(ThreadedWSGIServer):
    """werkzeug's threaded server, whose accepting can be paused."""

    daemon_threads = True
    request_queue_size = _BACKLOG

    def __init__(self, address: str, port: int, application: Callable[..., Any]) -> None:
        self.accepting = threading.Event()
        self.accepting.set()
        super().__init__(address, port, application, handler=_QuietHandler)

    def get_request(self) -> Any:
        """Leave the connection in the kernel's queue while paused."""
        self.accepting.wait()
        connection, address = super().get_request()
        # an answer in two segments would wait for the client's delayed acknowledgement
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address


class RegionPort:
    """One region's API on one address; serves the WSGI application unless there is an outage."""

    def __init__(
        self, address: str, port: int, application: Callable[..., Any], lost: Callable[[dict[str, Any]], None]
    ) -> None:
        self.address = address
        self.port = port
        self._application = application
        self._lost = lost
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._fillers: list[socket.socket] = []
        self._healed = threading.Event()
        self._healed.set()
        self.kind: OutageKind | None = None

    def start(self) -> None:
        """Listen and serve in a thread."""
        self._server = _Server(self.address, self.port, self._serve)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name=f"api-{self.address}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and everything that hangs on it."""
        self._healed.set()
        self._close_fillers()
        if self._server is not None:
            self._server.accepting.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._thread is not None:
            self._thread.join(timeout=5)

    def outage(self, kind: OutageKind) -> None:
        """Begin an outage of that kind; an earlier one ends first."""
        if self.kind is not None:
            self.heal()
        self.kind = kind
        self._healed.clear()
        if kind == "refuse":
            server, self._server = self._server, None
            if server is not None:
                server.shutdown()
                server.server_close()
        elif kind == "swallow":
            self._swallow()

    def heal(self) -> None:
        """End the outage: hanging clients are cut off, new ones are served."""
        kind, self.kind = self.kind, None
        self._close_fillers()
        self._healed.set()
        if kind == "refuse":
            self.start()
        elif kind == "swallow" and self._server is not None:
            self._server.socket.listen(_BACKLOG)
            self._server.accepting.set()

    def _swallow(self) -> None:
        """Shrink the queue of connections to nothing and fill it: Linux then drops every SYN, as a dead host would."""
        assert self._server is not None
        self._server.accepting.clear()
        self._server.socket.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect((self.address, self.port))
            self._fillers.append(filler)
        with selectors.DefaultSelector() as selector:  # until the queue is full
            for filler in self._fillers:
                selector.register(filler, selectors.EVENT_WRITE)
            selector.select(timeout=0.2)

    def _close_fillers(self) -> None:
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        kind = self.kind
        if kind in ("hang", "swallow"):
            self._lost(environ)
            self._healed.wait()
        if kind is not None and kind != "errors":
            _cut(environ)
            return []
        return self._application(environ, start_response)


def _cut(environ: dict[str, Any]) -> None:
    connection = environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("outage")
