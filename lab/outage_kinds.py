"""What can be taken from a region, as a table: its API, its application, the line of its database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of outage; `api` and `application` are what their sockets do (`cloud.outages`, `dataplane.front`)."""

    api: str | None
    application: str | None
    line: bool
    """Whether replication between the regions is cut."""
    meaning: str


KINDS: dict[str, Kind] = {
    "hang": Kind("hang", "hang", True, "connections are accepted and never served"),
    "swallow": Kind("swallow", "swallow", True, "packets vanish: nothing is even connected"),
    "refuse": Kind("refuse", "refuse", True, "connections are refused at once"),
    "errors": Kind("errors", "errors", True, "everything answers, with 503"),
    "data-plane-only": Kind(None, "hang", True, "the API answers; the application hangs, its database is cut off"),
    "control-plane-only": Kind(
        "errors", None, False, "the API answers 503 and AWS does nothing by itself there; the application goes on"
    ),
}
