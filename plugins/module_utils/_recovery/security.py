# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the recovery region is as well guarded as it was declared: encryption, who reaches what, who may do what.

Questions over what is really in use: the security groups of the load balancer, of the launch templates and of the
cluster, not those of some name. Reads only.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .questions import Check, Question, Scene, put

ANYWHERE = ("0.0.0.0/0", "::/0")

#: What clients may reach from anywhere, on the load balancer alone.
PUBLIC_PORTS = (80, 443)

#: Who may assume each of our roles, by the variable that names the role.
TRUSTED = {
    "security_lambda_role": ("lambda.amazonaws.com",),
    "security_replication_role": ("s3.amazonaws.com", "batchoperations.s3.amazonaws.com"),
    "compute_instance_role": ("ec2.amazonaws.com",),
    "orchestrator_scheduler_role_name": ("scheduler.amazonaws.com",),
}

_FOUR_LOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def examine(scene: Scene) -> list[Check]:
    """Ask everything; return one check for each thing, in a stable order."""
    return put([question for role, question in QUESTIONS if not (role and scene.skips(role))], scene)


def _result(subject: str, found: str, wrong: str = "", right: str = "") -> Check:
    return Check(subject, found, f"{subject} {wrong}: {right}" if wrong else "")


def _clusters(scene: Scene) -> Iterator[Check]:
    """Encryption of Aurora."""
    for place in ("primary", "dr"):
        name = scene.text(f"aws_dr_{place}_cluster")
        subject = f"Aurora cluster {name} ({scene.access(place).region})"
        absent = ("DBClusterNotFoundFault", "DBClusterNotFound")
        answer = scene.found(place, "rds", "DescribeDBClusters", {"DBClusterIdentifier": name}, absent)
        if answer is None:
            yield _result(subject, "missing", "is missing", "deploy it first (playbooks/deploy-dr.yml)")
            continue
        cluster = answer["DBClusters"][0]
        if not cluster.get("StorageEncrypted"):
            yield _result(
                subject, "not encrypted", "is not encrypted", "restore it from a snapshot into an encrypted one"
            )
        else:
            yield _result(subject, f"encrypted with {cluster.get('KmsKeyId', 'a key of RDS')}")
    yield from _instances(scene)


def _instances(scene: Scene) -> Iterator[Check]:
    name = scene.text("aws_dr_dr_cluster")
    filters = [{"Name": "db-cluster-id", "Values": [name]}]
    for instance in scene.read("dr", "rds", "DescribeDBInstances", {"Filters": filters})["DBInstances"]:
        subject = f"Aurora instance {instance['DBInstanceIdentifier']}"
        if instance.get("PubliclyAccessible"):
            yield _result(subject, "public", "is publicly accessible", "modify it with PubliclyAccessible=false")
        else:
            yield _result(subject, "not publicly accessible")


def _buckets(scene: Scene) -> Iterator[Check]:
    """Encryption and access of buckets."""
    ours = [] if scene.skips("storage") else [("dr", str(pair.get("dr"))) for pair in scene.entries("aws_dr_buckets")]
    if not scene.skips("state"):
        ours += [(place, scene.text(f"aws_dr_state_bucket_{place}")) for place in ("primary", "dr")]
    theirs = [("primary", str(pair.get("primary"))) for pair in scene.entries("aws_dr_buckets")]
    for place, name in [*ours, *theirs]:
        absent = ("ServerSideEncryptionConfigurationNotFoundError", "NoSuchBucket")
        answer = scene.found(place, "s3", "GetBucketEncryption", {"Bucket": name}, absent)
        subject = f"bucket {name}, encryption"
        if answer is None:
            yield _result(subject, "none", "is not set", "set aws:kms or AES256 as the default encryption")
        else:
            rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
            yield _result(subject, str(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]))
    for place, name in ours:
        yield from _bucket_access(scene, place, name)


def _bucket_access(scene: Scene, place: str, name: str) -> Iterator[Check]:
    absent = ("NoSuchPublicAccessBlockConfiguration", "NoSuchBucket", "NoSuchBucketPolicy")
    answer = scene.found(place, "s3", "GetPublicAccessBlock", {"Bucket": name}, absent)
    locks = (answer or {}).get("PublicAccessBlockConfiguration", {})
    unlocked = [lock for lock in _FOUR_LOCKS if not locks.get(lock)]
    subject = f"bucket {name}, public access"
    if unlocked:
        yield _result(subject, "possible", f"is not blocked by {', '.join(unlocked)}", "all four are needed")
    else:
        yield _result(subject, "blocked")
    answer = scene.found(place, "s3", "GetBucketPolicy", {"Bucket": name}, absent)
    subject = f"bucket {name}, transport"
    if answer is None or not _refuses_plain_http(json.loads(answer["Policy"])):
        right = "a policy that denies s3:* where aws:SecureTransport is false is needed"
        yield _result(subject, "plain HTTP possible", "is not TLS only", right)
    else:
        yield _result(subject, "TLS only")


def _refuses_plain_http(policy: Mapping[str, Any]) -> bool:
    return any(
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and str(statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport", "")).lower() == "false"
        for statement in _statements(policy)
    )


def _statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    statements = policy.get("Statement", [])
    return list(statements) if isinstance(statements, list) else [statements]


def _tables(scene: Scene) -> Iterator[Check]:
    """State tables."""
    name = scene.text("aws_dr_state_table")
    for place in ("primary", "dr"):
        subject = f"table {name} ({scene.access(place).region})"
        answer = scene.found(place, "dynamodb", "DescribeTable", {"TableName": name}, ("ResourceNotFoundException",))
        if answer is None:
            yield _result(subject, "missing", "is missing", "deploy it first (playbooks/deploy-dr.yml)")
            continue
        # DynamoDB encrypts every table at rest; without a description the key is DynamoDB's own (developer guide).
        sse = answer["Table"].get("SSEDescription") or {}
        key = sse.get("KMSMasterKeyArn", "a key of DynamoDB")
        protected = "" if answer["Table"].get("DeletionProtectionEnabled") else "not "
        yield _result(subject, f"encrypted with {key}, {protected}protected from deletion")


def _secrets(scene: Scene) -> Iterator[Check]:
    """Secrets in the dr region."""
    for name in scene.entries("aws_dr_secrets"):
        subject = f"secret {name} ({scene.access('dr').region})"
        absent = ("ResourceNotFoundException",)
        answer = scene.found("dr", "secretsmanager", "DescribeSecret", {"SecretId": name}, absent)
        if answer is None:
            yield _result(subject, "missing", "has no replica here", "deploy it first (playbooks/deploy-dr.yml)")
        else:
            yield _result(subject, f"encrypted with {answer.get('KmsKeyId', 'the key of Secrets Manager')}")


def _topics(scene: Scene) -> Iterator[Check]:
    """Notification topics."""
    name = scene.text("aws_dr_notification_topic")
    for place in ("primary", "dr"):
        subject = f"topic {name} ({scene.access(place).region})"
        arn = _topic_arn(scene, place, name)
        if not arn:
            yield _result(subject, "missing", "is missing", "deploy it first (playbooks/deploy-dr.yml)")
            continue
        attributes = scene.read(place, "sns", "GetTopicAttributes", {"TopicArn": arn})["Attributes"]
        key = attributes.get("KmsMasterKeyId")
        if not key:
            yield _result(subject, "not encrypted", "is not encrypted", "give it a KMS key")
        elif _open_to_all(json.loads(attributes.get("Policy") or "{}")):
            yield _result(subject, "open to all", "lets everybody in", "name principals in its policy, or a condition")
        else:
            yield _result(subject, f"encrypted with {key}")


def _topic_arn(scene: Scene, place: str, name: str) -> str:
    params: dict[str, Any] = {}
    while True:
        answer = scene.read(place, "sns", "ListTopics", params)
        for topic in answer.get("Topics", []):
            if topic["TopicArn"].endswith(f":{name}"):
                return str(topic["TopicArn"])
        if not answer.get("NextToken"):
            return ""
        params = {"NextToken": answer["NextToken"]}


def _open_to_all(policy: Mapping[str, Any]) -> bool:
    return any(
        statement.get("Effect") == "Allow"
        and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        and not statement.get("Condition")
        for statement in _statements(policy)
    )


def _keys(scene: Scene) -> Iterator[Check]:
    """Keys."""
    alias = "alias/" + (
        scene.text("security_key_alias").removeprefix("alias/") or f"{scene.text('aws_dr_name_prefix')}-dr-key"
    )
    subject = f"key {alias} ({scene.access('dr').region})"
    answer = scene.found("dr", "kms", "DescribeKey", {"KeyId": alias}, ("NotFoundException",))
    if answer is None:
        yield _result(subject, "missing", "is missing", "deploy it first (playbooks/deploy-dr.yml)")
        return
    key = answer["KeyMetadata"]
    if key.get("KeyState") != "Enabled":
        right = "enable it; without it the cluster is lost after seven days (R23)"
        yield _result(subject, str(key.get("KeyState")), f"is {key.get('KeyState')}", right)
    elif not scene.read("dr", "kms", "GetKeyRotationStatus", {"KeyId": key["KeyId"]}).get("KeyRotationEnabled"):
        yield _result(subject, "never rotated", "is never rotated", "switch rotation on")
    else:
        yield _result(subject, "enabled, rotated yearly")


def _groups(scene: Scene) -> Iterator[Check]:
    """Security groups."""
    tiers = {"alb": _alb_groups(scene), "ec2": _instance_groups(scene), "aurora": _aurora_groups(scene)}
    wanted = sorted({group for groups in tiers.values() for group in groups})
    if not wanted:
        return
    answer = scene.read("dr", "ec2", "DescribeSecurityGroups", {"GroupIds": wanted})
    found = {group["GroupId"]: group for group in answer["SecurityGroups"]}
    for tier, groups in tiers.items():
        if not groups:
            yield _result(f"security groups of tier {tier}", "none", "are missing", "nothing in use names one")
        for group in groups:
            reasons = list(_wrong_in(tier, found[group], tiers))
            subject = f"security group {found[group].get('GroupName')} ({group}), tier {tier}"
            for reason, right in reasons:
                yield _result(subject, reason, f"lets in {reason}", right)
            if not reasons:
                yield _result(
                    subject, "lets in only its neighbour" if tier != "alb" else "lets in clients on 80 and 443"
                )


def _wrong_in(tier: str, group: Mapping[str, Any], tiers: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield what a group lets in that it should not, and what would be right."""
    neighbours = {"alb": (), "ec2": tiers["alb"], "aurora": tiers["ec2"]}[tier]
    for rule in group.get("IpPermissions", []):
        ports = _ports(rule)
        ranges = [entry["CidrIp"] for entry in rule.get("IpRanges", [])]
        ranges += [entry["CidrIpv6"] for entry in rule.get("Ipv6Ranges", [])]
        for cidr in ranges:
            if tier == "aurora":
                yield f"{cidr} on {ports}", "the database is reached from the instances' group alone"
            elif cidr in ANYWHERE and not (tier == "alb" and _is_public(rule)):
                yield f"{cidr} on {ports}", "only the load balancer is open to the world, on 80 and 443"
        for pair in rule.get("UserIdGroupPairs", []):
            if tier == "aurora" and pair.get("GroupId") not in neighbours:
                yield (
                    f"group {pair.get('GroupId')} on {ports}",
                    "the database is reached from the instances' group alone",
                )


def _is_public(rule: Mapping[str, Any]) -> bool:
    return (
        rule.get("IpProtocol") == "tcp"
        and rule.get("FromPort") == rule.get("ToPort")
        and (rule.get("FromPort") in PUBLIC_PORTS)
    )


def _ports(rule: Mapping[str, Any]) -> str:
    if rule.get("IpProtocol") == "-1":
        return "all ports"
    first, last = rule.get("FromPort"), rule.get("ToPort")
    return f"port {first}" if first == last else f"ports {first} to {last}"


def _alb_groups(scene: Scene) -> list[str]:
    names = {"Names": [scene.text("aws_dr_dr_load_balancer")]}
    absent = ("LoadBalancerNotFound", "LoadBalancerNotFoundException")
    answer = scene.found("dr", "elbv2", "DescribeLoadBalancers", names, absent) or {"LoadBalancers": []}
    return [group for balancer in answer["LoadBalancers"] for group in balancer.get("SecurityGroups", [])]


def _aurora_groups(scene: Scene) -> list[str]:
    params = {"DBClusterIdentifier": scene.text("aws_dr_dr_cluster")}
    absent = ("DBClusterNotFoundFault", "DBClusterNotFound")
    answer = scene.found("dr", "rds", "DescribeDBClusters", params, absent) or {"DBClusters": []}
    return [
        group["VpcSecurityGroupId"]
        for cluster in answer["DBClusters"]
        for group in cluster.get("VpcSecurityGroups", [])
    ]


def _instance_groups(scene: Scene) -> list[str]:
    names = [str(pair.get("dr")) for pair in scene.entries("aws_dr_groups")]
    answer = scene.read("dr", "autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": names})
    groups: list[str] = []
    for found in answer["AutoScalingGroups"]:
        template = found.get("LaunchTemplate")
        if not template:
            continue
        params = {"LaunchTemplateId": template["LaunchTemplateId"], "Versions": [template.get("Version", "$Default")]}
        versions = scene.read("dr", "ec2", "DescribeLaunchTemplateVersions", params)["LaunchTemplateVersions"]
        for version in versions:
            data = version["LaunchTemplateData"]
            groups += data.get("SecurityGroupIds", [])
            groups += [one for network in data.get("NetworkInterfaces", []) for one in network.get("Groups", [])]
    return list(dict.fromkeys(groups))


def _roles(scene: Scene) -> Iterator[Check]:
    """IAM roles."""
    for variable, trusted in TRUSTED.items():
        name = scene.text(variable)
        if not name:
            continue
        subject = f"IAM role {name}"
        answer = scene.found("iam", "iam", "GetRole", {"RoleName": name}, ("NoSuchEntity",))
        if answer is None:
            yield _result(subject, "missing", "is missing", "deploy it first (playbooks/deploy-dr.yml)")
            continue
        role = answer["Role"]
        reasons = [*_untrusted(_document(role["AssumeRolePolicyDocument"]), trusted), *_too_much(scene, name)]
        for reason, right in reasons:
            yield _result(subject, reason, reason, right)
        if not reasons:
            yield _result(subject, f"assumed by {', '.join(trusted[:1])} alone, no wildcard action")


def _document(document: Any) -> Mapping[str, Any]:
    """IAM answers with URL-encoded JSON, which botocore has decoded already in most places."""
    if isinstance(document, Mapping):
        return document
    parsed: Mapping[str, Any] = json.loads(urllib.parse.unquote(str(document)))
    return parsed


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]


def _untrusted(trust: Mapping[str, Any], trusted: Sequence[str]) -> Iterator[tuple[str, str]]:
    for statement in _statements(trust):
        principal = statement.get("Principal", {})
        entries = {"*": ["*"]} if principal == "*" else {kind: _listed(value) for kind, value in principal.items()}
        for kind, values in entries.items():
            for value in values:
                if statement.get("Effect") == "Allow" and (kind != "Service" or value not in trusted):
                    yield f"may be assumed by {value}", f"only {' and '.join(trusted)} may assume it"


def _too_much(scene: Scene, name: str) -> Iterator[tuple[str, str]]:
    role = {"RoleName": name}
    for policy in scene.read("iam", "iam", "ListRolePolicies", role)["PolicyNames"]:
        answer = scene.read("iam", "iam", "GetRolePolicy", {**role, "PolicyName": policy})
        yield from _wildcards(policy, _document(answer["PolicyDocument"]))
    for attached in scene.read("iam", "iam", "ListAttachedRolePolicies", role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = scene.read("iam", "iam", "GetPolicy", {"PolicyArn": arn})["Policy"]["DefaultVersionId"]
        answer = scene.read("iam", "iam", "GetPolicyVersion", {"PolicyArn": arn, "VersionId": version})
        yield from _wildcards(attached["PolicyName"], _document(answer["PolicyVersion"]["Document"]))


def _wildcards(policy: str, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for statement in _statements(document):
        if statement.get("Effect") != "Allow":
            continue
        if "NotAction" in statement:
            yield f"policy {policy} allows all but some actions", "list the actions that are called"
        for action in _listed(statement.get("Action", [])):
            if action == "*" or action.endswith(":*"):
                yield f"policy {policy} allows {action}", "list the actions that are called"


#: Each question, and the role without which it has no object.
QUESTIONS: tuple[tuple[str, Question], ...] = (
    ("database", _clusters),
    ("", _buckets),
    ("state", _tables),
    ("security", _secrets),
    ("monitoring", _topics),
    ("security", _keys),
    ("security", _groups),
    ("security", _roles),
)
