# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a deploy creates: one row for each kind of thing, with how to see whether it is there and how to take it back.

A row's functions get an ``At`` (one place, as its profile reaches it) and the name of a thing. ``delete`` only begins,
and may be called again while AWS is busy. ``rollback`` waits until ``exists`` says no, and decides what may go at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .clients import Caller
from .declared import Refused
from .errors import CallFailed
from .model import Access, Application

#: Where the control planes of Route 53 and IAM live (R3).
GLOBAL_REGION = "us-east-1"


@dataclass(frozen=True)
class Resource:
    """One thing that a phase manages. ``place`` says whose profile reaches it: primary, dr or traffic."""

    kind: str
    name: str
    place: str
    region: str
    phase: str = ""
    belongs_to: str = ""  # the data store that this is a part of
    stands_on: tuple[str, ...] = ()  # names of what must stay as long as this does
    optional: bool = False  # made only where the application needs it: its absence alone gives a deploy nothing to do

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it one thing and not another."""
        return (self.kind, self.name, self.region)

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.name} in {self.region}"


@dataclass(frozen=True)
class At:
    """One place, as its profile reaches it."""

    caller: Caller
    access: Access
    sites: Mapping[str, Access] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """The region's name."""
        return self.access.region

    def read(self, service: str, operation: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a call that changes nothing."""
        return self.caller.call(self.access, service, operation, params or {}, mutates=False)

    def change(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call that changes something."""
        return self.caller.call(self.access, service, operation, params, mutates=True)

    def in_region(self, region: str) -> At:
        """Another region, as the profile of the site there reaches it."""
        other = self.sites.get(region, Access(region, self.access.profile, self.access.role_arn))
        return At(self.caller, other, self.sites)

    def found(self, service: str, operation: str, params: Mapping[str, Any], absent: Sequence[str]) -> dict[str, Any]:
        """Make a call that changes nothing; nothing where AWS answers with a code that means that there is none."""
        try:
            return self.read(service, operation, params) or {"found": True}
        except CallFailed as failure:
            if failure.code in absent:
                return {}
            raise

    def pages(self, service: str, operation: str, key: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Yield the entries of every page, for operations that page by ``NextToken`` or ``Marker``."""
        asked = dict(params or {})
        while True:
            answer = self.read(service, operation, asked)
            yield from answer.get(key, [])
            token = next((name for name in ("NextToken", "NextMarker", "Marker") if answer.get(name)), None)
            if token is None or answer.get("IsTruncated") is False:
                return
            asked[token.replace("NextM", "M")] = answer[token]


@dataclass(frozen=True)
class Kind:
    """How a kind of thing is seen and taken back.

    ``command`` is what an operator types to remove one by hand: ``{name}`` and ``{region}`` are filled in.
    """

    exists: Callable[[At, str], bool]
    delete: Callable[[At, str], None] | None
    command: str
    data_store: bool = False
    patience_seconds: float = 300.0
    stays: str = ""  # why it cannot be taken back at all
    stuck: Callable[[At, str], str] | None = None  # why a deletion that began will never end, or nothing


def _stack(at: At, name: str) -> dict[str, Any]:
    answer = at.found("cloudformation", "DescribeStacks", {"StackName": name}, ("ValidationError",))
    return dict(answer["Stacks"][0]) if answer else {"StackStatus": "DELETE_COMPLETE"}


def _stack_exists(at: At, name: str) -> bool:
    return bool(_stack(at, name)["StackStatus"] != "DELETE_COMPLETE")


def _stack_stuck(at: At, name: str) -> str:
    found = _stack(at, name)
    reason = found.get("StackStatusReason") or "AWS gives no reason"
    return f"its deletion failed: {reason}" if found["StackStatus"] == "DELETE_FAILED" else ""


def _delete_stack(at: At, name: str) -> None:
    at.change("cloudformation", "DeleteStack", {"StackName": name})


def _role_exists(at: At, name: str) -> bool:
    return bool(at.found("iam", "GetRole", {"RoleName": name}, ("NoSuchEntity",)))


def _delete_role(at: At, name: str) -> None:
    role = {"RoleName": name}
    for policy in list(at.pages("iam", "ListAttachedRolePolicies", "AttachedPolicies", role)):
        at.change("iam", "DetachRolePolicy", {**role, "PolicyArn": policy["PolicyArn"]})
    for policy_name in list(at.pages("iam", "ListRolePolicies", "PolicyNames", role)):
        at.change("iam", "DeleteRolePolicy", {**role, "PolicyName": policy_name})
    for profile in list(at.pages("iam", "ListInstanceProfilesForRole", "InstanceProfiles", role)):
        profile_name = profile["InstanceProfileName"]
        at.change("iam", "RemoveRoleFromInstanceProfile", {**role, "InstanceProfileName": profile_name})
    at.change("iam", "DeleteRole", role)


def _key(at: At, alias: str) -> dict[str, Any]:
    answer = at.found("kms", "DescribeKey", {"KeyId": alias}, ("NotFoundException",))
    return dict(answer.get("KeyMetadata", {}))


def _key_exists(at: At, alias: str) -> bool:
    return _key(at, alias).get("KeyState", "PendingDeletion") not in ("PendingDeletion", "PendingReplicaDeletion")


def _delete_key(at: At, alias: str) -> None:
    """Thirty days, the longest that AWS offers: a key is the last door to what it has encrypted (R23)."""
    key_id = _key(at, alias)["KeyId"]
    at.change("kms", "DeleteAlias", {"AliasName": alias})
    at.change("kms", "ScheduleKeyDeletion", {"KeyId": key_id, "PendingWindowInDays": 30})


def _secret(at: At, name: str) -> dict[str, Any]:
    answer = at.found("secretsmanager", "DescribeSecret", {"SecretId": name}, ("ResourceNotFoundException",))
    return {} if answer.get("DeletedDate") else answer


def _secret_exists(at: At, name: str) -> bool:
    return bool(_secret(at, name))


def _delete_secret_replica(at: At, name: str) -> None:
    """A replica is removed from the region of its source; one that was promoted is a secret like any other (R22)."""
    source = _secret(at, name).get("PrimaryRegion")
    if source in (None, "", at.region):
        raise Refused(f"secret {name} in {at.region} is no replica (any more); delete it by hand if that is wanted")
    params = {"SecretId": name, "RemoveReplicaRegions": [at.region]}
    at.in_region(source).change("secretsmanager", "RemoveRegionsFromReplication", params)


def _table_exists(at: At, name: str) -> bool:
    return bool(at.found("dynamodb", "DescribeTable", {"TableName": name}, ("ResourceNotFoundException",)))


def _delete_table(at: At, name: str) -> None:
    table = at.read("dynamodb", "DescribeTable", {"TableName": name})["Table"]
    if table.get("DeletionProtectionEnabled"):
        at.change("dynamodb", "UpdateTable", {"TableName": name, "DeletionProtectionEnabled": False})
    at.change("dynamodb", "DeleteTable", {"TableName": name})


def _bucket_exists(at: At, name: str) -> bool:
    return bool(at.found("s3", "GetBucketLocation", {"Bucket": name}, ("NoSuchBucket", "404")))


def _delete_bucket(at: At, name: str) -> None:
    """A bucket has to be empty, with its versions and delete markers."""
    while True:
        answer = at.read("s3", "ListObjectVersions", {"Bucket": name, "MaxKeys": 1000})
        versions = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        if not versions:
            break
        objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        at.change("s3", "DeleteObjects", {"Bucket": name, "Delete": {"Objects": objects, "Quiet": True}})
    at.change("s3", "DeleteBucket", {"Bucket": name})


def _rule_of(name: str) -> tuple[str, str]:
    """A replication rule's name is ``<bucket>/<rule id>``."""
    bucket, _slash, rule = name.partition("/")
    return bucket, rule


def _replication(at: At, bucket: str) -> dict[str, Any]:
    absent = ("ReplicationConfigurationNotFoundError", "NoSuchBucket", "404")
    answer = at.found("s3", "GetBucketReplication", {"Bucket": bucket}, absent)
    return dict(answer.get("ReplicationConfiguration", {}))


def _rule_exists(at: At, name: str) -> bool:
    bucket, rule = _rule_of(name)
    return any(found.get("ID") == rule for found in _replication(at, bucket).get("Rules", []))


def _delete_rule(at: At, name: str) -> None:
    """The configuration is replaced as a whole, so everybody else's rules are sent back as they are (R24)."""
    bucket, rule = _rule_of(name)
    configuration = _replication(at, bucket)
    rest = [found for found in configuration["Rules"] if found.get("ID") != rule]
    if rest:
        params = {"Bucket": bucket, "ReplicationConfiguration": {**configuration, "Rules": rest}}
        at.change("s3", "PutBucketReplication", params)
    else:
        at.change("s3", "DeleteBucketReplication", {"Bucket": bucket})


def _versioning_enabled(at: At, bucket: str) -> bool:
    answer = at.found("s3", "GetBucketVersioning", {"Bucket": bucket}, ("NoSuchBucket", "404"))
    return answer.get("Status") == "Enabled"


def _subnet_group_exists(at: At, name: str) -> bool:
    absent = ("DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound")
    return bool(at.found("rds", "DescribeDBSubnetGroups", {"DBSubnetGroupName": name}, absent))


def _delete_subnet_group(at: At, name: str) -> None:
    at.change("rds", "DeleteDBSubnetGroup", {"DBSubnetGroupName": name})


def _parameter_group_exists(at: At, name: str) -> bool:
    absent = ("DBParameterGroupNotFound", "DBClusterParameterGroupNotFound")
    params = {"DBClusterParameterGroupName": name}
    return bool(at.found("rds", "DescribeDBClusterParameterGroups", params, absent))


def _delete_parameter_group(at: At, name: str) -> None:
    at.change("rds", "DeleteDBClusterParameterGroup", {"DBClusterParameterGroupName": name})


def _cluster(at: At, name: str) -> dict[str, Any]:
    absent = ("DBClusterNotFoundFault", "DBClusterNotFound")
    answer = at.found("rds", "DescribeDBClusters", {"DBClusterIdentifier": name}, absent)
    return dict(answer["DBClusters"][0]) if answer else {}


def _cluster_exists(at: At, name: str) -> bool:
    return bool(_cluster(at, name))


def _memberships(at: At, arn: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each global cluster that has the cluster as a member, with that member."""
    for found in at.pages("rds", "DescribeGlobalClusters", "GlobalClusters"):
        for member in found.get("GlobalClusterMembers", []):
            if member.get("DBClusterArn") == arn:
                yield found, member


def _delete_cluster(at: At, name: str) -> None:
    """Instances first, then membership, then the cluster. Never the writer of a global database that has others."""
    cluster = _cluster(at, name)
    for found, member in list(_memberships(at, cluster["DBClusterArn"])):
        if member.get("IsWriter") and len(found["GlobalClusterMembers"]) > 1:
            identifier = found["GlobalClusterIdentifier"]
            raise Refused(
                f"cluster {name} is the writer of {identifier}: the application lives there now; move it home"
            )
    for instance in cluster.get("DBClusterMembers", []):
        _delete_instance(at, instance["DBInstanceIdentifier"])
    for found, _member in list(_memberships(at, cluster["DBClusterArn"])):
        identifier = found["GlobalClusterIdentifier"]
        params = {"GlobalClusterIdentifier": identifier, "DbClusterIdentifier": cluster["DBClusterArn"]}
        at.change("rds", "RemoveFromGlobalCluster", params)
    if cluster.get("DeletionProtection"):
        params = {"DBClusterIdentifier": name, "DeletionProtection": False, "ApplyImmediately": True}
        at.change("rds", "ModifyDBCluster", params)
    at.change("rds", "DeleteDBCluster", {"DBClusterIdentifier": name, "SkipFinalSnapshot": True})


def _instance_exists(at: At, name: str) -> bool:
    absent = ("DBInstanceNotFound", "DBInstanceNotFoundFault")
    return bool(at.found("rds", "DescribeDBInstances", {"DBInstanceIdentifier": name}, absent))


def _delete_instance(at: At, name: str) -> None:
    params = {"DBInstanceIdentifier": name, "SkipFinalSnapshot": True}
    try:
        at.change("rds", "DeleteDBInstance", params)
    except CallFailed as failure:
        if failure.code not in ("InvalidDBInstanceState", "DBInstanceNotFound"):  # being deleted already, or gone
            raise


def _global_cluster(at: At, name: str) -> dict[str, Any]:
    absent = ("GlobalClusterNotFoundFault",)
    answer = at.found("rds", "DescribeGlobalClusters", {"GlobalClusterIdentifier": name}, absent)
    found: list[dict[str, Any]] = answer.get("GlobalClusters", [])
    return found[0] if found else {}


def _global_cluster_exists(at: At, name: str) -> bool:
    return bool(_global_cluster(at, name))


def _delete_global_cluster(at: At, name: str) -> None:
    """The last member, which founded it, leaves and goes on by itself with its data; then the shell is deleted."""
    found = _global_cluster(at, name)
    members = found.get("GlobalClusterMembers", [])
    if len(members) > 1:
        others = ", ".join(member["DBClusterArn"] for member in members if not member.get("IsWriter"))
        raise Refused(f"global cluster {name} still has {others}")
    for member in members:
        params = {"GlobalClusterIdentifier": name, "DbClusterIdentifier": member["DBClusterArn"]}
        at.change("rds", "RemoveFromGlobalCluster", params)
    if found.get("DeletionProtection"):
        at.change("rds", "ModifyGlobalCluster", {"GlobalClusterIdentifier": name, "DeletionProtection": False})
    at.change("rds", "DeleteGlobalCluster", {"GlobalClusterIdentifier": name})


def _launch_template_exists(at: At, name: str) -> bool:
    absent = ("InvalidLaunchTemplateName.NotFoundException",)
    return bool(at.found("ec2", "DescribeLaunchTemplates", {"LaunchTemplateNames": [name]}, absent))


def _delete_launch_template(at: At, name: str) -> None:
    at.change("ec2", "DeleteLaunchTemplate", {"LaunchTemplateName": name})


def _group_exists(at: At, name: str) -> bool:
    answer = at.read("autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": [name]})
    return bool(answer["AutoScalingGroups"])


def _delete_group(at: At, name: str) -> None:
    at.change("autoscaling", "DeleteAutoScalingGroup", {"AutoScalingGroupName": name, "ForceDelete": True})


def _function_exists(at: At, name: str) -> bool:
    return bool(at.found("lambda", "GetFunction", {"FunctionName": name}, ("ResourceNotFoundException",)))


def _delete_function(at: At, name: str) -> None:
    at.change("lambda", "DeleteFunction", {"FunctionName": name})


def _log_group_exists(at: At, name: str) -> bool:
    answer = at.read("logs", "DescribeLogGroups", {"logGroupNamePrefix": name})
    return any(group["logGroupName"] == name for group in answer["logGroups"])


def _delete_log_group(at: At, name: str) -> None:
    at.change("logs", "DeleteLogGroup", {"logGroupName": name})


def _schedule_exists(at: At, name: str) -> bool:
    return bool(at.found("scheduler", "GetSchedule", {"Name": name}, ("ResourceNotFoundException",)))


def _delete_schedule(at: At, name: str) -> None:
    at.change("scheduler", "DeleteSchedule", {"Name": name})


def _alarm_exists(at: At, name: str) -> bool:
    answer = at.read("cloudwatch", "DescribeAlarms", {"AlarmNames": [name], "AlarmTypes": ["MetricAlarm"]})
    return bool(answer.get("MetricAlarms"))


def _delete_alarm(at: At, name: str) -> None:
    at.change("cloudwatch", "DeleteAlarms", {"AlarmNames": [name]})


def _health_check_id(at: At, name: str) -> str:
    """A switch's check is known by the alarm that it follows, any other by its tag Name."""
    checks = list(at.pages("route53", "ListHealthChecks", "HealthChecks"))
    for check in checks:
        if (check["HealthCheckConfig"].get("AlarmIdentifier") or {}).get("Name") == name:
            return str(check["Id"])
    for check in checks:
        params = {"ResourceType": "healthcheck", "ResourceId": check["Id"]}
        tags = at.read("route53", "ListTagsForResource", params)["ResourceTagSet"].get("Tags", [])
        if {"Key": "Name", "Value": name} in tags:
            return str(check["Id"])
    return ""


def _health_check_exists(at: At, name: str) -> bool:
    return bool(_health_check_id(at, name))


def _delete_health_check(at: At, name: str) -> None:
    at.change("route53", "DeleteHealthCheck", {"HealthCheckId": _health_check_id(at, name)})


_AT = "--region {region}"

KINDS: Mapping[str, Kind] = {
    "cloudformation_stack": Kind(
        _stack_exists,
        _delete_stack,
        f"aws cloudformation delete-stack --stack-name {{name}} {_AT}",
        patience_seconds=1200,
        stuck=_stack_stuck,
    ),
    "iam_role": Kind(_role_exists, _delete_role, "aws iam delete-role --role-name {name}"),
    "kms_key": Kind(
        _key_exists, _delete_key, f"aws kms schedule-key-deletion --key-id {{name}} {_AT}", data_store=True
    ),
    "secret_replica": Kind(
        _secret_exists,
        _delete_secret_replica,
        "aws secretsmanager remove-regions-from-replication --secret-id {name} --remove-replica-regions {region}",
        data_store=True,
    ),
    "dynamodb_table": Kind(
        _table_exists, _delete_table, f"aws dynamodb delete-table --table-name {{name}} {_AT}", data_store=True
    ),
    "s3_bucket": Kind(_bucket_exists, _delete_bucket, f"aws s3 rb s3://{{name}} --force {_AT}", data_store=True),
    "s3_replication_rule": Kind(
        _rule_exists, _delete_rule, f"aws s3api put-bucket-replication (without the rule) {{name}} {_AT}"
    ),
    "s3_bucket_versioning": Kind(
        _versioning_enabled,
        None,
        f"aws s3api put-bucket-versioning --bucket {{name}} --versioning-configuration Status=Suspended {_AT}",
        stays="versioning, once on, can be suspended but never taken back",
    ),
    "rds_subnet_group": Kind(
        _subnet_group_exists,
        _delete_subnet_group,
        f"aws rds delete-db-subnet-group --db-subnet-group-name {{name}} {_AT}",
    ),
    "rds_cluster_parameter_group": Kind(
        _parameter_group_exists,
        _delete_parameter_group,
        f"aws rds delete-db-cluster-parameter-group --db-cluster-parameter-group-name {{name}} {_AT}",
    ),
    "rds_cluster": Kind(
        _cluster_exists,
        _delete_cluster,
        f"aws rds delete-db-cluster --db-cluster-identifier {{name}} --skip-final-snapshot {_AT}",
        data_store=True,
        patience_seconds=1800,
    ),
    "rds_instance": Kind(
        _instance_exists,
        _delete_instance,
        f"aws rds delete-db-instance --db-instance-identifier {{name}} --skip-final-snapshot {_AT}",
        data_store=True,
        patience_seconds=1800,
    ),
    "rds_global_cluster": Kind(
        _global_cluster_exists,
        _delete_global_cluster,
        f"aws rds delete-global-cluster --global-cluster-identifier {{name}} {_AT}",
    ),
    "launch_template": Kind(
        _launch_template_exists,
        _delete_launch_template,
        f"aws ec2 delete-launch-template --launch-template-name {{name}} {_AT}",
    ),
    "auto_scaling_group": Kind(
        _group_exists,
        _delete_group,
        f"aws autoscaling delete-auto-scaling-group --auto-scaling-group-name {{name}} --force-delete {_AT}",
        patience_seconds=900,
    ),
    "lambda_function": Kind(
        _function_exists, _delete_function, f"aws lambda delete-function --function-name {{name}} {_AT}"
    ),
    "log_group": Kind(
        _log_group_exists, _delete_log_group, f"aws logs delete-log-group --log-group-name {{name}} {_AT}"
    ),
    "schedule": Kind(_schedule_exists, _delete_schedule, f"aws scheduler delete-schedule --name {{name}} {_AT}"),
    "alarm": Kind(_alarm_exists, _delete_alarm, f"aws cloudwatch delete-alarms --alarm-names {{name}} {_AT}"),
    "health_check": Kind(
        _health_check_exists,
        _delete_health_check,
        "aws route53 delete-health-check --health-check-id <id of {name}>",
    ),
}


def command(resource: Resource) -> str:
    """Return what an operator types to remove it by hand."""
    return KINDS[resource.kind].command.format(name=resource.name, region=resource.region)


def access_of(application: Application, place: str, region: str = "") -> Access:
    """Return how a place is reached, in its own region or in another one; Route 53 and IAM are reached in us-east-1."""
    if place == "traffic":
        return Access(region or GLOBAL_REGION, application.traffic.profile, application.traffic.role_arn)
    site = application.site(place)
    return Access(region or site.region, site.access.profile, site.access.role_arn)


def doors(application: Application, caller: Caller) -> Callable[[Resource], At]:
    """Return what leads from a resource to where it is."""
    sites = {site.region: site.access for site in application.sites}

    def at(resource: Resource) -> At:
        return At(caller, access_of(application, resource.place, resource.region), sites)

    return at


def declared(application: Application, entries: Sequence[Mapping[str, Any]]) -> list[Resource]:
    """Return what entries ``{phase, kind, names, place, belongs_to, stands_on, optional}`` declare, in order."""
    resources = []
    for entry in entries:
        place = entry.get("place") or "dr"
        everywhere = place == "traffic" or str(entry["kind"]).startswith("iam_")
        region = GLOBAL_REGION if everywhere else application.site(place).region
        for name in entry["names"]:
            resources.append(
                Resource(
                    kind=str(entry["kind"]),
                    name=str(name),
                    place=place,
                    region=region,
                    phase=str(entry.get("phase") or ""),
                    belongs_to=str(entry.get("belongs_to") or ""),
                    stands_on=tuple(str(one) for one in entry.get("stands_on") or ()),
                    optional=bool(entry.get("optional")),
                )
            )
    return resources
