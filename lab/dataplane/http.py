"""As much HTTP/1.1 as the lab's application speaks: a request in, a JSON answer out, connections kept when asked."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

MAX_HEADER = 16 * 1024
MAX_BODY = 64 * 1024
_REASONS = {
    200: "OK",
    201: "Created",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}


class BadRequest(ValueError):
    """What came is not a request that is understood here."""


@dataclass(frozen=True)
class Request:
    """One request."""

    method: str
    path: str
    body: bytes
    keep: bool
    """Whether the client wants to go on with the connection."""

    def json(self) -> dict[str, Any]:
        """The body as an object."""
        try:
            value = json.loads(self.body or b"null")
        except ValueError as error:
            raise BadRequest("the body is not JSON") from error
        if not isinstance(value, dict):
            raise BadRequest("the body is not an object")
        return value


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    value: dict[str, Any]

    def encode(self, *, keep: bool) -> bytes:
        """The bytes that go out."""
        body = json.dumps(self.value, separators=(",", ":")).encode()
        head = (
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Status')}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nCache-Control: no-store\r\n"
            f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        )
        return head.encode() + body


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read the next request; nothing when the client is gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest("the header is too long") from error
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, path, version = first.split(" ")
    except ValueError as error:
        raise BadRequest("no request line") from error
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    try:
        length = int(headers.get("content-length", "0"))
    except ValueError as error:
        raise BadRequest("Content-Length is no number") from error
    if not 0 <= length <= MAX_BODY:
        raise BadRequest("the body is too long")
    try:
        body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    keep = headers.get("connection", "").lower() != "close" and version == "HTTP/1.1"
    return Request(method, path.partition("?")[0], body, keep)
