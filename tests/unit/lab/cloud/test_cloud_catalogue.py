"""What a readiness check asks the lab's AWS is answered."""

from __future__ import annotations

from cloud_world import WEST, Lab


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


def test_a_zones_own_records_are_readable(lab: Lab) -> None:
    route53 = lab.client("route53")
    zone = route53.create_hosted_zone(Name="app.example", CallerReference="z")["HostedZone"]["Id"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    values = {record["Type"]: record["ResourceRecords"][0]["Value"] for record in records}
    assert values["SOA"].endswith("1 7200 900 1209600 86400")
    assert values["NS"].startswith("ns-")
