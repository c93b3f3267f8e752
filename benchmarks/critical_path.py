# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shortest that a planned move can take in the lab: the slowest chain of what has to be waited for.

In a planned move capacity is there before the writer moves, the writer moves before clients do, and N good samples
end it; nothing of that can be done side by side. Delays are the lab's own table (lab/delays.py).
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


def links(profile: Profile, stable_samples: int, interval_seconds: float) -> list[tuple[str, float]]:
    """Each link with its seconds, in order."""
    found = [(name, delay(name, profile)) for name in CHAIN]
    return [*found, ("samples through DNS", (stable_samples - 1) * interval_seconds)]


def seconds(profile: Profile, stable_samples: int = 10, interval_seconds: float = 0.25) -> float:
    """The sum."""
    return sum(value for _name, value in links(profile, stable_samples, interval_seconds))
