"""What the tests of the lab's cloud share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3

from lab.clock import VirtualClock
from lab.cloud.hooks import NoDatabasePlane
from lab.cloud.world import World

EAST = "us-east-1"
WEST = "us-west-2"


@dataclass
class Lab:
    """What a test needs of the world."""

    clock: VirtualClock
    world: World
    plane: NoDatabasePlane
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, region: str = EAST) -> Any:
        """A boto3 client, made once."""
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = boto3.client(service, region_name=region)  # type: ignore[call-overload]
        return self._clients[key]

    def wait(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.clock.wait(seconds)
        self.world.tick()
