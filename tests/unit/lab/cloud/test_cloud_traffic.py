"""Route 53 and CloudWatch in the lab behave as R4, R10, R16 to R18 say."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from cloud_world import EAST, WEST, Lab

from lab.cloud.extensions import health_checks

Code = Callable[..., str]

NAMESPACE = "PilotLight/DR"
DIMENSIONS = [{"Name": "Application", "Value": "app"}, {"Name": "Record", "Value": "primary"}]


def put_position(lab: Lab, value: float, region: str = WEST) -> None:
    lab.client("cloudwatch", region).put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[{"MetricName": "SwitchPosition", "Dimensions": DIMENSIONS[::-1], "Value": value}],
    )


def make_alarm(lab: Lab, **more: Any) -> None:
    lab.client("cloudwatch", WEST).put_metric_alarm(
        **{
            "AlarmName": "app-switch-primary",
            "Namespace": NAMESPACE,
            "MetricName": "SwitchPosition",
            "Dimensions": DIMENSIONS,
            "Statistic": "Minimum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "LessThanThreshold",
            "TreatMissingData": "missing",
            **more,
        }
    )


def make_check(lab: Lab, **more: Any) -> str:
    config = {
        "Type": "CLOUDWATCH_METRIC",
        "AlarmIdentifier": {"Region": WEST, "Name": "app-switch-primary"},
        "InsufficientDataHealthStatus": "LastKnownStatus",
        **more,
    }
    made = lab.client("route53").create_health_check(CallerReference=str(more), HealthCheckConfig=config)
    return str(made["HealthCheck"]["Id"])


def alarm_state(lab: Lab) -> str:
    return str(lab.client("cloudwatch", WEST).describe_alarms()["MetricAlarms"][0]["StateValue"])


def test_a_switch_follows_its_metric(lab: Lab) -> None:
    make_alarm(lab)
    check = make_check(lab)
    assert health_checks.is_healthy(check)
    assert alarm_state(lab) == "INSUFFICIENT_DATA"
    put_position(lab, 1)
    lab.wait(1)
    assert (alarm_state(lab), health_checks.is_healthy(check)) == ("OK", True)
    put_position(lab, 0)
    lab.wait(0.1)
    assert health_checks.is_healthy(check)
    lab.wait(1)
    assert (alarm_state(lab), health_checks.is_healthy(check)) == ("ALARM", False)
    status = lab.client("route53").get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
    assert all(one["StatusReport"]["Status"].startswith("Failure") for one in status)
    lab.wait(3600)  # the publisher is silent: the last known status holds, the alarm has no data
    assert (alarm_state(lab), health_checks.is_healthy(check)) == ("INSUFFICIENT_DATA", False)
    put_position(lab, 1)
    lab.wait(1)
    assert health_checks.is_healthy(check)


def test_setting_an_alarms_state_moves_no_traffic(lab: Lab) -> None:
    make_alarm(lab)
    check = make_check(lab)
    put_position(lab, 1)
    lab.wait(1)
    lab.client("cloudwatch", WEST).set_alarm_state(
        AlarmName="app-switch-primary", StateValue="ALARM", StateReason="by hand"
    )
    assert alarm_state(lab) == "ALARM"
    lab.wait(5)
    assert health_checks.is_healthy(check)


def test_a_changed_alarm_is_seen_after_update_health_check(lab: Lab) -> None:
    make_alarm(lab)
    check = make_check(lab)
    make_alarm(lab, Threshold=0.0, ComparisonOperator="GreaterThanThreshold")
    put_position(lab, 1)
    lab.wait(1)
    assert health_checks.is_healthy(check)
    lab.client("route53").update_health_check(HealthCheckId=check, Inverted=False)
    lab.wait(1)
    assert not health_checks.is_healthy(check)


def test_an_update_keeps_what_it_is_not_given(lab: Lab, code: Code) -> None:
    make_alarm(lab)
    check = make_check(lab)
    assert health_checks.is_healthy(check)
    route53 = lab.client("route53")
    updated = route53.update_health_check(HealthCheckId=check, Inverted=True)["HealthCheck"]
    assert updated["HealthCheckConfig"] == {
        "Type": "CLOUDWATCH_METRIC",
        "AlarmIdentifier": {"Region": WEST, "Name": "app-switch-primary"},
        "InsufficientDataHealthStatus": "LastKnownStatus",
        "Inverted": True,
        "Disabled": False,
    }
    assert updated["HealthCheckVersion"] == 2
    assert not health_checks.is_healthy(check)
    version = {"HealthCheckId": check, "HealthCheckVersion": 1}
    assert code(route53.update_health_check, **version) == "HealthCheckVersionMismatch"


def test_an_alarm_of_another_kind_is_refused(lab: Lab, code: Code) -> None:
    assert code(make_check, lab=lab) == "InvalidInput"  # there is no such alarm
    make_alarm(lab, Period=10)
    assert code(make_check, lab=lab) == "InvalidInput"


def test_an_endpoint_check_needs_its_threshold(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"up": True}
    monkeypatch.setattr(health_checks, "probe", lambda config: (answers["up"], "seen"))
    check = lab.client("route53").create_health_check(
        CallerReference="e",
        HealthCheckConfig={
            "Type": "HTTPS",
            "FullyQualifiedDomainName": "alb.example.com",
            "ResourcePath": "/health",
            "RequestInterval": 10,
            "FailureThreshold": 3,
        },
    )["HealthCheck"]["Id"]
    answers["up"] = False
    lab.wait(1.1)  # 10 s x 3, scaled by 0.05
    assert health_checks.is_healthy(check)
    lab.wait(0.5)
    assert not health_checks.is_healthy(check)
    answers["up"] = True
    lab.wait(1.6)
    assert health_checks.is_healthy(check)


@pytest.fixture
def zone(lab: Lab) -> str:
    made = lab.client("route53").create_hosted_zone(Name="app.example", CallerReference="z")
    return str(made["HostedZone"]["Id"])


def change(lab: Lab, zone: str, *changes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    batch = [
        {"Action": verb, "ResourceRecordSet": {"Name": "www.app.example", "Type": "CNAME", "TTL": 60, **record}}
        for verb, record in changes
    ]
    made = lab.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})
    return dict(made["ChangeInfo"])


def pair(kind: str, identifier: str, target: str = "alb.example") -> dict[str, Any]:
    return {"Failover": kind, "SetIdentifier": identifier, "ResourceRecords": [{"Value": target}]}


def names(lab: Lab, zone: str) -> list[str]:
    records = lab.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [record["SetIdentifier"] if "SetIdentifier" in record else record["Name"] for record in records]


def test_a_batch_is_done_as_a_whole(lab: Lab, zone: str, code: Code) -> None:
    before = names(lab, zone)
    two = [("CREATE", pair("PRIMARY", "primary")), ("CREATE", pair("PRIMARY", "other"))]
    assert code(lambda: change(lab, zone, *two)) == "InvalidChangeBatch"
    assert names(lab, zone) == before
    info = change(lab, zone, ("CREATE", pair("PRIMARY", "primary")), ("CREATE", pair("SECONDARY", "dr")))
    assert info["Status"] == "PENDING"
    lab.wait(1)
    assert lab.client("route53").get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    assert set(names(lab, zone)) == {*before, "primary", "dr"}


def test_records_that_route53_refuses(lab: Lab, zone: str, code: Code) -> None:
    values = {"ResourceRecords": [{"Value": "alb.example"}]}
    change(lab, zone, ("CREATE", values))
    refused: list[tuple[str, dict[str, Any]]] = [
        ("CREATE", values),
        ("CREATE", {**values, "Type": "TXT"}),
        ("CREATE", pair("PRIMARY", "primary")),
        ("CREATE", {**values, "Name": "www.other.example"}),
        ("CREATE", {**values, "Name": "app.example"}),
        ("DELETE", {**values, "TTL": 300}),
        ("DELETE", {**values, "Name": "none.app.example"}),
        ("CREATE", {**pair("PRIMARY", "p"), "Name": "x.app.example", "HealthCheckId": "none"}),
    ]
    for one in refused:
        assert code(lambda one=one: change(lab, zone, one)) == "InvalidChangeBatch", one
    change(lab, zone, ("DELETE", values), ("CREATE", pair("PRIMARY", "primary")))
    assert code(lambda: change(lab, zone, ("CREATE", {"Failover": "SECONDARY", **values}))) == "InvalidInput"


def test_lag_is_published_for_the_secondary_only(lab: Lab) -> None:
    from test_cloud_aurora import GLOBAL, add_secondary, make_cluster

    primary = make_cluster(lab)
    lab.client("rds").create_global_cluster(GlobalClusterIdentifier=GLOBAL, SourceDBClusterIdentifier=primary)
    secondary = add_secondary(lab)
    lab.wait(120)

    def lags(region: str, cluster: str, over: int = 30) -> list[float]:
        now = datetime.datetime.fromtimestamp(lab.clock.now(), tz=datetime.UTC)
        query = {
            "Id": "lag",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/RDS",
                    "MetricName": "AuroraGlobalDBReplicationLag",
                    "Dimensions": [{"Name": "DBClusterIdentifier", "Value": cluster}],
                },
                "Period": 10,
                "Stat": "Maximum",
            },
        }
        found = lab.client("cloudwatch", region).get_metric_data(
            MetricDataQueries=[query], StartTime=now - datetime.timedelta(seconds=over), EndTime=now
        )
        return list(found["MetricDataResults"][0]["Values"])

    assert set(lags(WEST, "app-dr")) == {50.0}
    assert lags(EAST, "app") == []
    lab.client("rds").switchover_global_cluster(GlobalClusterIdentifier=GLOBAL, TargetDbClusterIdentifier=secondary)
    lab.wait(60)
    assert lags(WEST, "app-dr") == []
    assert set(lags(EAST, "app")) == {50.0}
