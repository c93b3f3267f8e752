"""moto holds time as naive datetimes in UTC, requests bring aware ones or text: here they meet."""

from __future__ import annotations

import datetime
from typing import Any


def seconds(value: Any, default: float) -> float:
    """Seconds since the epoch of whatever a request or moto has."""
    if value is None:
        return default
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.UTC)
        return float(value.timestamp())
    return float(value)


def aware(at: float) -> datetime.datetime:
    """The moment as a datetime with its zone, for answers."""
    return datetime.datetime.fromtimestamp(at, tz=datetime.UTC)


def naive(at: float) -> datetime.datetime:
    """The moment as moto's models hold it."""
    return aware(at).replace(tzinfo=None)
