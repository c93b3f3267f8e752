# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Clients of a random world: they write through DNS, keep addresses for a while, and know what was acknowledged."""

from __future__ import annotations

from dataclasses import dataclass

from unit.recovery.simulated_aws import SimulatedAws, VirtualClock

from plugins.module_utils._recovery.model import Application

CLIENT_TTL_SECONDS = 60.0


@dataclass(frozen=True)
class Acknowledged:
    """A write that a client was told is stored.

    ``stray``: by a writer that an earlier failover left unfenced (R7), reached with an address from before, while DNS
    led elsewhere. It is lost by that failover, whatever else is going on.
    """

    at: float
    application: str
    client: str
    number: int
    stray: bool = False


class Customers:
    """One client of each application."""

    def __init__(self, aws: SimulatedAws, clock: VirtualClock) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.sent = 0
        self._aws = aws
        self._clock = clock
        self._addresses: dict[str, tuple[float, str]] = {}

    def write(self) -> None:
        """Each writes once."""
        aws, now = self._aws, self._clock.now()
        for application in aws.applications:
            name = application.traffic.names[0]
            known_at, address = self._addresses.get(name, (-1e9, ""))
            if now - known_at > CLIENT_TTL_SECONDS:
                address = aws.resolve(name, (), 1).addresses[0]
                self._addresses[name] = (now, address)
            self.sent += 1
            region = next(one.region for one in application.sites if self._address(application, one.place) == address)
            if region in aws.dark:
                continue  # a client that gets no answer has nothing to say about when
            if self._post(application, address, self.sent) == 201:
                led_there = aws.resolve(name, (), 1).addresses[0] == address
                stray = aws.writer(application) != region and not led_there
                self.acknowledged.append(Acknowledged(now, application.name, "client", self.sent, stray))

    def missing(self, application: Application) -> list[Acknowledged]:
        """What was acknowledged, and the present writer does not have."""
        kept = self._aws.logs[application.name].kept
        return [
            one
            for one in self.acknowledged
            if one.application == application.name and (one.client, one.number) not in kept
        ]

    def _address(self, application: Application, place: str) -> str:
        return self._aws.resolve(application.site(place).endpoint.host, (), 1).addresses[0]

    def _post(self, application: Application, address: str, number: int) -> int | None:
        return self._aws.request(
            "POST",
            scheme="https",
            host=application.traffic.names[0],
            port=443,
            path="/writes",
            connect=address,
            body={"client": "client", "number": number},
            timeout_seconds=0.0,
            ca_file=None,
        ).status
