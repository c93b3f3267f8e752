"""What the data plane sees of the cloud (`view.CloudView`), read from moto's state in process."""

from __future__ import annotations

from typing import Any, Literal

from lab.cloud.view import Record
from lab.cloud.world import ACCOUNT
from lab.settings import LabSettings

ALIAS_TTL = 60
"""Seconds: an alias to a load balancer answers with the load balancer's own TTL, which is 60."""


class MotoView:
    """Reads moto's back ends; never takes a lock, never goes over HTTP."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        self._read: dict[str, tuple[list[Any], tuple[Record, ...]]] = {}
        """Moto's records of each zone as they were read last, and what was made of them; it replaces what changes."""

    def in_service(self, region: str, group: str | None = None) -> int:
        """Instances in service of that group; by default the first of the project's groups in the region."""
        name = group or self._first_group(region)
        found = _backend("autoscaling", region).autoscaling_groups.get(name)
        if found is None:
            return 0
        return sum(1 for state in list(found.instance_states) if state.lifecycle_state == "InService")

    def _first_group(self, region: str) -> str:
        settings = self._settings
        place = "" if region == settings.primary_region else "dr-"
        return f"{settings.project}-{place}{settings.groups[0]}"

    def zones(self) -> tuple[str, ...]:
        """Names of all hosted zones, with the final dot."""
        return tuple(_dotted(zone.name) for zone in list(_backend("route53", "aws").zones.values()))

    def records(self, zone: str) -> tuple[Record, ...]:
        """All records of the hosted zone of that name; the same tuple as long as they are the same."""
        for candidate in list(_backend("route53", "aws").zones.values()):
            if _dotted(candidate.name) == _dotted(zone):
                sets = list(candidate.rrsets)
                before, records = self._read.get(candidate.id, ([], ()))
                if len(sets) != len(before) or any(one is not other for one, other in zip(sets, before, strict=True)):
                    records = tuple(_record(item) for item in sets)
                    self._read[candidate.id] = (sets, records)
                return records
        return ()

    def health(self, check_id: str) -> bool:
        """Whether Route 53's data plane takes the check as healthy."""
        from lab.cloud.extensions import health_checks

        return health_checks.is_healthy(check_id)

    def alb_dns_names(self, region: str) -> dict[str, str]:
        """DNS names of the region's load balancers, and their names."""
        balancers = list(_backend("elbv2", region).load_balancers.values())
        return {str(balancer.dns_name).lower().rstrip("."): str(balancer.name) for balancer in balancers}


def _backend(service: Any, region: str) -> Any:
    from moto.backends import get_backend

    backends: Any = get_backend(service)
    return backends[ACCOUNT][region]


def _dotted(name: str) -> str:
    return name.lower().rstrip(".") + "."


def _record(item: Any) -> Record:
    alias: Any = item.alias_target
    failover: Literal["PRIMARY", "SECONDARY"] | None = item.failover or None
    if alias:
        values: tuple[str, ...] = (_dotted(str(alias.get("DNSName", ""))),)
    else:
        values = tuple(str(value["Value"] if isinstance(value, dict) else value) for value in item.records or ())
    return Record(
        name=_dotted(str(item.name)),
        kind=str(item.type),
        ttl=ALIAS_TTL if alias else int(item.ttl or 0),
        values=values,
        alias=bool(alias),
        failover=failover,
        set_identifier=item.set_identifier or None,
        health_check_id=getattr(item, "health_check_id", None) or None,
        evaluate_target_health=bool(alias) and str(alias.get("EvaluateTargetHealth", "")).lower() == "true",
    )
