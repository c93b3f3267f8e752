"""Every socket of a lab: which addresses it needs, whether they are free, and what must never go through a proxy."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Literal

from lab.dataplane.postgres import LINK_PORT
from lab.settings import (
    API_PORT,
    APP_HTTP_PORT,
    APP_HTTPS_PORT,
    CONTROL_PORT,
    DNS_PORT,
    POSTGRES_PORT,
    LabSettings,
)


@dataclass(frozen=True)
class Place:
    """One socket of the lab."""

    what: str
    address: str
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"

    def free(self) -> bool:
        """Whether this process could open it now."""
        kind = socket.SOCK_STREAM if self.protocol == "tcp" else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as one:
            if self.protocol == "tcp":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((self.address, self.port))
                if self.protocol == "tcp":
                    one.listen(1)
            except OSError:
                return False
        return True


def places(settings: LabSettings) -> list[Place]:
    """All sockets of the lab."""
    found = [
        Place("the lab's control", settings.control_address, CONTROL_PORT),
        Place("DNS", settings.dns_address, DNS_PORT, "udp"),
        Place("DNS", settings.dns_address, DNS_PORT, "tcp"),
    ]
    found += [Place(f"the AWS API of {region}", settings.api_address(region), API_PORT) for region in settings.regions]
    for region in (settings.primary_region, settings.dr_region):
        found += [
            Place(f"the application of {region}", settings.app_address(region), APP_HTTPS_PORT),
            Place(f"the application of {region}", settings.app_address(region), APP_HTTP_PORT),
            Place(f"PostgreSQL of {region}", settings.postgres_address(region), POSTGRES_PORT),
            Place(f"replication to {region}", settings.postgres_address(region), LINK_PORT),
        ]
    return found


def taken(settings: LabSettings) -> list[Place]:
    """The sockets that something else holds."""
    return [place for place in places(settings) if not place.free()]


def without_proxy(settings: LabSettings, environment: dict[str, str] | None = None) -> str:
    """The value of `NO_PROXY` with which no request to the lab leaves the machine."""
    given = (environment if environment is not None else dict(os.environ)).get("NO_PROXY", "")
    kept = [part for part in given.split(",") if part]
    return ",".join([*kept, *sorted({place.address for place in places(settings)} - set(kept))])
