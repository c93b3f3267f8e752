# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reports on made-up moves: a drill, the loss of a region with lost writes, and a move that nobody watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from unit.measure.series import NEW, OLD, T0, event, observed, series

from plugins.module_utils._recovery.elsewhere import View
from plugins.module_utils._recovery.evidence import availability
from plugins.module_utils._recovery.measure import Lag, Measurement, Objectives, measure
from plugins.module_utils._recovery.report import Move, to_report
from plugins.module_utils._recovery.samples import Observation, Sample, Stored

DRILL = Move("20261123T020000Z-drill-abcdef", "dr-webapp", "drill", "planned", "primary", "dr", OLD, NEW)
LOSS = replace(
    DRILL,
    run_id="20261123T020000Z-failover-abcdef",
    intent="failover",
    mode="unplanned",
    notes=("fence-old-site: dr-webapp-asg: us-east-1 is unreachable",),
)
OBJECTIVES = Objectives(900, 60)
LAG = Lag(0.21, region=NEW, at=T0 + 3)
LOST = tuple(range(32, 40))
UNFENCED = {"other writers": "us-east-1 is unreachable", "groups": "us-east-1 is unreachable"}


def step(
    name: str, stage: str, begin: float, end: float, *, calls: Sequence[str] = (), kind: str = "step-done", **more: Any
) -> list[dict[str, Any]]:
    """The events of a step: it begins, makes its calls ("service Operation region plane target"), and ends."""
    events = [event(begin, "step-begin", stage=stage, step=name)]
    for number, text in enumerate(calls):
        call = dict(zip(("service", "operation", "region", "plane", "target"), text.split(" ", 4), strict=True))
        events.append(event(begin + 0.1 + 0.2 * number, "intent", stage=stage, step=name, call=call))
        events.append(event(begin + 0.2 + 0.2 * number, "result", stage=stage, step=name, call=call, reason=None))
    return [*events, event(end, kind, stage=stage, step=name, **more)]


def gate(at: float, name: str, answer: str = "holds", reason: str = "", **more: Any) -> dict[str, Any]:
    """A gate's answer."""
    detail = {"gate": name, "rule": "R2", "answer": answer, "blocks": False, "waived": False, "reason": reason, **more}
    return event(at, "gate", stage="decide", step=name, reason=reason or None, detail=detail)


def drill_events() -> list[dict[str, Any]]:
    """A switchover whose writer moves between seconds 9 and 17."""
    return [
        event(5, "run-opened", detail={"mode": "planned", "operator": "night shift", "waive": ["replication-lag"]}),
        gate(6, "target-region", reason=NEW),
        gate(6, "replication-lag", "unknown", "no sample", waived=True, waived_by="night shift"),
        *step("notify-begin", "decide", 6.5, 7, calls=[f"sns Publish {NEW} data dr-webapp-dr-alerts"]),
        *step(
            "raise-capacity", "scale", 6.5, 9,
            calls=[f"autoscaling UpdateAutoScalingGroup {NEW} regional dr-webapp-dr-asg"],
        ),
        *step("promote", "promote", 9, 17, calls=[f"rds SwitchoverGlobalCluster {OLD} regional dr-webapp-global"]),
        *step("fencing-events", "verify", 17, 17.4, detail={"outcome": "confirmed", "at": T0 + 10}),
        *step("write-probe", "verify", 17, 17.5, calls=[f"application WriteAndReadBack {NEW} data alb.example.com"]),
        *step(
            "switch-traffic", "shift", 17.5, 19,
            calls=[f"cloudwatch PutMetricData {NEW} data PilotLight/DR/SwitchPosition dr-webapp/primary=0"],
        ),
        *step("stable", "shift", 19, 22),
        event(22.5, "run-closed"),
    ]  # fmt: skip


def loss_events() -> list[dict[str, Any]]:
    """A failover out of a region that does not answer."""
    accepted = {"accept_data_loss": True, "accept_unfenced": True, "operator": "on-call"}
    return [
        event(22, "run-opened", detail={"mode": "unplanned", **accepted}),
        gate(23, "target-region", reason=NEW),
        gate(23, "source-region", "unknown", "us-east-1 is unreachable"),
        *step("raise-capacity", "scale", 23.5, 27),
        *step(
            "fence-old-site", "fence", 23.5, 28, kind="step-failed", reason="dr-webapp-asg: us-east-1 is unreachable",
        ),
        *step("promote", "promote", 28, 33, calls=[f"rds FailoverGlobalCluster {NEW} regional dr-webapp-global"]),
        *step(
            "leave-job", "fence", 28, 28.5, detail={"unfenced": UNFENCED},
            calls=[f"dynamodb PutItem {NEW} data dr-webapp-dr-state/dr-webapp/pending#primary"],
        ),
        *step("fencing-events", "verify", 33, 38, kind="step-failed", detail={"outcome": "not seen"}),
        *step("write-probe", "verify", 33, 33.4),
        *step("switch-traffic", "shift", 38, 40),
        *step("stable", "shift", 40, 44),
        event(45, "run-closed"),
    ]  # fmt: skip


def watched(outage: tuple[float, float], moved_at: float, seconds: float = 70, lost: Sequence[int] = ()) -> Observation:
    """What a probe saw of an outage from and to these seconds."""
    parts: list[list[Sample]] = [
        series(seconds, [outage], moved_at=moved_at),
        series(seconds, [(outage[0], outage[0] + (outage[1] - outage[0]) / 2)], kind="read", moved_at=moved_at),
        series(seconds, kind="dns", moved_at=moved_at - 1),
    ]
    kept = frozenset(one.number for one in parts[0] if one.ok) - frozenset(lost)
    return observed(*parts, stored=Stored(T0 + seconds + 1, kept, NEW))


def measured(
    observation: Observation, events: Sequence[dict[str, Any]] = (), objectives: Objectives = OBJECTIVES
) -> Measurement:
    """As rto_report measures, from wherever that was seen."""
    return measure(observation, events, objectives, target_region=NEW, stable_samples=10, lag=LAG)


def report_on(
    move: Move,
    observation: Observation,
    events: Sequence[dict[str, Any]],
    objectives: Objectives = OBJECTIVES,
    elsewhere: Sequence[View] = (),
) -> dict[str, Any]:
    """As rto_report makes it."""
    found = measured(observation, events, objectives)
    return to_report(
        move,
        found,
        objectives,
        events=events,
        lag=LAG,
        files={"json": "reports/run/report.json", "samples": "reports/run/samples.jsonl"},
        vantage=observation.vantage,
        checklist=[{"name": "team", "result": "noted", "detail": "nobody said that the team is there"}],
        validation=[{"name": "DNS and health", "result": "done", "detail": "served from us-west-2"}],
        availability=availability(observation, OLD, NEW),
        elsewhere=elsewhere,
    )


def drill(**changes: Any) -> dict[str, Any]:
    """A drill that went well; `changes` are of its move."""
    return report_on(replace(DRILL, **changes), watched((10, 20), 19), drill_events())


def watched_from_elsewhere() -> dict[str, Any]:
    """The same drill, out for longer in Tokyo, and with nobody in Oslo."""
    there = watched((10, 40), 39)
    elsewhere = [
        View("tokyo", measured(there, drill_events()), there.vantage),
        View("oslo", reason="ssh: connection timed out"),
    ]
    return report_on(DRILL, watched((10, 20), 19), drill_events(), elsewhere=elsewhere)


def loss(lost: Sequence[int] = LOST) -> dict[str, Any]:
    """The loss of a region, with lost writes."""
    return report_on(LOSS, watched((10, 41), 40, lost=lost), loss_events())


def unseen() -> dict[str, Any]:
    """A move that nobody watched."""
    return report_on(DRILL, Observation(None, (), None), drill_events())
