# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checklist before a planned move, against moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws
from unit.measure.test_orchestrator import APPLICATION, RUN

from plugins.module_utils._recovery.checklist import (
    Checklist,
    LagSample,
    object_call,
    plan_lines,
    replication_lag,
)
from plugins.module_utils._recovery.clients import Clients
from plugins.module_utils._recovery.model import ROUTE53_REGION, Application, parse_application
from plugins.module_utils._recovery.system_clock import SystemClock

NOBODY = {"profile": None}
DOCUMENT: dict[str, Any] = {
    **APPLICATION,
    "primary": {**APPLICATION["primary"], **NOBODY},  # type: ignore[dict-item]
    "dr": {**APPLICATION["dr"], **NOBODY, "notification_topic": "dr-webapp-dr-alerts"},  # type: ignore[dict-item]
    "traffic": {"hosted_zone": "example.com", "names": ["app.example.com"]},
    "probe": {},
}


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-west-2")
        s3.create_bucket(Bucket="state-us-west-2", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        zone = boto3.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
        for kind, place in (("PRIMARY", "primary"), ("SECONDARY", "dr")):
            record = {
                "Name": "app.example.com", "Type": "CNAME", "TTL": 60, "SetIdentifier": place, "Failover": kind,
                "ResourceRecords": [{"Value": f"alb.{place}.example.net"}],
            }  # fmt: skip
            boto3.client("route53").change_resource_record_sets(
                HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
            )
        yield parse_application(DOCUMENT)


def checklist(application: Application) -> Checklist:
    clock = SystemClock()
    clients = Clients(clock, {ROUTE53_REGION: application.records_access(application.dr)})
    return Checklist(clients, clock, application, application.dr, RUN, "dr-webapp", team="night shift")


def results(items: list[Any]) -> dict[str, str]:
    return {item.name: item.result for item in items}


def test_records_are_kept_in_the_region_that_is_moved_to_and_read_back(application: Application) -> None:
    lag = LagSample(0.2, "us-west-2", SystemClock().now() - 5)
    items = checklist(application).work_through(lag)
    assert results(items) == {
        "notification": "failed", "dashboards": "failed", "team": "noted", "lag": "done", "records": "done",
    }  # fmt: skip
    kept = boto3.client("s3", region_name="us-west-2").get_object(Bucket="state-us-west-2", Key=f"records/{RUN}.json")
    document = json.loads(kept["Body"].read())
    assert {one.get("Failover") for one in document["records"] if one["Type"] == "CNAME"} == {"PRIMARY", "SECONDARY"}
    assert {one["Type"] for one in document["records"]} >= {"SOA", "NS", "CNAME"}


def test_one_item_that_fails_hides_no_other(application: Application) -> None:
    boto3.client("s3", region_name="us-west-2").delete_bucket(Bucket="state-us-west-2")
    items = checklist(application).work_through(LagSample(None, "us-west-2", reason="no sample"))
    assert results(items)["records"] == "failed"
    assert "NoSuchBucket" in next(item.detail for item in items if item.name == "records")
    assert next(item.detail for item in items if item.name == "lag") == "no sample"


def test_check_mode_keeps_nothing(application: Application) -> None:
    items = checklist(application).work_through(LagSample(0.2, "us-west-2", 1.0), check=True)
    assert results(items)["records"] == "planned"
    listed = boto3.client("s3", region_name="us-west-2").list_objects_v2(Bucket="state-us-west-2")
    assert listed["KeyCount"] == 0


def test_a_topic_with_subscribers_and_a_dashboard_are_found(application: Application) -> None:
    sns = boto3.client("sns", region_name="us-west-2")
    arn = sns.create_topic(Name="dr-webapp-dr-alerts")["TopicArn"]
    lag = LagSample(0.2, "us-west-2", 1.0)
    assert results(checklist(application).work_through(lag, check=True))["notification"] == "noted"
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint="arn:aws:sqs:us-west-2:123456789012:queue")
    body = json.dumps({"widgets": []})
    boto3.client("cloudwatch", region_name="us-west-2").put_dashboard(DashboardName="dr-webapp-dr", DashboardBody=body)
    found = results(checklist(application).work_through(lag, check=True))
    assert (found["notification"], found["dashboards"]) == ("done", "done")


def test_the_lag_is_the_newest_sample_up_to_a_time(application: Application) -> None:
    now = float(int(SystemClock().now()) // 60 * 60)
    cloudwatch = boto3.client("cloudwatch", region_name="us-west-2")
    for age, value in ((240, 150.0), (120, 900.0)):
        cloudwatch.put_metric_data(
            Namespace="AWS/RDS",
            MetricData=[
                {
                    "MetricName": "AuroraGlobalDBReplicationLag",
                    "Dimensions": [{"Name": "DBClusterIdentifier", "Value": "dr-webapp-dr"}],
                    "Value": value,
                    "Timestamp": datetime.fromtimestamp(now - age, UTC),
                }
            ],
        )
    clients = Clients(SystemClock())
    assert replication_lag(clients, application, application.dr, now).seconds == pytest.approx(0.9)
    assert replication_lag(clients, application, application.dr, now - 180).seconds == pytest.approx(0.15)
    assert "no sample" in replication_lag(clients, application, application.dr, now - 6000).reason
    assert replication_lag(clients, application, application.primary, now).seconds is None


def test_the_lag_is_found_in_whichever_region_has_it(application: Application) -> None:
    now = SystemClock().now()
    application = replace(application, dr=replace(application.dr, cluster="told-of-elsewhere"))
    sample = {
        "MetricName": "AuroraGlobalDBReplicationLag",
        "Dimensions": [{"Name": "DBClusterIdentifier", "Value": application.dr.cluster}],
        "Value": 150.0,
        "Timestamp": datetime.fromtimestamp(now - 60, UTC),
    }
    cloudwatch = boto3.client("cloudwatch", region_name=application.primary.region)
    cloudwatch.put_metric_data(Namespace="AWS/RDS", MetricData=[sample])
    found = replication_lag(Clients(SystemClock()), application, application.dr, now)
    assert (found.seconds, found.region) == (pytest.approx(0.15), application.primary.region)
    namesake = replace(application, primary=replace(application.primary, cluster=application.dr.cluster))
    assert replication_lag(Clients(SystemClock()), namesake, namesake.dr, now).seconds is None


def test_kept_objects_stand_beside_the_plan(application: Application) -> None:
    line = plan_lines([object_call("keep-report", application.dr, "reports/run/report.json")])
    assert line.split() == [
        "-", "keep-report", "us-west-2", "data", "s3", "PutObject", "state-us-west-2/reports/run/report.json",
    ]  # fmt: skip
