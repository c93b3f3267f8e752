# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One mover at a time: a conditional write in the target region's table, with expiry and a fencing token.

AWS does not check our token, so a mover sends a mutating call only while its lease outlasts that call's deadline
(``covers``). The token grows with each owner and stands in the journal, which tells two movers apart afterwards.

What is assumed of clocks: those of two movers differ by less than ``SKEW_SECONDS``, and none is set back by more than
that during a move. The holder goes by its own clock; whoever wants the lease waits that much longer.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import CallFailed, LeaseLost, RecoveryError
from .ports import Clock
from .store import LEASE, Store, decode, key

LEASE_SECONDS = 60.0
"""Long against the longest mutating call (20 s), short against the wait for a mover that died."""

SKEW_SECONDS = 5.0
"""How far apart the clocks of two movers may be; a machine that keeps time by NTP is within a fraction of a second."""

RENEW_BELOW_SECONDS = 40.0
"""A lease is renewed when less than this is left of it: always more than a call may take."""

AGAIN_SECONDS = LEASE_SECONDS - RENEW_BELOW_SECONDS
"""Before a lease that could not be had is asked for again: as for one that is held, so that a store that goes on being
silent costs no more, and a second mover does not find it free for long once it answers."""

LOOK_SECONDS = 2.0
"""Between two looks at a lease that an earlier process of the same run may still have."""

STORE_DEADLINE_SECONDS = 5.0
"""A conditional write of one item takes milliseconds; a store that needs longer must not hold the other calls up."""


def run_of(lease: Mapping[str, Any]) -> str:
    """The run to which a lease belongs."""
    return str(lease.get("holder", "")).partition("/")[0]


def seconds_left(lease: Mapping[str, Any], now: float) -> float:
    """For how long nobody else may take this lease; 0 where it was given back or has run out."""
    expires_at = float(lease.get("expires_at", 0))
    return max(0.0, expires_at + SKEW_SECONDS - now) if expires_at else 0.0


def last_run(lease: Mapping[str, Any]) -> dict[str, Any] | None:
    """The newest move for which a lease was taken, whether or not it was given back."""
    return {**json.loads(str(lease["run"])), "run_id": run_of(lease)} if lease.get("run") else None


def unreleased_run(lease: Mapping[str, Any]) -> dict[str, Any] | None:
    """The move of a lease that nobody gave back: its process lives, or died without saying so."""
    return last_run(lease) if float(lease.get("expires_at", 0)) else None


_SET = "SET holder = :holder, expires_at = :until, renewed_at = :now"
_OURS = "holder = :holder AND #token = :token"


@dataclass(frozen=True)
class Change:
    """A conditional write of a lease, and until when (epoch seconds) it is held once that was made."""

    params: Mapping[str, Any]
    expires_at: float


@dataclass
class Lease:
    """The right of one process to move one application.

    The holder is ``<run id>/<process>``: a run that is taken up again waits until the process that had it is surely
    gone. ``run`` says which move this is, so that a process that dies right after taking the lease can be followed.
    """

    store: Store
    application: str
    run_id: str
    clock: Clock
    run: Mapping[str, Any] = field(default_factory=dict)
    process: str = field(default_factory=lambda: secrets.token_hex(4))
    expires_at: float = 0.0
    token: int = 0
    began_at: float = field(init=False)
    asked_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_at = self.asked_at = self.clock.now()

    def acquire(self) -> None:
        """Take the lease, also when it is ours already or has run out; raises LeaseLost when another one holds it."""
        free = "attribute_not_exists(expires_at) OR expires_at < :past OR holder = :holder"
        self._take(free, {":past": _number(self.clock.now() - SKEW_SECONDS)})

    def renew(self) -> None:
        """Prolong the lease; raises LeaseLost when it is no longer ours."""
        self._write(self.renewal(), repeatable=False)

    def release(self) -> None:
        """Give the lease back. The item stays, so that the token goes on growing."""
        self._write(self.surrender(), repeatable=True)

    def acquisition(self, token: int) -> Change:
        """Take the lease where it is free and its token is still as it was read, 0 for none yet; it grows by one."""
        known, past = {":known": _number(token)}, {":past": _number(self.clock.now() - SKEW_SECONDS)}
        condition = "#token = :known AND expires_at < :past" if token else "attribute_not_exists(#token)"
        values = {**known, **past, ":next": _number(token + 1)}
        return self._taking(f"{_SET}, run = :run, #token = :next", condition, values)

    def renewal(self) -> Change:
        """Prolong the lease where it is ours."""
        return self._change(_SET, _OURS, {":token": _number(self.token)})

    def surrender(self) -> Change:
        """Give the lease back where it is ours."""
        update = "SET expires_at = :until, renewed_at = :now"
        return self._change(update, _OURS, {":token": _number(self.token)}, until=0.0)

    def take_over(self, say: Callable[[str], None], break_lease: str = "") -> Mapping[str, Any] | None:
        """Take the lease, also that of an earlier process of the same run, once it gave it back or has surely ended.

        One that belongs to the run ``break_lease`` is taken away from it, and returned: its mover cannot renew it any
        more, and no call of ours is made before the last of its calls that the lease covered is over. ``say`` is told
        what is being waited for. Raises LeaseLost when another run has it, or a process of this one that is alive.
        """
        try:
            self.acquire()
            return None
        except LeaseLost:
            found = self._found()
            run = run_of(found)
            if not run or run not in (self.run_id, break_lease):
                raise  # also where the table could not say whose it is
        seconds = seconds_left(found, self.clock.now()) + 0.1
        if run == break_lease:
            say(f"the lease of run {run} in {self.region} is broken; in {seconds:.0f} s its last call is over")
            self._break(found, seconds)
            self.clock.wait(seconds)
            return {"run_id": run, "holder": found.get("holder"), "expires_at": found.get("expires_at")}
        say(f"an earlier process of this run may be alive; in {seconds:.0f} s its lease in {self.region} has run out")
        self._wait_for_the_end_of(found, seconds)
        # Had the other process been alive, it would have renewed the lease by now, and this fails.
        self.acquire()
        return None

    def take_again(self, break_lease: str = "") -> bool:
        """Take the lease late, or one that has run out if nobody had it since; nobody is waited for.

        False where it is left from a process of this run, or of the run ``break_lease``, that has not renewed it since
        we began: it runs out. Raises LeaseLost when another mover has it.
        """
        if self.token:
            self.renew()
            return True
        try:
            self.acquire()
        except LeaseLost:
            found = self._found()
            run, renewed_at = run_of(found), float(found.get("renewed_at", 0))
            if not run or run not in (self.run_id, break_lease) or renewed_at > self.began_at + SKEW_SECONDS:
                raise
            return False
        return True

    def _wait_for_the_end_of(self, theirs: Mapping[str, Any], seconds: float) -> None:
        """Until it is given back, or for so long; raises LeaseLost as soon as its process is seen to be alive."""
        ends = self.clock.now() + seconds
        while self.clock.now() < ends:
            self.clock.wait(min(LOOK_SECONDS, ends - self.clock.now()))
            found = self._found()
            until = float(found.get("expires_at", 0))
            if found and not until:
                return
            if until > float(theirs.get("expires_at", 0)):
                raise LeaseLost(f"{self.application} is being moved by another process ({self._told(found)})")

    @property
    def held(self) -> bool:
        """Whether it was taken and not given back, as far as this process knows."""
        return bool(self.token and self.expires_at)

    def covers(self, seconds: float) -> bool:
        """Whether the lease outlasts a call that may take so long."""
        return self.clock.now() + seconds < self.expires_at

    def due(self) -> bool:
        """Whether it is time to renew."""
        return self.clock.now() + RENEW_BELOW_SECONDS > self.expires_at

    def due_again(self) -> bool:
        """Whether it is time to ask again for one that could not be had."""
        return self.clock.now() - self.asked_at >= AGAIN_SECONDS

    def _break(self, found: Mapping[str, Any], seconds: float) -> None:
        theirs = {":theirs": {"S": str(found["holder"])}, ":their_token": _number(int(found["token"]))}
        until = self.clock.now() + seconds + LEASE_SECONDS
        self._take("holder = :theirs AND #token = :their_token OR holder = :holder", theirs, until)

    def _take(self, condition: str, values: dict[str, Any], until: float | None = None) -> None:
        update = f"{_SET}, run = :run ADD #token :one"
        self._write(self._taking(update, condition, {":one": _number(1), **values}, until), repeatable=True)

    def _taking(self, update: str, condition: str, values: dict[str, Any], until: float | None = None) -> Change:
        document = json.dumps(dict(self.run), sort_keys=True)
        return self._change(update, condition, {":run": {"S": document}, **values}, until)

    def _change(self, update: str, condition: str, values: dict[str, Any], until: float | None = None) -> Change:
        now = self.clock.now()  # before the request: what is granted counts from here
        expires_at = now + LEASE_SECONDS if until is None else until
        stated = {":now": _number(now), ":until": _number(expires_at), ":holder": {"S": self.holder}, **values}
        used = update + condition
        params: dict[str, Any] = {
            "TableName": self.store.table,
            "Key": key(self.application, LEASE),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {name: value for name, value in stated.items() if name in used},
        }
        if "#token" in used:
            params["ExpressionAttributeNames"] = {"#token": "token"}
        return Change(params, expires_at)

    def _write(self, change: Change, *, repeatable: bool) -> None:
        """Make a change of one lease; ``repeatable``: again after an error that leaves in doubt whether it was made.

        - Taking it, also from another run, is: ``holder = :holder`` names this process, and nobody else can have
          written that. The token grows twice, and the one that counts is answered.
        - Giving it back is: holder and token are still ours, unless somebody has taken it meanwhile. Then the second
          attempt is refused, which does no harm.
        - Prolonging it would be, and need not be: it is asked for again long before it runs out, and a region that is
          lost is not paid for twice.
        - ``acquisition`` is not: it wants the token as it was read, which it changes itself. It is part of a
          transaction only, and where that fails each application asks for itself (``leases_together``).
        """
        params = {**change.params, "ReturnValues": "ALL_NEW"}
        self.asked_at = self.clock.now()
        try:
            answer = self.store.caller.call(
                self.store.access,
                "dynamodb",
                "UpdateItem",
                params,
                mutates=True,
                repeatable=repeatable,
                deadline_seconds=STORE_DEADLINE_SECONDS,
            )
        except CallFailed as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            raise LeaseLost(f"{self.application} is being moved by another run ({self._owner()})") from error
        granted = decode({"application": {"S": ""}, "item": {"S": ""}, **answer.get("Attributes", {})}).document
        self.granted(change, int(granted.get("token", self.token)))

    def granted(self, change: Change, token: int) -> None:
        """It was written."""
        self.expires_at, self.token = change.expires_at, token

    @property
    def region(self) -> str:
        """Where it is kept."""
        return self.store.access.region

    @property
    def holder(self) -> str:
        """Who holds it: the run and the process."""
        return f"{self.run_id}/{self.process}"

    def _found(self) -> Mapping[str, Any]:
        try:
            return self.store.read([(self.application, LEASE)]).get((self.application, LEASE), {})
        except RecoveryError:
            return {}  # that somebody has it is known all the same

    def _owner(self) -> str:
        return self._told(self._found())

    def _told(self, found: Mapping[str, Any]) -> str:
        left = seconds_left(found, self.clock.now())
        return f"run {run_of(found) or 'unknown'}, its lease in {self.region} runs out in {left:.0f} s"


def _number(value: float) -> dict[str, str]:
    return {"N": repr(value)}
