"""The application that the lab protects: one process per region, on the region's own address.

It stores numbered writes for its clients and gives them back.  `201` is a promise: the write is committed on the
region's PostgreSQL.  Its parent tells it how many instances are in service and whether the region has an outage, as
lines of JSON on standard input; when that input ends, so does the process, so it never outlives the lab.

    GET  /health                     200 {"status", "region"}; 503 with no instance in service
    POST /writes {"client", "number"}  201 {"stored", "region"}; 503 when it cannot be committed
    GET  /writes/<client>            200 {"client", "numbers", "region"}
    GET  /writes/<client>/<number>   200 or 404
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import psycopg

from lab.dataplane.front import Front
from lab.dataplane.http import Answer, BadRequest, Request
from lab.dataplane.pool import Pool
from lab.settings import APP_HTTP_PORT, APP_HTTPS_PORT

DATABASE_SECONDS = 1.5
"""How long a request may wait for the database: below the two seconds of a usual client."""
REQUESTS_PER_INSTANCE = 64
"""Requests that one instance serves at a time; more are refused, as a load balancer with full targets does."""

_OPTIONS = "-c statement_timeout=1000 -c synchronous_commit=on"


class Application:
    """The requests and what they do."""

    def __init__(self, region: str, conninfo: str) -> None:
        self.region = region
        self.in_service = 0
        self._busy = 0
        self._pool = Pool(conninfo)

    async def handle(self, request: Request) -> Answer:
        """Answer one request as a load balancer with these targets would."""
        if self.in_service < 1:
            return self._unavailable("no instance is in service")
        if self._busy >= REQUESTS_PER_INSTANCE * self.in_service:
            return self._unavailable("every instance is busy")
        self._busy += 1
        try:
            return await self._route(request)
        finally:
            self._busy -= 1

    async def _route(self, request: Request) -> Answer:
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        match (request.method, parts):
            case ("GET", ["health"]):
                return Answer(200, {"status": "ok", "region": self.region})
            case ("POST", ["writes"]):
                return await self._database(self._store, *self._write_of(request))
            case ("GET", ["writes", client]):
                return await self._database(self._all, client)
            case ("GET", ["writes", client, number]) if number.isdecimal():
                return await self._database(self._one, client, int(number))
            case (_, ["health"] | ["writes", *_]):
                return Answer(405, {"error": f"{request.method} is not done here"})
        return Answer(404, {"error": "no such thing", "region": self.region})

    @staticmethod
    def _write_of(request: Request) -> tuple[str, int]:
        value = request.json()
        client, number = value.get("client"), value.get("number")
        if not isinstance(client, str) or not 0 < len(client) <= 200 or "\x00" in client:
            raise BadRequest("client must be a string of 1 to 200 characters")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**63:
            raise BadRequest("number must be a whole number, 0 or more")
        return client, number

    async def _database(self, work: Callable[..., Awaitable[Answer]], *values: object) -> Answer:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await work(*values)
        except psycopg.errors.ReadOnlySqlTransaction:
            return self._unavailable("the database is read-only here")
        except (psycopg.Error, OSError):
            return self._unavailable("the database does not answer")
        except TimeoutError:
            return self._unavailable("the database is too slow")

    async def _store(self, client: str, number: int) -> Answer:
        async with self._pool.connection() as connection:
            # The connection commits each statement: when this returns, the write is on the disk of the writer.
            await connection.execute(
                "INSERT INTO writes (client, number) VALUES (%s, %s) ON CONFLICT DO NOTHING", (client, number)
            )
        return Answer(201, {"stored": number, "region": self.region})

    async def _all(self, client: str) -> Answer:
        rows = await self._rows("SELECT number FROM writes WHERE client = %s ORDER BY number", client)
        return Answer(200, {"client": client, "numbers": [row[0] for row in rows], "region": self.region})

    async def _one(self, client: str, number: int) -> Answer:
        rows = await self._rows("SELECT number FROM writes WHERE client = %s AND number = %s", client, number)
        status = 200 if rows else 404
        return Answer(status, {"client": client, "number": number, "stored": bool(rows), "region": self.region})

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchall()

    def _unavailable(self, reason: str) -> Answer:
        return Answer(503, {"error": reason, "region": self.region})


async def _commands(application: Application, front: Front) -> None:
    """Obey the parent until its end of the pipe closes."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        if "in_service" in command:
            application.in_service = int(command["in_service"])
        if "outage" in command:
            await front.fail(str(command["outage"]))
        print(json.dumps({"done": command.get("id")}), flush=True)


async def serve(options: argparse.Namespace) -> None:
    """Serve until the parent is gone or asks for the end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate)
    application = Application(options.region, f"{options.database} options='{_OPTIONS}' application_name=application")
    front = Front(options.address, {APP_HTTPS_PORT: context, APP_HTTP_PORT: None}, application.handle)
    await front.start()
    print(json.dumps({"ready": True}), flush=True)
    commands = asyncio.ensure_future(_commands(application, front))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, commands.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await commands
    await front.stop()


def main() -> None:
    """Read the arguments, which only the lab gives, and serve."""
    parser = argparse.ArgumentParser(description="The lab's application in one region.")
    parser.add_argument("--region", required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--database", required=True, help="connection string of the region's PostgreSQL")
    parser.add_argument("--certificate", required=True, help="PEM file with the key and the chain")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
