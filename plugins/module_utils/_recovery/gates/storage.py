# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Buckets, secrets, and the alarms that tell when replication falls behind."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Site
from ..snapshot import NOT_READ, Backlog, Bucket, Secret, Snapshot, Unknown
from ..steps.base import Move
from .answers import Answer, summed_up

LONGEST_LATENCY_SECONDS = 900.0
"""What Replication Time Control promises (R24)."""
IN_SYNC = "InSync"


def _directions(move: Move) -> Iterator[tuple[Site, str, str]]:
    """Each bucket with the one that it replicates to: the site of the first, and both names."""
    for source, target in zip(move.source.buckets, move.target.buckets, strict=True):
        yield move.source, source, target
        yield move.target, target, source


def bucket_replication(move: Move, snapshot: Snapshot) -> Answer:
    """Each pair of buckets replicates in both directions: configuration cannot be changed in a disaster (R3, R24)."""
    problems, silent = list[str](), list[str]()
    for site, name, other in _directions(move):
        found = snapshot.buckets.get((site.access, name), NOT_READ)
        if isinstance(found, Unknown):
            silent.append(f"bucket {name}: {found.reason}")
        elif found is None:
            problems.append(f"there is no bucket {name} in {site.region}")
        elif not found.versioned:
            problems.append(f"bucket {name} keeps no versions, so nothing is replicated")
        elif not any(rule["enabled"] and rule["destination_bucket"] == other for rule in found.rules):
            problems.append(f"no rule that is on replicates {name} to {other}")
    return summed_up(problems, silent)


def bucket_backlog(move: Move, snapshot: Snapshot) -> Answer:
    """The target's buckets are not far behind: what waits to be copied is not there after a move (R24)."""
    problems, silent, said = list[str](), list[str](), list[str]()
    for source, target in zip(move.source.buckets, move.target.buckets, strict=True):
        found = snapshot.backlogs.get((move.source.access, source, target), NOT_READ)
        if isinstance(found, Backlog):
            text = f"{target} is {found.latency_seconds:.0f} s behind {source}, {found.pending} operations wait"
            (problems if found.latency_seconds > LONGEST_LATENCY_SECONDS else said).append(text)
        elif isinstance(bucket := snapshot.buckets.get((move.source.access, source)), Bucket) and not bucket.rules:
            silent.append(f"what waits between {source} and {target}: nothing is replicated")
        else:
            silent.append(f"what waits between {source} and {target}: {found.reason}")
    return summed_up(problems, silent, "; ".join(said))


def secrets(move: Move, snapshot: Snapshot) -> Answer:
    """Each secret is in the target's region, and its link to the other one is whole (R22)."""
    problems, silent = list[str](), list[str]()
    for name in move.target.secrets:
        here = snapshot.secrets.get((move.target.access, name), NOT_READ)
        there = snapshot.secrets.get((move.source.access, name), NOT_READ)
        if isinstance(here, Unknown):
            silent.append(f"secret {name}: {here.reason}")
            continue
        if here is None:
            problems.append(f"secret {name} is not replicated to {move.target.region}")
            continue
        maker, copy = (here, move.source.region) if here.replica_of is None else (there, move.target.region)
        if isinstance(maker, Unknown):
            silent.append(f"whether the replica of secret {name} is in step: {maker.reason}")
        elif not isinstance(maker, Secret) or copy not in maker.replicas:
            problems.append(f"secret {name} has no replica in {copy}: it stands alone in each region")
        elif maker.replicas[copy] != IN_SYNC:
            problems.append(f"the replica of secret {name} in {copy} is {maker.replicas[copy]}")
    return summed_up(problems, silent)


def alarms(move: Move, snapshot: Snapshot) -> Answer:
    """The lag is watched in both directions, by alarms that tell somebody and have data where there is some (R10)."""
    problems, silent = list[str](), list[str]()
    for site in (move.target, move.source):
        found = snapshot.alarms.get((site.access, site.cluster), NOT_READ)
        if isinstance(found, Unknown):
            silent.append(f"the alarms of {site.region}: {found.reason}")
            continue
        telling = [alarm for alarm in found if alarm.tells]
        if not found:
            problems.append(f"no alarm watches the replication lag of {site.cluster} in {site.region}")
        elif not telling:
            problems.append(f"alarm {found[0].name} in {site.region} tells nobody")
        elif site == move.target and all(alarm.state == "INSUFFICIENT_DATA" for alarm in telling):
            problems.append(f"alarm {telling[0].name} in {site.region} is silent: it has no data")
    return summed_up(problems, silent)
