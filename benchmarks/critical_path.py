# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The critical path of a planned move in the lab: the slowest chain of the delays that the lab imposes.

Capacity is there before the writer moves, and the writer moves before clients do; nothing of that can be done side by
side. Delays are the lab's own table (lab/delays.py). The good samples that end a move are the mover's own wait, so they
are no part of it, and are told beside it.
"""

from __future__ import annotations

from lab.delays import delay
from lab.settings import Profile

CHAIN = (
    "autoscaling.launch",
    "elbv2.target.healthy",
    "rds.switchover.pending",
    "rds.switchover",
    "route53.metric",
)


def links(profile: Profile) -> list[tuple[str, float]]:
    """Each link with its seconds, in order."""
    return [(name, delay(name, profile)) for name in CHAIN]


def seconds(profile: Profile) -> float:
    """The sum."""
    return sum(value for _name, value in links(profile))


def samples_seconds(stable_samples: int = 10, interval_seconds: float = 0.25) -> float:
    """How long the good samples take that end a move."""
    return (stable_samples - 1) * interval_seconds
