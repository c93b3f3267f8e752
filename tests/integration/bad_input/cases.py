# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bad input, as a table: what somebody gives, and the line that has to come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """Variables that somebody gives; the line of the answer begins with ``variable`` and contains ``right``."""

    name: str
    variable: str
    right: str
    given: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


_CAPACITY = {"min": 3, "desired": 3, "max": 10}
_PAIR = {"primary": "shop-asg", "dr": "shop-dr-asg", "active": _CAPACITY, "standby": _CAPACITY}

#: Wrong in itself: found before anything is asked of AWS.
SETTINGS = [
    Case(
        "a project name with capitals",
        "aws_dr_project_name",
        "lower-case letters, digits and single hyphens",
        {"aws_dr_project_name": "Shop_One"},
    ),
    Case(
        "a project name from the environment that is too long",
        "aws_dr_project_name",
        "it has 32 characters; a name is needed that has 2 to 20",
        environment={"PROJECT_NAME": "an-application-with-a-long-name1"},
    ),
    Case("a region that is a place", "aws_dr_dr_region", "such as us-west-2", {"aws_dr_dr_region": "oregon"}),
    Case(
        "a region that AWS does not have",
        "aws_dr_dr_region",
        "did you mean us-west-2?",
        {"aws_dr_dr_region": "us-west-22"},
    ),
    Case(
        "a primary region that AWS does not have",
        "aws_dr_primary_region",
        "did you mean eu-central-1?",
        environment={"PRIMARY_REGION": "eu-centrall-1"},
    ),
    Case(
        "the same region twice",
        "aws_dr_dr_region",
        "that is aws_dr_primary_region too",
        {"aws_dr_dr_region": "us-east-1"},
    ),
    Case(
        "regions of two partitions",
        "aws_dr_dr_region",
        "another AWS partition",
        {"aws_dr_dr_region": "cn-north-1"},
    ),
    Case(
        "an unknown traffic policy",
        "aws_dr_traffic_policy",
        "one of orchestrated, automatic",
        {"aws_dr_traffic_policy": "manual"},
    ),
    Case("an unknown mode", "network_mode", "one of create, adopt, skip", {"network_mode": "reuse"}),
    Case("a mode in capitals", "database_mode", "one of create, adopt, skip", {"database_mode": "Adopt"}),
    Case(
        "an objective that is no number",
        "aws_dr_rto_objective_seconds",
        "a whole number of seconds from 1",
        {"aws_dr_rto_objective_seconds": "fifteen minutes"},
    ),
    Case(
        "a negative objective",
        "aws_dr_rpo_objective_seconds",
        "a whole number of seconds from 0",
        {"aws_dr_rpo_objective_seconds": -1},
    ),
    Case(
        "a TTL of zero",
        "aws_dr_record_ttl_seconds",
        "a whole number of seconds from 1",
        {"aws_dr_record_ttl_seconds": 0},
    ),
    Case(
        "a TTL beyond the objective",
        "aws_dr_record_ttl_seconds",
        "aws_dr_rto_objective_seconds (900)",
        {"aws_dr_record_ttl_seconds": 3600},
    ),
    Case(
        "an identifier that RDS would refuse",
        "aws_dr_dr_cluster",
        "single hyphens",
        {"aws_dr_dr_cluster": "shop--dr"},
    ),
    Case(
        "a global cluster without a name",
        "aws_dr_global_cluster",
        "a name is needed that has 1 to 63",
        {"aws_dr_global_cluster": ""},
    ),
    Case(
        "a bucket name with capitals",
        "aws_dr_buckets[0].dr",
        "3 to 63 lower-case letters",
        {"aws_dr_buckets": [{"primary": "shop-data", "dr": "Shop-DR"}]},
    ),
    Case(
        "one bucket at both sites",
        "aws_dr_buckets[0].dr",
        "aws_dr_buckets[0].primary is the same bucket",
        {"aws_dr_buckets": [{"primary": "shop-data", "dr": "shop-data"}]},
    ),
    Case(
        "a bucket without its other half",
        "aws_dr_buckets[0].dr",
        "a name is needed",
        {"aws_dr_buckets": [{"primary": "shop-data"}]},
    ),
    Case("no Auto Scaling group", "aws_dr_groups", "at least one entry", {"aws_dr_groups": []}),
    Case(
        "a group twice",
        "aws_dr_groups",
        "'shop-asg' more than once",
        {"aws_dr_groups": [_PAIR, {**_PAIR, "dr": "shop-dr-asg2"}]},
    ),
    Case(
        "a capacity in the wrong order",
        "aws_dr_groups[0].active",
        "0 <= min <= desired <= max",
        {"aws_dr_groups": [{**_PAIR, "active": {"min": 5, "desired": 3, "max": 10}}]},
    ),
    Case(
        "an active site without an instance",
        "aws_dr_groups[0].active",
        "at least one instance",
        {"aws_dr_groups": [{**_PAIR, "active": {"min": 0, "desired": 0, "max": 10}}]},
    ),
    Case("no DNS name", "aws_dr_dns_names", "at least one entry", {"aws_dr_dns_names": []}),
    Case(
        "a DNS name of another zone",
        "aws_dr_dns_names[0]",
        "a name in aws_dr_hosted_zone",
        {"aws_dr_hosted_zone": "shop.example", "aws_dr_dns_names": ["app.other.example"]},
    ),
    Case(
        "the top of the zone",
        "aws_dr_dns_names[0]",
        "no CNAME at the top of a zone",
        {"aws_dr_hosted_zone": "shop.example", "aws_dr_dns_names": ["shop.example"]},
    ),
    Case(
        "a URL for a hosted zone",
        "aws_dr_hosted_zone",
        "a DNS name of at least two labels",
        {"aws_dr_hosted_zone": "https://shop.example", "aws_dr_dns_names": ["app.shop.example"]},
    ),
    Case(
        "an endpoint with a path",
        "aws_dr_dr_endpoint",
        "a DNS name without scheme, port or path",
        {"aws_dr_dr_endpoint": "alb.example.com/health"},
    ),
    Case(
        "a nameserver that is a name",
        "aws_dr_nameservers[0]",
        "an IP address is needed",
        {"aws_dr_nameservers": ["ns1.example.com"]},
    ),
    Case(
        "a nameserver with a wrong port",
        "aws_dr_nameservers[0]",
        "an IP address is needed",
        {"aws_dr_nameservers": ["192.0.2.53:0"]},
    ),
    Case(
        "a boundary that is no ARN",
        "aws_dr_permissions_boundary",
        "the ARN of an IAM policy",
        {"aws_dr_permissions_boundary": "boundary"},
    ),
    Case("an IAM path without slashes", "aws_dr_iam_path", "begins and ends with /", {"aws_dr_iam_path": "dr"}),
    Case(
        "a tag that AWS keeps for itself",
        "aws_dr_tags",
        "no aws: in front",
        {"aws_dr_tags": {"aws:owner": "us"}},
    ),
    Case("a network that is none", "network_vpc_cidr", "such as 10.1.0.0/16", {"network_vpc_cidr": "10.1.0.0"}),
    Case("a network with host bits", "network_vpc_cidr", "such as 10.1.0.0/16", {"network_vpc_cidr": "10.1.2.3/16"}),
    Case("a network that is too large", "network_vpc_cidr", "from /16 to /26", {"network_vpc_cidr": "10.0.0.0/8"}),
    Case(
        "a probe that is asked too seldom",
        "aws_dr_probe.interval_seconds",
        "from 0.01 to 60",
        {"aws_dr_probe": {"port": 443, "interval_seconds": 0}},
    ),
    Case(
        "a secret whose name AWS would refuse",
        "aws_dr_secrets[0]",
        "1 to 512 letters",
        {"aws_dr_secrets": ["shop database"]},
    ),
    Case(
        "a role name that IAM would refuse",
        "security_replication_role",
        "it has 70 characters; a name is needed that has 1 to 64",
        {"security_replication_role": "r" * 70},
    ),
    Case(
        "a stack name that CloudFormation would refuse",
        "monitoring_stack",
        "begins with a letter",
        {"monitoring_stack": "24x7"},
    ),
    Case(
        "a variable that cannot be computed",
        "aws_dr_dr_cluster",
        "'nobody_set_this' is undefined",
        {"aws_dr_dr_cluster": "{{ nobody_set_this }}"},
    ),
]

#: Those of them in which Ansible itself takes part, with templates, types and the defaults of roles: the real playbook
#: is run with these. The rules alone are enough for the rest (tests/unit/deploy/test_settings.py).
THROUGH_ANSIBLE = (
    "a variable that cannot be computed",
    "a project name with capitals",
    "a region that AWS does not have",
    "the same region twice",
    "an unknown mode",
    "an objective that is no number",
    "a bucket without its other half",
    "no Auto Scaling group",
    "a capacity in the wrong order",
    "a network that is none",
    "a probe that is asked too seldom",
)

#: Right in itself, and not so in the account: found by the role prerequisites, by reads alone.
ACCOUNT = [
    Case("no such profile", "aws_dr_dr_profile", "there is no such profile", {"aws_dr_dr_profile": "nobody"}),
    Case(
        "credentials that have expired",
        "aws_dr_primary_profile",
        "its credentials have expired",
        {"aws_dr_primary_profile": "expired"},
    ),
    Case(
        "credentials that AWS does not know",
        "aws_dr_primary_profile",
        "AWS does not accept its credentials",
        {"aws_dr_primary_profile": "unknown"},
    ),
    Case(
        "two accounts",
        "aws_dr_dr_profile",
        "profiles of one account are needed",
        {"aws_dr_dr_profile": "other_account"},
    ),
    Case(
        "a primary cluster that does not exist",
        "aws_dr_primary_cluster",
        "there is no such cluster",
        {"aws_dr_primary_cluster": "nothing-here"},
    ),
    Case(
        "an Auto Scaling group that does not exist",
        "aws_dr_groups[0].primary",
        "there is no such Auto Scaling group",
        {"aws_dr_groups": [{**_PAIR, "primary": "nothing-here"}]},
    ),
    Case(
        "a primary bucket that does not exist",
        "aws_dr_buckets[0].primary",
        "there is no such bucket",
        {"aws_dr_buckets": [{"primary": "nothing-here", "dr": "nothing-here-dr"}]},
    ),
    Case(
        "a secret that does not exist",
        "aws_dr_secrets[0]",
        "there is no such secret",
        {"aws_dr_secrets": ["nothing/here"]},
    ),
    Case(
        "a load balancer that does not exist",
        "aws_dr_primary_load_balancer",
        "there is no such load balancer",
        {"aws_dr_primary_load_balancer": "nothing-here"},
    ),
    Case(
        "a hosted zone that does not exist",
        "aws_dr_hosted_zone",
        "no public hosted zone of that name",
        {"aws_dr_hosted_zone": "nothing.example", "aws_dr_dns_names": ["app.nothing.example"]},
    ),
    Case(
        "a network that overlaps the primary region's",
        "network_vpc_cidr",
        "it overlaps 10.0.0.0/16",
        {"network_vpc_cidr": "10.0.0.0/16"},
    ),
]
