# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A name's records: one simple record, or a failover pair with a health check on both (R16, R17).

A name goes from one form to the other in one change batch, which Route 53 carries out as a whole or not at all (API
reference of ChangeResourceRecordSets), so there is no moment without an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .declared import Api, Call, Change, Refused

ADDRESSES = ("A", "AAAA", "CNAME")
PLACES = {"PRIMARY": "primary", "SECONDARY": "dr"}


@dataclass(frozen=True)
class Endpoint:
    """Where one site answers: a load balancer's DNS name and, for aliases, its hosted zone; the check on its record."""

    host: str
    zone_id: str | None = None
    health_check_id: str | None = None


@dataclass(frozen=True)
class Wanted:
    """The records of one name. ``alias`` chooses between alias A records and CNAME records with ``ttl`` seconds."""

    name: str
    primary: Endpoint
    dr: Endpoint | None = None
    alias: bool = False
    ttl: int = 60


def plain(name: str) -> str:
    """A DNS name in one form: lower case, no last dot, an asterisk as an asterisk."""
    return name.lower().rstrip(".").replace("\\052", "*")


def find_zone(api: Api, zone: str, private: bool = False) -> dict[str, Any]:
    """The hosted zone of that name or id; refuses when there is none, or more than one."""
    if not plain(zone).count("."):
        found = api.read_or_none("GetHostedZone", {"Id": zone}, ("NoSuchHostedZone", "InvalidInput"))
        if not found:
            raise Refused(f"there is no hosted zone with the id {zone}")
        return dict(found["HostedZone"])
    listed = api.read("ListHostedZonesByName", {"DNSName": plain(zone) + "."})["HostedZones"]
    same = [z for z in listed if plain(z["Name"]) == plain(zone)]
    fitting = [z for z in same if bool(z.get("Config", {}).get("PrivateZone")) == private]
    if len(fitting) != 1:
        kind = "private" if private else "public"
        count = "no" if not fitting else "more than one"
        raise Refused(f"there is {count} {kind} hosted zone {plain(zone)} seen from here: name its id instead")
    return dict(fitting[0])


def observe(api: Api, zone_id: str, name: str) -> list[dict[str, Any]]:
    """All records of one name, whatever their type."""
    return _listed_from(api, zone_id, plain(name))[plain(name)]


def observe_all(api: Api, zone_id: str, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """All records of each name, by the names as they were given: names that stand side by side share a page."""
    found: dict[str, list[dict[str, Any]]] = {}
    asked = {name: plain(name) for name in names}
    for name in sorted(asked.values(), key=_listing_order):
        if name not in found:
            found.update(_listed_from(api, zone_id, name))
    return {name: found[key] for name, key in asked.items()}


def _listed_from(api: Api, zone_id: str, name: str) -> dict[str, list[dict[str, Any]]]:
    """The records of the name, and of all others that the pages with them hold to the end."""
    found: dict[str, list[dict[str, Any]]] = {name: []}
    start: dict[str, Any] = {"StartRecordName": name + "."}
    while True:
        page = api.read("ListResourceRecordSets", {"HostedZoneId": zone_id, **start})
        for record in page["ResourceRecordSets"]:
            found.setdefault(plain(record["Name"]), []).append(record)
        following = plain(page.get("NextRecordName", "")) if page.get("IsTruncated") else ""
        if following != name:
            found.pop(following, None)  # the next page may have more of it
            return found
        keys = {"NextRecordName": "StartRecordName", "NextRecordType": "StartRecordType"}
        keys["NextRecordIdentifier"] = "StartRecordIdentifier"
        start = {to: page[key] for key, to in keys.items() if page.get(key)}


def _listing_order(name: str) -> str:
    """API reference of ListResourceRecordSets: by the name with its labels reversed and a trailing dot."""
    return ".".join(reversed(name.split("."))) + "."


def form_of(records: Sequence[Mapping[str, Any]]) -> str:
    """``absent``, ``simple``, ``failover``, or ``other`` (weighted, latency, mixed and so on)."""
    addresses = [record for record in records if record["Type"] in ADDRESSES]
    if not addresses:
        return "absent"
    if not any("SetIdentifier" in record for record in addresses):
        return "simple"
    return "failover" if all(record.get("Failover") for record in addresses) else "other"


def decide_failover(zone: Mapping[str, Any], current: Sequence[Mapping[str, Any]], wanted: Wanted) -> Change:
    """One batch that makes the name a failover pair; what is already there as wanted is not touched."""
    if wanted.dr is None:
        raise Refused(f"{wanted.name} needs the endpoint of the dr site")
    for place, site in (("primary", wanted.primary), ("dr", wanted.dr)):
        if not site.health_check_id:
            raise Refused(
                f"the {place} record of {wanted.name} needs a health check: Route 53 takes one without as always "
                "healthy, so traffic could not be moved away from it"
            )
    pair = [
        _record(wanted, wanted.primary, {"SetIdentifier": "primary", "Failover": "PRIMARY"}),
        _record(wanted, wanted.dr, {"SetIdentifier": "dr", "Failover": "SECONDARY"}),
    ]
    return _batch(zone, current, wanted.name, pair)


def decide_simple(
    zone: Mapping[str, Any],
    current: Sequence[Mapping[str, Any]],
    wanted: Wanted,
    records: Sequence[Mapping[str, Any]] | None = None,
) -> Change:
    """One batch that makes the name simple again: ``records`` as they were backed up, else one for the primary site."""
    target = [dict(r) for r in records or [] if r["Type"] in ADDRESSES] or [_record(wanted, wanted.primary, {})]
    if any("SetIdentifier" in record or plain(record["Name"]) != plain(wanted.name) for record in target):
        raise Refused(f"what is to be restored for {wanted.name} is not its simple record")
    return _batch(zone, current, wanted.name, target)


def _record(wanted: Wanted, site: Endpoint, extra: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {"Name": plain(wanted.name) + ".", **extra}
    if wanted.alias:
        if not site.zone_id:
            raise Refused(f"an alias of {wanted.name} to {site.host} needs the hosted zone of that load balancer")
        # R16: true would follow the targets behind the load balancer and move clients to a database that is read-only.
        alias = {"HostedZoneId": site.zone_id, "DNSName": plain(site.host) + ".", "EvaluateTargetHealth": False}
        record.update({"Type": "A", "AliasTarget": alias})
    else:
        record.update({"Type": "CNAME", "TTL": wanted.ttl, "ResourceRecords": [{"Value": plain(site.host)}]})
    if extra and site.health_check_id:
        record["HealthCheckId"] = site.health_check_id
    return record


def _batch(
    zone: Mapping[str, Any], current: Sequence[Mapping[str, Any]], name: str, target: list[dict[str, Any]]
) -> Change:
    _refuse_what_would_break(zone, current, name, target)
    ours = [record for record in current if record["Type"] in ADDRESSES]
    wanted = {_identity(record): record for record in target}
    held = {_identity(record): record for record in ours}
    delete = [record for key, record in held.items() if key not in wanted]
    write = [record for key, record in wanted.items() if key not in held or normal(held[key]) != normal(record)]
    changes = [{"Action": "DELETE", "ResourceRecordSet": dict(record)} for record in delete]
    changes += [{"Action": "UPSERT", "ResourceRecordSet": record} for record in write]
    call = Call(
        "ChangeResourceRecordSets",
        {"HostedZoneId": zone["Id"].rpartition("/")[2], "ChangeBatch": {"Changes": changes}},
    )
    before, after = [normal(record) for record in ours], [normal(record) for record in target]
    return Change({"records": _sorted(before)}, {"records": _sorted(after)}, (call,) if changes else ())


def _refuse_what_would_break(
    zone: Mapping[str, Any], current: Sequence[Mapping[str, Any]], name: str, target: Sequence[Mapping[str, Any]]
) -> None:
    if not (plain(name) + ".").endswith("." + plain(zone["Name"]) + ".") and plain(name) != plain(zone["Name"]):
        raise Refused(f"{plain(name)} is not in the hosted zone {plain(zone['Name'])}")
    if form_of(current) == "other":
        raise Refused(
            f"{plain(name)} has weighted, latency or other routing, not replaced here: make it a simple record first"
        )
    if any(record["Type"] == "CNAME" for record in target):
        others = sorted({record["Type"] for record in current} - set(ADDRESSES))
        if plain(name) == plain(zone["Name"]):
            raise Refused(f"{plain(name)} is the apex of its zone, where no CNAME may stand: use alias records")
        if others:
            raise Refused(
                f"{plain(name)} also has {', '.join(others)}, and a CNAME must stand alone: use alias records"
            )


def _identity(record: Mapping[str, Any]) -> tuple[str, str]:
    return record["Type"], record.get("SetIdentifier", "")


def normal(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record in one form, so that two that mean the same compare as equal."""
    clean = {key: value for key, value in record.items() if value not in (None, [], {})}
    clean["Name"] = plain(clean["Name"])
    if "ResourceRecords" in clean:
        names = clean["Type"] == "CNAME"
        values = [entry["Value"] for entry in clean["ResourceRecords"]]
        clean["ResourceRecords"] = [{"Value": plain(value) if names else value} for value in sorted(values)]
    if "AliasTarget" in clean:
        # Route 53 accepts TTLs on no alias; some answers carry one.
        clean.pop("TTL", None)
        clean["AliasTarget"] = {**clean["AliasTarget"], "DNSName": plain(clean["AliasTarget"]["DNSName"])}
    return clean


def _sorted(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(records, key=lambda record: (record.get("Failover", ""), record["Type"]))


def dangers(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """What makes a failover pair dangerous (R16), as sentences; [] when nothing does."""
    found = []
    for record in records:
        if record.get("Failover"):
            found += [danger for danger in (unchecked(record), follows_its_target(record)) if danger]
    return found


def called(record: Mapping[str, Any]) -> str:
    """A failover record in a sentence."""
    return f"the {PLACES[record['Failover']]} record of {plain(record['Name'])}"


def unchecked(record: Mapping[str, Any]) -> str | None:
    """What is wrong with a failover record without a health check."""
    if record.get("HealthCheckId"):
        return None
    return f"{called(record)} has no health check, so Route 53 always takes it as healthy"


def follows_its_target(record: Mapping[str, Any]) -> str | None:
    """What is wrong with a failover record that moves traffic by itself."""
    if not record.get("AliasTarget", {}).get("EvaluateTargetHealth"):
        return None
    return f"{called(record)} evaluates its target's health, so it can move traffic before the database has moved"
