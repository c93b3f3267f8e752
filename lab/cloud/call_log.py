"""One JSON line per request: tests and benchmarks read the calls of a recovery, its privileges and its polling cost."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import IO, Any

from lab.cloud.wire import Call

_XML_CODE = re.compile(rb"<Code>([^<]+)</Code>")


class CallLog:
    """Append-only, flushed line by line."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, call: Call, at: float, region: str, status: int, error: str | None, duration_ms: float) -> None:
        """Note one answered (or never answered: status 0) request; `at` in seconds since the epoch."""
        line: dict[str, Any] = {
            "at": round(at, 6),
            "region": region,
            "service": call.service,
            "operation": call.operation,
            "mutates": call.mutates,
            "caller": call.caller,
            "status": status,
            "error": error,
            "target": call.target,
            "duration_ms": round(duration_ms, 2),
            "request": call.request,
        }
        text = json.dumps(line, default=str) + "\n"
        with self._lock:
            self._file.write(text)
            self._file.flush()

    def close(self) -> None:
        """No more lines."""
        with self._lock:
            self._file.close()


def error_code(status: int, headers: dict[str, str], body: bytes) -> str | None:
    """AWS's error code of an answer, in whatever protocol."""
    if status < 300:
        return None
    if header := headers.get("x-amzn-errortype"):
        return header.split(":")[0].split("#")[-1]
    if match := _XML_CODE.search(body):
        return match.group(1).decode()
    try:
        content = json.loads(body)
    except ValueError:
        return str(status)
    if isinstance(content, dict):
        return str(content.get("__type", status)).split("#")[-1]
    return str(status)
