# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Route 53's records and health checks, from its control plane: never in a recovery path (R3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..declared import Api
from ..failover_records import find_zone, observe_all
from ..health_checks import describe, list_all
from ..model import ROUTE53_REGION, Access
from ..snapshot import Snapshot
from .parts import Asker, At, Reading, Wanted


def records(asker: Asker, _access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """The records of each name; a zone that several applications share is looked for once."""
    zones: dict[tuple[Access, str], list[str]] = {}
    for wish in wanted:
        traffic = wish.application.traffic
        zone = (wish.application.records_access(wish.site), traffic.hosted_zone)
        zones.setdefault(zone, []).extend(traffic.names)
    return [_zone(asker, access, zone, tuple(names)) for (access, zone), names in zones.items()]


def _zone(asker: Asker, access: Access, zone: str, names: tuple[str, ...]) -> Reading:
    def read() -> Mapping[Any, Any]:
        api = _api(asker, access)
        identifier = find_zone(api, zone)["Id"].rpartition("/")[2]
        return {name: tuple(records) for name, records in observe_all(api, identifier, names).items()}

    return Reading("records", names, read)


def health_checks(asker: Asker, _access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """All health checks of the account that has the records."""
    return [_checks(asker, access) for access in {wish.application.records_access(wish.site): None for wish in wanted}]


def _checks(asker: Asker, access: Access) -> Reading:
    def read() -> Mapping[Any, Any]:
        return {access: {check["Id"]: describe(check) for check in list_all(_api(asker, access))}}

    return Reading("health_checks", (access,), read)


def _api(asker: Asker, access: Access) -> Api:
    return Api(At(asker.caller, access), ROUTE53_REGION, "route53")
