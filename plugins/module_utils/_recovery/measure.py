# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probe samples and journal events in, measured RTO and RPO out.

Nothing here reads a clock, a file or AWS. Every figure carries the method by which it was had, and a figure that
could not be had is None with the reason: a zero would be read as "no loss".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .fields import ModelError, Problem
from .samples import NO_WRITES, Kind, Observation, Sample, Stored, interval_of
from .steps.registry import STOPS
from .waterfall import CLIENT, LETS_CLIENTS_IN, StepSpan, Waterfall, critical_path, step_spans, waterfall

EVENT_SKEW_SECONDS = 1.0
"""How far before our call, by our clock, AWS may date what followed from it."""

DEAF_INTERVALS = 4
"""A probe that started nothing for so many intervals was deaf: what happened in between is not known to better than
that.
"""
DEAF_SECONDS = 1.0
"""... but never less than this: a busy machine starts a slot late now and then."""
LATE_INTERVALS = 1.5
"""From there on a slot was late, and what the probe knows it knows worse than its interval says."""
FIRST_FAILED_WRITE, GIVEN = "the first failed write", "the time that was given"
PROMOTION, SWITCHED_OFF, FENCED_BY_AURORA = "promote", "stop-writers", "fencing-events"
"""Steps: the writer moves; schedules and mappings are switched off; what Aurora says of its own fence is heard."""
STAGES = ("decide", "fence", "promote", "scale", "verify", "shift")
ASKING = ("run-opened", "run-resumed", "gate", "lease")
"""Events from before the first step."""


@dataclass(frozen=True)
class Figure:
    """A number (seconds, or a count) with its method; without a value, `method` says why there is none."""

    value: float | None
    method: str
    begin: float | None = None
    end: float | None = None
    at_least: float | None = None

    @property
    def begins_unseen(self) -> bool:
        """Of an outage: whether there was one, or may have been, whose beginning nobody saw."""
        return self.begin is None and self.at_least is not None

    def as_dict(self) -> dict[str, Any]:
        """For the report: always a value and a method, and what else is known."""
        known = {"value": _rounded(self.value), "method": self.method}
        extra = {"begin": self.begin, "end": self.end, "at_least": self.at_least or None}  # no seconds are none to tell
        return known | {name: _rounded(number) for name, number in extra.items() if number is not None}


@dataclass(frozen=True)
class Deaf:
    """A time in which the probe started nothing (seconds since the epoch)."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long."""
        return self.end - self.begin


@dataclass(frozen=True)
class Lag:
    """The last replication lag that CloudWatch reported before the move, in seconds, and where and when it was
    read.
    """

    seconds: float | None
    metric: str = "AuroraGlobalDBReplicationLag"
    region: str | None = None
    at: float | None = None


@dataclass(frozen=True)
class Stage:
    """A stage of the move: from the beginning of its first step to the end of its last. Stages overlap."""

    name: str
    begin: float
    end: float
    steps: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long the stage lasted, in seconds."""
        return max(0.0, self.end - self.begin)


@dataclass(frozen=True)
class Objectives:
    """What the inventory asks for, in seconds."""

    rto_seconds: float
    rpo_seconds: float


@dataclass(frozen=True)
class Verdict:
    """pass, fail, or not measured, with one line a reason."""

    word: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Measurement:
    """All figures of one move of one application."""

    rto_writes: Figure
    rto_reads: Figure
    dns: Figure
    rpo_lost_writes: Figure
    rpo: Figure
    rpo_bound: Figure
    stages: tuple[Stage, ...]
    detect: Figure
    client: Figure
    verdict: Verdict
    deaf: tuple[Deaf, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    steps: tuple[StepSpan, ...] = ()
    critical: tuple[str, ...] = ()
    waterfall: Waterfall = field(default_factory=Waterfall)
    lost: tuple[Sample, ...] = ()
    since: str = FIRST_FAILED_WRITE
    """What the outage of writes is counted from."""


def checked_begin(
    given: float | None, observation: Observation, events: Iterable[Mapping[str, Any]], now: float
) -> float | None:
    """The time that was given for the beginning of the outage; ModelError where nothing can have begun then.

    An outage of this move began before the move was opened or while the probe looked, and in no case in the future.
    """
    seen = [sample.ended_at for sample in observation.samples]
    known = [at for at in (max(seen, default=None), _first(events, "run-opened")) if at is not None]
    latest = min(now, max(known, default=now))
    if given is None or (math.isfinite(given) and given <= latest):
        return given
    wanted = f"seconds since the epoch, not after {latest:.3f}, when the probe ended or the run was opened"
    raise ModelError([Problem("outage_began_at", given, wanted)])


def measure(
    observation: Observation,
    events: Sequence[Mapping[str, Any]],
    objectives: Objectives,
    *,
    target_region: str,
    stable_samples: int,
    lag: Lag | None = None,
    outage_began_at: float | None = None,
) -> Measurement:
    """Measures one move.

    `outage_began_at` (seconds since the epoch) is for a probe that was started when the application was down
    already, and comes from other evidence, such as an alarm; the figures say that it was given. It can make an outage
    longer, never shorter: where the probe saw it begin before, what was seen counts.
    """
    interval = interval_of(observation)
    timeout = observation.vantage.timeout_seconds if observation.vantage else None
    opened_at = _first(events, "run-opened")
    deaf = deaf_times(observation, interval)
    writes = _outage("write", observation.of("write"), opened_at, stable_samples, interval, timeout, outage_began_at)
    reads = _outage("read", observation.of("read"), opened_at, stable_samples, interval, timeout, outage_began_at)
    writes = _seen_whole(writes, "write", observation, events, interval, outage_began_at)
    reads = _seen_whole(reads, "read", observation, events, interval, outage_began_at)
    began, since = _began(writes, outage_began_at, opened_at)
    stored = _after_the_promotion(observation.stored, events)
    lost, loss = _loss(observation.of("write"), stored, opened_at if began is None else began, target_region)
    dns = _dns(
        observation.of("dns"),
        target_region,
        _counted_from(writes, began, opened_at),
        "the opening of the run" if began is None else since,
        stable_samples,
        interval,
    )
    steps = step_spans(events)
    path = critical_path(steps)
    fall = _waterfall(writes, opened_at, path)
    return Measurement(
        rto_writes=writes,
        rto_reads=reads,
        dns=_seen_to_the_end(dns, observation.of("dns"), events, interval),
        rpo_lost_writes=lost,
        rpo=loss,
        rpo_bound=_bound(lag, _stop_of_writes(events), _is_switchover(events)),
        stages=stages_of(events),
        detect=_detect(began, since, opened_at, writes),
        client=_client(writes, fall, path),
        verdict=judge_reads(reads, objectives) if observation.only_reads else judge(writes, loss, objectives),
        deaf=deaf,
        counts=_counts(observation),
        steps=steps,
        critical=tuple(span.name for span in path),
        waterfall=fall,
        lost=_missing(observation.of("write"), stored, target_region),
        since=since,
    )


def judge(rto: Figure, rpo: Figure, objectives: Objectives) -> Verdict:
    """Compares with the objectives. One figure that fails is enough to fail; one that is missing is enough not to
    pass.
    """
    reasons = []
    words = []
    for name, figure, wanted in (("RTO", rto, objectives.rto_seconds), ("RPO", rpo, objectives.rpo_seconds)):
        if figure.value is None:
            failed = figure.at_least is not None and figure.at_least > wanted
            words.append("fail" if failed else "not measured")
            reasons.append(f"{name} not measured: {figure.method}")
        else:
            words.append("pass" if figure.value <= wanted else "fail")
            sign = "within" if figure.value <= wanted else "over"
            reasons.append(f"{name} {figure.value:.2f} s is {sign} the objective of {wanted:g} s")
    word = next((word for word in ("fail", "not measured") if word in words), "pass")
    return Verdict(word, tuple(reasons))


def judge_reads(reads: Figure, objectives: Objectives) -> Verdict:
    """For an application that offers no numbered writes: its reads can fail the objective, and nothing passes it.

    That clients could read says nothing about writes, nor about what was lost.
    """
    over = next((value for value in (reads.value, reads.at_least) if value is not None), 0.0) > objectives.rto_seconds
    if reads.value is None:
        reason = f"RTO of reads not measured: {reads.method}"
    else:
        sign = "over" if over else "within"
        reason = f"RTO of reads {reads.value:.2f} s is {sign} the objective of {objectives.rto_seconds:g} s"
    return Verdict("fail" if over else "not measured", (reason, f"RTO of writes and RPO not measured: {NO_WRITES}"))


def deaf_times(observation: Observation, interval: float) -> tuple[Deaf, ...]:
    """When the probe started nothing although slots were due."""
    started = sorted({sample.started_at for sample in observation.samples})
    patience = _patience(interval)
    return tuple(Deaf(before, after) for before, after in itertools.pairwise(started) if after - before > patience)


def stages_of(events: Sequence[Mapping[str, Any]]) -> tuple[Stage, ...]:
    """The stages that the journal tells of, in the order of a move.

    Gates and lease are no steps: `decide` begins when the run is opened and ends with the last of them before the first
    step. Steps are told as `step_spans` tells them, also where the run was gone on with.
    """
    steps = step_spans(events)
    begun = min((span.begin for span in steps), default=math.inf)
    asked = [float(event["at"]) for event in events if event["kind"] in ASKING and event["at"] <= begun]
    found = []
    for name in STAGES:
        own = [span for span in steps if span.stage == name]
        more = asked if name == "decide" else []
        begins, ends = [span.begin for span in own] + more, [span.end for span in own] + more
        if begins:
            found.append(Stage(name, min(begins), max(ends), tuple(span.name for span in own)))
    return tuple(found)


def _outage(
    kind: str,
    samples: Sequence[Sample],
    opened_at: float | None,
    stable: int,
    interval: float,
    timeout: float | None,
    given: float | None,
) -> Figure:
    """From the first failed sample to the first of an unbroken good series that lasts to the end of the observation.

    A good series begins when the first sample of it was *acknowledged*, not when it was sent: one that a server held
    back during the outage and answered after it says when the outage was over, not that there was none.
    """
    if not samples:
        return Figure(None, f"the probe made no {kind}s")
    failed = _failures_of_the_move(samples, opened_at, stable)
    if not failed:
        return _no_outage(kind, samples, opened_at, interval, timeout, given)
    first, last = failed[0], failed[-1]
    series = samples[last + 1 :]
    seen_at = samples[first].started_at
    taken = given is not None and given <= seen_at
    begin = seen_at if given is None else min(given, seen_at)
    unwatched = math.inf if first == 0 else seen_at - samples[first - 1].started_at
    known_begin = begin if taken or unwatched <= _patience(interval) else None
    unused = (
        "" if given is None or taken else f"; {GIVEN} was not used: a {kind} had failed {given - seen_at:.2f} s before"
    )
    if not series:
        return Figure(
            None,
            f"{kind}s had not come back when the probe ended{unused}",
            begin=known_begin,
            at_least=samples[-1].ended_at - begin,
        )
    end = min(sample.ended_at for sample in series)
    if len(series) < stable:
        return Figure(
            None,
            f"only {len(series)} good {kind}s followed the last failed one, {stable} are asked for{unused}",
            begin=known_begin,
            at_least=end - begin,
        )
    if first == 0 and not taken:
        return Figure(
            None,
            f"the first {kind} of the probe had failed already: the outage began before it{unused}",
            end=end,
            at_least=max(0.0, end - begin),
        )
    edges = [("ended", series[0].started_at - samples[last].started_at)]
    if not taken:
        edges.append(("began", unwatched))
    for edge, gap in edges:
        if gap > _patience(interval):
            return Figure(
                None,
                f"the probe was deaf for {gap:.1f} s where the outage {edge}{unused}",
                begin=known_begin,
                end=end,
                at_least=max(0.0, end - begin - gap),
            )
    count = sum(1 for sample in samples[first : last + 1] if not sample.ok)
    since = GIVEN if taken else f"the first failed {kind}"
    method = (
        f"from {since} to the first of {len(series)} {kind}s without a failure to the end of the probe; "
        f"{count} failed; one {kind} each {interval:g} s{_held_up(edges, interval)}{unused}"
    )
    return Figure(max(0.0, end - begin), method, begin=begin, end=end)


def _held_up(edges: Sequence[tuple[str, float]], interval: float) -> str:
    """What the probe knew worse than its interval says: the outage's edges lie somewhere between two samples."""
    late = [(edge, gap) for edge, gap in edges if gap > LATE_INTERVALS * interval]
    if not late:
        return ""
    where = " and ".join(edge for edge, _gap in reversed(late))
    return f", but known to {sum(gap for _edge, gap in late):.2f} s, as the probe was held up where the outage {where}"


def _began(writes: Figure, given: float | None, opened_at: float | None) -> tuple[float | None, str]:
    """When the outage of writes began, as far as that is known, and what says so.

    A probe that was deaf, or not there yet, when the outage began knows no beginning; a time that was given and is
    later than that write tells none either. Where no write of the move failed, the given one can only have been
    before the move.
    """
    if writes.begin is not None:
        return writes.begin, GIVEN if writes.begin == given else FIRST_FAILED_WRITE
    if given is None or writes.begins_unseen or (opened_at is not None and given > opened_at):
        return None, FIRST_FAILED_WRITE
    return given, GIVEN


def _counted_from(writes: Figure, began: float | None, opened_at: float | None) -> float | None:
    """What DNS is counted from: the outage of writes, or the opening of the run where there was none."""
    return began if began is not None or writes.begins_unseen else opened_at


def _failures_of_the_move(samples: Sequence[Sample], opened_at: float | None, stable: int) -> list[int]:
    """The positions of the failed samples that belong to the move.

    These are all after the run was opened, and those before it that no stable series parts from them: an unplanned
    move is opened during the outage. An earlier hiccup which the application got over by itself does not count.
    """
    failed = [position for position, sample in enumerate(samples) if not sample.ok]
    if opened_at is None:
        return failed
    during = [position for position in failed if samples[position].ended_at >= opened_at]
    if not during:
        # The failures may have ended just before the run was opened and belong to it all the same.
        opened = sum(1 for sample in samples if sample.ended_at < opened_at)
        during = [position for position in failed[-1:] if opened - position <= stable]
    if not during:
        return []
    first = during[0]
    for position in reversed([one for one in failed if one < first]):
        if first - position > stable:
            break
        first = position
    return [position for position in failed if position >= first]


def _seen_whole(
    figure: Figure,
    kind: Kind,
    observation: Observation,
    events: Sequence[Mapping[str, Any]],
    interval: float,
    given: float | None,
) -> Figure:
    """The figure, unless the run had changed something before the probe began, as when it is gone on with by a second
    process, or the probe ended before the move did: what clients suffered while nobody looked was not seen.

    Nor was it seen then when that began: the first failure that a late probe saw may have been one of many.
    """
    changed_at, samples = _first(events, "intent"), observation.of(kind)
    if not samples:
        return figure
    late = 0.0 if changed_at is None else samples[0].started_at - changed_at
    if late > _patience(interval):
        known_begin = figure.begin if figure.begin == given else None
        reason = f"the probe began {late:.1f} s after the run had begun to change things"
        return replace(_voided(figure, reason), begin=known_begin)
    return _seen_to_the_end(figure, samples, events, interval)


def _seen_to_the_end(
    figure: Figure, samples: Sequence[Sample], events: Sequence[Mapping[str, Any]], interval: float
) -> Figure:
    """The figure, unless the probe had died, or its time was over, before clients were let in."""
    moved_at = _moved_at(events)
    if moved_at is None or not samples:
        return figure
    early = moved_at - samples[-1].ended_at
    if early > _patience(interval):
        return _voided(figure, f"the probe ended {early:.1f} s before the move did")
    return figure


def _voided(figure: Figure, reason: str) -> Figure:
    """No figure, for this reason where it had none yet: what was seen is the least that it can be."""
    return figure if figure.value is None else replace(figure, value=None, method=reason, at_least=figure.value)


def _no_outage(
    kind: str,
    samples: Sequence[Sample],
    opened_at: float | None,
    interval: float,
    timeout: float | None,
    given: float | None,
) -> Figure:
    """No failure is a measured zero only where somebody looked all the time.

    A request that was held and then answered within the timeout is no failure: clients waited for it, and an outage
    that ended meanwhile is not told from a slow answer.
    """
    begin = samples[0].started_at if opened_at is None else opened_at
    none = f"no {kind} of the move failed"
    if given is not None:
        return Figure(None, f"{none}, although an outage is said to have begun: it was not seen")
    if opened_at is not None and not samples[0].started_at <= opened_at <= samples[-1].ended_at:
        return Figure(None, f"the probe made no {kind}s when the move began")
    started = [sample.started_at for sample in samples if sample.ended_at >= begin - interval]
    gap = max((after - before for before, after in itertools.pairwise(started)), default=0.0)
    if gap > _patience(interval):
        return Figure(None, f"{none}, but the probe was deaf for {gap:.1f} s")
    slowest = max(sample.ended_at - sample.started_at for sample in samples if sample.ok)
    apart = f" and once {gap:.2f} s apart" if gap > LATE_INTERVALS * interval else ""
    failed = sum(1 for sample in samples if not sample.ok)
    count = f"none of {len(samples)} {kind}s failed"
    if failed:
        count = f"{none}; {failed} of {len(samples)} had failed before it and are not of it"
    held = "than the slowest good one took" if timeout is None else f"than the timeout of {timeout:g} s"
    return Figure(
        0.0,
        f"{count}, one each {interval:g} s{apart}: an outage shorter than that may have been missed and, where "
        f"requests are held and then answered, one shorter {held}; the slowest took {slowest:.2f} s",
    )


def _dns(
    samples: Sequence[Sample],
    target: str,
    begin: float | None,
    since: str,
    stable: int,
    interval: float,
) -> Figure:
    """From the beginning of the write outage to the first of an unbroken series of answers that lead to the
    target.
    """
    if not samples:
        return Figure(None, "the probe made no DNS queries")
    if begin is None:
        return Figure(None, "it is not known when the outage began")
    # A query that got no answer led nobody anywhere: it is counted, and is no break in the series.
    asked, samples = samples, [sample for sample in samples if sample.ok]
    if not samples:
        return Figure(None, f"none of {len(asked)} DNS queries was answered")
    elsewhere = [position for position, sample in enumerate(samples) if sample.region != target]
    if elsewhere and elsewhere[-1] == len(samples) - 1:
        return Figure(
            None,
            f"DNS did not lead to {target} when the probe ended",
            begin=begin,
            at_least=max(0.0, samples[-1].ended_at - begin),
        )
    last = elsewhere[-1] if elsewhere else -1
    series = samples[last + 1 :]
    if len(series) < stable:
        return Figure(
            None,
            f"only {len(series)} answers led to {target} without a break, {stable} are asked for",
            begin=begin,
            at_least=max(0.0, series[0].ended_at - begin),
        )
    if last < 0:
        return _never_elsewhere(samples, target, begin, since, interval)
    if series[0].started_at - samples[last].started_at > _patience(interval):
        return Figure(
            None,
            f"the probe was deaf for {series[0].started_at - samples[last].started_at:.1f} s when the answers changed",
            begin=begin,
        )
    method = (
        f"from {since} to the first of {len(series)} answers without a break that lead to {target}, "
        f"asked of the nameserver anew each time ({len(asked) - len(samples)} of {len(asked)} queries unanswered); "
        "clients may believe the old answer for its TTL longer"
    )
    return Figure(max(0.0, series[0].ended_at - begin), method, begin=begin, end=series[0].ended_at)


def _never_elsewhere(samples: Sequence[Sample], target: str, begin: float, since: str, interval: float) -> Figure:
    """That all answers led to the target is a measured zero only where the first was had when the outage began."""
    late = samples[0].started_at - begin
    every = f"every one of {len(samples)} answers led to {target}"
    if late > _patience(interval):
        return Figure(None, f"{every}, but the first was asked for {late:.1f} s after {since}", begin=begin)
    return Figure(0.0, f"{every} from the first on")


def _loss(writes: Sequence[Sample], stored: Stored | None, began: float | None, target: str) -> tuple[Figure, Figure]:
    """Writes that were acknowledged and are missing afterwards: how many, and over what time.

    A probe that wrote nothing before the outage has nothing that could be lost by it: that is no zero. What is missing
    of the writes that it made later is lost all the same.
    """
    acknowledged = sorted((sample for sample in writes if sample.ok), key=lambda one: one.ended_at)
    if not acknowledged:
        reason = "no write was acknowledged" if writes else "the probe made no writes"
        return Figure(None, reason), Figure(None, reason)
    missing = _missing(acknowledged, stored, target)
    if not missing and began is not None and acknowledged[0].ended_at > began:
        reason = "the probe had no write acknowledged before the outage or the move began"
        return Figure(None, reason), Figure(None, reason)
    reason = _unread(stored, target)
    if reason:
        return Figure(None, reason), Figure(None, reason)
    counted = f"{len(acknowledged)} numbered writes were acknowledged, {len(missing)} of them are missing afterwards"
    if not missing:
        return Figure(0, counted), Figure(0.0, counted)
    before = [sample.ended_at for sample in acknowledged if sample.ended_at < missing[0].ended_at]
    begin = before[-1] if before else missing[0].started_at
    end = missing[-1].ended_at
    method = f"{counted}: from the last that was kept before the first that was lost, to the last that was lost"
    return Figure(len(missing), counted), Figure(end - begin, method, begin=begin, end=end)


def _after_the_promotion(stored: Stored | None, events: Sequence[Mapping[str, Any]]) -> Stored | None:
    """What was read back, unless that was before the promotion was done: until then nothing can have been lost by it,
    and an application that does not tell its region has answered from the one that is left.
    """
    promoted_at = _last_done(events, PROMOTION)
    begun = any(event["kind"] == "step-begin" and event.get("step") == PROMOTION for event in events)
    early = begun if promoted_at is None else stored is not None and stored.at < promoted_at
    if stored is None or stored.numbers is None or not early:
        return stored
    return replace(stored, numbers=None, error="the probe asked for it before the promotion was done")


def _unread(stored: Stored | None, target: str) -> str:
    """Why it is not known what the region that was moved to has; empty where it is.

    The region that was left has all that it acknowledged: its answer says nothing about a loss. An application that
    does not tell its region is believed.
    """
    if stored is None or stored.numbers is None:
        return f"what is stored could not be read back: {'the probe was cut short' if stored is None else stored.error}"
    if stored.region is not None and stored.region != target:
        return f"what is stored was read in {stored.region}, not in {target}"
    return ""


def _missing(writes: Iterable[Sample], stored: Stored | None, target: str) -> tuple[Sample, ...]:
    """Writes that were acknowledged and are not stored, in the order of their acknowledgement."""
    if stored is None or stored.numbers is None or _unread(stored, target):
        return ()
    lost = (sample for sample in writes if sample.ok and sample.number not in stored.numbers)
    return tuple(sorted(lost, key=lambda one: one.ended_at))


def _is_switchover(events: Iterable[Mapping[str, Any]]) -> bool:
    return any(
        event["kind"] == "run-opened" and (event.get("detail") or {}).get("mode") == "planned" for event in events
    )


class Stop(NamedTuple):
    """When nothing at the old site wrote any more, and who says so."""

    at: float
    by: str


def _bound(lag: Lag | None, stop: Stop | None, switchover: bool) -> Figure:
    """The bound on a loss that the lag allows (R10): the lag alone is none, as the old writer may have gone on."""
    if switchover:
        return Figure(
            0.0, "a switchover: Aurora stops the writes and waits for the new writer to have them all (R1, R11)"
        )
    if lag is None or lag.seconds is None:
        return Figure(None, "not bounded: no lag is known from before the move")
    source = f"{lag.metric} of {lag.seconds:.2f} s" + (f" read in {lag.region}" if lag.region else "")
    if lag.at is None:
        return Figure(None, f"not bounded: {source}, but it is not known when")
    if stop is None:
        return Figure(None, f"not bounded: {source}, but it was not confirmed that the old writer stopped")
    if stop.at < lag.at:
        return Figure(lag.seconds, f"{source}, from after the writes had stopped, {stop.by}")
    return Figure(
        lag.seconds + stop.at - lag.at,
        f"{source}, and the {stop.at - lag.at:.1f} s from that sample to the confirmed stop of writes, {stop.by}",
    )


def _stop_of_writes(events: Iterable[Mapping[str, Any]]) -> Stop | None:
    """When the old writer was known to have stopped: writes blocked (Aurora's, R7), else our own fence whole.

    A run that is gone on with looks at all of it again, and what it finds then counts: the site may have been opened in
    between by another run. What Aurora told before the promotion was last asked for is of an earlier one.
    """
    stopped: dict[str, float] = {}
    asked_at = 0.0
    for event in events:
        step, detail, at = str(event.get("step") or ""), event.get("detail") or {}, float(event["at"])
        if event["kind"] == "step-begin":
            stopped.pop(step, None)
        elif event["kind"] == "intent" and step == PROMOTION:
            asked_at = at
        elif event["kind"] == "step-done" and step in STOPS and not _goes_on(step, detail):
            stopped[step] = at
        elif event["kind"] == "step-done" and step == FENCED_BY_AURORA and detail.get("outcome") == "confirmed":
            told_at = float(detail.get("at") or at)
            if told_at >= asked_at - EVENT_SKEW_SECONDS:
                stopped[step] = told_at
    if FENCED_BY_AURORA in stopped:
        return Stop(stopped[FENCED_BY_AURORA], "which Aurora's own event tells")
    if stopped.keys() >= set(STOPS):  # until the last of them, something could still write (R25)
        fenced_at = max(stopped[step] for step in STOPS)
        return Stop(fenced_at, "by our own fence: what else still held a connection to the database is not counted")
    return None


def _goes_on(step: str, detail: Mapping[str, Any]) -> bool:
    """Whether a part of the fence that is done leaves something that may write: what is listed and was not found, and
    what a schedule or a mapping had begun before it was switched off (a function may run for 15 minutes).
    """
    return bool(detail.get("missing")) or (step == SWITCHED_OFF and bool(detail.get("shut")))


def _detect(began: float | None, since: str, opened_at: float | None, writes: Figure) -> Figure:
    if opened_at is None:
        return Figure(None, "there is no journal")
    if began is None:
        quiet = writes.value is not None
        return Figure(None, "no write of the move failed" if quiet else "it is not known when the outage began")
    if began >= opened_at:
        return Figure(0.0, "the outage began with the move itself")
    method = f"from {since} to the opening of the run"
    return Figure(opened_at - began, method, begin=began, end=opened_at)


def _waterfall(writes: Figure, opened_at: float | None, path: Sequence[StepSpan]) -> Waterfall:
    """Only an outage that was measured is cut into parts."""
    if writes.value is None:
        return Waterfall(reason=f"the RTO was not measured: {writes.method}")
    if writes.begin is None or writes.end is None:
        return Waterfall(reason="no write of the move failed")
    return waterfall(writes.begin, writes.end, opened_at, path)


def _client(writes: Figure, fall: Waterfall, path: Sequence[StepSpan]) -> Figure:
    """What was left to the clients after the last step that they waited for had ended."""
    if writes.end is None or not path:
        return Figure(None, "the end of the outage or of the steps is not known")
    if not fall.segments:
        return Figure(None, fall.reason)
    method = f"from the end of {path[-1].name}, the last step that clients waited for, to the first good write"
    begin = min(writes.end, max(path[-1].end, writes.begin or path[-1].end))
    return Figure(fall.parts()[CLIENT] / 1000, method, begin=begin, end=writes.end)


def _counts(observation: Observation) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for sample in observation.samples:
        of_kind = counts.setdefault(sample.kind, {"made": 0, "good": 0, "failed": 0})
        of_kind["made"] += 1
        of_kind["good" if sample.ok else "failed"] += 1
    return counts


def _first(events: Iterable[Mapping[str, Any]], kind: str) -> float | None:
    return min((float(event["at"]) for event in events if event["kind"] == kind), default=None)


def _last_done(events: Iterable[Mapping[str, Any]], step: str | None = None) -> float | None:
    """When this step, or the last of all, was done. A run that is gone on with looks at all of it again, and what it
    finds then counts.
    """
    done = (event for event in events if event["kind"] == "step-done" and step in (None, event.get("step")))
    return max((float(event["at"]) for event in done), default=None)


def _moved_at(events: Sequence[Mapping[str, Any]]) -> float | None:
    """When clients had been let in; where they never were, when the last step was done, or else the run was closed."""
    ends = (_last_done(events, LETS_CLIENTS_IN), _last_done(events), _first(events, "run-closed"))
    return next((at for at in ends if at is not None), None)


def _patience(interval: float) -> float:
    return max(DEAF_SECONDS, DEAF_INTERVALS * interval)


def _rounded(value: float | None) -> float | None:
    return round(value, 3) if isinstance(value, float) else value
