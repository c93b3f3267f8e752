# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A random world: clients, an AWS that fails, movers that die and race, and what must hold whatever happens.

The clients keep a record of their own of every write that was acknowledged to them; no invariant asks the core what it
did. An invariant that does not hold is an AssertionError that says which, in which step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from unit.recovery.simulated.base import security_group
from unit.recovery.simulated.dynamodb import journaled
from unit.recovery.simulated.fences import mapping_of
from unit.recovery.simulated_aws import Bench, Call, Delays

from plugins.module_utils._recovery.checklist import replication_lag
from plugins.module_utils._recovery.clients import Clients
from plugins.module_utils._recovery.errors import CallFailed
from plugins.module_utils._recovery.measure import Lag, Measurement, Objectives, measure
from plugins.module_utils._recovery.model import Application, Site
from plugins.module_utils._recovery.reconcile import options_of
from plugins.module_utils._recovery.results import (
    FAILED,
    MOVED,
    NOTHING,
    PAUSED,
    REFUSED,
    ApplicationResult,
    MoveResult,
)
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.samples import Observation
from plugins.module_utils._recovery.steps.base import RECONCILE
from plugins.module_utils._recovery.steps.registry import MODES

from . import steps
from .mover import Killed, Mover, planned

NAMES = ("shop", "blog")
CLIENT_TTL_SECONDS = 60.0
LOST_REGION_SECONDS = 10.0
SLACK_SECONDS = 400.0
"""Beside the steps' own deadlines: the wait for an earlier lease, reads of a slow region, polls that come late."""
GLOBAL_CONTROL_PLANES = ("route53", "iam", "s3", "s3control")


@dataclass(frozen=True)
class Acknowledged:
    """A write that a client was told is stored.

    ``stray``: by a writer that an earlier failover left unfenced (R7), reached with an address from before, while DNS
    led elsewhere. It is lost by that failover, whatever else is going on.
    """

    at: float
    application: str
    client: str
    number: int
    stray: bool = False


class World:
    """One random world."""

    def __init__(self) -> None:
        self.bench = Bench.of(*NAMES, secrets_promote="unplanned")
        self.aws, self.clock = self.bench.aws, self.bench.clock
        self.aws.checks_requests = False
        self.aws.delays = Delays(launch=5.0, promote=5.0, dns=3.0, fencing_event=0.5)
        self.aws.refusals = [self._refused]
        self.throttled_every = 0
        self.sent = 0
        self.acknowledged: list[Acknowledged] = []
        self.reported: dict[str, set[Acknowledged]] = {name: set() for name in NAMES}
        self.cuts: dict[str, float] = {}
        self.known_addresses: dict[str, tuple[float, str]] = {}
        self.leases: dict[tuple[str, str], tuple[str, float]] = {}  # by region and application: holder, until when
        self.broken: dict[tuple[str, str], dict[str, float]] = {}  # by region and application: holder, until when
        self.depth = 0
        self.figures: Counter[str] = Counter()

    # What happens

    def happen(self, step: steps.Step) -> None:
        """Let one thing happen."""
        self.figures["steps"] += 1
        aws = self.aws
        match step:
            case steps.Pass(seconds):
                self.clock.wait(seconds)
            case steps.ClientWrites(count, gap):
                for _ in range(count):
                    self._clients_write()
                    self.clock.wait(gap)
            case steps.Outage(place, kind, clients_too):
                region = self._region(place)
                aws.heal(region)
                aws.outage(region, kind, clients_too)
            case steps.Heal(place):
                aws.heal(self._region(place))
            case steps.Throttle(every):
                self.throttled_every = every
            case steps.ReplicationLag(seconds, told):
                aws.replication.change(self.clock.now(), seconds)
                aws.lag_told = told
            case steps.Key(state):
                aws.key_state = state
            case steps.Launches(seconds):
                aws.delays.launch = seconds
            case steps.DnsDelay(seconds):
                aws.delays.dns = seconds
            case steps.Promotion(seconds, fencing, resynchronise):
                aws.delays.promote, aws.fencing, aws.delays.resynchronise = seconds, fencing, resynchronise
            case steps.Move():
                self._move(step)
            case _:
                raise TypeError(f"{step} happens only to a mover")
        self._check_writes()

    def waited(self) -> None:
        """Clients go on while a mover waits."""
        self._clients_write()

    def settle(self) -> None:
        """All heals. The application can be moved, and then there is nothing left to do."""
        for place in steps.PLACES:
            self.happen(steps.Heal(place))
        for step in (
            steps.Throttle(0),
            steps.ReplicationLag(0.1, True),
            steps.Key("Enabled"),
            steps.Launches(5.0),
            steps.DnsDelay(3.0),
            steps.Promotion(5.0, "succeeded", 0.0),
            steps.Pass(7200.0),
        ):
            self.happen(step)
        for living in steps.PLACES:
            result = self._move(steps.Move(living, RECONCILE))
            assert result is not None
            assert result.ok, f"once all has healed, what a failover left cannot be reconciled: {self._said(result)}"
        for target in ("dr", "primary"):
            result = self._move(steps.Move(target, "planned"))
            assert result is not None
            assert result.ok, f"once all has healed, a planned move to {target} is {self._said(result)}"
            again = self._move(steps.Move(target, "planned"))
            assert again is not None
            assert [one.status for one in again.applications] == [NOTHING] * len(NAMES), self._said(again)
            self.happen(steps.Pass(7200.0))
            for application in self.aws.applications:
                led = self.aws.resolve(application.traffic.names[0], (), 1).chain
                assert led == (application.site(target).endpoint.host,), f"{application.name} is led to {led}"
            self._clients_write()

    def _region(self, place: str) -> str:
        return self.aws.applications[0].site(place).region

    def _refused(self, call: Call) -> CallFailed | None:
        self.sent += 1
        if self.throttled_every and self.sent % self.throttled_every == 0:
            return CallFailed(call.region, call.service, call.operation, "ThrottlingException", "Rate exceeded")
        if call.service == "rds" and call.operation == "FailoverGlobalCluster":
            name = str(call.params["GlobalClusterIdentifier"]).removesuffix("-global")
            self.cuts[name] = self.aws.replication.through(self.clock.now())
        return None

    # Clients

    def _clients_write(self) -> None:
        now = self.clock.now()
        for application in self.aws.applications:
            name = application.traffic.names[0]
            known_at, address = self.known_addresses.get(name, (-1e9, ""))
            if now - known_at > CLIENT_TTL_SECONDS:
                address = self.aws.resolve(name, (), 1).addresses[0]
                self.known_addresses[name] = (now, address)
            number = self.figures["client writes"]
            self.figures["client writes"] += 1
            region = next(one.region for one in application.sites if self._address(application, one.place) == address)
            if region in self.aws.dark:
                continue  # a client that gets no answer has nothing to say about when
            answer = self._request(application, "POST", address, {"client": "client", "number": number})
            if answer == 201:
                led_there = self.aws.resolve(name, (), 1).addresses[0] == address
                stray = self.aws.writer(application) != region and not led_there
                self.acknowledged.append(Acknowledged(now, application.name, "client", number, stray))
                self.figures["acknowledged"] += 1

    def _address(self, application: Application, place: str) -> str:
        return self.aws.resolve(application.site(place).endpoint.host, (), 1).addresses[0]

    def _request(
        self, application: Application, method: str, address: str, body: dict[str, object] | None, path: str = "/writes"
    ) -> int | None:
        return self.aws.request(
            method,
            scheme="https",
            host=application.traffic.names[0],
            port=443,
            path=path,
            connect=address,
            body=body,
            timeout_seconds=0.0,
            ca_file=None,
        ).status

    def _missing(self, application: Application) -> list[Acknowledged]:
        """What was acknowledged, and the present writer does not have."""
        kept = self.aws.logs[application.name].kept
        return [
            one
            for one in self.acknowledged
            if one.application == application.name and (one.client, one.number) not in kept
        ]

    def _check_writes(self) -> None:
        """What no client was told to be stored by an application is not there, and nothing is in two places."""
        for log in self.aws.logs.values():
            self._holds(not (log.kept.keys() & log.lost.keys()), "a write is both kept and lost")

    # Movers

    def _move(self, step: steps.Move) -> MoveResult | None:
        if self.depth == 2:
            return None  # a third mover shows nothing that two do not
        self.depth += 1
        try:
            return self._moved(step)
        finally:
            self.depth -= 1

    def _moved(self, step: steps.Move) -> MoveResult | None:
        # What its operators know: the old site may be alive and a move just over. That is waived, and all else is not.
        waived = ("old-site-down", "block-period") if step.mode == "unplanned" else ()
        accepted = {"accept_data_loss": step.accept_data_loss, "accept_unfenced": step.accept_unfenced}
        if step.mode == RECONCILE:
            options = options_of(next(place for place in steps.PLACES if place != step.target))
        else:
            options = Options(step.target, step.mode, waive=waived, **accepted)
        if step.breaks_lease:
            options = replace(options, break_lease=self._holding_run())
        mover = Mover(self.aws, self.clock, options, self, planned(step.meanwhile))
        began = self.clock.now()
        stop_at = None if step.stop_after is None else began + step.stop_after
        self.figures["moves"] += 1
        missing = {one.name: set(self._missing(one)) for one in self.aws.applications}
        try:
            result = run_move(self.aws.applications, options, mover.tools(), stop_at=stop_at)
        except Killed:
            self.figures["killed"] += 1
            result = None
        self.figures["calls"] += len(mover.calls)
        self._check_time(mover, began, stop_at)
        if result is None:
            return None
        for one, application in zip(result.applications, self.aws.applications, strict=True):
            self.figures[one.status] += 1
            self._check_result(mover, application, one, missing[one.application])
        return result

    @staticmethod
    def _said(result: MoveResult) -> str:
        return "; ".join(f"{one.application}: {one.status} {'; '.join(one.reasons)}" for one in result.applications)

    # What must hold

    def _holds(self, condition: bool, said: str) -> None:
        self.figures["invariant checks"] += 1
        assert condition, said

    def before_call(self, mover: Mover, call: Call, deadline_seconds: float) -> None:
        """While a mover is about to send a call that changes something."""
        application = self._about(call)
        if application is None:
            return
        what = f"{call.service} {call.operation} in {call.region} for {application.name}"
        unplanned = mover.options.mode == "unplanned"
        self._holds(
            not (unplanned and call.service in GLOBAL_CONTROL_PLANES), f"{what}: an unplanned move asks a global one"
        )
        self._check_lease(mover, application, deadline_seconds, what)
        if call.operation == "FailoverGlobalCluster" and not mover.options.accept_unfenced:
            open_there = self._lets_writes_in(application, application.other(mover.options.target))
            self._holds(not open_there, f"{what}: {open_there} of the old site may write, which nobody accepted")
            self.figures["promotions fenced"] += 1
        if self._leads_clients(call):
            target = application.site(mover.options.target).region
            self._holds(
                self.aws.takes_writes(application, target),
                f"{what}: clients are led to {target}, which takes no writes",
            )
            self._holds(application.name in mover.probed, f"{what}: clients are led away before a write probe")

    def _check_lease(self, mover: Mover, application: Application, deadline_seconds: float, what: str) -> None:
        name = application.name
        may_go_without = mover.options.mode == "unplanned" or self._promotion_begun(application, mover)
        for site in application.sites:
            if (site.region, name) in mover.lease_in_doubt and may_go_without:
                continue
            row = self.aws.tables[(site.region, site.state_table)].get(f"{name}|lease")
            mine = row is not None and row["holder"]["S"] == mover.holders.get((site.region, name))
            left = float(row["expires_at"]["N"]) - self.clock.now() if row else 0.0
            said = f"the lease in {site.region} is {'its own' if mine else 'not its own'} and lasts {left:.0f} s"
            broken = self.broken.get((site.region, name), {})
            until = broken.get(mover.holders.get((site.region, name), ""))
            if until is not None:  # it was taken away, and counts for as long as it was granted: its breaker waits
                self._holds(self.clock.now() + deadline_seconds <= until, f"{what}: {said}, and was broken")
                continue
            self._holds(mine and left >= deadline_seconds, f"{what}: {said}")
            others = [holder for holder, last in broken.items() if last > self.clock.now()]
            self._holds(not others, f"{what}: {others}, whose lease was broken, may have a call under way")

    def leases_written(self, mover: Mover) -> None:
        """After a mover has written one: a lease that counts changes hands only where it was named."""
        now = self.clock.now()
        for application in self.aws.applications:
            for site in application.sites:
                row = self.aws.tables[(site.region, site.state_table)].get(f"{application.name}|lease")
                at = (site.region, application.name)
                holder, until = self.leases.get(at, ("", 0.0))
                if row is None:
                    continue
                self.leases[at] = (row["holder"]["S"], float(row["expires_at"]["N"]))
                if holder and holder != self.leases[at][0] and until > now:
                    named = mover.options.break_lease
                    taken = f"the lease of {holder} in {site.region} was taken, and {named or 'none'} was to be broken"
                    self._holds(holder.partition("/")[0] == named, taken)
                    self.broken.setdefault(at, {})[holder] = until
                    self.figures["leases broken"] += 1

    def _holding_run(self) -> str:
        """The run that a refusal would name."""
        held = (holder for holder, until in self.leases.values() if until > self.clock.now())
        return next(held, "").partition("/")[0]

    def _lets_writes_in(self, application: Application, site: Site) -> list[str]:
        """What of a site may write, or lets others."""
        aws, fencing = self.aws, site.fencing
        found = [group.name for group in site.groups if aws.in_service(site.region, group.name)]
        found += [name for name in fencing.schedules if aws.schedules[(site.region, name)]["State"] == "ENABLED"]
        mappings = [(name, aws.mappings[(site.region, mapping_of(name))]) for name in fencing.event_source_mappings]
        found += [name for name, mapping in mappings if mapping["State"] in ("Enabled", "Enabling")]
        return found + [
            group for group in [security_group(site.region, site.cluster)] if aws.ingress[(site.region, group)]
        ]

    def _promotion_begun(self, application: Application, mover: Mover) -> bool:
        target = application.site(mover.options.target)
        view = self.aws.globals[application.global_cluster]
        begun = (view.get("FailoverState") or {}).get("ToDbClusterArn", "").endswith(f":{target.cluster}")
        return begun or self.aws.writer(application) == target.region or application.name in mover.promoted

    def _about(self, call: Call) -> Application | None:
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
            "lambda": lambda: self.aws.mappings[(call.region, call.params["UUID"])]["FunctionName"],
            "ec2": lambda: self._behind(call.params["GroupId"]),
        }
        return self._named(str(told[call.service]()))

    def _behind(self, group: str) -> str:
        """The cluster in front of which a security group stands."""
        sites = [site for application in self.aws.applications for site in application.sites]
        return next(site.cluster for site in sites if security_group(site.region, site.cluster) == group)

    def _named(self, text: str) -> Application:
        return next(one for one in self.aws.applications if text.startswith(one.name))

    @staticmethod
    def _leads_clients(call: Call) -> bool:
        stored = call.operation == "PutItem" and call.params["Item"]["item"]["S"].startswith("switch#")
        return stored or call.operation == "PutMetricData"

    def _check_time(self, mover: Mover, began: float, stop_at: float | None) -> None:
        took = self.clock.now() - began - mover.stalled_seconds
        mode = MODES[mover.options.mode]
        budget = SLACK_SECONDS + sum(row.step.deadline_seconds for row in mode.rows)
        self._holds(took <= budget, f"the run took {took:.0f} s, and its steps have {budget:.0f} s")
        if stop_at is not None:
            late = self.clock.now() - stop_at - mover.stalled_seconds
            self._holds(late <= SLACK_SECONDS, f"the run was to be paused {late:.0f} s ago")
        if "source" not in mode.depends_on:
            region = self.aws.applications[0].other(mover.options.target).region
            lost = mover.lost_seconds.get(region, 0.0) - mover.stalled_seconds
            self._holds(lost <= LOST_REGION_SECONDS + 0.1, f"the lost region {region} cost {lost:.1f} s")

    def _check_result(
        self, mover: Mover, application: Application, one: ApplicationResult, missing: set[Acknowledged]
    ) -> None:
        changed = [call for call in mover.calls if call.mutates and self._about(call) is application]
        if one.status in (REFUSED, NOTHING):
            self._holds(not changed, f"{one.application} was {one.status}, and {changed[:1]} was called")
        assert one.status in (REFUSED, NOTHING, MOVED, FAILED, PAUSED), one.status
        if one.status in (REFUSED, FAILED):
            self._holds(bool(one.reasons), f"{one.application} was {one.status} without a reason")
        if one.status != MOVED or mover.options.mode == RECONCILE:
            return
        target = application.site(mover.options.target)
        if not mover.stalled_seconds:  # else somebody else may have moved it since its last look
            self._holds(self.aws.takes_writes(application, target.region), f"{one.application} was moved and is not")
            led = self.aws.resolve(application.traffic.names[0], (), 1).chain
            self._holds(led == (target.endpoint.host,), f"{one.application} was moved, and clients are led to {led}")
        if self.aws.writer(application) == target.region:
            self._check_loss(mover, application, one, missing)

    def _check_loss(
        self, mover: Mover, application: Application, one: ApplicationResult, before: set[Acknowledged]
    ) -> None:
        missing = self._missing(application)
        if mover.options.mode == "planned":
            lost = {write for write in set(missing) - before if not write.stray}
            self._holds(not lost, f"a planned move lost {len(lost)} acknowledged writes")
            return
        known = self.reported[application.name]
        began = float(one.began_at or 0)
        lost = {write for write in set(missing) - known if not (write.stray and write.at < began)}
        known |= lost
        self.figures["failovers measured"] += 1
        self.figures["writes lost"] += len(lost)
        bound = self._measured(application, one, mover.options.target).rpo_bound
        if bound.value is None:
            self.figures["not bounded"] += 1
            self._holds("not bounded" in bound.method, bound.method)
        elif lost:
            self.figures["bounded losses"] += 1
            true = max(write.at for write in lost) - self.cuts[application.name]
            said = f"the loss was {true:.2f} s, and is reported to be at most {bound.value:.2f} s ({bound.method})"
            self._holds(true <= bound.value + 1e-6, said)

    def _measured(self, application: Application, one: ApplicationResult, place: str) -> Measurement:
        site = application.site(place)
        rows = self.aws.tables[(site.region, site.state_table)]
        events = journaled(
            {key: row for key, row in rows.items() if key.startswith(f"{application.name}|")}, one.run_id
        )
        refusals, outages = self.aws.refusals, self.aws.outages
        self.aws.refusals, self.aws.outages = [], {}
        clients = Clients(self.clock, transport=self.aws, monotonic=self.clock.now)
        sample = replication_lag(clients, application, site, float(one.began_at or 0))
        self.aws.refusals, self.aws.outages = refusals, outages
        return measure(
            Observation(None, (), None),
            events,
            Objectives(900, 60),
            target_region=site.region,
            stable_samples=3,
            lag=Lag(sample.seconds, region=site.region, at=sample.at),
        )
