# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS as a table of answers, with a note of every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugins.module_utils._recovery.errors import CallFailed
from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.workers import InlineWorkers

Answer = Mapping[str, Any] | Exception | Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass
class FakeAws:
    """Answers by operation, or by ``region operation`` where a region answers differently; unknown is "not found"."""

    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    changes: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    def call(
        self,
        at: Access | str,
        service: str,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        mutates: bool | None = None,
        deadline_seconds: float | None = None,
    ) -> dict[str, Any]:
        region = at.region if isinstance(at, Access) else at
        (self.changes if mutates else self.calls).append((region, operation, params or {}))
        profile = at.profile if isinstance(at, Access) else None
        for key in (f"{profile} {operation}", f"{region} {operation}", operation):
            if key in self.answers:
                answer = self.answers[key]
                if isinstance(answer, Exception):
                    raise answer
                return dict(answer(params or {}) if callable(answer) else answer)
        raise AssertionError(f"nobody expected {service} {operation} in {region} with {params}")


def refused(code: str, operation: str = "Anything", region: str = "us-east-1") -> CallFailed:
    return CallFailed(region, "service", operation, code, f"the message of {code}")


@dataclass
class VirtualClock:
    time: float = 1_000_000.0

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds


def inline() -> InlineWorkers:
    return InlineWorkers()


def operations(calls: Sequence[tuple[str, str, Mapping[str, Any]]]) -> list[str]:
    return [operation for _region, operation, _params in calls]
