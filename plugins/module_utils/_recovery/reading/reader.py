# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads the world into a snapshot: side by side, one call per region and kind for all applications (R26).

Made per resource, because AWS takes one at a time: target health (only for groups whose instances are in service),
keys, secrets, versions of launch templates, parameter groups, buckets and alarms of a metric; and records, which are
listed from a name on. A reading that fails becomes ``Unknown`` with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..clients import Caller
from ..errors import RecoveryError
from ..model import Access
from ..ports import Clock, Resolver, Workers
from ..snapshot import Facet, Snapshot, Unknown
from . import alarms, answers, buckets, compute, keys_and_secrets, lags, launches, quotas, rds, route53, state, valves
from .parts import Maker, Reading, Wanted

STAGES: tuple[Mapping[Facet, Maker], ...] = (
    {
        Facet.GLOBAL: rds.global_clusters,
        Facet.CLUSTERS: rds.clusters,
        Facet.GROUPS: compute.groups,
        Facet.LAG: lags.lags,
        Facet.STATE: state.state,
        Facet.FENCE_STATE: state.state,
        Facet.POSITIONS: state.state,
        Facet.HOSTS: compute.hosts,
        Facet.EVENTS: rds.events,
        Facet.RECORDS: route53.records,
        Facet.HEALTH_CHECKS: route53.health_checks,
        Facet.SECRETS: keys_and_secrets.secrets,
        Facet.LOST_WRITES: rds.cluster_snapshots,
        Facet.BUCKETS: buckets.buckets,
        Facet.ALARMS: alarms.alarms,
    },
    # Each stage needs what the ones before it found.
    {
        Facet.TARGETS: compute.targets,
        Facet.KEYS: keys_and_secrets.keys,
        Facet.DNS: answers.answers,
        Facet.VALVES: valves.valves,
        Facet.SHUT_VALVES: valves.shut_valves,
        Facet.PARAMETERS: rds.parameters,
        Facet.TEMPLATES: launches.templates,
        Facet.BACKLOGS: buckets.backlogs,
    },
    {Facet.IMAGES: launches.images, Facet.OFFERINGS: launches.offerings, Facet.VCPUS: launches.vcpus},
    {Facet.QUOTAS: quotas.quotas},
)


@dataclass
class WorldReader:
    """Turns wishes into as few calls as there are regions and kinds."""

    caller: Caller
    clock: Clock
    workers: Workers
    resolver: Resolver
    events_since: float = 0.0

    def read(self, before: Snapshot, wanted: Iterable[Wanted]) -> Snapshot:
        """A newer snapshot: what is wanted is read anew, the rest is carried over."""
        wishes = list(dict.fromkeys(wanted))
        snapshot = before
        for stage in STAGES:
            snapshot = self._gather(snapshot, self._readings(stage, wishes, snapshot))
        return replace(snapshot, at=self.clock.now())

    def _readings(self, makers: Mapping[Facet, Maker], wishes: Sequence[Wanted], known: Snapshot) -> list[Reading]:
        groups: dict[tuple[Maker, Access], list[Wanted]] = {}  # facets with one maker are read together
        for wish in wishes:
            if wish.facet in makers:
                groups.setdefault((makers[wish.facet], wish.site.access), []).append(wish)
        readings: list[Reading] = []
        for (maker, access), group in groups.items():
            readings += maker(self, access, group, known)
        return list({(one.field, one.keys): one for one in readings}.values())

    def _gather(self, snapshot: Snapshot, readings: Sequence[Reading]) -> Snapshot:
        if not readings:
            return snapshot
        facts: dict[str, dict[Any, Any]] = {}
        for reading, outcome in zip(readings, self.workers.gather([reading.read for reading in readings]), strict=True):
            found = facts.setdefault(reading.field, {})
            if isinstance(outcome, RecoveryError):
                found.update({key: Unknown(str(outcome)) for key in reading.keys})
            elif isinstance(outcome, Exception):
                raise outcome
            else:
                found.update(outcome)
        changes: dict[str, Any] = {name: {**getattr(snapshot, name), **found} for name, found in facts.items()}
        return replace(snapshot, **changes)
