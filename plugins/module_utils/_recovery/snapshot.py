# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The world as it was read once. Decisions look only at a snapshot; what could not be read is a value with a reason.

Three answers are kept apart: a thing that is there, a thing that is not there (None), and not knowing (``Unknown``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from .model import Access, Application, Site
from .ports import DnsAnswer

T = TypeVar("T")


@dataclass(frozen=True)
class Unknown:
    """Something that cannot be known now, and why."""

    reason: str


NOT_READ = Unknown("it was not read")
POSTGRESQL = "aurora-postgresql"


class Facet(Enum):
    """Kinds of reading, each made with as few calls as AWS allows for all applications together."""

    GLOBAL = "DescribeGlobalClusters"
    CLUSTERS = "DescribeDBClusters"
    GROUPS = "DescribeAutoScalingGroups"
    TARGETS = "DescribeTargetHealth"
    LAG = "GetMetricData"
    STATE = "BatchGetItem"
    FENCE_STATE = "BatchGetItem of what a fence has left"
    POSITIONS = "BatchGetItem of the switch positions"
    HOSTS = "DescribeLoadBalancers"
    DNS = "DNS answers"
    EVENTS = "DescribeEvents"
    KEYS = "DescribeKey"
    RECORDS = "ListResourceRecordSets"
    SECRETS = "DescribeSecret"
    VALVES = "what lets writes in besides the groups"
    SHUT_VALVES = "what of that was shut, to be opened again"
    LOST_WRITES = "DescribeDBClusterSnapshots"
    # Only gates look at these: they are read once, before a move, and never polled.
    PARAMETERS = "DescribeDBClusterParameters"
    TEMPLATES = "DescribeLaunchTemplateVersions"
    IMAGES = "DescribeImages"
    OFFERINGS = "DescribeInstanceTypeOfferings"
    VCPUS = "DescribeInstanceTypes"
    QUOTAS = "GetServiceQuota"
    HEALTH_CHECKS = "ListHealthChecks"
    BUCKETS = "GetBucketReplication"
    BACKLOGS = "GetMetricData of S3 replication"
    ALARMS = "DescribeAlarmsForMetric"


@dataclass(frozen=True)
class Member:
    """One cluster of a global cluster. ``synchronisation`` is connected or pending-resync (R14), where AWS says it."""

    arn: str
    writer: bool
    synchronisation: str | None = None

    @property
    def partition(self) -> str:
        """aws, aws-cn ..."""
        return self.arn.split(":")[1]

    @property
    def region(self) -> str:
        """Where the cluster is."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.arn.split(":")[4]

    @property
    def cluster(self) -> str:
        """Its identifier."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True)
class GlobalCluster:
    """A global cluster as one region sees it."""

    identifier: str
    status: str
    engine: str
    engine_version: str
    members: tuple[Member, ...]
    failover_status: str | None = None  # None: FailoverState is empty
    failover_to: str | None = None

    @property
    def writer(self) -> Member | None:
        """The member that takes writes, when exactly one says so."""
        writers = [member for member in self.members if member.writer]
        return writers[0] if len(writers) == 1 else None

    def member(self, site: Site) -> Member | None:
        """The member that is this site's cluster."""
        return next((m for m in self.members if m.region == site.region and m.cluster == site.cluster), None)

    def writer_among(self, sites: Iterable[Site]) -> Site | None:
        """The site whose cluster is the writer; None where it is none of them, or no single member is."""
        return next((site for site in sites if self.writer is not None and self.member(site) == self.writer), None)

    @property
    def at_rest(self) -> bool:
        """No operation is scheduled or under way; an unknown state counts as under way (R14)."""
        return self.failover_status is None and self.status == "available"


@dataclass(frozen=True)
class Cluster:
    """A member cluster in its own region."""

    identifier: str
    status: str
    engine_version: str
    instances: tuple[str, ...]
    key: str | None = None  # KmsKeyId
    security_groups: tuple[str, ...] = ()
    parameter_group: str | None = None


@dataclass(frozen=True)
class TemplateUse:
    """Which version of which launch template a group uses; by id or by name."""

    identifier: str
    version: str


@dataclass(frozen=True)
class GroupState:
    """An Auto Scaling group."""

    name: str
    min: int
    desired: int
    max: int
    in_service: int
    instances: int
    target_groups: tuple[str, ...] = ()
    template: TemplateUse | None = None
    types: tuple[str, ...] = ()  # that a mixed instances policy names in place of the template's
    zones: tuple[str, ...] = ()

    def at_most(self, wanted: int) -> int:
        """What of a wanted capacity fits into the group's maximum; a maximum of none is left for AWS to refuse."""
        return min(wanted, max(self.max, 1))


@dataclass(frozen=True)
class Template:
    """What a version of a launch template launches."""

    image: str | None
    instance_type: str | None


@dataclass(frozen=True)
class Quota:
    """A limit of virtual processors, how many run (None: not published), and how many are still to be launched.

    The last one is the sum for all applications that were read together.
    """

    name: str
    limit: float
    used: float | None
    asked: int


@dataclass(frozen=True)
class Bucket:
    """A bucket's versioning, and its replication rules as ``replication.describe`` shows them."""

    name: str
    versioned: bool
    rules: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Backlog:
    """What waits to be replicated from a bucket: operations, and by how many seconds the replica is behind."""

    pending: int
    latency_seconds: float


@dataclass(frozen=True)
class Alarm:
    """An alarm on a replication lag. ``tells`` is false where it has no action, or its actions are off."""

    name: str
    state: str
    tells: bool


@dataclass(frozen=True)
class BreakGlass:
    """When the credentials for the worst day were last tried (None: not said), and how long that may be ago (R30)."""

    tried_at: float | None
    longest_seconds: float


@dataclass(frozen=True)
class Lag:
    """The newest sample of a replication lag: how far behind, and when that was (R10)."""

    seconds: float
    at: float
    region: str


@dataclass(frozen=True)
class Valve:
    """What lets writes in to a site's database besides its groups (R25); see ``valves``.

    ``setting`` is what shutting it takes away, or what the calls on it have to repeat; ``settled`` is False while AWS
    is still about a change.
    """

    kind: str
    name: str
    open: bool
    setting: Mapping[str, Any] = field(default_factory=dict)
    settled: bool = True


@dataclass(frozen=True)
class Secret:
    """A secret in one region. ``replica_of`` is the region of its source, ``replicas`` says the state of each."""

    name: str
    replica_of: str | None = None
    replicas: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None  # the id of the version AWSCURRENT
    key: str | None = None


@dataclass(frozen=True)
class ClusterSnapshot:
    """A snapshot of a cluster. ``created`` is in seconds since the epoch."""

    identifier: str
    arn: str
    status: str
    created: float


@dataclass(frozen=True)
class Event:
    """An RDS event."""

    region: str
    source: str
    message: str
    at: float


Facts = Mapping[Any, Any]


@dataclass(frozen=True)
class Snapshot:
    """What one read of the world found. Keys begin with the access by which it was read."""

    at: float
    globals: Mapping[tuple[Access, str], GlobalCluster | Unknown | None] = field(default_factory=dict)
    clusters: Mapping[tuple[Access, str], Cluster | Unknown | None] = field(default_factory=dict)
    groups: Mapping[tuple[Access, str], GroupState | Unknown | None] = field(default_factory=dict)
    healthy: Mapping[tuple[Access, str], int | Unknown] = field(default_factory=dict)
    lags: Mapping[tuple[Access, str], Lag | Unknown] = field(default_factory=dict)
    state: Mapping[tuple[Access, str, str], Mapping[str, Any] | Unknown | None] = field(default_factory=dict)
    hosts: Mapping[tuple[Access, str], str | Unknown | None] = field(default_factory=dict)
    answers: Mapping[str, DnsAnswer | Unknown] = field(default_factory=dict)
    events: Mapping[Access, tuple[Event, ...] | Unknown] = field(default_factory=dict)
    keys: Mapping[tuple[Access, str], str | Unknown] = field(default_factory=dict)
    records: Mapping[str, tuple[Mapping[str, Any], ...] | Unknown] = field(default_factory=dict)
    secrets: Mapping[tuple[Access, str], Secret | Unknown | None] = field(default_factory=dict)
    valves: Mapping[tuple[Access, str, str], tuple[Valve, ...] | Unknown] = field(default_factory=dict)
    cluster_snapshots: Mapping[tuple[Access, str], tuple[ClusterSnapshot, ...] | Unknown] = field(default_factory=dict)
    parameters: Mapping[tuple[Access, str], Mapping[str, str] | Unknown] = field(default_factory=dict)
    templates: Mapping[tuple[Access, TemplateUse | None], Template | Unknown | None] = field(default_factory=dict)
    images: Mapping[tuple[Access, str], str | Unknown | None] = field(default_factory=dict)
    offerings: Mapping[tuple[Access, str], frozenset[str] | Unknown] = field(default_factory=dict)
    vcpus: Mapping[tuple[Access, str], int | Unknown] = field(default_factory=dict)
    quotas: Mapping[tuple[Access, str], Quota | Unknown] = field(default_factory=dict)
    health_checks: Mapping[Access, Mapping[str, Mapping[str, Any]] | Unknown] = field(default_factory=dict)
    buckets: Mapping[tuple[Access, str], Bucket | Unknown | None] = field(default_factory=dict)
    backlogs: Mapping[tuple[Access, str, str], Backlog | Unknown] = field(default_factory=dict)
    alarms: Mapping[tuple[Access, str], tuple[Alarm, ...] | Unknown] = field(default_factory=dict)
    break_glass: BreakGlass | None = None

    def global_cluster(self, application: Application, *sites: Site) -> GlobalCluster | Unknown | None:
        """The global cluster as the first of ``sites`` sees it whose region answered."""
        view: GlobalCluster | Unknown | None = NOT_READ
        for site in sites:
            view = self.globals.get((site.access, application.global_cluster), NOT_READ)
            if not isinstance(view, Unknown):
                return view
        return view

    def cluster(self, site: Site) -> Cluster | Unknown | None:
        """The site's cluster."""
        return self.clusters.get((site.access, site.cluster), NOT_READ)

    def engine(self, application: Application, *sites: Site) -> str:
        """The engine of the global cluster; empty where it is not known."""
        view = self.global_cluster(application, *sites)
        return view.engine if isinstance(view, GlobalCluster) else ""

    def group(self, site: Site, name: str) -> GroupState | Unknown | None:
        """One of the site's Auto Scaling groups."""
        return self.groups.get((site.access, name), NOT_READ)

    def instance_types(self, access: Access, state: GroupState) -> tuple[str, ...]:
        """What a group may launch, as far as its template and its policy name it."""
        template = self.templates.get((access, state.template))
        named = template.instance_type if isinstance(template, Template) else None
        return state.types or ((named,) if named else ())

    def processors(self, access: Access, state: GroupState, quota_of: Callable[[str], str | None]) -> dict[str, int]:
        """Virtual processors of one instance of a group, by the quota that counts them; the largest of its types."""
        found: dict[str, int] = {}
        for name in self.instance_types(access, state):
            count, code = self.vcpus.get((access, name), NOT_READ), quota_of(name)
            if isinstance(count, int) and code:
                found[code] = max(found.get(code, 0), count)
        return found

    def lag(self, application: Application, site: Site) -> Lag | Unknown:
        """How far the site's cluster is behind the writer: the newest sample that either region has (R10)."""
        found = [self.lags.get((at.access, site.cluster), NOT_READ) for at in application.told_of(site)]
        known = [one for one in found if isinstance(one, Lag)]
        return max(known, key=lambda one: one.at) if known else found[0]

    def item(self, application: Application, site: Site, item: str) -> Mapping[str, Any] | Unknown | None:
        """An item of the state table in the site's region."""
        return self.state.get((site.access, application.name, item), NOT_READ)

    def host(self, site: Site) -> str | Unknown:
        """The DNS name of the site's load balancer, given or discovered."""
        if site.endpoint.host:
            return site.endpoint.host
        found = self.hosts.get((site.access, site.load_balancer or ""), NOT_READ)
        return Unknown(f"there is no load balancer {site.load_balancer} in {site.region}") if found is None else found

    def addresses(self, name: str) -> tuple[str, ...] | Unknown:
        """What DNS answers for a name."""
        answer = self.answers.get(name, NOT_READ)
        if isinstance(answer, Unknown):
            return answer
        return answer.addresses or Unknown(f"DNS gives no address for {name}")

    def leads_to(self, name: str, site: Site) -> bool | Unknown:
        """Whether clients that ask for ``name`` are led to the site: by a CNAME, or by one of its addresses."""
        answer = self.answers.get(name, NOT_READ)
        host = self.host(site)
        if isinstance(answer, Unknown):
            return answer
        if isinstance(host, Unknown):
            return host
        if host in answer.chain:
            return True
        own = self.addresses(host)
        if isinstance(own, Unknown):
            return own
        return bool(set(own) & set(answer.addresses))
