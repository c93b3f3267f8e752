"""The line between two regions: a small TCP proxy that can be cut, healed and slowed.

A standby reaches its primary through the link of the primary's region, so an outage, or a hand on
`lab replication cut`, separates the two servers while both go on running.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine
from typing import Any

_CHUNK = 65536
_PIECE_SECONDS = 0.05
_AT_ONCE = 1.0
_GROWTH = 4.0
"""Seconds of delay that come to it each second."""


def grown(delay: float, after: float) -> float:
    """The delay (seconds) so long after it was asked for: at once up to a second, then it grows as a lag does.

    A standby that hears nothing for `wal_receiver_timeout` gives the connection up, and a line that fell silent for so
    long at once would be cut rather than slow.
    """
    return min(delay, max(0.0, _AT_ONCE + _GROWTH * after))


class Link:
    """Forwards TCP connections from `address:port` to `target` while nothing cuts it."""

    def __init__(self, address: str, port: int, target: tuple[str, int]) -> None:
        self.address = address
        self.port = port
        self.target = target
        self._delay = 0.0
        self._delay_since = 0.0
        self.bytes_per_second = 0.0
        """How much is let through on its way to the standby; 0: everything.  A lag then grows with what is written."""
        self._cuts: set[str] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"link {address}", daemon=True)
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self._run(self._listen())

    def stop(self) -> None:
        """Close everything."""
        if not self._thread.is_alive():
            return
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut(self, reason: str) -> None:
        """Break the line: connections are reset, new ones refused at once.  It stays cut while any reason stands."""
        self._cuts.add(reason)
        self._run(self._reset())

    def heal(self, reason: str) -> None:
        """Take one reason away."""
        self._cuts.discard(reason)

    @property
    def cuts(self) -> tuple[str, ...]:
        """Why the line is cut; nothing when it is whole."""
        return tuple(sorted(self._cuts))

    @property
    def delay_seconds(self) -> float:
        """How long each piece of data is held back on its way to the standby, once the delay has grown to that."""
        return self._delay

    @delay_seconds.setter
    def delay_seconds(self, seconds: float) -> None:
        self._delay, self._delay_since = seconds, time.monotonic()

    def _held_back(self, arrived: float) -> float:
        """The delay of a piece that arrived then (`time.monotonic`)."""
        return grown(self._delay, arrived - self._delay_since)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, self.address, self.port)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _reset(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cuts:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        pumps = [
            asyncio.ensure_future(self._pump(reader, far_writer, slowed=False)),
            asyncio.ensure_future(self._pump(far_reader, writer, slowed=True)),
        ]
        self._tasks.update(pumps)
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            self._tasks.difference_update(pumps)
            for one in (writer, far_writer):
                self._open.discard(one)
                one.transport.abort()

    async def _trickle(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Write in small pieces at the present rate, which may change; so the far side always hears something."""
        while data:
            rate = self.bytes_per_second
            size = len(data) if rate <= 0 else max(1, int(rate * _PIECE_SECONDS))
            writer.write(data[:size])
            await writer.drain()
            data = data[size:]
            if rate > 0:
                await asyncio.sleep(size / rate)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slowed: bool) -> None:
        """Carry bytes one way; what is slowed waits in a queue, so that a delay costs no throughput."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=4096)

        async def read() -> None:
            while True:
                data = await reader.read(_CHUNK)
                await queue.put((time.monotonic(), data))
                if not data:
                    return

        async def write() -> None:
            while True:
                at, data = await queue.get()
                while slowed and (left := at + self._held_back(at) - time.monotonic()) > 0:
                    await asyncio.sleep(min(left, 0.1))
                if not data:
                    # An orderly end travels on as one: PostgreSQL's last words to its standby lie before it.
                    with contextlib.suppress(OSError, RuntimeError):
                        await writer.drain()
                        writer.write_eof()
                    await asyncio.sleep(1.0)
                    return
                if slowed and self.bytes_per_second > 0:
                    await self._trickle(writer, data)
                else:
                    writer.write(data)
                await writer.drain()

        reading = asyncio.ensure_future(read())
        try:
            await write()
        except (ConnectionError, OSError):
            return
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError, OSError):
                await reading
