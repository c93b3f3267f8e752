"""The lab's control API: HTTP and JSON on the lab's first address, for `python -m lab` and for tests."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lab.settings import CONTROL_PORT, LabSettings

Command = Callable[[dict[str, Any]], dict[str, Any]]


class LabError(RuntimeError):
    """Something that the operator of the lab can mend; the message says how."""


class ControlServer:
    """Serves commands by their path: a GET has no argument, a POST one object."""

    def __init__(self, settings: LabSettings, commands: dict[tuple[str, str], Command]) -> None:
        handler: type[BaseHTTPRequestHandler] = type("Control", (_Handler,), {"commands": commands})
        self._server = ThreadingHTTPServer((settings.control_address, CONTROL_PORT), handler)
        self._server.daemon_threads = True

    def start(self) -> None:
        """Begin to serve."""
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="control", daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    commands: dict[tuple[str, str], Command]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """The call log is of AWS; this one needs none."""

    def _serve(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
            value = json.loads(self.rfile.read(length) or b"{}")
            command = self.commands.get((self.command, self.path))
            if command is None:
                self._answer(404, {"error": f"no such command: {self.command} {self.path}"})
            else:
                self._answer(200, command(value))
        except (LabError, ValueError) as error:
            self._answer(400, {"error": str(error)})
        except Exception as error:
            self._answer(500, {"error": f"{type(error).__name__}: {error}"})

    def _answer(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True


def ask(
    settings: LabSettings, method: str, path: str, value: dict[str, Any] | None = None, timeout: float = 30.0
) -> dict[str, Any]:
    """Send a command to a running lab.  Raises `ConnectionError` where none answers, `LabError` where it refuses."""
    connection = http.client.HTTPConnection(settings.control_address, CONTROL_PORT, timeout=timeout)
    try:
        connection.request(method, path, json.dumps(value or {}))
        answer = connection.getresponse()
        body = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ConnectionError(f"no lab answers at {settings.control_address}:{CONTROL_PORT}: {error}") from error
    finally:
        connection.close()
    if answer.status != 200 or not isinstance(body, dict):
        raise LabError(str(body.get("error", body)) if isinstance(body, dict) else str(body))
    return body
