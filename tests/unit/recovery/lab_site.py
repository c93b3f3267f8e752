# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds what the roles deploy, as far as a move needs it, in the lab's cloud: with boto3, in a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

EAST, WEST = "us-east-1", "us-west-2"
Client = Callable[[str, str], Any]
"""``client(service, region)``."""


def build_compute(client: Client, region: str, name: str, infix: str, least: int, desired: int, most: int) -> str:
    """A load balancer with a target group and an Auto Scaling group behind it; returns its DNS name."""
    ec2, elb = client("ec2", region), client("elbv2", region)
    default = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    subnets = [subnet["SubnetId"] for subnet in default]
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ec2.create_launch_template(
        LaunchTemplateName=f"{name}{infix}-template",
        LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro"},
    )
    balancer = elb.create_load_balancer(Name=f"{name}{infix}-alb", Subnets=subnets[:2])["LoadBalancers"][0]
    vpc = default[0]["VpcId"]
    target_group = elb.create_target_group(Name=f"{name}{infix}-tg", Protocol="HTTP", Port=80, VpcId=vpc)
    arn = target_group["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )
    client("autoscaling", region).create_auto_scaling_group(
        AutoScalingGroupName=f"{name}{infix}-asg",
        MinSize=least,
        MaxSize=most,
        DesiredCapacity=desired,
        LaunchTemplate={"LaunchTemplateName": f"{name}{infix}-template"},
        VPCZoneIdentifier=",".join(subnets[:2]),
        TargetGroupARNs=[arn],
    )
    return str(balancer["DNSName"])


def build_primary_database(client: Client, name: str) -> None:
    """The cluster that users have."""
    rds = client("rds", EAST)
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        EngineVersion="16.6",
        MasterUsername="postgres",
        MasterUserPassword="a-long-password",
        StorageEncrypted=True,
    )
    instance(client, EAST, name, f"{name}-1")


def instance(client: Client, region: str, cluster: str, identifier: str) -> None:
    """One instance of a cluster."""
    client("rds", region).create_db_instance(
        DBInstanceIdentifier=identifier,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier=cluster,
    )


def build_secondary(client: Client, name: str) -> None:
    """The global cluster, and its second member."""
    primary = client("rds", EAST).describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    client("rds", EAST).create_global_cluster(
        GlobalClusterIdentifier=f"{name}-global", SourceDBClusterIdentifier=primary["DBClusterArn"]
    )
    key = client("kms", WEST).create_key()["KeyMetadata"]["Arn"]
    client("rds", WEST).create_db_cluster(
        DBClusterIdentifier=f"{name}-dr-cluster",
        Engine=primary["Engine"],
        GlobalClusterIdentifier=f"{name}-global",
        KmsKeyId=key,
    )
    client("rds", WEST).create_db_instance(
        DBInstanceIdentifier=f"{name}-dr-1",
        DBInstanceClass="db.r6g.large",
        Engine=primary["Engine"],
        DBClusterIdentifier=f"{name}-dr-cluster",
    )


def build_state(client: Client, name: str) -> None:
    """State table and topic of each region."""
    for region in (EAST, WEST):
        client("dynamodb", region).create_table(
            TableName=f"{name}-dr-state",
            KeySchema=[
                {"AttributeName": "application", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "application", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        client("sns", region).create_topic(Name=f"{name}-dr-alerts")


def build_secret(client: Client, name: str) -> None:
    """What the application connects with, replicated."""
    client("secretsmanager", EAST).create_secret(
        Name=f"{name}/database", SecretString="a-long-password", AddReplicaRegions=[{"Region": WEST}]
    )


def build_traffic(client: Client, name: str, zone: str, endpoints: dict[str, str], ttl: int) -> None:
    """R17: an alarm in the other region and a health check for each record of a failover pair."""
    route53 = client("route53", EAST)
    changes = []
    for record, region, kind in (("primary", WEST, "PRIMARY"), ("dr", EAST, "SECONDARY")):
        dimensions = [{"Name": "Application", "Value": name}, {"Name": "Record", "Value": record}]
        client("cloudwatch", region).put_metric_alarm(
            AlarmName=f"{name}-switch-{record}",
            Namespace="PilotLight/DR",
            MetricName="SwitchPosition",
            Dimensions=dimensions,
            Statistic="Minimum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="LessThanThreshold",
            TreatMissingData="missing",
        )
        check = route53.create_health_check(
            CallerReference=f"{name}-{record}",
            HealthCheckConfig={
                "Type": "CLOUDWATCH_METRIC",
                "AlarmIdentifier": {"Region": region, "Name": f"{name}-switch-{record}"},
                "InsufficientDataHealthStatus": "LastKnownStatus",
            },
        )
        changes.append(
            {
                "Action": "UPSERT",
                "ResourceRecordSet": {
                    "Name": f"app.{zone}",
                    "Type": "CNAME",
                    "TTL": ttl,
                    "SetIdentifier": record,
                    "Failover": kind,
                    "HealthCheckId": check["HealthCheck"]["Id"],
                    "ResourceRecords": [{"Value": endpoints[record]}],
                },
            }
        )
    zones = route53.list_hosted_zones_by_name(DNSName=zone)["HostedZones"]
    identifier = (
        zones[0]["Id"] if zones else route53.create_hosted_zone(Name=zone, CallerReference=zone)["HostedZone"]["Id"]
    )
    pages = route53.list_resource_record_sets(HostedZoneId=identifier)["ResourceRecordSets"]
    old = [one for one in pages if one["Name"].rstrip(".") == f"app.{zone}"]
    if old:
        delete = [{"Action": "DELETE", "ResourceRecordSet": one} for one in old]
        route53.change_resource_record_sets(HostedZoneId=identifier, ChangeBatch={"Changes": delete})
    route53.change_resource_record_sets(HostedZoneId=identifier, ChangeBatch={"Changes": changes})
