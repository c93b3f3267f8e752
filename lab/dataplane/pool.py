"""Connections from the application to its region's PostgreSQL, each used by one request at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import psycopg

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class Pool:
    """At most `size` connections; one that met an error is thrown away."""

    def __init__(self, conninfo: str, size: int = 16) -> None:
        self._conninfo = conninfo
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(size)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection that commits each statement."""
        async with self._free:
            connection = await self._take()
            try:
                yield connection
            except BaseException:
                # Also on cancellation: the statement may still be under way, so the connection cannot be used again.
                await self._drop(connection)
                raise
            self._idle.append(connection)

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not connection.broken:
                return connection
        return await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)

    async def _drop(self, connection: Connection) -> None:
        with contextlib.suppress(Exception):
            await connection.close()
        if connection.broken:
            # The server went away, so the others are dead too.
            idle, self._idle = self._idle, []
            for one in idle:
                with contextlib.suppress(Exception):
                    await one.close()
