"""What the cloud asks of the data plane: one real database behind the global cluster."""

from __future__ import annotations

from typing import Protocol


class DatabasePlane(Protocol):
    """The replicated database under an Aurora global database.  Regions are AWS region names.

    Calls come from one thread at a time, never from a request of the data plane itself, and may take a second.
    """

    def switchover(self, old_region: str, new_region: str) -> None:
        """Planned: lose nothing, then replicate the other way round.  Returns when the new writer accepts writes."""

    def block_writes(self, region: str) -> bool:
        """The old writer's region takes no more writes (R7); whether that could be done."""

    def failover(self, new_region: str) -> None:
        """Unplanned: promote the standby of that region with what it has, whatever the old writer does."""

    def rejoin(self, region: str) -> None:
        """Bring the old writer's region back as a standby with a new volume (R9)."""

    def snapshot(self, region: str, name: str) -> None:
        """Keep what the old writer's region alone has, under the name of a snapshot, for when it joins again (R8)."""

    def lag_seconds(self, region: str) -> float | None:
        """Replication lag of a standby in seconds; nothing where it cannot be measured (R10)."""

    def writer_region(self) -> str:
        """The region whose database accepts writes."""


class NoDatabasePlane:
    """For in-process tests: nothing is behind the global cluster, the lag is a constant."""

    def __init__(self, writer: str = "us-east-1", lag: float | None = 0.05) -> None:
        self.writer = writer
        self.lag = lag
        self.calls: list[tuple[str, ...]] = []

    def switchover(self, old_region: str, new_region: str) -> None:
        """Remember the call."""
        self.calls.append(("switchover", old_region, new_region))
        self.writer = new_region

    def block_writes(self, region: str) -> bool:
        """It can."""
        return region == self.writer

    def failover(self, new_region: str) -> None:
        """Remember the call."""
        self.calls.append(("failover", new_region))
        self.writer = new_region

    def rejoin(self, region: str) -> None:
        """Remember the call."""
        self.calls.append(("rejoin", region))

    def snapshot(self, region: str, name: str) -> None:
        """Remember the call."""
        self.calls.append(("snapshot", region, name))

    def lag_seconds(self, region: str) -> float | None:
        """A constant lag for every standby."""
        return None if region == self.writer else self.lag

    def writer_region(self) -> str:
        """The region of the last move."""
        return self.writer
