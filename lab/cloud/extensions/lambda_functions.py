"""Lambda without Docker: the function's real zip in a process of its own.

Lambda developer guide: FunctionError is `Unhandled`; an `Event` invocation answers 202 at once and is tried twice again
when it fails.  In moto it needs Docker, waits for asynchronous invocations and says `Handled`.
"""

from __future__ import annotations

import base64
import logging
import threading
from typing import Any

from moto.awslambda.models import LambdaFunction

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap
from lab.cloud.functions import process

log = logging.getLogger("lab.cloud")

_RETRIES = 2


def install(world: worlds.World) -> None:
    """Replace the invocation."""

    @wrap(LambdaFunction, "invoke")
    def invoke(original: Any, self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        kind = request_headers.get("x-amz-invocation-type") or "RequestResponse"
        event = body.encode() if isinstance(body, str) else bytes(body or b"")
        if kind == "DryRun":
            return b""
        response_headers["x-amz-executed-version"] = "$LATEST"
        if kind == "Event":
            start(self, event)
            return b""
        outcome = _run(self, event)
        if outcome.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers["x-amz-log-result"] = base64.b64encode(outcome.log.encode()[-4096:]).decode()
        return outcome.payload


def start(function: Any, event: bytes, attempt: int = 0) -> None:
    """Invoke asynchronously: in a thread of the server, at the next tick of a unit test."""
    world = worlds.current()

    def run() -> None:
        try:
            outcome = _run(function, event)
        except Exception:
            log.exception("function %s could not be run", function.function_name)
            return
        if outcome.failed:
            log.warning("function %s failed: %s", function.function_name, outcome.payload.decode("utf-8", "replace"))
        if outcome.failed and attempt < _retries(function):
            again = world.delay("lambda.retry") * (attempt + 1)
            world.after(again, lambda: start(function, event, attempt + 1), f"retry {function.function_name}")

    if world.settings is None:
        world.after(0.0, run, f"function {function.function_name}")
    else:
        threading.Thread(target=run, name=f"function-{function.function_name}", daemon=True).start()


def _retries(function: Any) -> int:
    for config in function.event_invoke_config:
        given = config.config.get("MaximumRetryAttempts")
        if given is not None:
            return int(given)
    return _RETRIES


def _run(function: Any, event: bytes) -> process.Outcome:
    outcome = process.run(process.describe(function), event, worlds.current().settings)
    function.logs_backend.ensure_log_group(function.logs_group_name)
    function.save_logs(outcome.log)
    return outcome
