# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A random world: clients, an AWS that fails, movers that die and race. What must hold of it is in ``invariants``."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from unit.recovery.simulated_aws import Bench, Call, Delays, Killed

from plugins.module_utils._recovery.errors import CallFailed
from plugins.module_utils._recovery.reconcile import options_of
from plugins.module_utils._recovery.results import MOVED, NOTHING, MoveResult
from plugins.module_utils._recovery.runner import Options, run_move

from . import steps
from .customers import Customers
from .invariants import PLANNED, RECONCILE, UNPLANNED, Invariants
from .mover import Mover, by_moment
from .turns import Turns

NAMES = ("shop", "blog")
RTO_SECONDS = 300.0
"""Of a failover in a world in which nothing else is wrong: launches, promotion and DNS take 13 s of it."""


class World:
    """One random world."""

    def __init__(self, seed: int = 0) -> None:
        self.bench = Bench.of(*NAMES, secrets_promote="unplanned")
        self.aws, self.clock = self.bench.aws, self.bench.clock
        self.aws.checks_requests = False
        self.aws.delays = Delays(launch=5.0, promote=5.0, dns=3.0, fencing_event=0.5)
        self.aws.refusals = [self._refused]
        self.throttled_every = 0
        self.sent = 0
        self.figures: Counter[str] = Counter()
        self.customers = Customers(self.aws, self.clock)
        self.must = Invariants(self.aws, self.clock, self.customers, self.figures)
        self.turns = Turns(self.clock, random.Random(seed))
        self.movers: list[Mover] = []

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
                    self.customers.write()
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
                aws.launches_take(seconds)
            case steps.InstancesLost(place):
                aws.lose_instances(self._region(place))
            case steps.MovedByHand(place):
                self._move_by_hand(place)
            case steps.DnsDelay(seconds):
                aws.delays.dns = seconds
            case steps.Promotion(seconds, fencing, resynchronise):
                aws.promotions_take(seconds)
                aws.fencing, aws.delays.resynchronise = fencing, resynchronise
            case steps.Move():
                self._move(step)
            case _:
                raise TypeError(f"{step} happens only to a mover")
        self._keep_lost_writes()
        if not self.movers:
            self.must.after_step()
        if self.must.failure is not None:
            raise self.must.failure

    def _keep_lost_writes(self) -> None:
        """What a failover has left behind is kept in a snapshot, as soon as the region there answers (R8)."""
        for application in self.aws.applications:
            log = self.aws.logs[application.name]
            site = application.site_in(log.stranded_in) if log.stranded_in else None
            if site is not None and site.region not in self.aws.outages:
                log.stranded_in = None
                self.aws.keep_lost_writes(site)

    def _move_by_hand(self, place: str) -> None:
        for application in self.aws.applications:
            if self.aws.switch_over_by_hand(application, self._region(place)):
                self.must.unsettled.add(application.name)  # nobody leads the clients after it
                self.must.by_hand[application.name] = self.clock.now()
                self.figures["moved by hand"] += 1

    def settle(self) -> None:
        """All heals. The application can be moved and can be moved in a disaster; then there is nothing left to do."""
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
        self._reconcile()
        for target in ("dr", "primary"):
            self._moved_for_sure(steps.Move(target, PLANNED))
        self._fail_over()
        self._reconcile()
        # The way home as on a bad day: the region that is left answers, and is fenced.
        self._moved_for_sure(steps.Move("primary", UNPLANNED, accept_unfenced=False))
        self._reconcile()

    def _reconcile(self) -> None:
        for living in steps.PLACES:
            result = self._move(steps.Move(living, RECONCILE))
            assert result is not None
            assert result.ok, f"once all has healed, what a failover left cannot be reconciled: {_said(result)}"

    def _moved_for_sure(self, move: steps.Move) -> None:
        result = self._move(move)
        assert result is not None
        assert result.ok, f"once all has healed, a {move.mode} move to {move.target} is {_said(result)}"
        again = self._move(move)
        assert again is not None
        assert [one.status for one in again.applications] == [NOTHING] * len(NAMES), _said(again)
        self.happen(steps.Pass(7200.0))
        for application in self.aws.applications:
            led = self.aws.resolve(application.traffic.names[0], (), 1).chain
            assert led == (application.site(move.target).endpoint.host,), f"{application.name} is led to {led}"
        self.customers.write()

    def _fail_over(self) -> None:
        """The region that serves is lost while clients write, and its standby is behind."""
        self.happen(steps.ClientWrites(4, 0.2))
        self.happen(steps.ReplicationLag(60.0, True))
        self.happen(steps.ClientWrites(4, 0.2))
        self.happen(steps.Outage("primary", "hang", True))
        began = self.clock.now()
        result = self._move(steps.Move("dr", UNPLANNED))
        assert result is not None
        assert [one.status for one in result.applications] == [MOVED] * len(NAMES), f"a failover is {_said(result)}"
        took = self.clock.now() - began
        assert took <= RTO_SECONDS, f"a failover took {took:.0f} s"
        self.happen(steps.Heal("primary"))
        self.happen(steps.ReplicationLag(0.1, True))
        self.happen(steps.Pass(7200.0))

    def _region(self, place: str) -> str:
        return self.aws.applications[0].site(place).region

    def _refused(self, call: Call) -> CallFailed | None:
        self.sent += 1
        if self.throttled_every and self.sent % self.throttled_every == 0:
            return CallFailed(call.region, call.service, call.operation, "ThrottlingException", "Rate exceeded")
        if call.service == "rds" and call.operation == "FailoverGlobalCluster":
            name = str(call.params["GlobalClusterIdentifier"]).removesuffix("-global")
            self.must.cuts[name] = self.aws.replication.through(self.clock.now())
        return None

    # Movers

    def _move(self, step: steps.Move) -> MoveResult | None:
        """One mover to its end; a second one is at work beside the first, and goes on when that has ended."""
        if len(self.movers) == 2:
            return None  # a third mover shows nothing that two do not
        if self.movers:
            self.figures["second movers"] += 1
            self.turns.begin(lambda: self._moved(step))
            return None
        try:
            result = self._moved(step)
            self.turns.finish()
            return result
        finally:
            self.turns.close()
            self.movers.clear()

    def _moved(self, step: steps.Move) -> MoveResult | None:
        # What its operators know: the old site may be alive and a move just over. That is waived, and all else is not.
        waived = ("old-site-down", "block-period") if step.mode == UNPLANNED else ()
        accepted = {"accept_data_loss": step.accept_data_loss, "accept_unfenced": step.accept_unfenced}
        if step.mode == RECONCILE:
            options = options_of(next(place for place in steps.PLACES if place != step.target))
        else:
            options = Options(step.target, step.mode, waive=waived, **accepted)
        if step.breaks_lease:
            options = replace(options, break_lease=self.must.holding_run())
        happening, strikes = by_moment(step.meanwhile), by_moment(step.strikes)
        mover = Mover(self.aws, self.clock, options, self, self.turns, happening, strikes)
        self.movers.append(mover)
        for one in self.movers:
            one.alone = len(self.movers) == 1
        try:
            return self._run(mover, None if step.stop_after is None else mover.began + step.stop_after)
        finally:
            if mover in self.movers:
                self.movers.remove(mover)

    def _run(self, mover: Mover, stop_at: float | None) -> MoveResult | None:
        self.figures["moves"] += 1
        applications = self.aws.applications
        missing = {one.name: set(self.customers.missing(one)) for one in applications}
        try:
            result = run_move(applications, mover.options, mover.tools(), stop_at=stop_at)
        except (Killed, KeyboardInterrupt):
            result = None
        self.figures["calls"] += len(mover.calls)
        self.must.after_run(mover, stop_at)
        changed = {one.name for call in mover.calls if call.mutates and (one := self.must.about(call))}
        if result is None:
            self.must.unsettled |= changed
            return None
        for one, application in zip(result.applications, applications, strict=True):
            self.figures[one.status] += 1
            past_it = self.must.by_hand.get(one.application, 0.0) >= mover.began
            if one.ok and not past_it and mover.options.mode != RECONCILE:
                self.must.unsettled.discard(one.application)
            elif one.application in changed:
                self.must.unsettled.add(one.application)
            self.must.check_result(mover, application, one, missing[one.application])
        return result

    # What movers tell

    def before_call(self, mover: Mover, call: Call, deadline_seconds: float) -> None:
        """See ``Watcher``."""
        self.must.before_call(mover, call, deadline_seconds)

    def leases_written(self, mover: Mover) -> None:
        """See ``Watcher``."""
        self.must.leases_written(mover)

    def waited(self) -> None:
        """Clients go on while a mover waits, and AWS does."""
        self.customers.write()
        self._keep_lost_writes()

    def struck(self, mover: Mover, strike: steps.Step) -> None:
        """For the figures."""
        match strike:
            case steps.Kill(after):
                said = "killed after a call" if after else "killed before a call"
            case steps.LoseAnswer():
                said = "answers lost"
            case _:
                said = "aborted"
        at_change = bool(mover.calls) and mover.calls[-1].mutates and mover.calls[-1].service != "dynamodb"
        self.figures[f"{said}{' that changes' if at_change else ''}"] += 1


def _said(result: MoveResult) -> str:
    return "; ".join(f"{one.application}: {one.status} {'; '.join(one.reasons)}" for one in result.applications)
