# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the settings: variables in, a list of problems out. No call to anything.

Every problem is one sentence that names the variable, what it was and what would be right. Rules are those of the
service that would refuse the value, so that nobody learns of a bad name in the middle of a deploy.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from . import names
from .model import ModelError, parse_application

Variables = Mapping[str, Any]

MODES = ("create", "adopt", "skip")
ROLES_WITH_MODE = (
    "state",
    "network",
    "security",
    "database",
    "storage",
    "compute",
    "orchestrator",
    "monitoring",
    "traffic",
)

#: Variables that hold one name, and the rule of the service that takes it.
NAMED = {
    "aws_dr_global_cluster": names.RDS_IDENTIFIER,
    "aws_dr_primary_cluster": names.RDS_IDENTIFIER,
    "aws_dr_dr_cluster": names.RDS_IDENTIFIER,
    "aws_dr_hosted_zone": names.DOMAIN,
    "aws_dr_primary_load_balancer": names.LOAD_BALANCER,
    "aws_dr_dr_load_balancer": names.LOAD_BALANCER,
    "aws_dr_state_table": names.TABLE,
    "aws_dr_state_bucket_primary": names.BUCKET,
    "aws_dr_state_bucket_dr": names.BUCKET,
    "aws_dr_notification_topic": names.TOPIC,
    "network_stack": names.STACK,
    "security_stack": names.STACK,
    "security_key_alias": names.KEY_ALIAS,
    "security_lambda_role": names.IAM_ROLE,
    "security_replication_role": names.IAM_ROLE,
    "database_subnet_group": names.SUBNET_GROUP,
    "database_instance_prefix": names.RDS_IDENTIFIER,
    "compute_stack": names.STACK,
    "orchestrator_function": names.FUNCTION,
    "orchestrator_scheduler_role_name": names.IAM_ROLE,
    "orchestrator_schedule": names.SCHEDULE,
    "monitoring_stack": names.STACK,
    "traffic_alarm_primary": names.ALARM,
    "traffic_alarm_dr": names.ALARM,
}

#: Variables that hold a list of names.
NAMED_LISTS = {
    "aws_dr_secrets": names.SECRET,
    "aws_dr_dns_names": names.DOMAIN,
}

#: Lists of pairs {primary: name, dr: name}.
NAMED_PAIRS = {
    "aws_dr_groups": names.GROUP,
    "aws_dr_buckets": names.BUCKET,
}

#: Lists without which there is nothing to protect.
NEVER_EMPTY = ("aws_dr_groups", "aws_dr_dns_names")

CHOICES = {
    "aws_dr_traffic_policy": ("orchestrated", "automatic"),
    "aws_dr_secrets_promote": ("never", "unplanned"),
    **{f"{role}_mode": MODES for role in ROLES_WITH_MODE},
}

#: Whole numbers with the least and the greatest that make sense, and their unit.
NUMBERS = {
    "aws_dr_rto_objective_seconds": (1, 7 * 86400, "seconds"),
    "aws_dr_rpo_objective_seconds": (0, 7 * 86400, "seconds"),
    "aws_dr_record_ttl_seconds": (1, 86400, "seconds"),
}

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}|aws)?:\S+")


def problems(variables: Variables, regions: Collection[str] = ()) -> list[str]:
    """Return every problem of the settings, in the order of the rules.

    :param variables: the variables by name, as the roles would see them; a variable that is not there is not checked
    :param regions: the names of all regions that AWS has, or nothing where that cannot be known
    """
    found = [problem for rule in RULES for problem in rule(variables, regions)]
    return found or _as_application(variables)


def _as_application(variables: Variables) -> list[str]:
    """Return what the core itself says of the whole, where no rule has named a variable for it."""
    if "aws_dr_application" not in variables:
        return []
    try:
        parse_application(variables["aws_dr_application"], "aws_dr_application")
    except ModelError as error:
        return [str(problem) for problem in error.problems]
    return []


def _shown(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else repr(value)


def _is(variable: str, value: Any, right: str) -> str:
    """Return the one sentence that every problem is."""
    if value is None or value == "":
        return f"{variable} is empty: {right}"
    return f"{variable} is {_shown(value)}: {right}"


def _wrong_root(variables: Variables) -> list[str]:
    """Return the wrong values from which other names are composed, so that a cause is reported once."""
    return [
        str(variables[variable])
        for variable in ("aws_dr_project_name", "aws_dr_name_prefix")
        if variable in variables and names.PROJECT.why_not(variables[variable])
    ]


def _project(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    reported: set[str] = set()
    for variable in ("aws_dr_project_name", "aws_dr_name_prefix"):
        if variable not in variables or str(variables[variable]) in reported:
            continue
        reason = names.PROJECT.why_not(variables[variable])
        if reason:
            reported.add(str(variables[variable]))
            yield _is(variable, variables[variable], reason)


def _regions_known(variables: Variables, regions: Collection[str]) -> Iterator[str]:
    for variable in ("aws_dr_primary_region", "aws_dr_dr_region"):
        if variable not in variables:
            continue
        region = variables[variable]
        if not isinstance(region, str) or not REGION.fullmatch(region):
            yield _is(variable, region, "an AWS region is needed, such as us-west-2")
        elif regions and region not in regions:
            close = difflib.get_close_matches(region, sorted(regions), n=1) or ["us-west-2"]
            yield _is(variable, region, f"AWS has no such region; did you mean {close[0]}?")


def _regions_differ(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    primary, dr = variables.get("aws_dr_primary_region"), variables.get("aws_dr_dr_region")
    if primary and primary == dr:
        yield _is("aws_dr_dr_region", dr, "that is aws_dr_primary_region too; the application must recover elsewhere")
    elif isinstance(primary, str) and isinstance(dr, str) and _partition(primary) != _partition(dr):
        yield _is("aws_dr_dr_region", dr, f"it is in another AWS partition than {primary}; nothing replicates between")


def _partition(region: str) -> str:
    for prefix in ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-"):
        if region.startswith(prefix):
            return prefix
    return "aws"


def _choices(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    for variable, allowed in CHOICES.items():
        if variable in variables and variables[variable] not in allowed:
            yield _is(variable, variables[variable], f"one of {', '.join(allowed)} is needed")


def _numbers(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    for variable, (least, greatest, unit) in NUMBERS.items():
        if variable not in variables:
            continue
        number = _whole(variables[variable])
        if number is None or not least <= number <= greatest:
            right = f"a whole number of {unit} from {least} to {greatest} is needed"
            yield _is(variable, variables[variable], right)


def _whole(value: Any) -> int | None:
    """Return the whole number that ``value`` is or spells (a variable given with ``-e`` is text), or nothing."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value.strip()):
        return int(value)
    return None


def _ttl_within_objective(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    """A client may ask the old address for a whole TTL after traffic has moved (R18)."""
    ttl = _whole(variables.get("aws_dr_record_ttl_seconds"))
    objective = _whole(variables.get("aws_dr_rto_objective_seconds"))
    if ttl is not None and objective is not None and ttl >= objective >= 1:
        right = f"clients would stay longer at the old site than aws_dr_rto_objective_seconds ({objective}) allows"
        yield _is("aws_dr_record_ttl_seconds", ttl, f"{right}; 60 is usual")


def _single_names(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    roots = _wrong_root(variables)
    for variable, rule in NAMED.items():
        if variable in variables:
            yield from _name(variable, variables[variable], rule, roots)


def _name(variable: str, value: Any, rule: names.Rule, roots: Collection[str]) -> Iterator[str]:
    reason = rule.why_not(value)
    if reason and not any(root in str(value) for root in roots):
        yield _is(variable, value, reason)


def _listed_names(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    roots = _wrong_root(variables)
    for variable, rule in NAMED_LISTS.items():
        if variable not in variables:
            continue
        value = variables[variable]
        if not _is_list(value):
            yield _is(variable, value, f"a list of names is needed, each of which {rule.right}")
            continue
        for index, name in enumerate(value):
            yield from _name(f"{variable}[{index}]", name, rule, roots)
        yield from _twice(variable, list(value))


def _paired_names(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    roots = _wrong_root(variables)
    for variable, rule in NAMED_PAIRS.items():
        if variable not in variables:
            continue
        value = variables[variable]
        if not _is_list(value) or not all(isinstance(pair, Mapping) for pair in value):
            yield _is(variable, value, "a list of pairs {primary: name, dr: name} is needed")
            continue
        for index, pair in enumerate(value):
            for place in ("primary", "dr"):
                yield from _name(f"{variable}[{index}].{place}", pair.get(place), rule, roots)
        if rule is names.GROUP:  # two buckets of one name are found below, wherever they stand
            for place in ("primary", "dr"):
                yield from _twice(variable, [pair.get(place) for pair in value], f" as {place}")


def _twice(variable: str, values: list[Any], where: str = "") -> Iterator[str]:
    for value in dict.fromkeys(str(v) for v in values if v not in (None, "")):
        if sum(str(v) == value for v in values) > 1:
            yield f"{variable} has {_shown(value)} more than once{where}: each entry is needed once"


def _buckets_differ(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    """A bucket's name is unique in the world, so no two of ours may share one."""
    roots = _wrong_root(variables)
    owner: dict[str, str] = {}
    if variables.get("aws_dr_primary_region") == variables.get("aws_dr_dr_region", ""):
        return  # names that end in the region are the same because the regions are, which is said already
    for variable, bucket in _all_buckets(variables):
        if not isinstance(bucket, str) or not bucket or any(root in bucket for root in roots):
            continue
        first = owner.setdefault(bucket, variable)
        if first != variable:
            yield _is(variable, bucket, f"{first} is the same bucket; another name is needed")


def _all_buckets(variables: Variables) -> Iterator[tuple[str, Any]]:
    pairs = variables.get("aws_dr_buckets")
    for index, pair in enumerate(pairs if _is_list(pairs) else ()):
        if isinstance(pair, Mapping):
            for place in ("primary", "dr"):
                yield f"aws_dr_buckets[{index}].{place}", pair.get(place)
    for variable in ("aws_dr_state_bucket_primary", "aws_dr_state_bucket_dr"):
        if variable in variables:
            yield variable, variables[variable]


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def _not_empty(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    for variable in NEVER_EMPTY:
        if _is_list(variables.get(variable)) and not variables[variable]:
            yield f"{variable} is an empty list: at least one entry is needed"


def _capacities(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    groups = variables.get("aws_dr_groups")
    for index, group in enumerate(groups if _is_list(groups) else ()):
        if not isinstance(group, Mapping):
            continue
        for role in ("active", "standby", "primary_standby"):
            if role == "primary_standby" and group.get(role) is None:
                continue
            yield from _capacity(f"aws_dr_groups[{index}].{role}", group.get(role), serves=role == "active")


def _capacity(variable: str, value: Any, serves: bool) -> Iterator[str]:
    right = "whole numbers {min, desired, max} with 0 <= min <= desired <= max are needed"
    if not isinstance(value, Mapping):
        yield _is(variable, value, right)
        return
    least, desired, most = (_whole(value.get(key)) for key in ("min", "desired", "max"))
    shown = "{" + ", ".join(f"{key}: {value.get(key)}" for key in ("min", "desired", "max")) + "}"
    if least is None or desired is None or most is None or not 0 <= least <= desired <= most:
        yield f"{variable} is {shown}: {right}"
    elif serves and desired < 1:
        yield f"{variable} is {shown}: a site that serves needs at least one instance"


def _names_in_zone(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    zone, dns_names = variables.get("aws_dr_hosted_zone"), variables.get("aws_dr_dns_names")
    if not isinstance(zone, str) or names.DOMAIN.why_not(zone) or not _is_list(dns_names):
        return
    bare = zone.rstrip(".").lower()
    for index, name in enumerate(dns_names):
        variable = f"aws_dr_dns_names[{index}]"
        if not isinstance(name, str) or names.DOMAIN.why_not(name):
            continue
        if name.rstrip(".").lower() == bare:
            yield _is(variable, name, f"DNS allows no CNAME at the top of a zone; a name such as app.{bare} is needed")
        elif not name.rstrip(".").lower().endswith("." + bare):
            yield _is(variable, name, f"a name in aws_dr_hosted_zone is needed, such as app.{bare}")


def _endpoints(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    for variable in ("aws_dr_primary_endpoint", "aws_dr_dr_endpoint"):
        value = variables.get(variable)
        if value not in (None, "") and names.HOST.why_not(value):
            yield _is(variable, value, "a DNS name without scheme, port or path is needed, or nothing to look it up")


def _nameservers(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    value = variables.get("aws_dr_nameservers", [])
    if not _is_list(value):
        yield _is("aws_dr_nameservers", value, "a list is needed, such as [192.0.2.53, '192.0.2.53:5353']")
        return
    for index, server in enumerate(value):
        if not isinstance(server, str) or not is_nameserver(server):
            right = "an IP address is needed, with a port if it is not 53, such as 192.0.2.53:5353"
            yield _is(f"aws_dr_nameservers[{index}]", server, right)


def is_nameserver(text: str) -> bool:
    """Return whether ``text`` is an address, an IPv4 address with a port, or ``[IPv6 address]:port``."""
    host, port = text, "53"
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::([0-9]+))?", text)
    if bracketed:
        host, port = bracketed[1], bracketed[2] or "53"
    elif text.count(":") == 1:
        host, port = text.split(":")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return port.isdigit() and 1 <= int(port) <= 65535


def _probe(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    probe = variables.get("aws_dr_probe", {})
    if not isinstance(probe, Mapping):
        yield _is("aws_dr_probe", probe, "a dictionary is needed")
        return
    for key, (holds, right) in PROBE_RULES.items():
        if key in probe and not holds(probe[key]):
            yield _is(f"aws_dr_probe.{key}", probe[key], right)


def _between(least: float, greatest: float) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        try:
            return not isinstance(value, bool) and least <= float(value) <= greatest
        except (TypeError, ValueError):
            return False

    return holds


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/") and not re.search(r"[\s?#]", value)


PROBE_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "scheme": (lambda value: value in ("https", "http"), "one of https, http is needed"),
    "port": (_between(1, 65535), "a port from 1 to 65535 is needed"),
    "health_path": (_is_path, "a path that begins with / is needed, such as /health"),
    "write_path": (_is_path, "a path that begins with / is needed, such as /writes"),
    # Open loop at 4 Hz or better is what makes a figure of a second believable; slower is the user's choice.
    "interval_seconds": (_between(0.01, 60), "a number of seconds from 0.01 to 60 is needed"),
    "timeout_seconds": (_between(0.1, 60), "a number of seconds from 0.1 to 60 is needed"),
    "stable_samples": (_between(1, 10000), "a whole number from 1 to 10000 is needed"),
}


def _iam(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    path = variables.get("aws_dr_iam_path", "/")
    if not isinstance(path, str) or not re.fullmatch(r"/([\x21-\x7e]{1,510}/)?", path):
        yield _is("aws_dr_iam_path", path, "a path that begins and ends with / is needed, such as /dr/")
    boundary = variables.get("aws_dr_permissions_boundary") or ""
    if boundary and not re.fullmatch(r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/\S+", str(boundary)):
        right = "the ARN of an IAM policy is needed, such as arn:aws:iam::123456789012:policy/boundary"
        yield _is("aws_dr_permissions_boundary", boundary, right)


def _arns(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    for variable, value in variables.items():
        if not variable.endswith("_arn") or value in (None, ""):
            continue
        if not isinstance(value, str) or not ARN.fullmatch(value):
            yield _is(variable, value, "an ARN is needed: arn:aws:<service>:<region>:<account>:<resource>")


def _tags(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    tags = variables.get("aws_dr_tags", {})
    if not isinstance(tags, Mapping):
        yield _is("aws_dr_tags", tags, "a dictionary of names and values is needed")
        return
    if len(tags) > 40:
        yield f"aws_dr_tags has {len(tags)} tags: at most 40 are possible (AWS allows 50, and S3 and stacks add some)"
    for key, value in tags.items():
        if not re.fullmatch(r"[\w .:/=+\-@]{1,128}", str(key)) or str(key).lower().startswith("aws:"):
            right = "up to 128 letters, digits, spaces or _.:/=+-@ are needed, and no aws: in front"
            yield _is("aws_dr_tags, a name in it,", key, right)
        elif not re.fullmatch(r"[\w .:/=+\-@]{0,256}", str(value)) or value is None:
            yield _is(f"aws_dr_tags.{key}", value, "up to 256 letters, digits, spaces or _.:/=+-@ are needed")


def _networks(variables: Variables, _regions: Collection[str]) -> Iterator[str]:
    vpc = variables.get("network_vpc_cidr")
    network = _network(vpc)
    if vpc is not None and (network is None or not 16 <= network.prefixlen <= 26):
        yield _is("network_vpc_cidr", vpc, "an IPv4 network from /16 to /26 is needed, such as 10.1.0.0/16")


def _network(value: Any) -> ipaddress.IPv4Network | None:
    """Return the IPv4 network that ``value`` spells, with its host bits zero, or nothing."""
    if not isinstance(value, str) or "/" not in value:
        return None
    try:
        return ipaddress.IPv4Network(value)
    except ValueError:
        return None


Rule = Callable[[Variables, Collection[str]], Iterator[str]]

RULES: tuple[Rule, ...] = (
    _project,
    _regions_known,
    _regions_differ,
    _choices,
    _numbers,
    _ttl_within_objective,
    _single_names,
    _listed_names,
    _paired_names,
    _buckets_differ,
    _not_empty,
    _capacities,
    _names_in_zone,
    _endpoints,
    _nameservers,
    _probe,
    _iam,
    _arns,
    _tags,
    _networks,
)
