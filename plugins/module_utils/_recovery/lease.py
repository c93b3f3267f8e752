# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One mover at a time: a conditional write in the target region's table, with expiry and a fencing token.

AWS does not check our token, so a mover sends a mutating call only while its lease outlasts that call's deadline
(``covers``). The token grows with each owner and stands in the journal, which tells two movers apart afterwards.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import CallFailed, LeaseLost
from .ports import Clock
from .store import LEASE, Store, decode, key

LEASE_SECONDS = 60.0
"""Long against the longest mutating call (20 s), short against the wait for a mover that died."""

RENEW_BELOW_SECONDS = 40.0
"""A lease is renewed when less than this is left of it: always more than a call may take."""


def run_of(lease: Mapping[str, Any]) -> str:
    """The run to which a lease belongs."""
    return str(lease.get("holder", "")).partition("/")[0]


def unreleased_run(lease: Mapping[str, Any]) -> dict[str, Any] | None:
    """The move of a lease that nobody gave back: its process lives, or died without saying so."""
    if not float(lease.get("expires_at", 0)) or not lease.get("run"):
        return None
    return {**json.loads(str(lease["run"])), "run_id": run_of(lease)}


_SET = "SET holder = :holder, expires_at = :until, renewed_at = :now"
_OURS = "holder = :holder AND #token = :token"


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

    def acquire(self) -> None:
        """Take the lease, also when it is ours already or has run out; raises LeaseLost when another one holds it."""
        self._write(
            f"{_SET}, run = :run ADD #token :one",
            "attribute_not_exists(expires_at) OR expires_at < :now OR holder = :holder",
            {":one": {"N": "1"}, ":run": {"S": json.dumps(dict(self.run), sort_keys=True)}},
            {"#token": "token"},
        )

    def renew(self) -> None:
        """Prolong the lease; raises LeaseLost when it is no longer ours."""
        self._write(_SET, _OURS, {":token": {"N": str(self.token)}}, {"#token": "token"})

    def release(self) -> None:
        """Give the lease back. The item stays, so that the token goes on growing."""
        self._write(
            "SET expires_at = :until, renewed_at = :now",
            _OURS,
            {":token": {"N": str(self.token)}},
            {"#token": "token"},
            until=0.0,
        )

    def take_over(self, say: Callable[[float], None]) -> None:
        """Take the lease of an earlier process of the same run, once that has surely ended; else as ``acquire``.

        ``say`` is told how many seconds that will take.
        """
        found = self._found()
        try:
            self.acquire()
            return
        except LeaseLost:
            if run_of(found) != self.run_id:
                raise
        seconds = max(0.0, float(found.get("expires_at", 0)) - self.clock.now()) + 0.1
        say(seconds)
        self.clock.wait(seconds)
        # Had the other process been alive, it would have renewed the lease by now, and this fails.
        self.acquire()

    def covers(self, seconds: float) -> bool:
        """Whether the lease outlasts a call that may take so long."""
        return self.clock.now() + seconds < self.expires_at

    def due(self) -> bool:
        """Whether it is time to renew."""
        return self.clock.now() + RENEW_BELOW_SECONDS > self.expires_at

    def _write(
        self, update: str, condition: str, values: dict[str, Any], names: dict[str, str], until: float | None = None
    ) -> None:
        now = self.clock.now()  # before the request: what is granted counts from here
        expires_at = now + LEASE_SECONDS if until is None else until
        stated = {":now": {"N": repr(now)}, ":until": {"N": repr(expires_at)}, ":holder": {"S": self.holder}, **values}
        params = {
            "TableName": self.store.table,
            "Key": key(self.application, LEASE),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": stated,
            "ReturnValues": "ALL_NEW",
        }
        if ":holder" not in update + condition:
            del stated[":holder"]
        try:
            answer = self.store.caller.call(self.store.access, "dynamodb", "UpdateItem", params, mutates=True)
        except CallFailed as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            raise LeaseLost(f"{self.application} is being moved by another run ({self._owner()})") from error
        granted = decode({"application": {"S": ""}, "item": {"S": ""}, **answer.get("Attributes", {})}).document
        self.expires_at = expires_at
        self.token = int(granted.get("token", self.token))

    @property
    def holder(self) -> str:
        """Who holds it: the run and the process."""
        return f"{self.run_id}/{self.process}"

    def _found(self) -> Mapping[str, Any]:
        return self.store.read([(self.application, LEASE)]).get((self.application, LEASE), {})

    def _owner(self) -> str:
        found = self._found()
        remaining = float(found.get("expires_at", 0)) - self.clock.now()
        return f"run {run_of(found) or 'unknown'}, its lease runs out in {max(0.0, remaining):.0f} s"
