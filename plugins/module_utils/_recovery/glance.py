# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One look at an application as its clients see it: where do its names lead, and is it healthy there?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .dns import Answer, DnsError, Resolver, leads_to
from .ports import Clock
from .probe import HttpApplication, ProbeSettings, Reply


@dataclass(frozen=True)
class Glance:
    """Where one name leads (`region`, where that can be told) and what came of asking for its health there."""

    name: str
    answer: Answer | None
    region: str | None
    health: Reply
    error: str | None = None

    def led_away_from(self, region: str) -> str | None:
        """What is wrong where clients of this name should be served by `region`, as a sentence; None when all is
        well.
        """
        if self.error:
            return self.error
        if self.region is not None and self.region != region:
            return f"{self.name} leads to {self.region}"
        if not self.health.ok:
            return f"{self.name} at {self.health.address}: {self.health.error or f'HTTP status {self.health.status}'}"
        if self.health.region is not None and self.health.region != region:
            return f"{self.name} is answered by {self.health.region}"
        if self.region is None and self.health.region is None:
            return f"nothing tells which region answers {self.name}"
        return None

    def as_dict(self) -> dict[str, Any]:
        """For results."""
        return {
            "name": self.name,
            "canonical": self.answer.canonical if self.answer else None,
            "addresses": list(self.answer.addresses) if self.answer else [],
            "ttl": self.answer.ttl if self.answer else None,
            "region": self.region or self.health.region,
            "status": self.health.status,
            "error": self.error or self.health.error,
        }


def look(
    settings: ProbeSettings, names: Sequence[str], resolver: Resolver, endpoints: Mapping[str, str]
) -> tuple[Glance, ...]:
    """Resolves each name and asks the first address for the application's health, under that name."""
    return tuple(_glance(settings, name, resolver, endpoints) for name in names)


def problems_with(glances: Sequence[Glance], region: str) -> list[str]:
    """What is not as it should be where `region` should serve all of them."""
    return [problem for glance in glances if (problem := glance.led_away_from(region))]


def look_until_served(
    look_once: Callable[[], tuple[Glance, ...]], region: str, clock: Clock, seconds: float, every: float
) -> tuple[tuple[Glance, ...], list[str]]:
    """Looks until `region` serves all names, or so many seconds have passed; returns the last look."""
    ends = clock.now() + seconds
    while True:
        glances = look_once()
        problems = problems_with(glances, region)
        if not problems or clock.now() + every > ends:
            return glances, problems
        clock.wait(every)


def _glance(settings: ProbeSettings, name: str, resolver: Resolver, endpoints: Mapping[str, str]) -> Glance:
    nothing = Reply(None, {}, "")
    try:
        answer = resolver.resolve(name)
    except DnsError as error:
        return Glance(name, None, None, nothing, f"DNS: {error}")
    region = next((region for region, host in endpoints.items() if leads_to(answer, host, resolver)), None)
    if not answer.addresses:
        return Glance(name, answer, region, nothing, f"DNS: {name} leads to {answer.canonical}, which has no address")
    settings = ProbeSettings(**{**settings.__dict__, "host": name})
    return Glance(name, answer, region, HttpApplication(settings).health(answer.addresses[0]))
