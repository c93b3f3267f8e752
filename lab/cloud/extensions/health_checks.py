"""Route 53 health checks that are evaluated."""

from __future__ import annotations


def is_healthy(check_id: str) -> bool:
    """Whether the check is healthy; a new check starts healthy (R4)."""
    return True
