# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Declarations: what is there, what is wanted, and the calls that lead from the one to the other.

The modules of this collection that declare one AWS resource share this: a pure function looks at what was observed and
returns a ``Change``; ``apply`` is the only place that acts on one. So check mode is "do not apply", and what diff
mode prints and what is done come from the same decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .clients import Caller
from .errors import CallFailed, RecoveryError
from .ports import Clock


class Refused(RecoveryError):
    """What was declared will not be done; the message is one line that says why and what would be right."""


class WaitedTooLong(RecoveryError):
    """A deadline passed; the message says what was still missing."""


@dataclass(frozen=True)
class Call:
    """One mutating call to be made."""

    operation: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """The way from what is there to what is wanted; without calls there is nothing to do."""

    before: Any
    after: Any
    calls: tuple[Call, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.calls)


@dataclass(frozen=True)
class Api:
    """One service in one region, as the functions that observe and apply see it."""

    caller: Caller
    region: str
    service: str

    def read(self, operation: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a call that changes nothing."""
        return self.caller.call(self.region, self.service, operation, params or {}, mutates=False)

    def read_or_none(self, operation: str, params: Mapping[str, Any], absent: Iterable[str]) -> dict[str, Any] | None:
        """Make a call that changes nothing; None when AWS answers with one of the codes that mean "there is none"."""
        try:
            return self.read(operation, params)
        except CallFailed as failure:
            if failure.code in set(absent):
                return None
            raise

    def apply(self, change: Change) -> list[dict[str, Any]]:
        """Make the calls of a change in their order; return the answers."""
        return [
            self.caller.call(self.region, self.service, call.operation, call.params, mutates=True)
            for call in change.calls
        ]


def wait_until(reason: Callable[[], str | None], clock: Clock, deadline_seconds: float, every_seconds: float) -> None:
    """Return as soon as ``reason`` (what is still missing, as a sentence) is None; fail with it after the deadline."""
    ends = clock.now() + deadline_seconds
    while (missing := reason()) is not None:
        if clock.now() >= ends:
            raise WaitedTooLong(f"after {deadline_seconds:.0f} s {missing}")
        clock.wait(min(every_seconds, max(ends - clock.now(), 0.1)))


def tags_of(pairs: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """AWS's list of Key and Value as a dictionary."""
    return {pair["Key"]: pair["Value"] for pair in pairs or ()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A dictionary as AWS's list of Key and Value, in a stable order."""
    return [{"Key": key, "Value": str(value)} for key, value in sorted(tags.items())]


def missing_tags(current: Mapping[str, str], wanted: Mapping[str, str] | None) -> dict[str, str]:
    """Tags that are to be added or changed; tags that are not ours are never removed."""
    return {key: str(value) for key, value in (wanted or {}).items() if current.get(key) != str(value)}
