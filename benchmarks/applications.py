# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many small applications in a lab that was seeded with `adopt-database`: what a move reads and changes, nothing else.

The first stands on the lab's real database and load balancers. The others have global clusters, groups, switches,
health checks and failover records of their own, and share its load balancers: their writes go to the one real
application, so what is measured is the mover and not many databases. All share one state table and topic in each
region, as several applications of one team would.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from lab.seed import adoption, compute, database, keys
from lab.seed.network import Groups, Network
from lab.seed.site import Aws, Site
from lab.settings import APP_HTTPS_PORT, DNS_PORT, LabSettings

SEED = "adopt-database"
TABLE, TOPIC, TEMPLATE = "bench-dr-state", "bench-dr-alerts", "bench-dr-template"
NAMESPACE, METRIC = "PilotLight/DR", "SwitchPosition"
VCPUS = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}
"""EC2 user guide, "Amazon EC2 On-Demand Instance quotas": the virtual processors of standard instances."""
ACTIVE = {"min": 3, "desired": 3, "max": 10}
STANDBY = {"min": 0, "desired": 1, "max": 10}
TTL = 2


def _made(create: Callable[..., Any], **params: Any) -> None:
    """Made, also where botocore has sent the request again after an answer that was lost."""
    try:
        create(**params)
    except ClientError as error:
        if not error.response["Error"]["Code"].endswith("AlreadyExistsFault"):
            raise


@dataclass
class Builder:
    """Builds applications number 0, 1, 2 ... in a running lab; what is there is not built twice."""

    settings: LabSettings
    built: int = 0

    @cached_property
    def aws(self) -> Aws:
        return Aws(self.settings)

    def site(self, place: str) -> Site:
        region = self.settings.primary_region if place == "primary" else self.settings.dr_region
        return Site(self.aws, self.settings, region, frozenset({SEED}))

    @cached_property
    def network(self) -> tuple[Network, Groups]:
        return adoption.build_dr_network(self.site("dr"))

    @cached_property
    def balancers(self) -> dict[str, str]:
        """DNS names of the load balancers by place."""
        dr, (network, groups) = self.site("dr"), self.network
        name, target = compute.build_balancer(dr, network, groups, keys.build_certificate(dr))
        self._target_group = target
        found = self.site("primary").client("elbv2").describe_load_balancers(Names=[self.site("primary").name("alb")])
        return {"dr": name, "primary": str(found["LoadBalancers"][0]["DNSName"])}

    def prepare(self) -> None:
        """What the applications share."""
        for place in ("primary", "dr"):
            site = self.site(place)
            # A hundred applications need more than a new account may run, and the mover refuses to begin without it.
            site.client("service-quotas").request_service_quota_increase(DesiredValue=2048.0, **VCPUS)
            site.client("dynamodb").create_table(
                TableName=TABLE,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": name, "AttributeType": "S"} for name in ("application", "item")
                ],
                KeySchema=[
                    {"AttributeName": "application", "KeyType": "HASH"},
                    {"AttributeName": "item", "KeyType": "RANGE"},
                ],
            )
            site.client("sns").create_topic(Name=TOPIC)
        dr, (_network, groups) = self.site("dr"), self.network
        dr.client("ec2").create_launch_template(
            LaunchTemplateName=TEMPLATE,
            LaunchTemplateData={
                "ImageId": compute.build_image(dr), "InstanceType": "t3.medium", "SecurityGroupIds": [groups.ec2],
            },
        )  # fmt: skip
        self.zone = dr.client("route53").list_hosted_zones_by_name(DNSName=self.settings.domain)["HostedZones"][0]["Id"]

    def build(self, count: int) -> list[dict[str, Any]]:
        """Have that many applications; returns what `region_switch` is told of them."""
        if not self.built:
            self.prepare()
        self.balancers  # noqa: B018  # made once, before the threads
        new = range(self.built, count)
        with ThreadPoolExecutor(4) as workers:
            for step in (self._databases, self._globals, self._secondaries, self._others):
                list(workers.map(step, new))
                self._settle()
        self.built = max(self.built, count)
        return [self.document(number) for number in range(count)]

    def lead_as_built(self) -> None:
        """The failover records as they were made: whoever moves clients by rewriting them has turned them round."""
        route53 = self.site("primary").client("route53")
        pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self.zone)
        records = [record for page in pages for record in page["ResourceRecordSets"] if record.get("Failover")]
        changes = [
            {
                "Action": "UPSERT",
                "ResourceRecordSet": {
                    **record, "ResourceRecords": [{"Value": self.balancers[record["SetIdentifier"]]}]
                },
            }
            for record in records
        ]  # fmt: skip
        route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": changes})

    # names

    def name(self, number: int) -> str:
        return self.settings.project if number == 0 else f"bench-{number:03d}"

    def host(self, number: int) -> str:
        return f"{'app' if number == 0 else self.name(number)}.{self.settings.domain}"

    def global_name(self, number: int) -> str:
        return f"{self.name(number)}-{adoption.GLOBAL if number == 0 else 'global'}"

    def dr_cluster(self, number: int) -> str:
        return f"{self.name(number)}-{adoption.CLUSTER if number == 0 else 'dr-cluster'}"

    def document(self, number: int) -> dict[str, Any]:
        """The application as an inventory composes it."""
        name, settings = self.name(number), self.settings

        def site(place: str, region: str, cluster: str, infix: str) -> dict[str, Any]:
            return {
                "place": place, "region": region, "profile": place, "cluster": cluster, "buckets": [], "secrets": [],
                "groups": [{"name": f"{name}{infix}-asg", "active": ACTIVE, "standby": STANDBY if infix else ACTIVE}],
                "endpoint": {"host": self.balancers[place], "port": APP_HTTPS_PORT}, "state_table": TABLE,
                "notification_topic": TOPIC,
            }  # fmt: skip

        return {
            "name": name,
            "global_cluster": self.global_name(number),
            "primary": site("primary", settings.primary_region, name, ""),
            "dr": site("dr", settings.dr_region, self.dr_cluster(number), "-dr"),
            "traffic": {
                "hosted_zone": settings.domain, "names": [self.host(number)], "ttl_seconds": TTL,
                "namespace": NAMESPACE, "metric": METRIC, "nameservers": [f"{settings.dns_address}:{DNS_PORT}"],
                "profile": "primary",
            },
            "probe": {
                "host": self.host(number), "port": APP_HTTPS_PORT, "ca_file": str(settings.home / "ca.pem"),
                "stable_samples": 10,
            },
        }  # fmt: skip

    # parts

    def _databases(self, number: int) -> None:
        if number == 0:
            return
        primary, name = self.site("primary"), self.name(number)
        _made(
            primary.client("rds").create_db_cluster,
            DBClusterIdentifier=name, Engine=database.ENGINE, EngineVersion=database.VERSION, MasterUsername="admin",
            MasterUserPassword="correct-horse-battery-staple", DBSubnetGroupName=primary.name("db-subnet-group"),
            StorageEncrypted=True, KmsKeyId=keys.build_key(primary, primary.name("primary-key")),
        )  # fmt: skip
        database.add_instance(primary, name, f"{name}-1")

    def _globals(self, number: int) -> None:
        if number == 0:
            return
        arn = f"arn:aws:rds:{self.settings.primary_region}:123456789012:cluster:{self.name(number)}"
        self.site("primary").client("rds").create_global_cluster(
            GlobalClusterIdentifier=self.global_name(number), SourceDBClusterIdentifier=arn
        )

    def _secondaries(self, number: int) -> None:
        if number == 0:
            return
        dr, name = self.site("dr"), self.dr_cluster(number)
        _made(
            dr.client("rds").create_db_cluster,
            DBClusterIdentifier=name, Engine=database.ENGINE, EngineVersion=database.VERSION,
            GlobalClusterIdentifier=self.global_name(number), DBSubnetGroupName=dr.name("legacy-db-subnets"),
            StorageEncrypted=True, KmsKeyId=keys.build_key(dr, dr.name("legacy-dr-key")),
        )  # fmt: skip
        database.add_instance(dr, name, f"{name}-1")

    def _others(self, number: int) -> None:
        name, network = self.name(number), self.network[0]
        balanced = {"TargetGroupARNs": [self._target_group]} if number == 0 else {}
        self._group("dr", f"{name}-dr-asg", TEMPLATE, network.private, STANDBY, balanced)
        if number:
            subnets = self.site("primary").client("autoscaling").describe_auto_scaling_groups(
                AutoScalingGroupNames=[self.site("primary").name("asg")]
            )["AutoScalingGroups"][0]["VPCZoneIdentifier"].split(",")  # fmt: skip
            template = self.site("primary").name("launch-template")
            self._group("primary", f"{name}-asg", template, subnets, ACTIVE, {})
        checks = {record: self._switch(name, record) for record in ("primary", "dr")}
        changes: list[dict[str, Any]] = [
            {
                "Action": "CREATE",
                "ResourceRecordSet": {
                    "Name": self.host(number), "Type": "CNAME", "TTL": TTL, "SetIdentifier": record,
                    "Failover": "PRIMARY" if record == "primary" else "SECONDARY",
                    "HealthCheckId": checks[record], "ResourceRecords": [{"Value": self.balancers[record]}],
                },
            }
            for record in checks
        ]  # fmt: skip
        route53 = self.site("primary").client("route53")
        if number == 0:
            records = route53.list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
            simple = next(record for record in records if record["Name"] == f"{self.host(0)}.")
            changes.insert(0, {"Action": "DELETE", "ResourceRecordSet": simple})
        route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": changes})

    def _group(
        self,
        place: str,
        name: str,
        template: str,
        subnets: Iterable[str],
        capacity: dict[str, int],
        more: dict[str, Any],
    ) -> None:
        self.site(place).client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=name, LaunchTemplate={"LaunchTemplateName": template, "Version": "$Latest"},
            MinSize=capacity["min"], DesiredCapacity=capacity["desired"], MaxSize=capacity["max"],
            VPCZoneIdentifier=",".join(subnets), **more,
        )  # fmt: skip

    def _switch(self, name: str, record: str) -> str:
        """The switch of a record is kept in the other place's region (R17); returns the id of its health check."""
        keeper = self.site("dr" if record == "primary" else "primary")
        cloudwatch, alarm = keeper.client("cloudwatch"), f"{name}-switch-{record}"
        dimensions = [{"Name": "Application", "Value": name}, {"Name": "Record", "Value": record}]
        cloudwatch.put_metric_alarm(
            AlarmName=alarm, Namespace=NAMESPACE, MetricName=METRIC, Dimensions=dimensions, Statistic="Minimum",
            ComparisonOperator="LessThanThreshold", Threshold=1, Period=60, EvaluationPeriods=1,
            TreatMissingData="missing",
        )  # fmt: skip
        cloudwatch.put_metric_data(
            Namespace=NAMESPACE, MetricData=[{"MetricName": METRIC, "Dimensions": dimensions, "Value": 1.0}]
        )
        created = self.site("primary").client("route53").create_health_check(
            CallerReference=f"{alarm}-{time.time()}",
            HealthCheckConfig={
                "Type": "CLOUDWATCH_METRIC", "InsufficientDataHealthStatus": "LastKnownStatus",
                "AlarmIdentifier": {"Region": keeper.region, "Name": alarm},
            },
        )  # fmt: skip
        return str(created["HealthCheck"]["Id"])

    def _settle(self) -> None:
        """Until every cluster is available, and every instance of a group in service."""
        _until(lambda: all(self._available(self.site(place)) for place in ("primary", "dr")), "the applications")

    @staticmethod
    def _available(site: Site) -> bool:
        rds, scaling = site.client("rds"), site.client("autoscaling")
        clusters = rds.get_paginator("describe_db_clusters").paginate()
        instances = rds.get_paginator("describe_db_instances").paginate()
        groups = scaling.get_paginator("describe_auto_scaling_groups").paginate()
        return (
            all(one["Status"] == "available" for page in clusters for one in page["DBClusters"])
            and all(one["DBInstanceStatus"] == "available" for page in instances for one in page["DBInstances"])
            and all(
                [one["LifecycleState"] for one in group["Instances"]] == ["InService"] * group["DesiredCapacity"]
                for page in groups
                for group in page["AutoScalingGroups"]
            )
        )


def _until(ready: Callable[[], bool], what: str, seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} are not ready after {seconds:.0f} s")
        time.sleep(0.2)
