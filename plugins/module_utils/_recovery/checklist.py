# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is looked at and kept before a planned move: who will be told, dashboards, the lag, and a backup of the
records.

It asks Route 53's control plane, so it never belongs in an unplanned move (R3). One item that fails hides no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .clients import Caller
from .declared import Api
from .errors import RecoveryError
from .failover_records import find_zone, form_of, plain
from .model import ROUTE53_REGION, Application, Site
from .ports import Clock
from .reading.lags import LAG_METRIC, LAG_WINDOW_SECONDS, lag_query

DONE, FAILED, NOTED, PLANNED = "done", "failed", "noted", "planned"


@dataclass(frozen=True)
class Item:
    """One line of the checklist. ``noted`` is worth reading and stops nothing."""

    name: str
    result: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        """For results and reports."""
        return {"name": self.name, "result": self.result, "detail": self.detail}


@dataclass(frozen=True)
class LagSample:
    """The newest sample of the replication lag, in seconds, or why there is none."""

    seconds: float | None
    region: str
    at: float | None = None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """In the shape of the report's lag."""
        return {"seconds": self.seconds, "metric": LAG_METRIC, "region": self.region, "at": self.at}


def object_call(step: str, site: Site, key: str) -> dict[str, Any]:
    """An object that is kept in a site's state bucket, as the plan of a move names a call."""
    return {
        "step": step,
        "service": "s3",
        "operation": "PutObject",
        "region": site.region,
        "plane": "data",
        "target": f"{site.state_bucket}/{key}",
    }


def plan_lines(calls: Sequence[Mapping[str, Any]]) -> str:
    """Calls for people, in the columns of a move's plan; they stand beside it and are not counted with it."""
    return "".join(
        f"   - {call['step']:15} {call['region']:14} {call['plane']:8} "
        f"{call['service']} {call['operation']} {call['target']}\n"
        for call in calls
    )


def replication_lag(caller: Caller, application: Application, site: Site, until: float) -> LagSample:
    """The newest sample up to a time: after a move, what CloudWatch had reported before it.

    In the region of the site's cluster; in the other one where that has none, as it is not said which has it (R10).
    """
    looked = list[LagSample]()
    for at in application.told_of(site):
        looked.append(_lag_in(caller, at, site, until))
        if looked[-1].seconds is not None:
            return looked[-1]
    return looked[0]


def _lag_in(caller: Caller, at: Site, site: Site, until: float) -> LagSample:
    params = {
        "MetricDataQueries": [lag_query("lag", site.cluster)],
        "StartTime": datetime.fromtimestamp(until - LAG_WINDOW_SECONDS, UTC),
        "EndTime": datetime.fromtimestamp(until + 1, UTC),
        "ScanBy": "TimestampDescending",
    }
    try:
        results = caller.call(at.access, "cloudwatch", "GetMetricData", params).get("MetricDataResults") or []
    except RecoveryError as error:
        return LagSample(None, at.region, reason=str(error))
    samples = [
        (moment.timestamp(), float(value) / 1000)
        for result in results
        for moment, value in zip(result.get("Timestamps") or [], result.get("Values") or [], strict=False)
        if moment.timestamp() <= until
    ]
    if not samples:
        reason = f"no sample of {LAG_METRIC} for {site.cluster} in {at.region} in the last 10 minutes"
        return LagSample(None, at.region, reason=reason)
    sampled_at, seconds = max(samples)
    return LagSample(seconds, at.region, sampled_at)


@dataclass(frozen=True)
class Checklist:
    """The checklist of one application that is to be moved to ``target``.

    The caller knows how Route 53's region is reached (``Application.records_access``).
    """

    caller: Caller
    clock: Clock
    application: Application
    target: Site
    run_id: str
    dashboard_prefix: str
    team: str = ""

    def planned_calls(self) -> list[dict[str, Any]]:
        """What would be changed, as the plan of a move names it."""
        return [object_call("backup-records", self.target, self.backup_key)]

    @property
    def backup_key(self) -> str:
        """Where the records are kept."""
        return f"records/{self.run_id}.json"

    def work_through(self, lag: LagSample, check: bool = False) -> list[Item]:
        """All items in order. With ``check`` nothing is changed."""
        return [
            self._item("notification", self._notification),
            self._item("dashboards", self._dashboards),
            Item("team", NOTED, f"confirmed: {self.team}" if self.team else "nobody said that the team is there"),
            self._lag(lag),
            self._item("records", lambda: self._records(check)),
        ]

    def _item(self, name: str, work: Callable[[], tuple[str, str]]) -> Item:
        try:
            return Item(name, *work())
        except RecoveryError as error:
            return Item(name, FAILED, str(error))

    def _notification(self) -> tuple[str, str]:
        """The topic through which the move tells people that it begins, and who listens."""
        topic = self.target.notification_topic
        if not topic:
            return NOTED, "the application has no notification topic"
        arn = topic if topic.startswith("arn:") else self._topic_arn(topic)
        listed = self.caller.call(self.target.access, "sns", "ListSubscriptionsByTopic", {"TopicArn": arn})
        arns = [one["SubscriptionArn"] for one in listed.get("Subscriptions") or []]
        confirmed = sum(one.startswith("arn:") for one in arns)  # others say PendingConfirmation
        if not confirmed:
            return NOTED, f"{arn} is there, but nobody who confirmed a subscription hears of it"
        return DONE, f"the move tells {confirmed} subscribers of {arn} when it begins and ends"

    def _topic_arn(self, name: str) -> str:
        identity = self.caller.call(self.target.access, "sts", "GetCallerIdentity")
        return f"arn:{identity['Arn'].split(':')[1]}:sns:{self.target.region}:{identity['Account']}:{name}"

    def _dashboards(self) -> tuple[str, str]:
        """Dashboards are global, so one region is asked for all of them."""
        found = self.caller.call(
            self.target.access, "cloudwatch", "ListDashboards", {"DashboardNamePrefix": self.dashboard_prefix}
        )
        names = [entry["DashboardName"] for entry in found.get("DashboardEntries") or []]
        if not names:
            return FAILED, f"there is no dashboard whose name begins with {self.dashboard_prefix}"
        return DONE, ", ".join(names)

    def _lag(self, lag: LagSample) -> Item:
        if lag.seconds is None or lag.at is None:
            return Item("lag", FAILED, lag.reason)
        age = max(0.0, self.clock.now() - lag.at)
        return Item("lag", DONE, f"{lag.seconds:.3f} s in {lag.region}, {age:.0f} s ago")

    def _records(self, check: bool) -> tuple[str, str]:
        """All records of the zone, kept where the application will be, and read back."""
        traffic = self.application.traffic
        route53 = Api(self.caller, ROUTE53_REGION, "route53")
        zone = find_zone(route53, traffic.hosted_zone)
        records = _all_records(route53, zone["Id"])
        missing = [name for name in traffic.names if not _is_failover(records, name)]
        if missing:
            return FAILED, f"no pair of failover records for {', '.join(missing)}: activate failover first"
        place = f"s3://{self.target.state_bucket}/{self.backup_key}"
        if check:
            return PLANNED, f"{len(records)} records would be kept in {place}"
        document = {"zone": zone, "records": records, "at": self.clock.now(), "run_id": self.run_id}
        content = json.dumps(document, indent=2, default=str).encode()
        key = {"Bucket": self.target.state_bucket, "Key": self.backup_key}
        body = {"Body": content, "ContentType": "application/json"}
        self.caller.call(self.target.access, "s3", "PutObject", {**key, **body})
        kept = self.caller.call(self.target.access, "s3", "GetObject", key)["Body"].read()
        if kept != content:
            return FAILED, f"what was read back from {place} is not what was kept there"
        return DONE, f"{len(records)} records kept in {place} and read back"


def _all_records(route53: Api, zone_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    while True:
        page = route53.read("ListResourceRecordSets", {"HostedZoneId": zone_id, **start})
        found += page["ResourceRecordSets"]
        if not page.get("IsTruncated"):
            return found
        names = {"NextRecordName": "StartRecordName", "NextRecordType": "StartRecordType"}
        names["NextRecordIdentifier"] = "StartRecordIdentifier"
        start = {to: page[key] for key, to in names.items() if page.get(key)}


def _is_failover(records: Sequence[Mapping[str, Any]], name: str) -> bool:
    return form_of([record for record in records if plain(record["Name"]) == plain(name)]) == "failover"
