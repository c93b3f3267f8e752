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
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg

from lab.dataplane.front import Front
from lab.dataplane.http import Answer, BadRequest, Request
from lab.dataplane.pool import Pool
from lab.settings import APP_HTTP_PORT, APP_HTTPS_PORT
from lab.truth.notebook import Notebook

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


class Witness:
    """Notes for the record of the truth what the application has promised, and when it could be met."""

    def __init__(self, region: str, notebook: Notebook | None) -> None:
        self._region = region
        self._notebook = notebook

    def front(self, state: str) -> None:
        """How clients are met from now on: `none` or a kind of outage."""
        self._note("front", state=state)

    def in_service(self, instances: int) -> None:
        """How many instances serve from now on."""
        self._note("in-service", instances=instances)

    def request(self, request: Request, answer: Answer, came: float, told: float | None) -> None:
        """A numbered write or a read of one; others are of no client that has a name."""
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        verb = "read"
        client: object = ""
        number: object = None
        if request.method == "POST" and parts == ["writes"]:
            with contextlib.suppress(BadRequest):
                value = request.json()
                verb, client, number = "write", value.get("client"), value.get("number")
        elif parts[0] == "writes" and len(parts) > 1:
            client = parts[1]
        if isinstance(client, str) and 0 < len(client) <= 200:
            self._note("request", came, verb=verb, client=client, number=number, status=answer.status, told_at=told)

    def _note(self, kind: str, at: float | None = None, **facts: object) -> None:
        if self._notebook is not None:
            self._notebook.write(kind, at, region=self._region, **facts)


async def _commands(application: Application, front: Front, witness: Witness) -> None:
    """Obey the parent until its end of the pipe closes."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        if "in_service" in command:
            application.in_service = int(command["in_service"])
            witness.in_service(application.in_service)
        if "outage" in command:
            await front.fail(str(command["outage"]))
            witness.front(str(command["outage"]))
        print(json.dumps({"done": command.get("id")}), flush=True)


async def serve(options: argparse.Namespace) -> None:
    """Serve until the parent is gone or asks for the end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate)
    application = Application(options.region, f"{options.database} options='{_OPTIONS}' application_name=application")
    witness = Witness(options.region, None if options.truth is None else Notebook(options.truth))
    ports = {APP_HTTPS_PORT: context, APP_HTTP_PORT: None}
    front = Front(options.address, ports, application.handle, witness.request)
    await front.start()
    witness.in_service(0)
    witness.front("none")
    print(json.dumps({"ready": True}), flush=True)
    commands = asyncio.ensure_future(_commands(application, front, witness))
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
    parser.add_argument("--truth", type=Path, default=None, help="file for what really happened; none by default")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
