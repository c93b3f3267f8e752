# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The function: it repeats the switch, moves, hands on to itself before its time is up, and stops when all is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils._recovery import orchestrator, results
from plugins.module_utils._recovery.errors import CallFailed, RecoveryError, RegionUnreachable
from plugins.module_utils._recovery.model import Access, parse_application
from plugins.module_utils._recovery.results import ApplicationResult, MoveResult
from plugins.module_utils._recovery.runner import Options, Tools
from plugins.module_utils._recovery.workers import InlineWorkers

NOW = 1795398301.0
RUN = "20261123T014501Z-failover-abcdef"
OTHER = "20261123T010000Z-failover-123456"


def site(place: str, region: str) -> dict[str, Any]:
    return {
        "place": place,
        "region": region,
        "profile": place,
        "cluster": f"dr-webapp-{place}",
        "groups": [],
        "endpoint": {"host": f"alb.{region}.example.net", "port": 443},
        "load_balancer": "alb",
        "state_table": "dr-webapp-dr-state",
        "state_bucket": f"state-{region}",
    }


APPLICATION = {
    "name": "dr-webapp",
    "global_cluster": "dr-webapp-global",
    "primary": site("primary", "us-east-1"),
    "dr": site("dr", "us-west-2"),
    "traffic": {"hosted_zone": "example.com", "names": ["app.example.com"], "profile": "dns"},
    "probe": {"ca_file": "/home/me/ca.pem"},
}
EVENT = {
    "application": APPLICATION,
    "target": "dr",
    "mode": "unplanned",
    "accept_data_loss": True,
    "accept_unfenced": True,
    "task": "failover",
}


class Aws:
    """Answers from a table of items and a table of schedules."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.published: list[dict[str, Any]] = []
        self.scheduler_is_gone = False

    def call(
        self,
        at: Access | str,
        service: str,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        mutates: bool | None = None,
        deadline_seconds: float | None = None,
    ) -> dict[str, Any]:
        region = at if isinstance(at, str) else at.region
        params = params or {}
        self.calls.append((region, operation))
        if service == "scheduler" and self.scheduler_is_gone:
            raise RegionUnreachable(region, "no answer")
        if operation == "BatchGetItem":
            [(table, wanted)] = params["RequestItems"].items()
            names = [key["item"]["S"] for key in wanted["Keys"]]
            found = [
                {"application": {"S": "dr-webapp"}, "item": {"S": name}, **self.attributes(name)}
                for name in names
                if name in self.items
            ]
            return {"Responses": {table: found}}
        if operation == "GetSchedule":
            if params["Name"] not in self.schedules:
                raise CallFailed(region, service, operation, "ResourceNotFoundException", "none")
            return self.schedules[params["Name"]]
        if operation in ("CreateSchedule", "UpdateSchedule"):
            self.schedules[params["Name"]] = dict(params)
        if operation == "DeleteSchedule":
            del self.schedules[params["Name"]]
        if operation == "PutMetricData":
            self.published.append({"region": region, **params["MetricData"][0]})
        return {}

    def attributes(self, name: str) -> dict[str, Any]:
        item = self.items[name]
        if name != "lease":
            return {"document": {"S": json.dumps(item)}}
        return {key: {"S": value} if isinstance(value, str) else {"N": str(value)} for key, value in item.items()}


class Clock:
    def now(self) -> float:
        return NOW

    def wait(self, seconds: float) -> None:
        raise AssertionError("the function itself waits for nothing")


def invocation(remaining: float = 300.0) -> orchestrator.Invocation:
    return orchestrator.Invocation("arn:function", "us-west-2", lambda: remaining, "arn:role", "default")


def tools(aws: Aws) -> Tools:
    def nobody(*_: Any, **__: Any) -> Any:
        raise AssertionError("nothing is asked")

    return Tools(aws, Clock(), InlineWorkers(), nobody, nobody)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Stands in for the runner, which has tests of its own; `status` of the first entry is what it answers."""
    said: list[dict[str, Any]] = [{"status": results.MOVED}]

    def run_move(applications: Any, options: Options, _tools: Tools, **more: Any) -> MoveResult:
        said.append({"options": options, **more})
        run_id = said[0].get("run_id", more["run_id"])
        return MoveResult((ApplicationResult("dr-webapp", said[0]["status"], run_id, True),))

    monkeypatch.setattr(orchestrator, "run_move", run_move)
    return said


def move(aws: Aws, event: Mapping[str, Any], remaining: float = 300.0) -> dict[str, Any]:
    application = orchestrator.application_of(event, Path("/nowhere/_recovery"))
    return orchestrator.move(event, application, invocation(remaining), tools(aws))


def test_each_region_repeats_the_position_that_it_keeps() -> None:
    aws = Aws()
    aws.items = {"switch#primary": {"position": 0}, "switch#dr": {"position": 1}}
    application = parse_application(APPLICATION)
    told = orchestrator.publish_switch(application, "us-west-2", aws)
    assert told["published"] == {"primary": 0}
    assert orchestrator.publish_switch(application, "us-east-1", aws)["published"] == {"dr": 1}
    assert [(one["region"], one["Value"]) for one in aws.published] == [("us-west-2", 0.0), ("us-east-1", 1.0)]


def test_a_position_that_was_never_kept_is_not_invented() -> None:
    aws = Aws()
    assert orchestrator.publish_switch(parse_application(APPLICATION), "us-west-2", aws)["published"] == {}
    assert aws.published == []


def test_a_function_uses_no_profile_and_no_file_of_a_controller() -> None:
    application = orchestrator.application_of(EVENT, Path("/nowhere/_recovery"))
    assert {site.access.profile for site in application.sites} == {None}
    assert (application.traffic.profile, application.probe.ca_file) == (None, None)


def test_a_bundled_authority_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("certificates")
    application = orchestrator.application_of(EVENT, tmp_path / "_recovery")
    assert application.probe.ca_file == str(tmp_path / "ca.pem")


def test_a_continuation_is_arranged_before_the_move_and_taken_back_after_it(moved: list[dict[str, Any]]) -> None:
    aws = Aws()
    told = move(aws, EVENT)
    assert told["status"] == "moved"
    assert [operation for _region, operation in aws.calls] == [
        "GetSchedule", "CreateSchedule", "GetSchedule", "DeleteSchedule",
    ]  # fmt: skip
    assert aws.schedules == {}
    assert moved[1]["stop_at"] == NOW + 270
    assert moved[1]["options"].accept_data_loss is True
    assert moved[1]["options"].accept_unfenced is True


def test_a_move_that_needs_longer_is_handed_on(moved: list[dict[str, Any]]) -> None:
    aws = Aws()
    moved[0]["status"] = results.PAUSED
    told = move(aws, EVENT)
    [schedule] = aws.schedules.values()
    assert told["status"] == "paused"
    assert schedule["ScheduleExpression"] == "at(2026-11-23T01:46:00)"
    assert schedule["ActionAfterCompletion"] == "DELETE"
    assert schedule["Target"]["Arn"] == "arn:function"
    payload = json.loads(schedule["Target"]["Input"])
    assert (payload["task"], payload["run_id"]) == ("continue", told["run_id"])
    assert payload["application"]["name"] == "dr-webapp"


@pytest.mark.parametrize("status", [results.PAUSED, results.MOVED])
def test_where_an_earlier_run_is_taken_up_it_is_that_one_which_is_continued(
    moved: list[dict[str, Any]], status: str
) -> None:
    aws = Aws()
    moved[0].update(status=status, run_id=OTHER)
    assert move(aws, EVENT)["run_id"] == OTHER
    payloads = [json.loads(schedule["Target"]["Input"]) for schedule in aws.schedules.values()]
    assert [one["run_id"] for one in payloads] == ([OTHER] if status == results.PAUSED else [])


def test_a_function_that_is_killed_is_continued_after_its_own_end(
    moved: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> MoveResult:
        raise KeyboardInterrupt

    monkeypatch.setattr(orchestrator, "run_move", killed)
    aws = Aws()
    with pytest.raises(KeyboardInterrupt):
        move(aws, EVENT)
    [schedule] = aws.schedules.values()
    assert schedule["ScheduleExpression"] == "at(2026-11-23T01:51:00)"


def test_a_continuation_goes_on_with_its_own_run(moved: list[dict[str, Any]]) -> None:
    aws = Aws()
    aws.items[f"run#{RUN}"] = {"closed_at": None}
    assert move(aws, {**EVENT, "task": "continue", "run_id": RUN})["status"] == "moved"
    assert moved[1]["run_id"] == RUN


def test_a_continuation_that_comes_late_begins_nothing(moved: list[dict[str, Any]]) -> None:
    aws = Aws()
    aws.items[f"run#{RUN}"] = {"closed_at": NOW - 5}
    assert move(aws, {**EVENT, "task": "continue", "run_id": RUN})["status"] == "closed"
    assert len(moved) == 1


def lease(run_id: str, expires_at: float) -> dict[str, Any]:
    return {"holder": f"{run_id}/1", "expires_at": expires_at, "run": json.dumps({"target": "dr"})}


@pytest.mark.parametrize("item", [{}, {"lease": lease(OTHER, NOW + 30)}, {"lease": lease(RUN, 0)}])
def test_a_continuation_of_a_run_that_nothing_tells_of_is_an_error(
    moved: list[dict[str, Any]], item: dict[str, Any]
) -> None:
    aws = Aws()
    aws.items = item
    with pytest.raises(RecoveryError, match=f"run {RUN} of dr-webapp is not known in us-west-2"):
        move(aws, {**EVENT, "task": "continue", "run_id": RUN})
    assert len(moved) == 1
    assert "DeleteSchedule" not in [operation for _region, operation in aws.calls]


def test_a_run_of_which_only_the_lease_tells_is_continued(moved: list[dict[str, Any]]) -> None:
    aws = Aws()
    aws.items["lease"] = lease(RUN, NOW - 200)
    assert move(aws, {**EVENT, "task": "continue", "run_id": RUN})["status"] == "moved"
    assert moved[1]["run_id"] == RUN


def test_a_scheduler_that_does_not_answer_holds_no_failover_up(moved: list[dict[str, Any]]) -> None:
    aws = Aws()
    aws.scheduler_is_gone = True
    told = move(aws, EVENT)
    assert told["status"] == "moved"
    assert "no continuation" in told["notes"][0]


def test_an_event_names_what_is_waived_and_who_waives_it(moved: list[dict[str, Any]]) -> None:
    move(Aws(), {**EVENT, "waive": ["block-period"], "operator": "night shift"})
    options = moved[1]["options"]
    assert (options.waive, options.operator) == (("block-period",), "night shift")


@pytest.mark.parametrize("word", ["true", "yes", 1, None])
def test_only_true_accepts_a_loss(moved: list[dict[str, Any]], word: object) -> None:
    move(Aws(), {**EVENT, "accept_data_loss": word, "accept_unfenced": word})
    assert moved[1]["options"].accept_data_loss is False
    assert moved[1]["options"].accept_unfenced is False


@pytest.mark.parametrize(
    ("event", "message"),
    [({**EVENT, "task": "dance"}, "task: 'dance' is unknown"), ({"task": "failover"}, "application: a dictionary"),
     ({**EVENT, "target": "moon"}, "target"), ({**EVENT, "mode": ""}, "mode"),
     ({**EVENT, "waive": "block-period"}, "is no list of gates"),
     ({**EVENT, "waive": ["luck"]}, "waive: 'luck' is no gate")],
)  # fmt: skip
def test_a_wrong_event_is_named(event: dict[str, Any], message: str) -> None:
    with pytest.raises(RecoveryError, match=message):
        orchestrator.handle(event, invocation())


def test_the_name_of_a_schedule_fits(moved: list[dict[str, Any]]) -> None:
    event = {**EVENT, "application": {**APPLICATION, "name": "a" * 63}}
    continuation = orchestrator.Continuation(None, invocation(), event, RUN)  # type: ignore[arg-type]
    assert len(continuation.name) == 64
    assert continuation.name.endswith(RUN)
