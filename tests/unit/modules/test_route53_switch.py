"""The switch: a health check that follows an alarm, and its first position."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import switch_checks as core
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused

SWITCH = {
    "alarm_name": "dr-webapp-switch-primary",
    "alarm_region": "us-west-2",
    "tags": {"Name": "dr-webapp-switch-primary"},
}
ALARM: dict[str, Any] = {
    "AlarmName": SWITCH["alarm_name"],
    "Namespace": "PilotLight/DR",
    "MetricName": "SwitchPosition",
    "Dimensions": [{"Name": "Application", "Value": "dr-webapp"}, {"Name": "Record", "Value": "primary"}],
    "Statistic": "Minimum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "LessThanThreshold",
    "TreatMissingData": "missing",
}


def put_alarm(cloud: Any, **more: Any) -> None:
    cloud.client("cloudwatch", "us-west-2").put_metric_alarm(**{**ALARM, **more})


class TestHealthCheck:
    def test_it_follows_the_alarm_and_keeps_its_last_status_in_gaps(self, cloud: Any) -> None:
        put_alarm(cloud)
        done = cloud.settled("route53_switch", **SWITCH)
        assert done["operations"] == ["CreateHealthCheck", "ChangeTagsForResource"]
        config = cloud.client("route53").list_health_checks()["HealthChecks"][0]["HealthCheckConfig"]
        assert config["Type"] == "CLOUDWATCH_METRIC"
        assert config["AlarmIdentifier"] == {"Region": "us-west-2", "Name": SWITCH["alarm_name"]}
        assert config["InsufficientDataHealthStatus"] == "LastKnownStatus"

    def test_an_alarm_that_is_missing_is_named_and_planned_around(self, cloud: Any) -> None:
        refused = cloud.run("route53_switch", **SWITCH)
        assert refused["msg"].startswith("there is no metric alarm dr-webapp-switch-primary in us-west-2")
        assert cloud.run("route53_switch", check=True, **SWITCH)["changed"]

    def test_a_check_changed_by_hand_is_mended(self, cloud: Any) -> None:
        put_alarm(cloud)
        check = cloud.run("route53_switch", **SWITCH)["health_check"]["id"]
        cloud.client("route53").update_health_check(HealthCheckId=check, Inverted=True)
        done = cloud.settled("route53_switch", **SWITCH)
        assert done["operations"] == ["UpdateHealthCheck"]
        assert done["health_check"]["id"] == check

    def test_it_is_taken_away(self, cloud: Any) -> None:
        put_alarm(cloud)
        cloud.run("route53_switch", **SWITCH)
        assert cloud.settled("route53_switch", state="absent", **SWITCH)["operations"] == ["DeleteHealthCheck"]

    def test_an_alarm_changed_since_is_copied_anew(self) -> None:
        check = {
            "Id": "1",
            "HealthCheckVersion": 4,
            "HealthCheckConfig": {**core._config(core.Wanted("a", "us-west-2")), "Type": "CLOUDWATCH_METRIC"},
            "CloudWatchAlarmConfiguration": {"Threshold": 1.0, "Period": 60},
            "Tags": {},
        }
        wanted = core.Wanted("a", "us-west-2")
        assert not core.decide_present(check, wanted, {"Threshold": 1.0, "Period": 60}, "r").changed
        change = core.decide_present(check, wanted, {"Threshold": 0.5, "Period": 60}, "r")
        assert change.calls[0].params["HealthCheckVersion"] == 4

    def test_two_checks_on_one_alarm_are_refused(self, cloud: Any) -> None:
        put_alarm(cloud)
        for reference in ("one", "two"):
            cloud.client("route53").create_health_check(
                CallerReference=reference,
                HealthCheckConfig={
                    "Type": "CLOUDWATCH_METRIC",
                    "AlarmIdentifier": {"Region": "us-west-2", "Name": SWITCH["alarm_name"]},
                },
            )
        assert "2 health checks follow the alarm" in cloud.run("route53_switch", **SWITCH)["msg"]

    @pytest.mark.parametrize(
        ("alarm", "said"),
        [
            ({"Period": 10}, "60 s or more"),
            ({"ExtendedStatistic": "p99"}, "only plain statistics"),
            ({"Metrics": [{"Id": "m"}]}, "metric math"),
            ({"TreatMissingData": "breaching"}, "use missing"),
        ],
    )
    def test_an_alarm_that_no_check_can_follow_says_why(self, alarm: dict[str, Any], said: str) -> None:
        assert said in core.alarm_problems({**ALARM, **alarm})[0]

    def test_the_alarm_of_the_collection_can_be_followed(self) -> None:
        assert core.alarm_problems(ALARM) == []


APPLICATION: dict[str, Any] = {
    "name": "dr-webapp",
    "environment": "production",
    "global_cluster": "dr-webapp-global",
    "objectives": {"rto_seconds": 900, "rpo_seconds": 60},
    **{
        place: {
            "place": place,
            "region": region,
            "profile": "",
            "role_arn": None,
            "cluster": f"dr-webapp-{place}",
            "groups": [{"name": "g", **{s: {"min": 1, "desired": 1, "max": 2} for s in ("active", "standby")}}],
            "buckets": [],
            "secrets": [],
            "endpoint": {"host": "", "port": 443},
            "load_balancer": "alb",
            "state_table": "dr-webapp-dr-state",
            "state_bucket": f"dr-webapp-dr-state-{region}",
            "notification_topic": "dr-webapp-dr-alerts",
        }
        for place, region in (("primary", "us-east-1"), ("dr", "us-west-2"))
    },
    "traffic": {
        "policy": "orchestrated",
        "hosted_zone": "example.com",
        "names": ["app.example.com"],
        "ttl_seconds": 60,
        "namespace": "PilotLight/DR",
        "metric": "SwitchPosition",
        "nameservers": [],
    },
    "probe": {
        "host": "app.example.com",
        "port": 443,
        "scheme": "https",
        "health_path": "/health",
        "write_path": "/writes",
        "interval_seconds": 0.25,
        "timeout_seconds": 2,
        "ca_file": "",
        "stable_samples": 10,
    },
    "secrets_promote": "never",
}


class TestPosition:
    @pytest.fixture
    def table(self, cloud: Any) -> Any:
        table = {"name": "dr-webapp-dr-state", "hash_key": "application", "range_key": "item"}
        cloud.run("dynamodb_protected_table", region="us-west-2", **table)
        return cloud

    def arguments(self, **more: Any) -> dict[str, Any]:
        return {"application": APPLICATION, "record": "primary", "region": "us-west-2", **more}

    def test_the_first_position_is_kept_and_published(self, table: Any) -> None:
        done = table.settled("route53_switch_position", **self.arguments())
        assert done["operations"] == ["PutItem", "PutMetricData"]
        assert done["position"] == "open"

    def test_before_the_alarms_exist_it_is_only_kept(self, table: Any) -> None:
        assert table.settled("route53_switch_position", **self.arguments(publish=False))["operations"] == ["PutItem"]

    def test_a_position_that_a_move_has_set_is_published_and_never_overwritten(self, table: Any) -> None:
        table.run("route53_switch_position", **self.arguments(position="closed", publish=False))
        done = table.settled("route53_switch_position", **self.arguments(position="open"))
        assert done["operations"] == ["PutMetricData"]
        assert done["position"] == "closed"
        assert table.client("cloudwatch", "us-west-2")

    def test_it_is_kept_in_the_other_region(self, table: Any) -> None:
        refused = table.run("route53_switch_position", **self.arguments(region="us-east-1"))
        assert (
            refused["msg"]
            == "the switch of the primary record is kept in us-west-2, and the module's region is us-east-1"
        )

    def test_it_is_planned_before_the_table_exists(self, cloud: Any) -> None:
        planned = cloud.run("route53_switch_position", check=True, **self.arguments())
        assert planned["operations"] == ["PutItem", "PutMetricData"]


def test_refused_is_one_line() -> None:
    assert "\n" not in str(Refused("one line"))
