# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Traffic: can clients be led to the target, and only then (R16 to R18)?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..failover_records import PLACES, called, follows_its_target, form_of, unchecked
from ..model import Application
from ..snapshot import NOT_READ, Snapshot, Unknown
from ..steps.base import Move
from ..steps.traffic_switch import stored_position
from ..switch import CLOSED, POSITIONS, keeper
from .answers import Answer, Verdict, fails, holds, summed_up, unknown
from .memory import remembered

LONGEST_TTL_SECONDS = 60
"""R18: interval x threshold + TTL is the time that clients need; a longer TTL is most of it."""
ORCHESTRATED = "orchestrated"
FOLLOWS_A_METRIC = "CLOUDWATCH_METRIC"


def dns_answers(move: Move, snapshot: Snapshot) -> Answer:
    """Names and the target's endpoint are answered by DNS, the data plane that goes on working (R3)."""
    host = snapshot.host(move.target)
    if isinstance(host, Unknown):
        return unknown(f"the endpoint of {move.target.region}: {host.reason}")
    for name in (*move.application.traffic.names, host):
        addresses = snapshot.addresses(name)
        if isinstance(addresses, Unknown):
            return unknown(addresses.reason)
    return holds()


def switch_position(move: Move, snapshot: Snapshot) -> Answer:
    """The positions that the move depends on can be read where they are kept (R17), and dr's is open.

    A planned move opens it. The region that keeps it is the one that an unplanned move to dr leaves, and with both
    switches closed Route 53 answers with the primary (R16): so it has to be open beforehand, as readiness has seen it
    where nobody can read it any more.
    """
    application, said = move.application, list[str]()
    if application.traffic.policy != ORCHESTRATED:
        return holds("Route 53's own health checks move traffic")
    of_dr = stored_position(snapshot, application, "dr")
    if move.place == "dr" and move.planned and of_dr == CLOSED:
        return fails("the switch of dr is closed, and only a planned move or playbooks/reconcile.yml opens it")
    for position in POSITIONS[(move.place, move.planned)]:
        value = stored_position(snapshot, application, position.record)
        if not isinstance(value, Unknown):
            said.append(f"{position.record} {'open' if value else 'closed'}")
        elif position.needed:
            return unknown(f"switch {position.record}: {value.reason}")
    if move.place == "dr" and isinstance(of_dr, Unknown):
        then = remembered("switch-position", move, snapshot)
        return unknown(f"switch dr: {of_dr.reason}; {then.reason}") if then.verdict is Verdict.UNKNOWN else then
    if move.place == "dr" and of_dr == CLOSED:
        said.append(f"which the move opens as long as {move.source.region} answers")
    return holds(", ".join(said))


def _records(move: Move, snapshot: Snapshot) -> Iterator[tuple[str, tuple[Mapping[str, Any], ...] | Unknown]]:
    for name in move.application.traffic.names:
        yield name, snapshot.records.get(name, NOT_READ)


def _pairs(move: Move, snapshot: Snapshot) -> Iterator[Mapping[str, Any]]:
    """Each failover record that is known."""
    for _name, found in _records(move, snapshot):
        yield from () if isinstance(found, Unknown) else (record for record in found if record.get("Failover"))


def _silent(move: Move, snapshot: Snapshot) -> list[str]:
    return [
        f"the records of {name}: {found.reason}"
        for name, found in _records(move, snapshot)
        if isinstance(found, Unknown)
    ]


def failover_records(move: Move, snapshot: Snapshot) -> Answer:
    """Each name is a pair of failover records, one primary and one secondary (R16)."""
    problems = []
    for name, found in _records(move, snapshot):
        if isinstance(found, Unknown):
            continue
        form = form_of(found)
        if form != "failover":
            problems.append(f"the record of {name} is no failover pair ({form})")
            continue
        kinds = {record["Failover"] for record in found if record.get("Failover")}
        problems += [f"{name} has no {kind} record" for kind in sorted({"PRIMARY", "SECONDARY"} - kinds)]
    return summed_up(problems, _silent(move, snapshot))


def target_health(move: Move, snapshot: Snapshot) -> Answer:
    """No record follows the health of what is behind a load balancer, before the database has moved (R16)."""
    if move.application.traffic.policy != ORCHESTRATED:
        return holds("Route 53's own health checks move traffic")
    problems = [danger for record in _pairs(move, snapshot) if (danger := follows_its_target(record))]
    return summed_up(problems, _silent(move, snapshot))


def health_checks(move: Move, snapshot: Snapshot) -> Answer:
    """Both records have a health check that is there, is asked, and follows the switch where that is published (R17).

    Without one a record is always healthy (R16); one that follows something else is not turned by a move.
    """
    known = snapshot.health_checks.get(move.application.records_access(move.target), NOT_READ)
    problems, silent = list[str](), _silent(move, snapshot)
    for record in _pairs(move, snapshot):
        identifier = str(record.get("HealthCheckId"))
        if danger := unchecked(record):
            problems.append(danger)
        elif isinstance(known, Unknown):
            silent.append(f"health check {identifier}: {known.reason}")
        elif identifier not in known:
            problems.append(f"{called(record)} names health check {identifier}, which is not there")
        elif known[identifier].get("disabled"):
            problems.append(f"the health check of {called(record)} is disabled ({identifier}), so it is always healthy")
        elif danger := _beside_the_switch(move.application, record, known[identifier]):
            problems.append(danger)
    return summed_up(problems, silent)


def _beside_the_switch(application: Application, record: Mapping[str, Any], check: Mapping[str, Any]) -> str | None:
    """Why a move cannot turn a record's health check, or None.

    dr's record may be checked at its endpoint: that answers once the site serves, and not when its region is lost.
    """
    if application.traffic.policy != ORCHESTRATED:
        return None
    place, said = PLACES[record["Failover"]], f"the health check of {called(record)}"
    region = keeper(application, place).region
    if check["type"] != FOLLOWS_A_METRIC:
        return f"{said} is of the type {check['type']}, which no switch closes" if place == "primary" else None
    if check["alarm_region"] != region:
        return f"{said} follows an alarm in {check['alarm_region']}, and its switch is published in {region}"
    return f"{said} is inverted, so it is closed by what opens the switch" if check["inverted"] else None


def record_ttl(move: Move, snapshot: Snapshot) -> Answer:
    """Clients forget an answer within a minute, and within what the settings promise (R18)."""
    limit = min(LONGEST_TTL_SECONDS, move.application.traffic.ttl_seconds)
    problems = [
        f"the TTL of {called(record)} is {record['TTL']} s, over {limit} s"
        for record in _pairs(move, snapshot)
        if not record.get("AliasTarget") and int(record.get("TTL") or 0) > limit
    ]
    return summed_up(problems, _silent(move, snapshot))
