# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moves any number of applications at once.

One loop for all: read what the steps under way look at (one call per region and kind), let each course decide on that
snapshot, write the intents, make the calls, write the results. A step begins as soon as those it needs have ended, and
every wait has a deadline with a reason. Run again, an unfinished move goes on under its run id; a finished one is
found to be done and nothing is called that changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from . import results
from .calls import CallOutcome, PlannedCall
from .clients import Caller
from .course import Course, Due, Phase, Progress
from .errors import LeaseLost, RecoveryError
from .fields import ModelError, Problem
from .gates import Ruling, check_waivers, evaluate, in_the_way, to_be_said
from .journal import INTENTS, Journal, flush, new_run_id, read_file
from .lease import Lease, unreleased_run
from .model import PLACES, Application
from .performer import Performer
from .plan import Plan, make_plan
from .ports import ApplicationClient, Clock, Resolver, Workers
from .reading import Wanted, WorldReader
from .results import ApplicationResult, MoveResult
from .snapshot import Facet, GlobalCluster, Snapshot, Unknown
from .steps.base import Move
from .steps.registry import MODES, Mode
from .store import LEASE, RUN, Item, Store, run_item

HEARTBEAT_SECONDS = 10.0
FORGOTTEN_SECONDS = 86400.0
"""A run that was left alone for a day is not gone on with: a new one begins, with all that goes with it."""

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """What the operator said. ``intent`` only says what for: drill, failover or failback."""

    target: str
    mode: str
    intent: str = ""
    accept_data_loss: bool = False
    waive: tuple[str, ...] = ()

    def checked(self) -> Options:
        """The same with its default intent; raises ModelError or RecoveryError."""
        intent = self.intent or ("failback" if self.target == "primary" else "failover")
        problems = []
        for name, value, choices in (
            ("target", self.target, PLACES),
            ("mode", self.mode, tuple(MODES)),
            ("intent", intent, INTENTS),
        ):
            if value not in choices:
                problems.append(Problem(name, value, "one of " + ", ".join(choices)))
        if intent == "drill" and self.mode == "unplanned":
            problems.append(Problem("mode", self.mode, "planned: a drill is a switchover"))
        if problems:
            raise ModelError(problems)
        check_waivers(self.waive)
        return replace(self, intent=intent)


@dataclass(frozen=True)
class Line:
    """One line of progress."""

    application: str
    stage: str
    step: str
    phase: str
    elapsed_seconds: float
    waiting_for: str

    def __str__(self) -> str:
        """As people see it."""
        waiting = f": {self.waiting_for}" if self.waiting_for else ""
        return f"{self.application} | {self.stage} | {self.step} | {self.elapsed_seconds:.0f} s | {self.phase}{waiting}"


def _silent(line: Line) -> None:
    del line


@dataclass(frozen=True)
class Tools:
    """What a run is handed."""

    caller: Caller
    clock: Clock
    workers: Workers
    resolver: Resolver
    client: ApplicationClient
    journal_dir: Path | None = None
    progress: Callable[[Line], None] = _silent


def run_move(
    applications: Sequence[Application],
    options: Options,
    tools: Tools,
    *,
    check: bool = False,
    run_id: str | None = None,
    stop_at: float | None = None,
) -> MoveResult:
    """Move the applications, or say what stands in the way.

    ``check`` makes no call that changes anything and returns the plan. ``run_id`` names a new run (one that is taken up
    again keeps its own). ``stop_at`` (epoch seconds) pauses the run at that time, for a process that may not live long.
    """
    return _Run(tuple(applications), options.checked(), tools, run_id, stop_at).go(check)


@dataclass(frozen=True)
class _Candidate:
    """An application before its move has begun."""

    move: Move
    plan: Plan
    rulings: tuple[Ruling, ...]
    events: tuple[dict[str, Any], ...] = ()
    resumed: bool = False

    @property
    def name(self) -> str:
        return self.move.application.name

    @property
    def idle(self) -> bool:
        return self.plan.empty and not self.resumed

    @property
    def blocking(self) -> tuple[str, ...]:
        return in_the_way(self.rulings)

    def gates(self) -> tuple[dict[str, Any], ...]:
        return tuple(
            {
                "gate": ruling.gate.name,
                "rule": ruling.gate.rule,
                "answer": ruling.answer.verdict.value,
                "reason": ruling.answer.reason,
                "blocks": ruling.blocks,
                "waived": ruling.waived,
            }
            for ruling in self.rulings
        )

    def result(self, status: str, reasons: tuple[str, ...] = ()) -> ApplicationResult:
        return ApplicationResult(
            application=self.name,
            status=status,
            run_id=self.move.run_id if self.resumed else None,
            changed=status == results.PLANNED,
            reasons=reasons,
            gates=self.gates(),
            plan=tuple(self.plan.described()),
            bookkeeping=tuple(self.plan.bookkeeping()),
            resumed=self.resumed,
        )


@dataclass
class _Run:
    applications: tuple[Application, ...]
    options: Options
    tools: Tools
    run_id: str | None
    stop_at: float | None
    mode: Mode = field(init=False)

    def __post_init__(self) -> None:
        self.mode = MODES[self.options.mode]
        clock = self.tools.clock
        self.reader = WorldReader(self.tools.caller, clock, self.tools.workers, self.tools.resolver)
        self.performer = Performer(self.tools.caller, self.tools.client, clock)
        self.began_at = clock.now()
        self.courses: dict[str, Course] = {}
        self.spoken: dict[tuple[str, str], tuple[str, float]] = {}

    def go(self, check: bool) -> MoveResult:
        snapshot = self.reader.read(Snapshot(self.tools.clock.now()), self._survey())
        candidates = [self._candidate(application, snapshot) for application in self.applications]
        outcomes: dict[str, ApplicationResult] = {}
        held_back = self.mode.together and any(one.blocking for one in candidates if not one.idle)
        begin: list[_Candidate] = []
        for one in candidates:
            if one.idle:
                outcomes[one.name] = one.result(results.NOTHING)
            elif one.blocking:
                outcomes[one.name] = one.result(results.REFUSED, one.blocking)
            elif held_back:
                reason = "held back: another application of this move may not begin"
                outcomes[one.name] = one.result(results.REFUSED, (reason,))
            elif check:
                outcomes[one.name] = one.result(results.PLANNED)
            else:
                begin.append(one)
        if begin:
            self._open(begin)
            self._loop(snapshot)
            self._close()
            outcomes.update({one.name: self._result(one) for one in begin})
        return MoveResult(tuple(outcomes[application.name] for application in self.applications))

    def _survey(self) -> Iterable[Wanted]:
        """All that gates and steps look at, read once."""
        for application in self.applications:
            target = application.site(self.options.target)
            source = application.other(self.options.target)
            both = [Facet.CLUSTERS, Facet.GROUPS, Facet.STATE]
            facets = {target: [*both, Facet.GLOBAL, Facet.HOSTS, Facet.TARGETS, Facet.LAG, Facet.KEYS, Facet.DNS]}
            facets[source] = list(both)
            if self.mode.asks_route53:
                facets[target].append(Facet.RECORDS)
                facets[source].append(Facet.GLOBAL)
            if application.secrets_promote != "never" and self.mode.loses_data:
                facets[target].append(Facet.SECRETS)
            for site, kinds in facets.items():
                for facet in kinds:
                    yield Wanted(facet, application, site)

    def _candidate(self, application: Application, snapshot: Snapshot) -> _Candidate:
        target = application.site(self.options.target)
        view = snapshot.global_cluster(application, target, application.other(self.options.target))
        writer = view.writer if isinstance(view, GlobalCluster) else None
        found = self._unfinished(application, snapshot)
        self.run_id = self.run_id or new_run_id(self.began_at, self.options.intent)
        move = Move(
            application=application,
            place=self.options.target,
            planned=self.mode.name == "planned",
            intent=self.options.intent,
            run_id=found["run_id"] if found else self.run_id,
            accept_data_loss=self.options.accept_data_loss,
            opened_at=float(found["opened_at"]) if found else self.began_at,
            writer_at_start=found.get("writer") if found else (writer.arn if writer else None),
        )
        plan = make_plan(move, self.mode, snapshot)
        events = self._events_of(move) if found else ()
        rulings = () if plan.empty else evaluate(move, snapshot, self.options.waive)
        return _Candidate(move, plan, rulings, events, found is not None)

    def _unfinished(self, application: Application, snapshot: Snapshot) -> dict[str, Any] | None:
        """The run of the same move that has not ended, from the store or else from the local journals."""
        target = application.site(self.options.target)
        item = snapshot.item(application, target, RUN)
        lease = snapshot.item(application, target, LEASE)
        if isinstance(item, Unknown) or isinstance(lease, Unknown):
            item, lease = self._unfinished_local(application), None
        held = unreleased_run(lease) if lease else None
        if held and not (item and item.get("run_id") == held["run_id"]):
            item = held  # the process died between taking the lease and storing the run
        same = item and item.get("target") == self.options.target and item.get("mode") == self.options.mode
        if not item or not same or item.get("closed_at") or self._superseded(application, item, snapshot):
            return None
        return dict(item)

    def _superseded(self, application: Application, run: Mapping[str, Any], snapshot: Snapshot) -> bool:
        """Whether a run that never ended is history: it is old, or the application was moved the other way since."""
        opened_at = float(run["opened_at"])
        back = snapshot.item(application, application.other(self.options.target), RUN)
        later = isinstance(back, Mapping) and float(back.get("opened_at", 0)) > opened_at
        return later or self.began_at - opened_at > FORGOTTEN_SECONDS

    def _unfinished_local(self, application: Application) -> dict[str, Any] | None:
        folder = self.tools.journal_dir / application.name if self.tools.journal_dir else None
        newest = max(folder.glob("*.jsonl"), default=None) if folder and folder.is_dir() else None
        events = read_file(newest) if newest else []
        if not events or events[0]["kind"] != "run-opened" or any(one["kind"] == "run-closed" for one in events):
            return None
        return {**events[0]["detail"], "run_id": events[0]["run_id"], "opened_at": events[0]["at"]}

    def _events_of(self, move: Move) -> tuple[dict[str, Any], ...]:
        """The store's events and the local file's: each may hold some that the other one has not."""
        path = self._path(move)
        known = {event["seq"]: event for event in (read_file(path) if path and path.exists() else ())}
        try:
            items = self._store(move).documents(move.application.name, f"journal#{move.run_id}#")
        except RecoveryError:
            items = []
        known.update({int(item.document["seq"]): dict(item.document) for item in items})
        return tuple(known[seq] for seq in sorted(known))

    def _store(self, move: Move) -> Store:
        return Store(self.tools.caller, move.target.access, move.target.state_table)

    def _path(self, move: Move) -> Path | None:
        folder = self.tools.journal_dir
        return folder / move.application.name / f"{move.run_id}.jsonl" if folder else None

    def _open(self, candidates: Sequence[_Candidate]) -> None:
        opened = [self._course(one) for one in candidates]
        self.reader.events_since = min(course.move.opened_at for course in opened) - 1
        self._gather([partial(self._take_lease, course) for course in opened])
        for one, course in zip(candidates, opened, strict=True):
            self.courses[one.name] = course
            if course.failure is None:
                self._say_opened(one, course)
        self._store_runs([course for course in opened if course.failure is None], closed=False)
        self._flush(opened)

    def _course(self, one: _Candidate) -> Course:
        clock = self.tools.clock
        move = one.move
        journal = Journal(move.run_id, one.name, clock, self._store(move), self._path(move))
        journal.resume(one.events)
        course = Course(move, self.mode, journal)
        opening = {**self._opening(move), "opened_at": move.opened_at}
        course.lease = Lease(self._store(move), one.name, move.run_id, clock, opening)
        course.remember(one.events)
        return course

    def _take_lease(self, course: Course) -> None:
        if course.lease is None:
            return

        def say(seconds: float) -> None:
            text = f"an earlier process of this run may be alive; in {seconds:.0f} s its lease has run out"
            self.tools.progress(self._said(course.move, "lease", text))

        try:
            course.lease.take_over(say)
        except LeaseLost as error:
            course.fail(str(error))
        except RecoveryError as error:
            course.lease = None
            if self.mode.needs_store:
                course.fail(f"the lease cannot be taken: {error}")
            else:
                course.notes.append(f"moving without a lease: {error}")

    @staticmethod
    def _release(course: Course) -> None:
        if course.lease is None or not course.lease.token:
            return
        try:
            course.lease.release()
        except RecoveryError as error:
            course.notes.append(f"the lease was not given back and runs out by itself: {error}")

    def _gather(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Tasks that turn what may go wrong into values: any other error is a fault of ours and ends the run."""
        outcomes = []
        for outcome in self.tools.workers.gather(tasks):
            if isinstance(outcome, Exception):
                raise outcome
            outcomes.append(outcome)
        return outcomes

    def _say_opened(self, one: _Candidate, course: Course) -> None:
        journal, move = course.journal, course.move
        if not one.resumed:
            journal.append("run-opened", "decide", detail=self._opening(move), at=move.opened_at)
        course.notes += to_be_said(one.rulings)
        for line in course.notes:
            self.tools.progress(self._said(move, "gates", line))
        for ruling, said in zip(one.rulings, one.gates(), strict=True):
            journal.append("gate", "decide", step=ruling.gate.name, reason=ruling.answer.reason or None, detail=said)
        token = course.lease.token if course.lease else None
        journal.append("lease", "decide", detail={"token": token, "resumed": one.resumed})

    def _opening(self, move: Move) -> dict[str, Any]:
        return {
            "target": move.place,
            "mode": self.mode.name,
            "intent": move.intent,
            "writer": move.writer_at_start,
            "from_region": move.source.region,
            "to_region": move.target.region,
            "accept_data_loss": move.accept_data_loss,
            "waive": list(self.options.waive),
        }

    def _store_runs(self, courses: Sequence[Course], closed: bool) -> None:
        by_store: dict[Store, list[Item]] = {}
        for course in courses:
            move = course.move
            document = {
                **self._opening(move),
                "run_id": move.run_id,
                "opened_at": move.opened_at,
                "closed_at": self.tools.clock.now() if closed else None,
            }
            items = [Item(move.application.name, name, document) for name in (RUN, run_item(move.run_id))]
            by_store.setdefault(self._store(move), []).extend(items)
        for store, items in by_store.items():
            try:
                store.write(items)
            except RecoveryError as error:
                for course in courses:
                    if self._store(course.move) == store:
                        self._store_failed(course, str(error))

    def _store_failed(self, course: Course, error: str) -> None:
        what = f"the state store in {course.move.target.region} takes no writes"
        if self._depends_on_store(course):
            course.fail(f"{what}: {error}")
        else:
            course.note(what, error)

    def _depends_on_store(self, course: Course) -> bool:
        """A planned move does until the writer moves; from then on clients would be worse off if it stopped."""
        return self.mode.needs_store and not course.past("promote")

    def _flush(self, courses: Iterable[Course]) -> None:
        by_name = {course.move.application.name: course for course in courses}
        for name, error in flush(course.journal for course in by_name.values()).items():
            self._store_failed(by_name[name], error)

    def _loop(self, snapshot: Snapshot) -> None:
        clock = self.tools.clock
        while active := [course for course in self.courses.values() if not course.ended]:
            began = [course.begin_ready() for course in active]
            self._renew(active)
            snapshot = self.reader.read(snapshot, self._wanted(active))
            ended, due = False, list[Due]()
            for course in active:
                course_ended, course_due = course.look(snapshot, clock.now())
                ended = ended or course_ended
                due += course_due
            self._speak(active)
            if due:
                self._perform(due)
            if self.stop_at is not None and clock.now() >= self.stop_at:
                return
            if not (due or ended or any(began)):  # else something is new: look again at once
                self._flush([course for course in active if course.journal.pressing()])
                clock.wait(self._pause(active))

    def _wanted(self, courses: Iterable[Course]) -> Iterable[Wanted]:
        for course in courses:
            for watch in course.watches():
                yield Wanted(watch.facet, course.move.application, course.move.side(watch.side))

    def _pause(self, courses: Iterable[Course]) -> float:
        return min((one.step.poll_seconds for course in courses for one in course.running()), default=0.0)

    def _renew(self, courses: Iterable[Course]) -> None:
        for course in courses:
            if course.lease is None or not course.lease.due():
                continue
            try:
                course.lease.renew()
            except LeaseLost as error:
                course.fail(str(error))
            except RecoveryError as error:
                course.note("the lease could not be renewed", str(error))

    def _holds(self, course: Course, seconds: float) -> bool:
        """Whether a call that may take so long may be made; without a lease where the store is no condition."""
        lease = course.lease
        if lease is None or lease.covers(seconds):
            return True
        try:
            lease.renew()
            return True
        except LeaseLost as error:
            course.fail(str(error))
        except RecoveryError as error:
            if not self._depends_on_store(course):
                course.lease = None
                course.note("going on without a lease", str(error))
                return True
            course.fail(f"the lease does not outlast the next call: {error}; run the same move again")
        return False

    def _perform(self, due: Sequence[Due]) -> None:
        """Intents first, for all; then the calls, application beside application; then the results.

        Results reach the store before the run waits or acts again, and the local file at once.
        """
        for one in due:
            for call in one.calls:
                if call.journaled:
                    self._record(one, "intent", call, detail={"before": dict(call.before)})
        self._flush({one.course.move.application.name: one.course for one in due}.values())
        by_course: dict[str, list[Due]] = {}
        for one in due:
            if one.course.failure is None:
                by_course.setdefault(one.course.move.application.name, []).append(one)
        groups = list(by_course.values())
        for outcome in self._gather([partial(self._make, group) for group in groups]):
            for one, call_outcome in outcome:
                one.course.take(one.progress, call_outcome)
                if call_outcome.call.journaled:
                    detail = {"before": dict(call_outcome.call.before), "code": call_outcome.code}
                    self._record(one, "result", call_outcome.call, call_outcome.error, detail)

    def _make(self, group: Sequence[Due]) -> list[tuple[Due, CallOutcome]]:
        made: list[tuple[Due, CallOutcome]] = []
        for one in group:
            for call in one.calls:
                if call.mutates and not self._holds(one.course, call.deadline_seconds):
                    return made
                outcome = self.performer.perform(one.course.move.application, call)
                made.append((one, outcome))
                if not outcome.ok and not call.optional:
                    break
        return made

    def _record(
        self, one: Due, kind: str, call: PlannedCall, reason: str | None = None, detail: dict[str, Any] | None = None
    ) -> None:
        step = one.progress.step
        one.course.journal.append(kind, step.stage, step=step.name, call=call.summary(), reason=reason, detail=detail)

    def _speak(self, courses: Iterable[Course]) -> None:
        """A line for what is new, and from time to time for what has not changed."""
        now = self.tools.clock.now()
        for course in courses:
            for name, progress in course.steps.items():
                if progress.phase is Phase.WAITING:
                    continue
                key, said = (course.move.application.name, name), f"{progress.phase.value} {progress.reason}"
                before = self.spoken.get(key)
                if before is not None and before[0] == said:
                    recent = now - before[1] < HEARTBEAT_SECONDS
                    if recent or progress.phase is not Phase.RUNNING:
                        continue
                self.spoken[key] = (said, now)
                self.tools.progress(self._line(course, progress, now))

    def _said(self, move: Move, step: str, text: str) -> Line:
        elapsed = self.tools.clock.now() - move.opened_at
        return Line(move.application.name, "decide", step, "note", elapsed, text)

    @staticmethod
    def _line(course: Course, progress: Progress, now: float) -> Line:
        return Line(
            course.move.application.name,
            progress.step.stage,
            progress.step.name,
            "waiting for" if progress.phase is Phase.RUNNING else progress.phase.value,
            now - course.move.opened_at,
            progress.reason,
        )

    def _close(self) -> None:
        """Close what is done. What is not stays open, so that the same move run again goes on with it."""
        done = [course for course in self.courses.values() if course.ended and course.failure is None]
        for course in done:
            course.journal.append("run-closed", "shift", detail={"changed": course.changed, "notes": course.notes})
        self._store_runs(done, closed=True)
        self._flush(self.courses.values())
        self._gather([partial(self._release, course) for course in self.courses.values()])

    def _result(self, one: _Candidate) -> ApplicationResult:
        course = self.courses[one.name]
        status = results.MOVED if course.failure is None else results.FAILED
        if not course.ended:
            status = results.PAUSED
        path = course.journal.path
        return replace(
            one.result(status, (course.failure,) if course.failure else ()),
            run_id=course.move.run_id,
            changed=course.changed,
            notes=tuple(course.notes),
            steps=tuple(progress.summary() for progress in course.steps.values()),
            began_at=course.move.opened_at,
            ended_at=self.tools.clock.now(),
            journal=str(path) if path else None,
        )
