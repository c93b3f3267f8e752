# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All gates, in the order in which they are told: docs/gates.md is made from this table."""

from __future__ import annotations

from ..snapshot import Facet
from ..steps.base import SOURCE, TARGET, watching
from . import capacity, database, regions, state, storage, traffic
from .answers import BOTH, FAILS, SAID, UNKNOWN, Gate, Modes

ALWAYS = Modes(planned=BOTH, unplanned=BOTH).blocks()
FAILS_ONLY = Modes(planned=FAILS, unplanned=FAILS).blocks()
SAID_IF_UNKNOWN = Modes(planned=BOTH, unplanned=FAILS).blocks()
SAID_IF_UNPLANNED = Modes(planned=BOTH, unplanned=SAID).blocks()
"""In an unplanned move the answer does not matter enough to stay where nothing works."""
EVERYWHERE = Modes(planned=BOTH, unplanned=BOTH, reconcile=BOTH).blocks()
TOLD = Modes(planned=SAID, unplanned=SAID).blocks()

_VIEW = watching((Facet.GLOBAL, TARGET), (Facet.GLOBAL, SOURCE))
_STATE = watching((Facet.STATE, TARGET), (Facet.STATE, SOURCE))
_POSITIONS = watching((Facet.POSITIONS, TARGET), (Facet.POSITIONS, SOURCE))
_SIDES = _STATE | watching(
    (Facet.CLUSTERS, TARGET), (Facet.CLUSTERS, SOURCE), (Facet.GROUPS, TARGET), (Facet.GROUPS, SOURCE)
)
_FENCED = watching(
    *((facet, SOURCE) for facet in (Facet.GROUPS, Facet.CLUSTERS, Facet.VALVES)),
    *((Facet.FENCE_STATE, side) for side in (TARGET, SOURCE)),
)
_LAUNCH = watching((Facet.GROUPS, TARGET), (Facet.TEMPLATES, TARGET))
_PROCESSORS = watching((Facet.OFFERINGS, TARGET), (Facet.VCPUS, TARGET))
_RECORDS = watching((Facet.RECORDS, TARGET))
_BUCKETS = watching((Facet.BUCKETS, TARGET), (Facet.BUCKETS, SOURCE))

GATES: tuple[Gate, ...] = (
    Gate(
        "data-loss-accepted",
        "R1",
        "has the operator accepted that data may be lost?",
        state.data_loss,
        Modes(unplanned=BOTH).blocks(),
        waivable=False,
        never=UNKNOWN,
    ),
    Gate(
        "old-site-fence",
        "R7",
        "can what writes at the old site be stopped, or has the operator accepted that it cannot?",
        regions.fence,
        Modes(unplanned=BOTH).blocks(),
        _SIDES | _VIEW | watching((Facet.VALVES, SOURCE), (Facet.FENCE_STATE, SOURCE)),
        waivable=False,
        never=UNKNOWN,
    ),
    Gate(
        "fenceable",
        "R7",
        "can all that a failover would shut at the active site be seen, and is it there?",
        regions.fenceable,
        Modes(readiness=BOTH).blocks(),
        _FENCED,
    ),
    Gate(
        "reconciled",
        "R8",
        "is nothing left to be reconciled?",
        state.reconciled,
        Modes(planned=BOTH, unplanned=SAID).blocks(),
        watching((Facet.FENCE_STATE, SOURCE), (Facet.FENCE_STATE, TARGET)) | _VIEW,
    ),
    Gate(
        "target-region",
        "R2",
        "does the target's region answer?",
        regions.target_region,
        EVERYWHERE,
        _SIDES,
        waivable=False,
        never=FAILS,
    ),
    Gate(
        "source-region",
        "R2",
        "does the other region answer?",
        regions.source_region,
        Modes(planned=BOTH, unplanned=SAID, reconcile=BOTH).blocks(),
        _SIDES,
        waivable=False,
        never=FAILS,
    ),
    Gate(
        "global-cluster",
        "R31",
        "are both sites members of the global cluster, one of them the writer?",
        database.global_cluster,
        # What reconciling needs of it is which site serves; a cluster that has left it is reconciled like any other.
        Modes(planned=BOTH, unplanned=BOTH, reconcile=UNKNOWN).blocks(),
        _VIEW,
        waivable=False,
    ),
    Gate(
        "no-other-operation",
        "R14",
        "is FailoverState empty?",
        database.at_rest,
        ALWAYS,
        _VIEW,
        waivable=False,
    ),
    Gate(
        "target-instance",
        "R5",
        "has the target's cluster an instance?",
        database.target_instance,
        ALWAYS,
        watching((Facet.CLUSTERS, TARGET)),
        waivable=False,
    ),
    Gate(
        "engine-version",
        "R6",
        "do both clusters run the same version?",
        database.engine_version,
        SAID_IF_UNKNOWN,
        watching((Facet.CLUSTERS, TARGET), (Facet.CLUSTERS, SOURCE)),
        waivable=False,
    ),
    Gate(
        "target-synchronised",
        "R9",
        "has the target joined again after the last failover?",
        database.synchronised,
        ALWAYS,
        _VIEW,
        waivable=False,
    ),
    Gate(
        "replication-lag",
        "R11",
        "is the target's lag known and below the objective?",
        database.lag,
        SAID_IF_UNPLANNED,
        watching((Facet.LAG, TARGET), (Facet.LAG, SOURCE)),
    ),
    Gate(
        "global-db-rpo",
        "R13",
        "is rds.global_db_rpo not set for the target's cluster?",
        database.global_db_rpo,
        SAID_IF_UNKNOWN,
        watching((Facet.CLUSTERS, TARGET), (Facet.PARAMETERS, TARGET)),
    ),
    Gate(
        "target-key",
        "R23",
        "is the key of the target's cluster enabled?",
        database.target_key,
        FAILS_ONLY,
        watching((Facet.CLUSTERS, TARGET), (Facet.KEYS, TARGET)),
    ),
    Gate(
        "old-site-down",
        "R7",
        "is the site that is left not alive?",
        regions.old_site_down,
        Modes(unplanned=FAILS).blocks(),
        watching((Facet.CLUSTERS, SOURCE), (Facet.GLOBAL, SOURCE)),
    ),
    Gate(
        "group-limits",
        "R20",
        "may the target's groups grow to the active capacity?",
        capacity.group_limits,
        SAID_IF_UNKNOWN,
        watching((Facet.GROUPS, TARGET)),
    ),
    Gate(
        "launch-template",
        "R21",
        "is the launch template of each of the target's groups there?",
        capacity.launch_template,
        SAID_IF_UNPLANNED,
        _LAUNCH,
        remembered=True,
    ),
    Gate(
        "launch-image",
        "R21",
        "is the image of each of the target's groups there?",
        capacity.launch_image,
        Modes(planned=FAILS, unplanned=SAID).blocks(),
        _LAUNCH | watching((Facet.IMAGES, TARGET)),
        remembered=True,
    ),
    Gate(
        "instance-type",
        "R21",
        "do the zones of the target's groups offer their instance type?",
        capacity.instance_type,
        Modes(planned=FAILS, unplanned=SAID).blocks(),
        _LAUNCH | _PROCESSORS,
        remembered=True,
    ),
    Gate(
        "instance-quota",
        "R21",
        "may the account run what is still to be launched?",
        capacity.quota,
        Modes(planned=FAILS, unplanned=SAID).blocks(),
        _LAUNCH | _PROCESSORS | watching((Facet.QUOTAS, TARGET)),
        remembered=True,
    ),
    Gate(
        "secret-replicated",
        "R22",
        "is each secret in the target's region, in step with the other one?",
        storage.secrets,
        SAID_IF_UNPLANNED,
        watching((Facet.SECRETS, TARGET), (Facet.SECRETS, SOURCE)),
        remembered=True,
    ),
    Gate(
        "bucket-replication",
        "R24",
        "do the buckets replicate in both directions?",
        storage.bucket_replication,
        SAID_IF_UNPLANNED,
        _BUCKETS,
        remembered=True,
    ),
    Gate(
        "bucket-backlog",
        "R24",
        "are the target's buckets less than 15 minutes behind?",
        storage.bucket_backlog,
        Modes(planned=FAILS, unplanned=SAID).blocks(),
        _BUCKETS | watching((Facet.BACKLOGS, SOURCE)),
        remembered=True,
    ),
    Gate(
        "failover-records",
        "R16",
        "is each name a pair of failover records?",
        traffic.failover_records,
        SAID_IF_UNPLANNED,
        _RECORDS,
        remembered=True,
    ),
    Gate(
        "target-health-off",
        "R16",
        "is EvaluateTargetHealth off, so that no record moves traffic before the database has moved?",
        traffic.target_health,
        SAID_IF_UNPLANNED,
        _RECORDS,
        remembered=True,
    ),
    Gate(
        "health-checks",
        "R16",
        "has each failover record a health check that is there, is on, and follows its switch?",
        traffic.health_checks,
        SAID_IF_UNPLANNED,
        _RECORDS | watching((Facet.HEALTH_CHECKS, TARGET)),
        remembered=True,
    ),
    Gate(
        "record-ttl",
        "R18",
        "is the TTL of each record at most 60 s, and what the settings say?",
        traffic.record_ttl,
        SAID_IF_UNPLANNED,
        _RECORDS,
        remembered=True,
    ),
    Gate(
        "dns-answers",
        "R3",
        "does DNS answer for the names and the target's endpoint?",
        traffic.dns_answers,
        SAID_IF_UNPLANNED,
        watching((Facet.HOSTS, TARGET), (Facet.DNS, TARGET)),
        never=FAILS,
    ),
    Gate(
        "switch-position",
        "R17",
        "can the positions of the traffic switch be read, and is that of dr open, which a lost region cannot open?",
        traffic.switch_position,
        Modes(planned=UNKNOWN, unplanned=FAILS, readiness=BOTH).blocks(),
        _POSITIONS | watching((Facet.STATE, TARGET)),
    ),
    Gate(
        "alarms",
        "R10",
        "do alarms watch the lag in both directions, and tell somebody?",
        storage.alarms,
        TOLD,
        watching((Facet.ALARMS, TARGET), (Facet.ALARMS, SOURCE)),
        remembered=True,
    ),
    Gate(
        "state-store",
        "R29",
        "does the state table in the target's region answer?",
        state.state_store,
        Modes(planned=BOTH, unplanned=SAID, reconcile=BOTH).blocks(),
        watching((Facet.STATE, TARGET)),
        never=FAILS,
    ),
    Gate(
        "lease-free",
        "lease",
        "is nobody else moving the application?",
        state.lease_free,
        Modes(planned=BOTH, unplanned=FAILS, reconcile=BOTH).blocks(),
        _STATE,
        waivable=False,
    ),
    Gate(
        "block-period",
        "R19",
        "is the block period since the last move over?",
        state.block_period,
        Modes(unplanned=FAILS).blocks(),
        _STATE | _VIEW,
    ),
    Gate(
        "readiness",
        "R29",
        "what did the last readiness snapshot in the target's region say, and how old is it?",
        state.readiness,
        Modes(unplanned=SAID).blocks(),
        watching((Facet.STATE, TARGET)),
    ),
    Gate(
        "break-glass",
        "R30",
        "were the break-glass credentials tried not long ago?",
        state.break_glass,
        Modes(readiness=FAILS).blocks(),
    ),
)
