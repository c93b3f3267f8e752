# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Makes planned calls: to AWS, or to the application itself. Nothing else in the core changes anything out there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .calls import APPLICATION, CallOutcome, PlannedCall
from .clients import Caller
from .errors import CallFailed, RegionUnreachable
from .model import Application
from .ports import ApplicationClient, Clock, HttpAnswer


@dataclass(frozen=True)
class Performer:
    """One attempt at a call; what comes of it is a value, never an exception."""

    caller: Caller
    client: ApplicationClient
    clock: Clock

    def perform(self, application: Application, call: PlannedCall) -> CallOutcome:
        """Make the call."""
        at = self.clock.now()
        if call.service == APPLICATION:
            return self._write_and_read_back(application, call, at)
        try:
            answer = self.caller.call(
                call.access,
                call.service,
                call.operation,
                call.params,
                mutates=call.mutates,
                deadline_seconds=call.deadline_seconds,
            )
        except CallFailed as error:
            return CallOutcome(call, at, str(error), error.code)
        except RegionUnreachable as error:
            return CallOutcome(call, at, str(error), error.code, reached=False)
        return CallOutcome(call, at, answer=answer)

    def _write_and_read_back(self, application: Application, call: PlannedCall, at: float) -> CallOutcome:
        """POST a number, and only when it was stored, GET it again: both must agree (R14)."""
        client, number = call.params["client"], call.params["number"]
        path = application.probe.write_path
        written = self._request(application, call, "POST", path, {"client": client, "number": number})
        document = dict(written.document or {})
        if written.status is None or not 200 <= written.status < 300:
            return CallOutcome(call, at, f"write: {_said(written)}", reached=written.status is not None)
        read = self._request(application, call, "GET", f"{path}/{client}/{number}", None)
        if read.status != 200:
            return CallOutcome(call, at, f"read back: {_said(read)}", reached=read.status is not None)
        return CallOutcome(call, at, answer={"number": number, "region": document.get("region")})

    def _request(
        self, application: Application, call: PlannedCall, method: str, path: str, body: Mapping[str, Any] | None
    ) -> HttpAnswer:
        probe = application.probe
        return self.client(
            method,
            scheme=probe.scheme,
            host=probe.host,
            port=call.params["port"],
            path=path,
            connect=call.params["connect"],
            body=body,
            timeout_seconds=probe.timeout_seconds,
            ca_file=probe.ca_file,
        )


def _said(answer: HttpAnswer) -> str:
    return answer.error or f"status {answer.status}"
