# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The simulated AWS put together, and a bench with everything that a scenario needs."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from plugins.module_utils._recovery.clients import Clients
from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable
from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.runner import Line, Tools
from plugins.module_utils._recovery.workers import InlineWorkers

from .base import VirtualClock
from .compute import Compute
from .dataplane import DataPlane
from .dynamodb import DynamoDb
from .fences import Fences
from .inventory import document
from .requests import Call, check_request, snake


class Killed(BaseException):
    """The process is gone."""


class SimulatedAws(DataPlane, Compute, Fences, DynamoDb):
    """A ``Transport``: a service has its handlers in a class of its own, one method per operation."""

    checks_requests = True
    """Off where the same requests are made ten thousand times."""

    def mutations(self, *without: str) -> list[Call]:
        """Calls that change something, except those of services named."""
        return [call for call in self.calls if call.mutates and call.service not in without]

    def made(self, service: str, operation: str | None = None) -> list[Call]:
        """Calls of one service or operation."""
        return [c for c in self.calls if c.service == service and operation in (None, c.operation)]

    def outage(self, region: str, kind: str = "hang", clients_too: bool = True) -> None:
        """AWS's endpoints of a region hang, refuse or answer 5xx; where clients can still get there, it is cut off."""
        self.outages[region] = kind
        if clients_too:
            self.dark.add(region)

    def heal(self, region: str) -> None:
        self.outages.pop(region, None)
        self.dark.discard(region)

    def send(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        if self.checks_requests:
            check_request(service, operation, params)
        call = Call(self.clock.now(), access.region, service, operation, params)
        self.calls.append(call)
        kind = self.outages.get(access.region)
        if kind == "hang":
            call.outcome = "hang"
            self.clock.wait(deadline_seconds)
            raise RegionUnreachable(access.region, f"{service} {operation} brought no answer")
        if kind == "refuse":
            call.outcome = "refuse"
            raise RegionUnreachable(access.region, "connection refused")
        if kind == "5xx":
            raise self._fail(access.region, service, operation, "ServiceUnavailable", "try again")
        for refusal in self.refusals:
            error = refusal(call)
            if error:
                call.outcome = str(error)
                raise error
        self._pass_time()
        handler = f"_{service.replace('-', '_')}_{snake(operation)}"
        answer: dict[str, Any] = getattr(self, handler)(access.region, params)
        self.after_call(call)
        return answer


@dataclass
class Bench:
    """Everything that a scenario needs."""

    clock: VirtualClock
    aws: SimulatedAws
    lines: list[Line] = field(default_factory=list)

    @classmethod
    def of(cls, *names: str, **changes: Any) -> Bench:
        clock = VirtualClock()
        return cls(clock, SimulatedAws(clock, [document(name, **changes) for name in names or ("shop",)]))

    def clients(self, **settings: Any) -> Clients:
        return Clients(self.clock, **{"transport": self.aws, "monotonic": self.clock.now, **settings})

    def tools(self, **changes: Any) -> Tools:
        settings = {
            "caller": self.clients(),
            "clock": self.clock,
            "workers": InlineWorkers(),
            "resolver": self.aws.resolve,
            "client": self.aws.request,
            "progress": self.lines.append,
            **changes,
        }
        return Tools(**settings)

    def stumbles(self, *operations: str, carried_out: bool) -> None:
        """From now on every other such call of a region is answered with a server error, carried out or not."""
        made: dict[str, Iterator[int]] = defaultdict(itertools.count)

        def stumble(call: Call) -> CallFailed | None:
            if call.operation not in operations or next(made[call.region]) % 2:
                return None
            return CallFailed(call.region, call.service, call.operation, "InternalServerError", "no")

        def answered(call: Call) -> None:
            if error := stumble(call):
                raise error

        if carried_out:
            self.aws.after_call = answered
        else:
            self.aws.refusals.append(stumble)

    @contextmanager
    def dies_after(self, operation: str) -> Iterator[None]:
        """What is done in the block is killed as soon as AWS has answered such a call."""

        def kill(call: Call) -> None:
            if call.operation == operation:
                raise Killed

        self.aws.after_call = kill
        with pytest.raises(Killed):
            yield
        self.aws.after_call = lambda call: None
