# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A mover in a random world: it has clients and a clock of its own, and things happen between its calls.

A stall of any length may fall into a wait. In a call it is bounded by the call's deadline, as in life: an answer that
comes later is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from unit.recovery.simulated_aws import Call, Killed, SimulatedAws, VirtualClock

from plugins.module_utils._recovery.clients import Clients
from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable
from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.ports import HttpAnswer
from plugins.module_utils._recovery.runner import Options, Tools
from plugins.module_utils._recovery.workers import InlineWorkers

from .steps import Abort, Kill, LoseAnswer, Step
from .turns import Turns

NOT_WRITTEN = ("ConditionalCheckFailedException", "TransactionCanceledException")
LEASE_WRITES = ("UpdateItem", "TransactWriteItems")
MOST_MOMENTS = 20_000
LONGEST_PAUSE = 8.0


class Seen(NamedTuple):
    """What a mover was told of a global cluster: when, at which of its moments; the writer's region, at rest."""

    at: float
    moment: int
    writer: str
    at_rest: bool


class Watcher(Protocol):
    """Who checks what a mover does while it does it."""

    def before_call(self, mover: Mover, call: Call, deadline_seconds: float) -> None:
        """Looks at a request before it is sent."""

    def happen(self, step: Step) -> None:
        """Lets something happen in the world."""

    def waited(self) -> None:
        """Time has passed: clients have gone on."""

    def struck(self, mover: Mover, strike: Step) -> None:
        """A mover was hit."""

    def leases_written(self, mover: Mover) -> None:
        """Looks at whom the leases belong to now."""


@dataclass(eq=False)
class Mover:
    """One process."""

    aws: SimulatedAws
    clock: VirtualClock
    options: Options
    watcher: Watcher
    turns: Turns
    meanwhile: dict[int, list[Step]]
    strikes: dict[int, list[Step]]
    began: float = field(init=False)
    moment: int = 0
    changes: int = 0
    calls: list[Call] = field(default_factory=list)
    holders: dict[tuple[str, str], str] = field(default_factory=dict)  # by region and application, as granted
    lease_in_doubt: set[tuple[str, str]] = field(default_factory=set)  # region and application
    probed: set[str] = field(default_factory=set)  # applications whose write the new site took and gave back
    promoted: set[str] = field(default_factory=set)
    writers: dict[str, Seen] = field(default_factory=dict)  # by global cluster, as last told
    kept_at: int = 0  # the moment at which it last wrote its journal
    bad_keys: set[str] = field(default_factory=set)  # regions that told of one
    unanswered: Call | None = None  # a change of which it is not known whether it was made, until it looks again
    alone: bool = True
    lost_seconds: dict[str, float] = field(default_factory=dict)
    stalled_seconds: float = 0.0
    pending: list[Step] = field(default_factory=list)
    pause_factor: float = 1.0

    def __post_init__(self) -> None:
        self.began = self.clock.now()

    def tools(self) -> Tools:
        """As ``toolbox`` puts them together, on this world."""
        self.clients = Clients(self, transport=self, monotonic=self.now)
        return Tools(
            caller=self,
            clock=self,
            workers=InlineWorkers(),
            resolver=self.aws.resolve,
            client=self.request,
            depend=self.clients.depend,
        )

    # Clock

    def now(self) -> float:
        return self.clock.now()

    def wait(self, seconds: float) -> None:
        """A machine that is slow to come back: polls are further apart the longer nothing happens."""
        pause = min(LONGEST_PAUSE, seconds * self.pause_factor) if seconds < LONGEST_PAUSE else seconds
        until = self.clock.now() + pause
        self.turns.wait(pause)
        self.stalled_seconds += self.clock.now() - until
        self.pause_factor *= 1.5
        self.watcher.waited()
        self._pass_moment()

    # Caller: what becomes of leases is seen here, as a breaker may refuse a call that is never sent

    def call(self, at: Access | str, service: str, operation: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        """See ``Caller``."""
        leases: list[Mapping[str, Any]] = []
        if service == "dynamodb" and operation == "UpdateItem":
            leases = [arguments[0]]
        elif service == "dynamodb" and operation == "TransactWriteItems":
            leases = [one["Update"] for one in arguments[0]["TransactItems"]]
        failed: Exception | None = None
        try:
            return self.clients.call(at, service, operation, *arguments, **options)
        except (CallFailed, RegionUnreachable) as error:
            failed = error
            raise
        finally:
            for lease in leases:
                self._took_lease(at, lease, failed)

    # Transport

    def send(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        call = Call(self.clock.now(), access.region, service, operation, params)
        if call.mutates:
            self.watcher.before_call(self, call, deadline_seconds)
            self.pause_factor = 1.0
            self._count(call)
        else:
            self.unanswered = None
        self.calls.append(call)
        self._strike_before()
        began = self.clock.now()
        try:
            answer = self.aws.send(access, service, operation, params, deadline_seconds)
        except (CallFailed, RegionUnreachable) as error:
            if call.mutates and (isinstance(error, RegionUnreachable) or error.code == "ServiceUnavailable"):
                self.unanswered = call
            waited = self.clock.now() - began
            self.lost_seconds[access.region] = self.lost_seconds.get(access.region, 0.0) + waited
            self._pass_moment()
            raise
        if operation in LEASE_WRITES:
            self.watcher.leases_written(self)
        lost = self._strike_after()
        self._pass_moment()
        if lost or self.clock.now() - began > deadline_seconds:
            self.unanswered = call if call.mutates else None
            raise RegionUnreachable(access.region, "the answer came too late or never")
        self._learn(call, answer)
        return answer

    def _count(self, call: Call) -> None:
        """Its calls that change more than a state table, and what strikes it there."""
        if call.operation == "BatchWriteItem":
            self.kept_at = self.moment
        elif call.service != "dynamodb":
            self.changes += 1
            self.pending += self.strikes.pop(self.changes, [])

    def _learn(self, call: Call, answer: Mapping[str, Any]) -> None:
        """What it was told, by which it has to go."""
        if call.operation == "DescribeGlobalClusters":
            for one in answer["GlobalClusters"]:
                writer = next(m["DBClusterArn"] for m in one["GlobalClusterMembers"] if m["IsWriter"])
                at_rest = not one.get("FailoverState")
                self.writers[one["GlobalClusterIdentifier"]] = Seen(
                    call.at, self.moment, str(writer).split(":")[3], at_rest
                )
        elif call.operation == "DescribeKey":
            healthy = answer["KeyMetadata"]["KeyState"] == "Enabled"
            (self.bad_keys.discard if healthy else self.bad_keys.add)(call.region)
        elif call.operation in ("SwitchoverGlobalCluster", "FailoverGlobalCluster"):
            self.promoted.add(str(call.params["GlobalClusterIdentifier"]).removesuffix("-global"))

    def _took_lease(self, at: Access | str, params: Mapping[str, Any], error: Exception | None) -> None:
        key = (at.region if isinstance(at, Access) else at, params["Key"]["application"]["S"])
        holder = params["ExpressionAttributeValues"].get(":holder")
        if error is None and holder:
            self.holders[key] = holder["S"]
            self.lease_in_doubt.discard(key)
        elif error is not None and getattr(error, "code", "") not in NOT_WRITTEN:
            self.lease_in_doubt.add(key)

    # The application's side

    def request(self, method: str, **options: Any) -> HttpAnswer:
        self._strike_before()
        began = self.clock.now()
        answer: HttpAnswer = self.aws.request(method, **options)
        lost = self._strike_after()
        self._pass_moment()
        if lost or self.clock.now() - began > options["timeout_seconds"]:
            return HttpAnswer(None, error="no answer")
        target = self.options.target
        for application in self.aws.applications:
            region = application.site(target).region
            led_there = answer.address in self.aws.resolve(application.site(target).endpoint.host, (), 1).addresses
            if options["host"] in application.traffic.names and led_there and method == "GET" and answer.status == 200:
                assert region
                self.probed.add(application.name)
        return answer

    # What happens meanwhile

    def _pass_moment(self) -> None:
        self.moment += 1
        assert self.moment < MOST_MOMENTS, "a run that does not end"
        began = self.clock.now()
        happening = self.meanwhile.pop(self.moment, ())
        for step in happening:
            if isinstance(step, (Kill, LoseAnswer)):
                self.pending.append(step)
            elif not isinstance(step, Abort):
                self.watcher.happen(step)
        self.turns.called()
        self.stalled_seconds += self.clock.now() - began
        for step in happening:
            if isinstance(step, Abort):
                self.watcher.struck(self, step)
                raise KeyboardInterrupt

    def _strike_before(self) -> None:
        self._kill(Kill(False))

    def _strike_after(self) -> bool:
        """Whether the answer is lost."""
        self._kill(Kill(True))
        lost, self.pending = self.pending, []
        for step in lost:
            self.watcher.struck(self, step)
        return bool(lost)

    def _kill(self, strike: Kill) -> None:
        if strike in self.pending:
            self.watcher.struck(self, strike)
            raise Killed


def by_moment(meanwhile: tuple[tuple[int, Step], ...]) -> dict[int, list[Step]]:
    """By moment."""
    found: dict[int, list[Step]] = {}
    for moment, step in meanwhile:
        found.setdefault(moment, []).append(step)
    return found
