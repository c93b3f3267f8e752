# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What lets writes in to a site's database besides its groups (R25), and how each is shut and opened again.

Three kinds: a schedule of EventBridge Scheduler, the event-source mappings of a Lambda function, and the ingress of a
security group of the database. What was open when it was shut is kept in the state tables, so that exactly that is
opened on the way home.

Sources: EventBridge Scheduler API reference, UpdateSchedule (what is not repeated is set to its default); Lambda API
reference, UpdateEventSourceMapping and the states of a mapping; EC2 API reference, RevokeSecurityGroupIngress; EC2 user
guide, "Security group connection tracking": connections that are tracked go on when their rule is taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .calls import PlannedCall
from .clients import Caller
from .errors import CallFailed
from .model import Access, Application, Site
from .snapshot import Cluster, Snapshot, Unknown, Valve
from .store import fence_item

SCHEDULE = "schedule"
MAPPING = "event-source mapping"
INGRESS = "ingress"

WRITERS = (SCHEDULE, MAPPING)
"""Kinds that write by themselves; the ingress only lets others in."""

SHUT_BY: Mapping[str, str] = {
    SCHEDULE: "scheduler UpdateSchedule",
    MAPPING: "lambda UpdateEventSourceMapping",
    INGRESS: "ec2 RevokeSecurityGroupIngress",
}
OPENED_BY: Mapping[str, str] = {**SHUT_BY, INGRESS: "ec2 AuthorizeSecurityGroupIngress"}
"""The call that turns a valve of each kind."""

DEFAULT_GROUP = "default"
_SCHEDULE_FIELDS = (
    *("Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "EndDate", "Description"),
    *("KmsKeyArn", "Target", "FlexibleTimeWindow", "ActionAfterCompletion"),
)
_GRANTS = {
    # the lists of an IpPermission, and what of an entry says who is let in, and why
    "IpRanges": ("CidrIp", "Description"),
    "Ipv6Ranges": ("CidrIpv6", "Description"),
    "PrefixListIds": ("PrefixListId", "Description"),
    "UserIdGroupPairs": ("GroupId", "UserId", "VpcId", "VpcPeeringConnectionId", "Description"),
}


def listed(snapshot: Snapshot, application: Application, site: Site) -> list[tuple[str, str]]:
    """What is to be looked at, as kind and name: what the inventory lists, and whatever was shut before.

    Without security groups in the inventory they are those of the site's cluster, once that was read.
    """
    cluster = snapshot.cluster(site)
    groups = site.fencing.security_groups or (cluster.security_groups if isinstance(cluster, Cluster) else ())
    pairs = [(SCHEDULE, _qualified(name)) for name in site.fencing.schedules]
    pairs += [(MAPPING, name) for name in site.fencing.event_source_mappings]
    pairs += [(INGRESS, group) for group in groups]
    return list(dict.fromkeys([*pairs, *was_shut(snapshot, application, site)]))


def was_shut(snapshot: Snapshot, application: Application, site: Site) -> list[tuple[str, str]]:
    """What was shut at the site and is to be opened again, as kind and name."""
    return [(valve.kind, _asked_by(valve)) for valve in kept(snapshot, application, site)]


def _qualified(schedule: str) -> str:
    return schedule if "/" in schedule else f"{DEFAULT_GROUP}/{schedule}"


def _asked_by(valve: Valve) -> str:
    """The name by which a valve is read: a mapping is found by its function."""
    return str(valve.setting["FunctionName"]) if valve.kind == MAPPING else valve.name


def found(snapshot: Snapshot, application: Application, site: Site, kinds: Sequence[str]) -> list[Valve] | Unknown:
    """The site's valves of some kinds; not known when any of them is not."""
    if INGRESS in kinds and not site.fencing.security_groups and isinstance(cluster := snapshot.cluster(site), Unknown):
        return Unknown(f"the security groups of {site.cluster}: {cluster.reason}")
    valves: list[Valve] = []
    for kind, name in listed(snapshot, application, site):
        if kind in kinds:
            seen = snapshot.valves.get((site.access, kind, name), Unknown("it was not read"))
            if isinstance(seen, Unknown):
                return Unknown(f"{kind} {name}: {seen.reason}")
            valves += seen
    return valves


def absent(snapshot: Snapshot, application: Application, site: Site, kinds: Sequence[str]) -> list[str]:
    """What the inventory lists, and nothing was found behind: a name that is wrong, or a function without mappings."""
    pairs = [pair for pair in listed(snapshot, application, site) if pair[0] in kinds]
    shut_before = set(was_shut(snapshot, application, site))
    return [
        f"{kind} {name}"
        for kind, name in pairs
        if (kind, name) not in shut_before and snapshot.valves.get((site.access, kind, name)) == ()
    ]


# Reading


def read_valves(caller: Caller, access: Access, kind: str, names: Sequence[str]) -> dict[str, tuple[Valve, ...]]:
    """The valves behind entries of the list; none where an entry is not there. Raises CallFailed, RegionUnreachable.

    Security groups are read all at once, schedules and functions one at a time.
    """
    if kind == INGRESS:
        return _read_ingress(caller, access, names)
    found: dict[str, tuple[Valve, ...]] = {}
    for name in names:
        try:
            found[name] = tuple((_read_schedule if kind == SCHEDULE else _read_mappings)(caller, access, name))
        except CallFailed as error:
            if error.code != "ResourceNotFoundException":
                raise
    return found


def _read_schedule(caller: Caller, access: Access, name: str) -> Iterable[Valve]:
    group, _slash, short = name.partition("/")
    found = caller.call(access, "scheduler", "GetSchedule", {"Name": short, "GroupName": group})
    setting = {key: _plain(found[key]) for key in _SCHEDULE_FIELDS if found.get(key) is not None}
    yield Valve(SCHEDULE, name, found.get("State", "ENABLED") == "ENABLED", {**setting, "GroupName": group})


def _read_mappings(caller: Caller, access: Access, name: str) -> Iterable[Valve]:
    request: dict[str, Any] = {"FunctionName": name}
    while True:
        answer = caller.call(access, "lambda", "ListEventSourceMappings", request)
        for one in answer.get("EventSourceMappings") or []:
            state = str(one.get("State", ""))
            # Creating, Enabling, Enabled, Disabling, Disabled, Updating, Deleting
            yield Valve(
                MAPPING,
                str(one["UUID"]),
                state not in ("Disabled", "Disabling", "Deleting"),
                {"FunctionName": name, "EventSourceArn": one.get("EventSourceArn")},
                settled=state in ("Enabled", "Disabled"),
            )
        if not answer.get("NextMarker"):
            return
        request["Marker"] = answer["NextMarker"]


def _read_ingress(caller: Caller, access: Access, names: Sequence[str]) -> dict[str, tuple[Valve, ...]]:
    # A filter, because one id that is not there would fail a call by GroupIds.
    request: dict[str, Any] = {"Filters": [{"Name": "group-id", "Values": list(names)}]}
    found: dict[str, tuple[Valve, ...]] = {}
    while True:
        answer = caller.call(access, "ec2", "DescribeSecurityGroups", request)
        for group in answer.get("SecurityGroups") or []:
            grants = list(_grants(group.get("IpPermissions") or []))
            name = str(group["GroupId"])
            found[name] = (Valve(INGRESS, name, bool(grants), {"IpPermissions": grants}),)
        if not answer.get("NextToken"):
            return found
        request["NextToken"] = answer["NextToken"]


def _grants(permissions: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """Permissions with one source each, in a form that can be compared, kept, and handed to AWS again."""
    for permission in permissions:
        ports = {
            key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if permission.get(key) is not None
        }
        for member, keys in _GRANTS.items():
            for source in permission.get(member) or []:
                yield {**ports, member: [{key: source[key] for key in keys if source.get(key)}]}


def _plain(value: Any) -> Any:
    """A value as JSON can keep it; EventBridge Scheduler's dates are taken by botocore as text too."""
    return value.isoformat() if hasattr(value, "isoformat") else value


# Shutting and opening


def shut(access: Access, valve: Valve, now: float) -> PlannedCall:
    """The call that shuts a valve; ``now`` in seconds since the epoch."""
    if valve.kind == INGRESS:
        return _call(access, "ec2", "RevokeSecurityGroupIngress", valve, {"GroupId": valve.name, **valve.setting})
    return _turned(access, valve, now, on=False)


def opened(access: Access, kept_valve: Valve, stands: Valve, now: float) -> PlannedCall:
    """The call that opens a valve as it was kept, from how it ``stands``; ``now`` in seconds since the epoch."""
    if kept_valve.kind == INGRESS:
        params = {"GroupId": kept_valve.name, "IpPermissions": missing(kept_valve, stands)}
        return _call(access, "ec2", "AuthorizeSecurityGroupIngress", kept_valve, params)
    return _turned(access, stands, now, on=True)


def is_open_as_kept(kept_valve: Valve, now: Valve) -> bool:
    """Whether nothing is missing of what was open when it was shut."""
    return not missing(kept_valve, now) if kept_valve.kind == INGRESS else now.open


def missing(kept_valve: Valve, now: Valve) -> list[dict[str, Any]]:
    """Permissions that were kept and are not there."""
    there = now.setting.get("IpPermissions") or []
    return [grant for grant in kept_valve.setting.get("IpPermissions") or [] if grant not in there]


def _turned(access: Access, valve: Valve, now: float, on: bool) -> PlannedCall:
    if valve.kind == SCHEDULE:
        begun = "StartDate" in valve.setting and _moment(valve.setting["StartDate"]) <= now
        setting = {key: value for key, value in valve.setting.items() if not (begun and key == "StartDate")}
        params = {**setting, "State": "ENABLED" if on else "DISABLED"}
        return _call(access, "scheduler", "UpdateSchedule", valve, params)
    return _call(access, "lambda", "UpdateEventSourceMapping", valve, {"UUID": valve.name, "Enabled": on})


def _moment(text: str) -> float:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _call(access: Access, service: str, operation: str, valve: Valve, params: Mapping[str, Any]) -> PlannedCall:
    # Optional: one that fails holds the others not; whether all are shut is what the step then observes.
    return PlannedCall(service, operation, access, valve.name, params, optional=True, before=entry(valve))


# What is kept


@dataclass(frozen=True)
class Kept:
    """The document of what was shut at a site; newest first where two tables have one."""

    at: float
    valves: tuple[Valve, ...]


def kept_document(site: Site, run_id: str, at: float, valves: Iterable[Valve]) -> dict[str, Any]:
    """What goes into the state tables before a valve is shut; no valves: all are open again."""
    entries = [entry(valve) for valve in valves]
    return {"place": site.place, "region": site.region, "run_id": run_id, "at": at, "kept": entries}


def entry(valve: Valve) -> dict[str, Any]:
    """What has to be known to open a valve again. Of a schedule that is its name: its payload is kept by AWS alone."""
    setting = {key: valve.setting[key] for key in ("FunctionName", "IpPermissions") if key in valve.setting}
    return {"kind": valve.kind, "name": valve.name, "setting": setting}


def kept_in(document: Any) -> Kept | None:
    """The reverse; None where there is no such document."""
    if not isinstance(document, Mapping):
        return None
    entries = document.get("kept") or []
    valves = tuple(Valve(one["kind"], one["name"], True, one.get("setting") or {}) for one in entries)
    return Kept(float(document.get("at", 0)), valves)


def kept(snapshot: Snapshot, application: Application, site: Site) -> tuple[Valve, ...]:
    """What was shut at the site and was not opened since: as the newer of both regions' tables says."""
    documents = [kept_in(snapshot.item(application, at, fence_item(site.place))) for at in application.sites]
    known = [document for document in documents if document is not None]
    return max(known, key=lambda one: one.at).valves if known else ()


def merged(before: Iterable[Valve], more: Iterable[Valve]) -> tuple[Valve, ...]:
    """What is kept already, and what is to be shut now."""
    found = {(valve.kind, valve.name): valve for valve in before}
    for valve in more:
        known = found.get((valve.kind, valve.name))
        if known is not None and valve.kind == INGRESS:
            grants = [*(known.setting.get("IpPermissions") or []), *missing(valve, known)]
            found[(valve.kind, valve.name)] = Valve(INGRESS, valve.name, True, {"IpPermissions": grants})
        else:
            found[(valve.kind, valve.name)] = valve
    return tuple(found.values())
