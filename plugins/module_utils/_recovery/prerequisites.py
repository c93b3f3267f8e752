# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must be there before a deploy may begin: reads only, and every failure at once.

``examine`` asks in two rounds. First who we are at each site: without an answer there, the questions to that site could
only repeat the same failure, so they are not asked. Then everything else, side by side. Each question yields checks;
a check holds, has a problem (one sentence that names the variable and what would be right), or waits for something that
AWS is still busy with.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .errors import CallFailed, RegionUnreachable
from .model import Access
from .questions import Check, Question, Scene, put
from .versions import satisfies

ENGINES = ("aurora-mysql", "aurora-postgresql")

#: A stack in one of these states can only be deleted, or continued by hand (R33).
STUCK = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")

#: Variables that name a stack that a phase makes, and the sites whose regions have one.
STACKS = {
    "network_stack": ("dr",),
    "security_stack": ("dr",),
    "compute_stack": ("dr",),
    "monitoring_stack": ("dr", "primary"),
}

_CREDENTIALS_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnauthorizedSSOTokenError")
_CREDENTIALS_REFUSED = (
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "InvalidAccessKeyId",
    "IncompleteSignature",
)
_CREDENTIALS_MISSING = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
)


@dataclass(frozen=True)
class Tool:
    """A program or library, the version that is there ("" for none) and the one that is needed."""

    name: str
    found: str
    needed: str


def examine_tools(tools: Sequence[Tool]) -> list[Check]:
    """Compare versions with what is needed."""
    return [_tool(tool) for tool in tools]


def _tool(tool: Tool) -> Check:
    subject = f"{tool.name} {tool.needed}"
    if not tool.found:
        return Check(subject, "missing", f"{tool.name} is missing: {tool.name} {tool.needed} is needed")
    if not satisfies(tool.found, tool.needed):
        return Check(subject, tool.found, f"{tool.name} is {tool.found}: {tool.name} {tool.needed} is needed")
    return Check(subject, tool.found)


def examine(scene: Scene) -> list[Check]:
    """Ask everything; return one check for each thing, in a stable order."""
    places = ("primary", "dr") if scene.skips("traffic") else ("primary", "dr", "traffic")
    identities = scene.workers.gather([partial(_identity, scene, place) for place in places])
    checks: list[Check] = []
    accounts: dict[str, str] = {}
    refused: set[str | None] = set()
    for place, identity in zip(places, identities, strict=True):
        if isinstance(identity, Exception):
            raise identity
        check, account = identity
        profile = scene.access(place).profile
        if account:
            accounts[place] = account
        elif place == "traffic" and profile in refused:
            continue  # said already, of a site
        else:
            refused.add(profile)
        checks.append(check)
    checks += _one_account(scene, accounts)
    known = _answering(scene, accounts)
    questions = [question for place, question in QUESTIONS if set(place.split("+")) <= known]
    return [*checks, *put(questions, scene)]


def _answering(scene: Scene, accounts: Mapping[str, str]) -> set[str]:
    """Return the places that further questions can be put to; elsewhere they would repeat what was said already."""
    known = set(accounts)
    if accounts.get("primary", "") != accounts.get("dr", accounts.get("primary", "")):
        known -= {"dr", "traffic"} if scene.access("traffic").profile == scene.access("dr").profile else {"dr"}
    silent = {scene.access(place).region for place in ("primary", "dr") if place not in accounts}
    if scene.access("traffic").region in silent:
        known -= {"traffic"}
    return known


def _identity(scene: Scene, place: str) -> tuple[Check, str | None]:
    """Ask who we are at a place; return the check and the account's number."""
    access, variable = scene.access(place), f"aws_dr_{place}_profile"
    if place == "traffic":  # whoever asks Route 53 is asked for at home: its endpoint is nobody's for STS (R3)
        access = Access(scene.access("dr").region, access.profile)
    subject = f"identity at {place} ({_profile(access)})"
    try:
        answer = scene.caller.call(access, "sts", "GetCallerIdentity", {})
    except RegionUnreachable as error:
        right = f"check the network, and the endpoint_url of {_profile(access)} if it has one"
        region = "" if place == "traffic" else f"aws_dr_{place}_region is '{access.region}' and "
        return Check(subject, "unreachable", f"{region}{variable} is '{access.profile or ''}': {error}; {right}"), None
    except CallFailed as error:
        problem = f"{variable} is '{access.profile or ''}': {_why_refused(error, access)}"
        return Check(subject, error.code, problem), None
    return Check(subject, str(answer["Arn"])), str(answer["Account"])


def _profile(access: Access) -> str:
    return f"profile {access.profile}" if access.profile else "the default chain of credentials"


def _why_refused(error: CallFailed, access: Access) -> str:
    if error.code == "ProfileNotFound":
        return f"there is no such profile; name one of ~/.aws/config (aws configure --profile {access.profile})"
    if error.code in _CREDENTIALS_EXPIRED:
        return f"its credentials have expired ({error.code}); renew them (aws sso login, or a new session token)"
    if error.code in _CREDENTIALS_REFUSED:
        return f"AWS does not accept its credentials ({error.code}); correct its access key and secret"
    if error.code in _CREDENTIALS_MISSING:
        return f"{_profile(access)} has no credentials ({error.code}); give it some, or name another profile"
    return (
        f"it cannot say who it is ({error.code}: {error.message}); name a profile that can call sts:GetCallerIdentity"
    )


def _one_account(scene: Scene, accounts: Mapping[str, str]) -> list[Check]:
    """All members of a global database are in one account (R31); DNS may be in another."""
    if "primary" not in accounts or "dr" not in accounts:
        return []
    primary, dr = accounts["primary"], accounts["dr"]
    if primary == dr:
        return [Check("one account", primary)]
    problem = (
        f"aws_dr_dr_profile is '{scene.text('aws_dr_dr_profile')}' in account {dr}, but aws_dr_primary_profile is "
        f"'{scene.text('aws_dr_primary_profile')}' in account {primary}: profiles of one account are needed, "
        "because a global database does not span accounts"
    )
    return [Check("one account", f"{primary} and {dr}", problem)]


def _regions(scene: Scene) -> Iterator[Check]:
    """Regions enabled."""
    answer = scene.read("primary", "ec2", "DescribeRegions", {"AllRegions": True})
    status = {region["RegionName"]: region.get("OptInStatus", "opt-in-not-required") for region in answer["Regions"]}
    for place in ("primary", "dr"):
        variable, region = f"aws_dr_{place}_region", scene.text(f"aws_dr_{place}_region")
        found = status.get(region, "unknown to this account")
        problem = ""
        if found not in ("opt-in-not-required", "opted-in"):
            right = f"enable it for the account (aws account enable-region --region-name {region}), or choose another"
            problem = f"{variable} is '{region}': the region is {found}; {right}"
        yield Check(f"region {region}", found, problem)


def _cluster(scene: Scene) -> Iterator[Check]:
    """Primary cluster."""
    name, region = scene.text("aws_dr_primary_cluster"), scene.text("aws_dr_primary_region")
    subject = f"primary cluster {name}"
    try:
        answer = scene.read("primary", "rds", "DescribeDBClusters", {"DBClusterIdentifier": name})
    except CallFailed as error:
        if error.code not in ("DBClusterNotFoundFault", "DBClusterNotFound"):
            raise
        right = f"the identifier of an existing Aurora cluster in {region} is needed"
        yield Check(subject, "missing", f"aws_dr_primary_cluster is '{name}': there is no such cluster; {right}")
        return
    cluster = answer["DBClusters"][0]
    found = f"{cluster.get('Engine')} {cluster.get('EngineVersion')}, {cluster.get('Status')}"
    reasons = [reason for rule in CLUSTER_RULES for reason in rule(cluster)]
    for reason in reasons:
        yield Check(subject, found, f"aws_dr_primary_cluster is '{name}': {reason}")
    if not reasons:
        yield Check(subject, f"{found}, encrypted")


def _engine(cluster: Mapping[str, Any]) -> Iterator[str]:
    if cluster.get("Engine") not in ENGINES:
        yield f"its engine is {cluster.get('Engine')}; a global database needs {' or '.join(ENGINES)}"
    elif cluster.get("EngineMode", "provisioned") != "provisioned":
        yield f"its engine mode is {cluster.get('EngineMode')}; a global database needs provisioned"


def _encrypted(cluster: Mapping[str, Any]) -> Iterator[str]:
    """R31: an unencrypted primary cannot have an encrypted secondary."""
    if not cluster.get("StorageEncrypted"):
        yield (
            "it is not encrypted, and then its copy cannot be; restore a snapshot of it into an encrypted cluster "
            "(aws rds restore-db-cluster-from-snapshot --kms-key-id ...), move the application there and name that one"
        )


def _own_password(cluster: Mapping[str, Any]) -> Iterator[str]:
    """R31: a global database refuses a master password that RDS manages."""
    if cluster.get("MasterUserSecret"):
        yield (
            "RDS manages its master password, which a global database does not allow; take it back "
            "(aws rds modify-db-cluster --no-manage-master-user-password --master-user-password ...)"
        )


def _usable(cluster: Mapping[str, Any]) -> Iterator[str]:
    if cluster.get("Status") in ("stopped", "stopping", "failed", "deleting", "inaccessible-encryption-credentials"):
        yield f"its status is {cluster.get('Status')}; it has to be available"


CLUSTER_RULES: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (_engine, _encrypted, _own_password, _usable)


def _global_cluster(scene: Scene) -> Iterator[Check]:
    """Global database of the primary cluster."""
    wanted, name = scene.text("aws_dr_global_cluster"), scene.text("aws_dr_primary_cluster")
    answer = scene.read("primary", "rds", "DescribeGlobalClusters", {})
    of_cluster = [
        found["GlobalClusterIdentifier"]
        for found in answer.get("GlobalClusters", [])
        if any(
            member.get("DBClusterArn", "").split(":")[3:4] == [scene.text("aws_dr_primary_region")]
            and member["DBClusterArn"].endswith(f":cluster:{name}")
            for member in found.get("GlobalClusterMembers", [])
        )
    ]
    if of_cluster and wanted not in of_cluster:
        problem = (
            f"aws_dr_global_cluster is '{wanted}': cluster {name} already belongs to {of_cluster[0]}; name that one, "
            "and set database_mode=adopt to leave it as it is"
        )
        yield Check(f"global database {wanted}", of_cluster[0], problem)
    else:
        yield Check(f"global database {wanted}", "exists" if of_cluster else "will be created")


def _networks(scene: Scene) -> Iterator[Check]:
    """Networks that do not overlap."""
    cidr = scene.text("network_vpc_cidr")
    if not cidr or scene.text("network_mode") not in ("", "create"):
        return
    wanted = ipaddress.ip_network(cidr)
    answer = scene.read("primary", "ec2", "DescribeVpcs", {})
    used = [
        (vpc["VpcId"], association["CidrBlock"])
        for vpc in answer["Vpcs"]
        if not vpc.get("IsDefault")
        for association in vpc.get("CidrBlockAssociationSet") or [{"CidrBlock": vpc["CidrBlock"]}]
    ]
    taken = [(vpc, block) for vpc, block in used if wanted.overlaps(ipaddress.ip_network(block))]
    for vpc, block in taken:
        problem = (
            f"network_vpc_cidr is '{cidr}': it overlaps {block} of {vpc} in {scene.text('aws_dr_primary_region')}; "
            "a network that overlaps none is needed, or the two cannot be joined"
        )
        yield Check(f"network {cidr}", f"overlaps {block}", problem)
    if not taken:
        yield Check(f"network {cidr}", "overlaps nothing")


def _groups(scene: Scene) -> Iterator[Check]:
    """Auto Scaling groups in the primary region."""
    names = [str(pair.get("primary")) for pair in scene.entries("aws_dr_groups")]
    answer = scene.read("primary", "autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": names})
    there = {group["AutoScalingGroupName"]: group for group in answer["AutoScalingGroups"]}
    for index, name in enumerate(names):
        yield _existing(scene, "Auto Scaling group", f"aws_dr_groups[{index}].primary", name, name in there)


def _load_balancer(scene: Scene) -> Iterator[Check]:
    """Load balancer in the primary region."""
    name = scene.text("aws_dr_primary_load_balancer")
    if scene.text("aws_dr_primary_endpoint"):
        return
    absent = ("LoadBalancerNotFound", "LoadBalancerNotFoundException")
    answer = scene.found("primary", "elbv2", "DescribeLoadBalancers", {"Names": [name]}, absent)
    yield _existing(scene, "load balancer", "aws_dr_primary_load_balancer", name, answer is not None)


def _secrets(scene: Scene) -> Iterator[Check]:
    """Secrets in the primary region."""
    for index, name in enumerate(scene.entries("aws_dr_secrets")):
        absent = ("ResourceNotFoundException",)
        answer = scene.found("primary", "secretsmanager", "DescribeSecret", {"SecretId": name}, absent)
        yield _existing(scene, "secret", f"aws_dr_secrets[{index}]", str(name), answer is not None)


def _primary_buckets(scene: Scene) -> Iterator[Check]:
    """Buckets in the primary region."""
    for index, pair in enumerate(scene.entries("aws_dr_buckets")):
        variable, name = f"aws_dr_buckets[{index}].primary", str(pair.get("primary"))
        where = _bucket_region(scene, "primary", name)
        region = scene.text("aws_dr_primary_region")
        if where in ("", "another account"):
            yield _existing(scene, "bucket", variable, name, False)
        elif where != region:
            problem = f"{variable} is '{name}': that bucket is in {where}; one in {region} is needed"
            yield Check(f"bucket {name}", where, problem)
        elif _lacks_versions(scene, name):
            problem = (
                f"{variable} is '{name}': it keeps no versions, without which S3 does not replicate; versioning cannot "
                "be taken back, only suspended, so set storage_primary_versioning_accepted=true if that is accepted"
            )
            yield Check(f"bucket {name}", "exists, without versions", problem)
        else:
            yield Check(f"bucket {name}", "exists")


def _lacks_versions(scene: Scene, bucket: str) -> bool:
    """Whether versioning would have to be turned on without the operator's consent (R24)."""
    consent = str(scene.text("storage_primary_versioning_accepted")).lower() in ("true", "yes", "1")
    if consent or scene.skips("storage"):
        return False
    return scene.read("primary", "s3", "GetBucketVersioning", {"Bucket": bucket}).get("Status") != "Enabled"


def _new_buckets(scene: Scene) -> Iterator[Check]:
    """Buckets to be created."""
    wanted = [] if scene.skips("storage") else list(_dr_buckets(scene))
    if not scene.skips("state"):
        wanted += [
            (f"aws_dr_state_bucket_{place}", scene.text(f"aws_dr_state_bucket_{place}"), place) for place in PLACES
        ]
    for variable, name, place in wanted:
        where, region = _bucket_region(scene, place, name), scene.text(f"aws_dr_{place}_region")
        if where == "another account":
            problem = f"{variable} is '{name}': another account has a bucket of that name; another name is needed"
        elif where and where != region:
            problem = f"{variable} is '{name}': that bucket is in {where}; one in {region}, or a new name, is needed"
        else:
            problem = ""
        yield Check(f"bucket {name}", where or "will be created", problem)


PLACES = ("primary", "dr")


def _dr_buckets(scene: Scene) -> Iterator[tuple[str, str, str]]:
    for index, pair in enumerate(scene.entries("aws_dr_buckets")):
        yield f"aws_dr_buckets[{index}].dr", str(pair.get("dr")), "dr"


def _bucket_region(scene: Scene, place: str, name: str) -> str:
    """Return where a bucket is; nothing when there is none, "another account" when it is not ours."""
    try:
        answer = scene.read(place, "s3", "GetBucketLocation", {"Bucket": name})
    except CallFailed as error:
        if error.code in ("NoSuchBucket", "404"):
            return ""
        if error.code in ("AccessDenied", "AllAccessDisabled", "403"):
            return "another account"
        raise
    return str(answer.get("LocationConstraint") or "us-east-1").replace("EU", "eu-west-1")


def _hosted_zone(scene: Scene) -> Iterator[Check]:
    """Hosted zone."""
    name = scene.text("aws_dr_hosted_zone").rstrip(".")
    if scene.skips("traffic"):
        return
    answer = scene.read("traffic", "route53", "ListHostedZonesByName", {"DNSName": name, "MaxItems": "10"})
    there = any(
        zone["Name"].rstrip(".") == name and not zone.get("Config", {}).get("PrivateZone")
        for zone in answer.get("HostedZones", [])
    )
    profile = _profile(scene.access("traffic"))
    yield Check(
        f"hosted zone {name}",
        "exists" if there else "missing",
        ""
        if there
        else (
            f"aws_dr_hosted_zone is '{name}': {profile} sees no public hosted zone of that name; name an existing one, "
            "or set aws_dr_traffic_profile to a profile of the account that has it"
        ),
    )


def _stacks(scene: Scene) -> Iterator[Check]:
    """CloudFormation stacks."""
    for variable, places in STACKS.items():
        name, mode = scene.text(variable), scene.text(f"{variable.partition('_')[0]}_mode")
        if name and mode in ("", "create"):
            for place in places:
                yield _stack(scene, name, place)


def _stack(scene: Scene, name: str, place: str) -> Check:
    region = scene.access(place).region
    subject = f"stack {name} in {region}"
    params = {"StackName": name}
    answer = scene.found(place, "cloudformation", "DescribeStacks", params, ("ValidationError",))
    if answer is None:
        return Check(subject, "will be created")
    status = str(answer["Stacks"][0]["StackStatus"])
    if status in STUCK:
        profile = scene.text(f"aws_dr_{place}_profile")
        command = f"aws cloudformation delete-stack --stack-name {name} --region {region}"
        command += f" --profile {profile}" if profile else ""
        verb = "continue its rollback or delete it" if status == "UPDATE_ROLLBACK_FAILED" else "delete it first"
        problem = f"stack {name} in {region} is in {status}, where it cannot be updated: {verb} ({command})"
        return Check(subject, status, problem)
    # A stack under review is the shell of a change set that nobody has executed: nothing goes on in it.
    return Check(subject, status, waiting=status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS")


def _existing(scene: Scene, kind: str, variable: str, name: str, there: bool) -> Check:
    """Return the check of something that the primary region must have already."""
    if there:
        return Check(f"{kind} {name}", "exists")
    right = f"there is no such {kind}; the name of an existing one in {scene.text('aws_dr_primary_region')} is needed"
    return Check(f"{kind} {name}", "missing", f"{variable} is '{name}': {right}")


#: Each question, and the places whose identity must be known for it.
QUESTIONS: tuple[tuple[str, Question], ...] = (
    ("primary", _regions),
    ("primary", _cluster),
    ("primary", _global_cluster),
    ("primary", _networks),
    ("primary", _groups),
    ("primary", _load_balancer),
    ("primary", _secrets),
    ("primary", _primary_buckets),
    ("primary+dr", _new_buckets),
    ("traffic", _hosted_zone),
    ("primary+dr", _stacks),
)
