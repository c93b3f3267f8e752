"""The read side of the cloud for the data plane: in process, never over HTTP, so it works in any outage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Record:
    """One resource record set of a hosted zone."""

    name: str
    """Fully qualified, lower case, with the final dot."""
    kind: str
    """A, AAAA, CNAME, SOA, NS, TXT ..."""
    ttl: int
    """Seconds; 60 for an alias."""
    values: tuple[str, ...]
    """Record data; for an alias the one DNS name it points to, as a CNAME would."""
    alias: bool = False
    failover: Literal["PRIMARY", "SECONDARY"] | None = None
    set_identifier: str | None = None
    health_check_id: str | None = None
    evaluate_target_health: bool = False


class CloudView(Protocol):
    """What the application, the name server and `lab status` may ask of the cloud."""

    def in_service(self, region: str, group: str | None = None) -> int:
        """Instances in service of that Auto Scaling group; by default the region's first group of the project."""

    def zones(self) -> tuple[str, ...]:
        """Names of all hosted zones, with the final dot."""

    def records(self, zone: str) -> tuple[Record, ...]:
        """All records of the hosted zone of that name; the same tuple as long as they are the same."""

    def health(self, check_id: str) -> bool:
        """Whether Route 53's data plane takes the health check as healthy (inversion applied)."""

    def alb_dns_names(self, region: str) -> dict[str, str]:
        """DNS names of the region's application load balancers (lower case, no final dot) and their names."""
