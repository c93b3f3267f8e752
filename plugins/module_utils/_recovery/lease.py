# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One mover at a time: a conditional write in the target region's table, with expiry and a fencing token.

AWS does not check our token, so a mover sends a mutating call only while its lease outlasts that call's deadline
(``covers``). The token grows with each owner and stands in the journal, which tells two movers apart afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import CallFailed, LeaseLost
from .ports import Clock
from .store import LEASE, Store, decode, key

LEASE_SECONDS = 120.0
"""Long against the longest mutating call (20 s) and its pauses, short against the wait for a mover that died."""

_SET = "SET holder = :holder, expires_at = :until, renewed_at = :now"
_OURS = "holder = :holder AND #token = :token"


@dataclass
class Lease:
    """The right to move one application."""

    store: Store
    application: str
    holder: str
    clock: Clock
    seconds: float = LEASE_SECONDS
    expires_at: float = 0.0
    token: int = 0

    def acquire(self) -> None:
        """Take the lease, also when it is ours already or has run out; raises LeaseLost when another one holds it."""
        self._write(
            f"{_SET} ADD #token :one",
            "attribute_not_exists(expires_at) OR expires_at < :now OR holder = :holder",
            {":one": {"N": "1"}},
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

    def covers(self, seconds: float) -> bool:
        """Whether the lease outlasts a call that may take so long."""
        return self.clock.now() + seconds < self.expires_at

    def due(self) -> bool:
        """Whether it is time to renew: half of it has gone."""
        return self.clock.now() + self.seconds / 2 > self.expires_at

    def _write(
        self, update: str, condition: str, values: dict[str, Any], names: dict[str, str], until: float | None = None
    ) -> None:
        now = self.clock.now()  # before the request: what is granted counts from here
        expires_at = now + self.seconds if until is None else until
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

    def _owner(self) -> str:
        found = self.store.read([(self.application, LEASE)]).get((self.application, LEASE), {})
        remaining = float(found.get("expires_at", 0)) - self.clock.now()
        return f"run {found.get('holder', 'unknown')}, its lease runs out in {max(0.0, remaining):.0f} s"
