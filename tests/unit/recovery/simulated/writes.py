# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The writes of an application, replicated with a lag, and what an unplanned promotion loses of them.

Aurora replicates in order: the standby has everything up to a moment, and nothing after it. A planned promotion stops
the writes and waits for them; an unplanned one begins with what the standby has. A writer that was not fenced goes on
taking writes that are lost when its volume is made anew (R7, R8, R9).
"""

from __future__ import annotations

from dataclasses import dataclass, field


class Replication:
    """How far behind the standby is, in seconds, over time."""

    def __init__(self, lag: float) -> None:
        self._changes = [(float("-inf"), lag)]

    def change(self, now: float, lag: float) -> None:
        """From now on it is so far behind; a lag that grows stops the standby until the writer is as far ahead."""
        self._changes.append((now, lag))

    def through(self, moment: float) -> float:
        """What was written up to this time had been replicated at ``moment``."""
        ends = [begin for begin, _lag in self._changes[1:]] + [float("inf")]
        spans = zip(self._changes, ends, strict=True)
        return max(min(end, moment) - lag for (begin, lag), end in spans if begin <= moment)

    def lag(self, moment: float) -> float:
        """What the metric would have said."""
        return moment - self.through(moment)


@dataclass(frozen=True)
class Write:
    """A write that was acknowledged."""

    at: float
    client: str
    number: int
    region: str


@dataclass
class WriteLog:
    """One application's writes: those of the present writer, and those that no writer has any more."""

    kept: dict[tuple[str, int], Write] = field(default_factory=dict)
    lost: dict[tuple[str, int], Write] = field(default_factory=dict)
    stray_region: str | None = None
    stray_until: float = 0.0
    stranded_in: str | None = None
    """The region in which a failover has left writes behind, until they are kept in a snapshot."""

    def stray(self, region: str, now: float) -> bool:
        """Whether a writer that was left behind still takes writes there."""
        return self.stray_region == region and now < self.stray_until

    def take(self, write: Write, stray: bool) -> None:
        """Store a write; one that a stray writer took is lost already, though nobody knows."""
        (self.lost if stray else self.kept)[(write.client, write.number)] = write

    def promote(self, old_region: str, through: float, stray_until: float) -> None:
        """An unplanned promotion: what was not replicated stays behind, and so does a writer that is not fenced."""
        for key, write in list(self.kept.items()):
            if write.at > through:
                self.lost[key] = self.kept.pop(key)
                self.stranded_in = old_region
        self.stray_region, self.stray_until = old_region, stray_until

    def readable(self, key: tuple[str, int], region: str, writer: str, now: float, through: float) -> bool:
        """Whether a region gives a write back."""
        if self.stray(region, now) and key in self.lost:
            return True
        return key in self.kept and (region == writer or self.kept[key].at <= through)
