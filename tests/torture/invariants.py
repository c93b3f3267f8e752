# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must hold in a random world, whatever happens.

No invariant asks the core what it did, or what it allows itself: the clients keep a record of their own, the figures
here are the promises as they are documented. One that does not hold is an AssertionError that says which.
"""

from __future__ import annotations

from collections import Counter

from unit.recovery.simulated.base import security_group
from unit.recovery.simulated.dynamodb import journaled
from unit.recovery.simulated.fences import mapping_of
from unit.recovery.simulated_aws import Call, SimulatedAws, VirtualClock

from plugins.module_utils._recovery.checklist import replication_lag
from plugins.module_utils._recovery.clients import Clients
from plugins.module_utils._recovery.measure import Lag, Measurement, Objectives, measure
from plugins.module_utils._recovery.model import Application, Site
from plugins.module_utils._recovery.results import FAILED, MOVED, NOTHING, PAUSED, REFUSED, ApplicationResult
from plugins.module_utils._recovery.samples import Observation

from .customers import Acknowledged, Customers
from .mover import Mover

PLANNED, UNPLANNED, RECONCILE = "planned", "unplanned", "reconcile"

LOST_REGION_SECONDS = 10.0
"""What a region that is lost may cost a run that can do without it."""

PAUSE_SECONDS = 180.0
"""After the time at which a run is to be paused: what was begun ends, and where that comes while the run begins, the
lease of a dead process in either region is waited for first."""

HOUR, QUARTER, MINUTE = 3600.0, 900.0, 60.0
STEP_SECONDS = {
    **dict.fromkeys(("promote", "copy-lost-writes"), HOUR),
    **dict.fromkeys(("raise-capacity", "write-probe", "switch-traffic", "stable"), QUARTER),
    **dict.fromkeys(("lower-standby", "restore-ingress", "old-site-empty", "promote-secrets"), MINUTE),
    **dict.fromkeys(("relink-secrets", "settle-switches"), 2 * MINUTE),
}
"""How long a step may take; one that is not named, half a minute."""

HALF_A_MINUTE = 30.0
LATE_SECONDS = 60.0
"""Looks at a region that does not answer, and polls that come late, may come on top."""

RUN_SECONDS = {PLANNED: 8100.0, UNPLANNED: 7500.0, RECONCILE: 4200.0}
"""All that its steps may take one after another, and ten minutes at the most beside it."""
GLOBAL_CONTROL_PLANES = ("route53", "iam", "s3", "s3control")
PROMOTIONS = ("SwitchoverGlobalCluster", "FailoverGlobalCluster")


class Invariants:
    """What must hold of one world."""

    def __init__(self, aws: SimulatedAws, clock: VirtualClock, customers: Customers, figures: Counter[str]) -> None:
        self._aws = aws
        self._clock = clock
        self._customers = customers
        self._figures = figures
        self._reported: dict[str, set[Acknowledged]] = {one.name: set() for one in aws.applications}
        self._leases: dict[tuple[str, str], tuple[str, float]] = {}  # by region and application: holder, until when
        self._broken: dict[tuple[str, str], dict[str, float]] = {}  # by region and application: holder, until when
        self.cuts: dict[str, float] = {}  # by application: what was written up to then has survived its last failover
        self.by_hand: dict[str, float] = {}  # by application: when its writer was last moved past every mover
        self.unsettled: set[str] = set()  # applications whose clients may be led astray: a move is not over
        self.failure: AssertionError | None = None

    def holds(self, condition: bool, said: str) -> None:
        """Raises AssertionError where it does not. The first one is kept, whoever swallows it."""
        self._figures["invariant checks"] += 1
        if not condition:
            self.failure = self.failure or AssertionError(said)
            raise self.failure

    # After every step

    def after_step(self) -> None:
        """Clients are led to where their writes are taken, unless a move is not over."""
        for application in self._aws.applications:
            if application.name in self.unsettled:
                continue
            region = self._led_to(application)
            said = f"clients of {application.name} are led to {region}, which takes no writes, and no move is under way"
            self.holds(self._aws.takes_writes(application, region), said)

    def _led_to(self, application: Application) -> str:
        chain = self._aws.resolve(application.traffic.names[0], (), 1).chain
        return next(site.region for site in application.sites if (site.endpoint.host,) == chain)

    # Before a call

    def before_call(self, mover: Mover, call: Call, deadline_seconds: float) -> None:
        """While a mover is about to send a call that changes something."""
        application = self.about(call)
        if application is None:
            return
        what = f"{call.service} {call.operation} in {call.region} for {application.name}"
        unplanned = mover.options.mode == UNPLANNED
        self.holds(
            not (unplanned and call.service in GLOBAL_CONTROL_PLANES), f"{what}: an unplanned move asks a global one"
        )
        self._check_lease(mover, application, deadline_seconds, what)
        before = mover.unanswered
        again = before and (before.region, before.operation, before.params) == (
            call.region,
            call.operation,
            call.params,
        )
        self.holds(not again, f"{what}: it is sent once more, and nobody has looked what became of it")
        if call.operation in PROMOTIONS:
            self._check_promotion(mover, application, call, what)
        if _leads_clients(call):
            target = application.site(mover.options.target).region
            looked = mover.writers.get(application.global_cluster)
            past_it = looked is not None and self.by_hand.get(application.name, 0.0) >= looked.at
            self.holds(
                past_it or self._aws.takes_writes(application, target),
                f"{what}: clients are led to {target}, which takes no writes",
            )
            self.holds(application.name in mover.probed, f"{what}: clients are led away before a write probe")

    def _check_promotion(self, mover: Mover, application: Application, call: Call, what: str) -> None:
        target, old = application.site(mover.options.target), application.other(mover.options.target)
        seen = mover.writers.get(application.global_cluster)
        assert seen is not None
        self.holds(seen.writer == old.region and seen.at_rest, f"{what}: it was told that the writer is {seen}")
        self.holds(seen.moment >= mover.kept_at, f"{what}: it has not looked since it wrote its intent")
        self.holds(target.region not in mover.bad_keys, f"{what}: it was told that the key there is not usable")
        if call.operation == "FailoverGlobalCluster" and not mover.options.accept_unfenced:
            left = self._lets_writes_in(application, old)
            self.holds(not left, f"{what}: {left} of the old site may write, which nobody accepted")
            self._figures["promotions fenced"] += 1

    def _lets_writes_in(self, application: Application, site: Site) -> list[str]:
        """What of a site may write, or lets others."""
        aws, fencing = self._aws, site.fencing
        group = security_group(site.region, site.cluster)
        found = [one.name for one in site.groups if aws.in_service(site.region, one.name)]
        found += [name for name in fencing.schedules if aws.schedules[(site.region, name)]["State"] == "ENABLED"]
        mappings = [(name, aws.mappings[(site.region, mapping_of(name))]) for name in fencing.event_source_mappings]
        found += [name for name, mapping in mappings if mapping["State"] in ("Enabled", "Enabling")]
        return found + ([group] if aws.ingress[(site.region, group)] else [])

    def _check_lease(self, mover: Mover, application: Application, deadline_seconds: float, what: str) -> None:
        name, now = application.name, self._clock.now()
        may_go_without = mover.options.mode == UNPLANNED or self._promotion_begun(application, mover)
        for site in application.sites:
            at = (site.region, name)
            if at in mover.lease_in_doubt and may_go_without:
                continue
            row = self._aws.tables[(site.region, site.state_table)].get(f"{name}|lease")
            holder = mover.holders.get(at)
            mine = row is not None and row["holder"]["S"] == holder
            left = float(row["expires_at"]["N"]) - now if row else 0.0
            said = f"the lease in {site.region} is {'its own' if mine else 'not its own'} and lasts {left:.0f} s"
            broken = self._broken.get(at, {})
            if holder in broken:  # it was taken away, and counts for as long as it was granted: its breaker waits
                self.holds(now + deadline_seconds <= broken[holder], f"{what}: {said}, and was broken")
                continue
            self.holds(mine and left >= deadline_seconds, f"{what}: {said}")
            others = [one for one, last in broken.items() if last > now]
            self.holds(not others, f"{what}: {others}, whose lease was broken, may have a call under way")

    def _promotion_begun(self, application: Application, mover: Mover) -> bool:
        target = application.site(mover.options.target)
        view = self._aws.globals[application.global_cluster]
        begun = (view.get("FailoverState") or {}).get("ToDbClusterArn", "").endswith(f":{target.cluster}")
        return begun or self._aws.writer(application) == target.region or application.name in mover.promoted

    def about(self, call: Call) -> Application | None:
        """The application that a call changes; None for the bookkeeping of a run."""
        if call.service == "dynamodb":
            item = call.params.get("Item")
            return self._named(item["application"]["S"]) if item and call.operation == "PutItem" else None
        told = {
            "rds": lambda: (
                call.params.get("GlobalClusterIdentifier")
                or call.params["TargetDBClusterSnapshotIdentifier"].removeprefix("lost-writes-")
            ),
            "autoscaling": lambda: call.params["AutoScalingGroupName"],
            "sns": lambda: call.params["TopicArn"].rpartition(":")[2],
            "secretsmanager": lambda: call.params["SecretId"],
            "cloudwatch": lambda: call.params["MetricData"][0]["Dimensions"][0]["Value"],
            "scheduler": lambda: call.params["Name"],
            "lambda": lambda: self._aws.mappings[(call.region, call.params["UUID"])]["FunctionName"],
            "ec2": lambda: self._behind(call.params["GroupId"]),
        }
        return self._named(str(told[call.service]()))

    def _behind(self, group: str) -> str:
        """The cluster in front of which a security group stands."""
        sites = [site for application in self._aws.applications for site in application.sites]
        return next(site.cluster for site in sites if security_group(site.region, site.cluster) == group)

    def _named(self, text: str) -> Application:
        return next(one for one in self._aws.applications if text.startswith(one.name))

    # After a lease was written

    def leases_written(self, mover: Mover) -> None:
        """A lease that counts changes hands only where it was named."""
        now = self._clock.now()
        for application in self._aws.applications:
            for site in application.sites:
                row = self._aws.tables[(site.region, site.state_table)].get(f"{application.name}|lease")
                if row is None:
                    continue
                at = (site.region, application.name)
                holder, until = self._leases.get(at, ("", 0.0))
                self._leases[at] = (row["holder"]["S"], float(row["expires_at"]["N"]))
                if holder and holder != self._leases[at][0] and until > now:
                    named = mover.options.break_lease
                    said = f"the lease of {holder} in {site.region} was taken, and {named or 'none'} was to be broken"
                    self.holds(holder.partition("/")[0] == named, said)
                    self._broken.setdefault(at, {})[holder] = until
                    self._figures["leases broken"] += 1

    def holding_run(self) -> str:
        """The run that a refusal would name."""
        held = (holder for holder, until in self._leases.values() if until > self._clock.now())
        return next(held, "").partition("/")[0]

    # After a run

    def after_run(self, mover: Mover, stop_at: float | None) -> None:
        """However it ended: it has taken no longer than it may."""
        now, mode = self._clock.now(), mover.options.mode
        took = now - mover.began - mover.stalled_seconds
        self.holds(took <= RUN_SECONDS[mode], f"a run took {took:.0f} s, and {mode} has {RUN_SECONDS[mode]:.0f} s")
        if stop_at is not None:
            late = now - stop_at - mover.stalled_seconds
            self.holds(late <= PAUSE_SECONDS, f"the run was to be paused {late:.0f} s ago")
        if mode != PLANNED:
            region = self._aws.applications[0].other(mover.options.target).region
            lost = mover.lost_seconds.get(region, 0.0)
            self.holds(lost <= LOST_REGION_SECONDS + 0.1, f"the lost region {region} cost {lost:.1f} s")

    def check_result(
        self, mover: Mover, application: Application, one: ApplicationResult, before: set[Acknowledged]
    ) -> None:
        """What a run says of an application is so. ``before``: what was missing when it began."""
        changed = [call for call in mover.calls if call.mutates and self.about(call) is application]
        if one.status in (REFUSED, NOTHING):
            self.holds(not changed, f"{one.application} was {one.status}, and {changed[:1]} was called")
        assert one.status in (REFUSED, NOTHING, MOVED, FAILED, PAUSED), one.status
        if one.status in (REFUSED, FAILED):
            self.holds(bool(one.reasons), f"{one.application} was {one.status} without a reason")
        self._check_steps(mover, one)
        if one.status != MOVED:
            return
        if mover.options.mode == RECONCILE:
            self._check_kept(application, one, mover)
            return
        target = application.site(mover.options.target)
        if mover.alone:  # else somebody else may have moved it since its last look
            self.holds(self._aws.takes_writes(application, target.region), f"{one.application} was moved and is not")
            led = self._led_to(application)
            self.holds(led == target.region, f"{one.application} was moved, and clients are led to {led}")
        if self._aws.writer(application) == target.region:
            self._check_loss(mover, application, one, before)

    def _check_steps(self, mover: Mover, one: ApplicationResult) -> None:
        for step in one.steps:
            if step["began_at"] and step["ended_at"]:
                took = step["ended_at"] - step["began_at"] - mover.stalled_seconds
                may = STEP_SECONDS.get(step["step"], HALF_A_MINUTE) + LATE_SECONDS
                self.holds(took <= may, f"{step['step']} of {one.application} took {took:.0f} s of {may:.0f} s")

    def _check_kept(self, application: Application, one: ApplicationResult, mover: Mover) -> None:
        """What an old writer kept of lost writes does not go with it: it was copied before the job was closed (R8)."""
        old = application.other(mover.options.target)
        there = {name: snapshot for (region, name), snapshot in self._aws.snapshots.items() if region == old.region}
        for name, snapshot in there.items():
            mine = name.startswith("rds:") and snapshot["DBClusterIdentifier"] == old.cluster
            if mine and snapshot["SnapshotCreateTime"] < mover.began:
                copies = [other for other in there if other.startswith("lost-writes-") and other.endswith(name[-16:])]
                self.holds(bool(copies), f"{one.application} was reconciled, and {name} was not copied")
                self._figures["snapshots kept"] += 1

    def _check_loss(
        self, mover: Mover, application: Application, one: ApplicationResult, before: set[Acknowledged]
    ) -> None:
        missing = self._customers.missing(application)
        if mover.options.mode == PLANNED:
            lost = {write for write in set(missing) - before if not write.stray}
            self.holds(not lost, f"a planned move lost {len(lost)} acknowledged writes")
            return
        known = self._reported[application.name]
        began = float(one.began_at or 0)
        lost = {write for write in set(missing) - known if not (write.stray and write.at < began)}
        known |= lost
        self._figures["failovers measured"] += 1
        self._figures["writes lost"] += len(lost)
        bound = self._measured(application, one, mover.options.target).rpo_bound
        if bound.value is None:
            self._figures["not bounded"] += 1
            self.holds("not bounded" in bound.method, bound.method)
        elif lost:
            self._figures["bounded losses"] += 1
            true = max(write.at for write in lost) - self.cuts[application.name]
            said = f"the loss was {true:.2f} s, and is reported to be at most {bound.value:.2f} s ({bound.method})"
            self.holds(true <= bound.value + 1e-6, said)

    def _measured(self, application: Application, one: ApplicationResult, place: str) -> Measurement:
        aws, site = self._aws, application.site(place)
        rows = aws.tables[(site.region, site.state_table)]
        events = journaled(
            {key: row for key, row in rows.items() if key.startswith(f"{application.name}|")}, one.run_id
        )
        refusals, outages = aws.refusals, aws.outages
        aws.refusals, aws.outages = [], {}
        clients = Clients(self._clock, transport=aws, monotonic=self._clock.now)
        sample = replication_lag(clients, application, site, float(one.began_at or 0))
        aws.refusals, aws.outages = refusals, outages
        return measure(
            Observation(None, (), None),
            events,
            Objectives(900, 60),
            target_region=site.region,
            stable_samples=3,
            lag=Lag(sample.seconds, region=site.region, at=sample.at),
        )


def _leads_clients(call: Call) -> bool:
    stored = call.operation == "PutItem" and call.params["Item"]["item"]["S"].startswith("switch#")
    return stored or call.operation == "PutMetricData"
