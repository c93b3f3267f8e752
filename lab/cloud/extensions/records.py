"""Route 53 records: a change batch is refused as a whole or done as a whole.

Route 53 API reference, ChangeResourceRecordSets: CREATE fails if the record exists, DELETE unless all values match, a
CNAME stands alone, records of one name and type share one routing policy, a failover pair has one of each kind.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import RecordSet, Route53Backend
from moto.route53.responses import Route53

from lab.cloud import world as worlds
from lab.cloud.extensions import health_checks
from lab.cloud.extensions.moments import aware
from lab.cloud.extensions.patching import action, wrap

_changes: dict[str, float] = {}
"""Change id: when it was submitted."""

_POLICIES = ("Weight", "Region", "GeoLocation", "Failover", "MultiValueAnswer", "CidrRoutingConfig")


def install(world: worlds.World) -> None:
    """Replace the batch, and give changes an id and a time."""
    _changes.clear()

    @wrap(RecordSet, "__init__")
    def record(original: Any, self: Any, kwargs: Any) -> None:
        """moto makes a zone's SOA in another form than it reads it."""
        original(self, kwargs)
        self.records = [one["Value"] if hasattr(one, "items") else one for one in self.records or []]

    @wrap(Route53Backend, "change_resource_record_sets")
    def change_batch(original: Any, self: Any, zoneid: str, change_list: list[Any]) -> None:
        zone = self.get_hosted_zone(zoneid)
        records = list(zone.rrsets)
        for change in change_list:
            records = _apply(zone, records, change["Action"], _normal(change["ResourceRecordSet"]))
        zone.rrsets = records

    @wrap(Route53, "change_resource_record_sets")
    def change(original: Any, self: Any) -> ActionResult:
        original(self)
        identifier = f"/change/C{uuid.uuid4().hex[:20].upper()}"
        _changes[identifier.rsplit("/", 1)[1]] = worlds.current().now()
        return ActionResult({"ChangeInfo": _info(identifier)})

    @action(Route53, "get_change")
    def get_change(self: Any) -> ActionResult:
        identifier = str(self._get_param("Id")).rsplit("/", 1)[-1]
        if identifier not in _changes:
            raise Route53ClientError("NoSuchChange", f"A change with id {identifier} does not exist")
        return ActionResult({"ChangeInfo": _info(f"/change/{identifier}")})


def _info(identifier: str) -> dict[str, Any]:
    world = worlds.current()
    submitted = _changes[identifier.rsplit("/", 1)[1]]
    done = world.now() - submitted >= world.delay("route53.change")
    return {"Id": identifier, "Status": "INSYNC" if done else "PENDING", "SubmittedAt": aware(submitted)}


def refused(message: str) -> Route53ClientError:
    """Nothing of the batch was done."""
    return Route53ClientError("InvalidChangeBatch", f"[{message}]")


def _dotted(name: str) -> str:
    return name.lower().replace("\\052", "*").rstrip(".") + "."


def _normal(record: Any) -> dict[str, Any]:
    """A record of a request: dotted name, plain values."""
    plain = {str(key): value for key, value in record.items() if value is not None}
    plain["Name"] = _dotted(plain["Name"])
    if "ResourceRecords" in plain:
        plain["ResourceRecords"] = [one["Value"] if hasattr(one, "items") else one for one in plain["ResourceRecords"]]
    if "AliasTarget" in plain:
        plain["AliasTarget"] = {str(key): value for key, value in plain["AliasTarget"].items()}
    return plain


def _apply(zone: Any, records: list[Any], verb: str, wanted: dict[str, Any]) -> list[Any]:
    name, kind = wanted["Name"], wanted["Type"]
    shown = f"name='{name}', type='{kind}'"
    if wanted.get("SetIdentifier"):
        shown += f", set identifier='{wanted['SetIdentifier']}'"
    apex = _dotted(zone.name)
    if name != apex and not name.endswith("." + apex):
        raise refused(f"RRSet with DNS name {name} is not permitted in zone {apex}")
    present = next((one for one in records if _same(one, wanted)), None)
    if verb == "DELETE":
        if present is None:
            raise refused(f"Tried to delete resource record set [{shown}] but it was not found")
        if not _equal(present, wanted):
            raise refused(
                f"Tried to delete resource record set [{shown}] but the values provided do not match the current values"
            )
        return [one for one in records if one is not present]
    if verb == "CREATE" and present is not None:
        raise refused(f"Tried to create resource record set [{shown}] but it already exists")
    _check(records, wanted, apex, present)
    made = RecordSet(wanted)  # type: ignore[abstract]
    if present is None:
        return [*records, made]
    return [made if one is present else one for one in records]


def _same(record: Any, wanted: dict[str, Any]) -> bool:
    return (
        _dotted(record.name) == wanted["Name"]
        and record.type == wanted["Type"]
        and (record.set_identifier or None) == wanted.get("SetIdentifier")
    )


def _values(records: Any) -> list[str]:
    return sorted(one["Value"] if hasattr(one, "items") else str(one) for one in records or [])


def _equal(record: Any, wanted: dict[str, Any]) -> bool:
    if record.alias_target or wanted.get("AliasTarget"):
        here, there = record.alias_target or {}, wanted.get("AliasTarget") or {}
        return _dotted(str(here.get("DNSName", ""))) == _dotted(str(there.get("DNSName", "")))
    return str(record.ttl) == str(wanted.get("TTL")) and _values(record.records) == _values(
        wanted.get("ResourceRecords")
    )


def _check(records: list[Any], wanted: dict[str, Any], apex: str, present: Any) -> None:
    name, kind = wanted["Name"], wanted["Type"]
    has_values = wanted.get("TTL") is not None and bool(wanted.get("ResourceRecords"))
    if has_values == bool(wanted.get("AliasTarget")):
        found = "more than one" if has_values else "none"
        raise Route53ClientError(
            "InvalidInput",
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or "
            f"TrafficPolicyInstanceId], but found {found} in Change with [Name={name}, Type={kind}]",
        )
    others = [one for one in records if one is not present and _dotted(one.name) == name]
    if kind == "CNAME" and name == apex:
        raise refused(f"RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {apex}")
    for one in others:
        if (kind == "CNAME") != (one.type == "CNAME"):
            raise refused(
                f"RRSet of type {kind} with DNS name {name} is not permitted because a conflicting RRSet of type "
                f"{one.type} with the same DNS name already exists in zone {apex}"
            )
    check = wanted.get("HealthCheckId")
    if check and check not in health_checks.known():
        raise refused(f"The specified health check {check} does not exist")
    _check_policy([one for one in others if one.type == kind], wanted)


def _check_policy(siblings: list[Any], wanted: dict[str, Any]) -> None:
    name, kind, identifier = wanted["Name"], wanted["Type"], wanted.get("SetIdentifier")
    policies = [policy for policy in _POLICIES if wanted.get(policy) is not None]
    if bool(policies) != bool(identifier) or len(policies) > 1:
        raise Route53ClientError(
            "InvalidInput",
            f"Invalid request: SetIdentifier needs exactly one of {', '.join(_POLICIES)} in [Name={name}, Type={kind}]",
        )
    for one in siblings:
        if bool(one.set_identifier) != bool(identifier):
            raise refused(
                f"RRSet with DNS name {name}, type {kind}, SetIdentifier {identifier or ''}, cannot be created as "
                "other RRSets exist with the same name and type."
            )
        if identifier and bool(one.failover) != (wanted.get("Failover") is not None):
            raise refused(f"RRSets with DNS name {name}, type {kind} must all have the same routing policy")
        if identifier and one.failover and one.failover == wanted.get("Failover"):
            raise refused(
                f"RRSet with DNS name {name}, type {kind}, SetIdentifier {identifier} cannot be created as a "
                f"{one.failover} failover RRSet with SetIdentifier {one.set_identifier} exists"
            )
