# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes back what a deployment created, in reverse order. Data stores stay unless the operator names them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from .declared import Refused, wait_until
from .errors import CallFailed, RecoveryError
from .model import Application
from .ports import Clock, Workers
from .resources import KINDS, At, Resource, command

#: AWS's ways to say that something else has to end first; asking again later is right.
BUSY = (
    "DBClusterInUse",
    "DependencyViolation",
    "DeleteConflict",
    "InvalidDBClusterStateFault",
    "InvalidDBInstanceState",
    "InvalidDBSubnetGroupStateFault",
    "InvalidGlobalClusterStateFault",
    "OperationAborted",
    "ResourceConflictException",
    "ResourceInUse",
    "ResourceInUseFault",
    "ResourceInUseException",
    "ScalingActivityInProgress",
    "HealthCheckInUse",
)

#: How long apart (seconds) two looks at something that is being deleted are.
LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class Item:
    """What is to become of one resource: ``delete`` or ``keep``, and why."""

    resource: Resource
    action: str
    reason: str = ""

    @property
    def by_hand(self) -> str:
        """What an operator types to remove what is kept."""
        return command(self.resource) if self.action == "keep" else ""


def present(
    resources: Sequence[Resource], place: Callable[[Resource], At], workers: Workers
) -> list[tuple[Resource, bool]]:
    """Look at every resource, side by side; raises when one cannot be looked at."""
    answers = workers.gather([partial(_exists, resource, place) for resource in resources])
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return [(resource, bool(answer)) for resource, answer in zip(resources, answers, strict=True)]


def _exists(resource: Resource, place: Callable[[Resource], At]) -> bool:
    return KINDS[resource.kind].exists(place(resource), resource.name)


def plan(created: Sequence[Resource], named: Collection[str]) -> list[Item]:
    """Decide what becomes of each resource that is there and was created by the deployment, last created first.

    :param named: data stores that the operator has named to be deleted
    """
    reasons = {resource.key: _why_kept(resource, named) for resource in created}
    kept = {resource.name: resource for resource in created if reasons[resource.key]}
    # What a kept thing stands on stays too, and what that stands on.
    todo = list(kept.values())
    while todo:
        upper = todo.pop()
        for resource in created:
            if resource.name in upper.stands_on and not reasons[resource.key]:
                reasons[resource.key] = f"{upper.name} stands on it"
                todo.append(resource)
    return [
        Item(resource, "keep" if reasons[resource.key] else "delete", reasons[resource.key])
        for resource in reversed(created)
    ]


def _why_kept(resource: Resource, named: Collection[str]) -> str:
    kind = KINDS[resource.kind]
    if kind.stays:
        return kind.stays
    if kind.data_store and resource.name not in named and resource.belongs_to not in named:
        return "a data store, and rollback_delete_data_stores does not name it"
    return ""


def in_service(application: Application, at: Callable[[str], At]) -> list[str]:
    """Return why the dr region may not be taken apart now, one sentence each: because clients are, or may be, there.

    ``at`` gives the At of a place. Deleting a health check does not fail when a record uses it (Route 53 API reference,
    DeleteHealthCheck), so nobody but us would notice.
    """
    reasons = []
    for found in at("primary").pages("rds", "DescribeGlobalClusters", "GlobalClusters"):
        writers = [member["DBClusterArn"] for member in found.get("GlobalClusterMembers", []) if member.get("IsWriter")]
        if found["GlobalClusterIdentifier"] == application.global_cluster and any(
            arn.split(":")[3] == application.dr.region for arn in writers
        ):
            reasons.append(f"the writer of {application.global_cluster} is in {application.dr.region}; fail back first")
    reasons += [
        f"{name} has failover records, so its traffic is activated; put a plain record to the primary site back first"
        for name in _failover_names(application, at("traffic"))
    ]
    return reasons


def _failover_names(application: Application, at: At) -> list[str]:
    zone = application.traffic.hosted_zone.rstrip(".") + "."
    answer = at.read("route53", "ListHostedZonesByName", {"DNSName": zone, "MaxItems": "10"})
    names = []
    for found in answer.get("HostedZones", []):
        if found["Name"] != zone or found.get("Config", {}).get("PrivateZone"):
            continue
        for name in application.traffic.names:
            params = {"HostedZoneId": found["Id"], "StartRecordName": name, "MaxItems": "10"}
            records = at.read("route53", "ListResourceRecordSets", params)["ResourceRecordSets"]
            if any(record["Name"].rstrip(".") == name.rstrip(".") and record.get("Failover") for record in records):
                names.append(name)
    return names


def unknown_names(created: Sequence[Resource], named: Collection[str]) -> list[str]:
    """Return names of data stores that this deployment has not created: a slip of the pen must not pass in silence."""
    stores = {resource.name for resource in created if KINDS[resource.kind].data_store}
    return sorted(set(named) - stores)


def take_back(
    items: Sequence[Item],
    place: Callable[[Resource], At],
    clock: Clock,
    gone: Callable[[Resource], None],
    say: Callable[[str], None] = lambda _line: None,
) -> list[str]:
    """Delete what the plan says, in its order; return what could not be deleted, one sentence each.

    Goes on after a failure, but leaves alone whatever the thing that could not be deleted stands on.
    """
    problems: list[str] = []
    held: dict[str, Resource] = {}
    for item in items:
        if item.action != "delete":
            continue
        if item.resource.name in held:
            problems.append(f"{item.resource} was left: {held[item.resource.name]} stands on it")
            held.update(dict.fromkeys(item.resource.stands_on, item.resource))
            continue
        say(f"deleting {item.resource}")
        try:
            _delete(item.resource, place(item.resource), clock)
        except RecoveryError as error:
            problems.append(f"{item.resource} was not deleted: {error}")
            held.update(dict.fromkeys(item.resource.stands_on, item.resource))
        else:
            gone(item.resource)
    return problems


def _delete(resource: Resource, at: At, clock: Clock) -> None:
    """Ask until AWS accepts, then look until it is gone; one deadline for both."""
    kind = KINDS[resource.kind]
    accepted = False

    def missing() -> str | None:
        nonlocal accepted
        if not kind.exists(at, resource.name):
            return None
        if not accepted and kind.delete:
            try:
                kind.delete(at, resource.name)
            except CallFailed as failure:
                if failure.code not in BUSY:
                    raise
                return f"AWS still says {failure.code}: {failure.message}"
            accepted = True
        reason = kind.stuck(at, resource.name) if kind.stuck else ""
        if reason:
            raise Refused(reason)
        return "it is still there" if kind.exists(at, resource.name) else None

    wait_until(missing, clock, kind.patience_seconds, LOOK_SECONDS)
