"""What a readiness check asks the lab's AWS is answered."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloud_world import EAST, WEST, Lab


def test_quotas_offerings_and_versions_are_known(lab: Lab) -> None:
    quota = lab.client("service-quotas", WEST).get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
    assert quota["Value"] == 256.0
    offered = lab.client("ec2", WEST).describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["t3.medium"]}]
    )["InstanceTypeOfferings"]
    assert {one["Location"] for one in offered} >= {"us-west-2a", "us-west-2b"}
    assert lab.client("ec2", WEST).describe_capacity_reservations()["CapacityReservations"] == []
    rds = lab.client("rds", WEST)
    versions = rds.describe_db_engine_versions(Engine="aurora-mysql", EngineVersion="8.0.mysql_aurora.3.04.0")
    assert [one["SupportsGlobalDatabases"] for one in versions["DBEngineVersions"]] == [True]
    assert rds.describe_db_cluster_parameters(DBClusterParameterGroupName="default.aurora-mysql8.0")["Parameters"] == []


def test_more_quota_holds_in_the_region_that_was_asked(lab: Lab) -> None:
    asked = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}
    quotas = lab.client("service-quotas", WEST)
    requested = quotas.request_service_quota_increase(DesiredValue=512.0, **asked)["RequestedQuota"]
    assert (requested["Status"], requested["DesiredValue"]) == ("APPROVED", 512.0)
    assert quotas.get_service_quota(**asked)["Quota"]["Value"] == 512.0
    listed = quotas.list_service_quotas(ServiceCode="ec2")["Quotas"]
    assert {one["QuotaCode"]: one["Value"] for one in listed}["L-1216C47A"] == 512.0
    assert lab.client("service-quotas", EAST).get_service_quota(**asked)["Quota"]["Value"] == 256.0
    with pytest.raises(ClientError, match="greater than the current value 512"):
        quotas.request_service_quota_increase(DesiredValue=300.0, **asked)


def test_metrics_with_other_dimensions_are_other_metrics(lab: Lab) -> None:
    cloudwatch = lab.client("cloudwatch", WEST)
    for value, dimensions in ((1.0, {"Application": "a"}), (2.0, {"Application": "a", "Record": "dr"})):
        named = [{"Name": name, "Value": of} for name, of in dimensions.items()]
        cloudwatch.put_metric_data(
            Namespace="PilotLight/DR",
            MetricData=[{"MetricName": "SwitchPosition", "Dimensions": named, "Value": value}],
        )

    def query(number: int, dimensions: dict[str, str]) -> dict[str, Any]:
        named = [{"Name": name, "Value": of} for name, of in dimensions.items()]
        metric = {"Namespace": "PilotLight/DR", "MetricName": "SwitchPosition", "Dimensions": named}
        return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}

    now = datetime.datetime.fromtimestamp(lab.clock.now(), tz=datetime.UTC)
    asked = ({"Application": "a"}, {"Record": "dr", "Application": "a"}, {"Application": "other"}, {})
    results = cloudwatch.get_metric_data(
        MetricDataQueries=[query(number, dimensions) for number, dimensions in enumerate(asked)],
        StartTime=now - datetime.timedelta(minutes=5),
        EndTime=now + datetime.timedelta(minutes=1),
    )["MetricDataResults"]
    assert {one["Id"]: one["Values"] for one in results} == {"q0": [1.0], "q1": [2.0], "q2": [], "q3": []}


def test_a_zones_own_records_are_readable(lab: Lab) -> None:
    route53 = lab.client("route53")
    zone = route53.create_hosted_zone(Name="app.example", CallerReference="z")["HostedZone"]["Id"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    values = {record["Type"]: record["ResourceRecords"][0]["Value"] for record in records}
    assert values["SOA"].endswith("1 7200 900 1209600 86400")
    assert values["NS"].startswith("ns-")
