# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is protected and where it lives: frozen dataclasses, parsed from plain dictionaries.

Words as in docs: an *application* has a *site* in each of two *places*, ``primary`` and ``dr``. Which site is active
is discovered from AWS and never stored here. ``parse_application`` checks everything and names every problem at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .fields import Fields, ModelError, Problem

__all__ = [
    "PLACES",
    "ROUTE53_REGION",
    "Access",
    "Application",
    "Capacity",
    "Endpoint",
    "Fencing",
    "Group",
    "ModelError",
    "Objectives",
    "Probe",
    "Site",
    "Traffic",
    "parse_application",
    "parse_applications",
]

PLACES = ("primary", "dr")
ROUTE53_REGION = "us-east-1"  # its control plane lives there (R3)
POLICIES = ("orchestrated", "automatic")
SECRET_PROMOTIONS = ("never", "unplanned")

_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9-]*$")
_SCHEDULE = re.compile(r"^([0-9A-Za-z_.-]{1,64}/)?[0-9A-Za-z_.-]{1,64}$")
_SECURITY_GROUP = re.compile(r"^sg-[0-9a-f]{8,17}$")
_ROLE_ARN = re.compile(r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")


@dataclass(frozen=True)
class Access:
    """How a region is reached. Neither profile nor role: the default chain (Lambda, AWX)."""

    region: str
    profile: str | None = None
    role_arn: str | None = None


@dataclass(frozen=True)
class Capacity:
    """Limits and wish of an Auto Scaling group, in instances."""

    min: int
    desired: int
    max: int


@dataclass(frozen=True)
class Group:
    """An Auto Scaling group, with the capacity that its site needs as active and as standby."""

    name: str
    active: Capacity
    standby: Capacity


@dataclass(frozen=True)
class Endpoint:
    """Where a site's load balancer is met. An empty host is discovered by the load balancer's name."""

    host: str
    port: int


@dataclass(frozen=True)
class Fencing:
    """What writes at a site besides its groups, and is stopped when the site is fenced (R25).

    - ``schedules``: of EventBridge Scheduler, ``name`` (in the group ``default``) or ``group/name``
    - ``event_source_mappings``: names of the Lambda functions whose event-source mappings are meant
    - ``security_groups``: ids of the groups that let connections in to the database; none: those of its cluster
    """

    schedules: tuple[str, ...] = ()
    event_source_mappings: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """One application in one region."""

    place: str
    access: Access
    cluster: str
    groups: tuple[Group, ...]
    buckets: tuple[str, ...]
    secrets: tuple[str, ...]
    endpoint: Endpoint
    load_balancer: str | None
    state_table: str
    state_bucket: str
    notification_topic: str | None
    fencing: Fencing = Fencing()

    @property
    def region(self) -> str:
        """The region's name."""
        return self.access.region


@dataclass(frozen=True)
class Objectives:
    """RTO and RPO as the inventory wants them, in seconds."""

    rto_seconds: float
    rpo_seconds: float


@dataclass(frozen=True)
class Traffic:
    """Names that clients use and the switch that moves them (R17)."""

    policy: str
    hosted_zone: str
    names: tuple[str, ...]
    ttl_seconds: int
    namespace: str
    metric: str
    nameservers: tuple[str, ...]
    profile: str | None = None
    role_arn: str | None = None


@dataclass(frozen=True)
class Probe:
    """How the application is asked, as its clients ask it."""

    host: str
    port: int
    scheme: str
    health_path: str
    write_path: str
    interval_seconds: float
    timeout_seconds: float
    ca_file: str | None
    stable_samples: int


@dataclass(frozen=True)
class Application:
    """What is protected."""

    name: str
    environment: str
    global_cluster: str
    objectives: Objectives
    primary: Site
    dr: Site
    traffic: Traffic
    probe: Probe
    secrets_promote: str
    block_seconds: float = 1800.0  # after a move, before an unplanned one may reverse it (R19)

    @property
    def sites(self) -> tuple[Site, Site]:
        """Both sites, primary first."""
        return (self.primary, self.dr)

    def site(self, place: str) -> Site:
        """The site at ``place``."""
        return {"primary": self.primary, "dr": self.dr}[place]

    def other(self, place: str) -> Site:
        """The site that is not at ``place``."""
        return {"primary": self.dr, "dr": self.primary}[place]

    def told_of(self, site: Site) -> tuple[Site, ...]:
        """The sites in whose regions CloudWatch may tell of the site's cluster, its own first (R10).

        A namesake in the other region would be told of there, so then it is its own alone.
        """
        other = self.other(site.place)
        return (site,) if other.cluster == site.cluster else (site, other)

    def records_access(self, site: Site) -> Access:
        """How Route 53 is asked: DNS may be in another account, else as at this site."""
        traffic = self.traffic
        return Access(ROUTE53_REGION, traffic.profile or site.access.profile, traffic.role_arn or site.access.role_arn)

    def site_in(self, region: str) -> Site | None:
        """The site in ``region``, if there is one."""
        return next((site for site in self.sites if site.region == region), None)


def _capacity(fields: Fields) -> Capacity:
    capacity = Capacity(
        min=fields.integer("min", "the least number of instances", 0),
        desired=fields.integer("desired", "the number of instances wanted", 0),
        max=fields.integer("max", "the largest number of instances", 0),
    )
    if not capacity.min <= capacity.desired <= capacity.max:
        fields.problem("desired", capacity.desired, f"between min ({capacity.min}) and max ({capacity.max})")
    fields.finish()
    return capacity


def _group(fields: Fields, place: str) -> Group:
    name = fields.text("name", "the name of an Auto Scaling group")
    active = _capacity(fields.child("active", "a dictionary with min, desired and max"))
    # The primary site is not lowered when it becomes standby unless somebody wants that.
    default = {"min": active.min, "desired": active.desired, "max": active.max} if place == "primary" else None
    standby = _capacity(
        fields.child("standby", "a dictionary with min, desired and max", **({"default": default} if default else {}))
    )
    fields.finish()
    return Group(name, active, standby)


def _access(fields: Fields) -> Access:
    region = fields.text("region", "an AWS region such as us-west-2")
    if region and not _REGION.match(region):
        fields.problem("region", region, "an AWS region such as us-west-2")
    return Access(region, fields.optional_text("profile", "the name of an AWS profile"), _role_arn(fields))


def _role_arn(fields: Fields) -> str | None:
    role_arn = fields.optional_text("role_arn", "the ARN of an IAM role")
    if role_arn and not _ROLE_ARN.match(role_arn):
        fields.problem("role_arn", role_arn, "the ARN of an IAM role, arn:aws:iam::<account>:role/<name>")
    return role_arn


def _identifier(fields: Fields, name: str, expected: str) -> str:
    """An identifier that RDS takes (API reference, CreateDBCluster)."""
    value = fields.text(name, expected)
    if value and (not _NAME.match(value) or value.endswith("-") or "--" in value or len(value) > 63):
        fields.problem(name, value, f"{expected}: letters, digits, single hyphens; a letter first; at most 63")
    return value


def _fencing(fields: Fields) -> Fencing:
    fencing = Fencing(
        schedules=fields.texts("schedules", "a list of schedules of EventBridge Scheduler", []),
        event_source_mappings=fields.texts("event_source_mappings", "a list of names of Lambda functions", []),
        security_groups=fields.texts("security_groups", "a list of ids of security groups", []),
    )
    for schedule in fencing.schedules:
        if not _SCHEDULE.match(schedule):
            fields.problem("schedules", schedule, "the name of a schedule, or group/name")
    for group in fencing.security_groups:
        if not _SECURITY_GROUP.match(group):
            fields.problem("security_groups", group, "the id of a security group, sg- and hexadecimal digits")
    fields.finish()
    return fencing


def _site(fields: Fields, place: str) -> Site:
    fields.choice("place", [place], place)
    endpoint = fields.child("endpoint", "a dictionary with host and port", {})
    site = Site(
        place=place,
        access=_access(fields),
        cluster=_identifier(fields, "cluster", "the identifier of an Aurora cluster"),
        groups=tuple(_group(one, place) for one in fields.children("groups", "a list of Auto Scaling groups", [])),
        buckets=fields.texts("buckets", "a list of bucket names", []),
        secrets=fields.texts("secrets", "a list of secret names", []),
        endpoint=Endpoint(
            host=endpoint.text("host", "the DNS name of the site's load balancer", "").rstrip(".").lower(),
            port=endpoint.integer("port", "a TCP port", 1, 443),
        ),
        load_balancer=fields.optional_text("load_balancer", "the name of an application load balancer"),
        state_table=fields.text("state_table", "the name of the DynamoDB table that keeps the state"),
        state_bucket=fields.text("state_bucket", "the name of the bucket that keeps reports and backups", ""),
        notification_topic=fields.optional_text("notification_topic", "the name of an SNS topic"),
        fencing=_fencing(fields.child("fencing", "a dictionary of lists of what writes besides the groups", {})),
    )
    endpoint.finish()
    if not site.endpoint.host and not site.load_balancer:
        fields.problem("endpoint.host", "", "a DNS name, or load_balancer to discover it by")
    names = [group.name for group in site.groups]
    for name in sorted({name for name in names if names.count(name) > 1}):
        fields.problem("groups", name, "each Auto Scaling group once")
    fields.finish()
    return site


def _traffic(fields: Fields) -> Traffic:
    traffic = Traffic(
        policy=fields.choice("policy", POLICIES, "orchestrated"),
        hosted_zone=fields.text("hosted_zone", "the name of a hosted zone").rstrip(".").lower(),
        names=tuple(name.rstrip(".").lower() for name in fields.texts("names", "a list of DNS names", least=1)),
        ttl_seconds=fields.integer("ttl_seconds", "seconds", 0, 60),
        namespace=fields.text("namespace", "a CloudWatch namespace", "PilotLight/DR"),
        metric=fields.text("metric", "a CloudWatch metric name", "SwitchPosition"),
        nameservers=fields.texts("nameservers", 'a list of "address[:port]"', []),
        profile=fields.optional_text("profile", "the name of an AWS profile"),
        role_arn=_role_arn(fields),
    )
    for name in traffic.names:
        if traffic.hosted_zone and name != traffic.hosted_zone and not name.endswith("." + traffic.hosted_zone):
            fields.problem("names", name, f"a name in the hosted zone {traffic.hosted_zone}")
    fields.finish()
    return traffic


def _probe(fields: Fields, default_host: str) -> Probe:
    probe = Probe(
        host=fields.text("host", "the DNS name that clients use", default_host).rstrip(".").lower(),
        port=fields.integer("port", "a TCP port", 1, 443),
        scheme=fields.choice("scheme", ("https", "http"), "https"),
        health_path=fields.text("health_path", "a path such as /health", "/health"),
        write_path=fields.text("write_path", "a path such as /writes", "/writes"),
        interval_seconds=fields.number("interval_seconds", "seconds", 0.01, 0.25),
        timeout_seconds=fields.number("timeout_seconds", "seconds", 0.05, 2),
        ca_file=fields.optional_text("ca_file", "a file of CA certificates"),
        stable_samples=fields.integer("stable_samples", "a number of samples", 1, 10),
    )
    for name in ("health_path", "write_path"):
        if not getattr(probe, name).startswith("/"):
            fields.problem(name, getattr(probe, name), "a path that begins with /")
    fields.finish()
    return probe


def parse_application(document: Mapping[str, Any], path: str = "application") -> Application:
    """Read one application; raises ModelError with every problem that was found."""
    problems: list[Problem] = []
    fields = Fields(document, path, problems, "a dictionary that describes an application")
    objectives = fields.child("objectives", "a dictionary with rto_seconds and rpo_seconds", {})
    traffic = _traffic(fields.child("traffic", "a dictionary with hosted_zone and names"))
    application = Application(
        name=_identifier(fields, "name", "the application's name"),
        environment=fields.text("environment", "the environment's name", "production"),
        global_cluster=_identifier(fields, "global_cluster", "the identifier of an Aurora global cluster"),
        objectives=Objectives(
            rto_seconds=objectives.number("rto_seconds", "seconds", 1, 900),
            rpo_seconds=objectives.number("rpo_seconds", "seconds", 0, 60),
        ),
        primary=_site(fields.child("primary", "a dictionary that describes the primary site"), "primary"),
        dr=_site(fields.child("dr", "a dictionary that describes the dr site"), "dr"),
        traffic=traffic,
        probe=_probe(fields.child("probe", "a dictionary", {}), traffic.names[0] if traffic.names else ""),
        secrets_promote=fields.choice("secrets_promote", SECRET_PROMOTIONS, "never"),
        block_seconds=fields.number("block_seconds", "seconds", 0, 1800),
    )
    objectives.finish()
    fields.finish()
    if application.primary.region and application.primary.region == application.dr.region:
        fields.problem("dr.region", application.dr.region, "a region other than that of the primary site")
    _matched(fields, application.primary, application.dr)
    if problems:
        raise ModelError(problems)
    return application


def _matched(fields: Fields, primary: Site, dr: Site) -> None:
    """Buckets are pairs, and a replica of a secret has its name: what one site alone lists would never be looked at."""
    if len(primary.buckets) != len(dr.buckets):
        expected = f"one for each of the {len(primary.buckets)} of primary.buckets, in their order"
        fields.problem("dr.buckets", list(dr.buckets), expected)
    if set(primary.secrets) != set(dr.secrets):
        expected = f"the names of primary.secrets, {list(primary.secrets)!r}, as a replica has the name of its secret"
        fields.problem("dr.secrets", list(dr.secrets), expected)


def parse_applications(documents: Any, path: str = "applications") -> tuple[Application, ...]:
    """Read a list of applications, each of them under a name of its own."""
    if not isinstance(documents, (list, tuple)) or not documents:
        raise ModelError([Problem(path, documents, "a list with at least one application")])
    problems: list[Problem] = []
    applications: list[Application] = []
    for index, document in enumerate(documents):
        try:
            applications.append(parse_application(document, f"{path}[{index}]"))
        except ModelError as error:
            problems.extend(error.problems)
    names = [application.name for application in applications]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem(path, name, "each application once"))
    if problems:
        raise ModelError(problems)
    return tuple(applications)


def with_endpoint_host(application: Application, place: str, host: str) -> Application:
    """The same application, with a discovered load balancer's DNS name at ``place``."""
    site = application.site(place)
    known = replace(site, endpoint=replace(site.endpoint, host=host.rstrip(".").lower()))
    return replace(application, primary=known) if place == "primary" else replace(application, dr=known)
