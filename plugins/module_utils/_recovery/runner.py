# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moves any number of applications at once.

One loop for all: read what the steps under way look at (one call per region and kind), let each course decide on that
snapshot, write the intents, look once more at what the calls depend on, make them, write the results. A step begins as
soon as those it needs have ended, and every wait has a deadline with a reason. Run again, an unfinished move goes on
under its run id; a finished one is found to be done and nothing is called that changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from . import results
from .calls import CallOutcome, PlannedCall
from .course import Course, Due
from .errors import LeaseLost, RecoveryError
from .gates.ruling import to_be_said
from .guards import CHANGED, LOOK_AGAIN, NOT_SENT, Judgement, Say, judge, wanted
from .journal import Journal, flush
from .lease import Lease
from .leases import Leases
from .leases_together import free_tokens, release_together, renew_together, take_together
from .model import Access, Application
from .opening import Candidate, Opening, opening, store_of, survey
from .options import Options
from .performer import Performer
from .reading.parts import Wanted
from .reading.reader import WorldReader
from .results import ApplicationResult, MoveResult
from .snapshot import Snapshot
from .speaking import Line, Speaker
from .standstill import nobody_serves
from .steps.base import SOURCE
from .steps.registry import MODES, Mode
from .store import RUN, Item, Store, run_item
from .tools import Tools

__all__ = ["Line", "MoveResult", "Options", "Tools", "run_move"]

T = TypeVar("T")


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
        self.speaker = Speaker(self.tools.progress, clock.now)
        self.courses: dict[str, Course] = {}
        self.released = False

    def go(self, check: bool) -> MoveResult:
        began_at = self.tools.clock.now()
        snapshot = self.reader.read(Snapshot(began_at), survey(self.applications, self.options, self.mode))
        found = Opening(self.options, self.mode, self.tools, began_at, self.run_id)
        candidates = [found.candidate(application, snapshot) for application in self.applications]
        outcomes: dict[str, ApplicationResult] = {}
        held_back = self.mode.together and any(one.blocking for one in candidates if not one.idle)
        begin: list[Candidate] = []
        for one in candidates:
            if one.idle:
                outcomes[one.name] = one.result(results.NOTHING)
            elif one.blocking:
                outcomes[one.name] = one.result(results.REFUSED, one.blocking)
            elif held_back and not one.resumed:  # what was begun may have a writer here and clients there
                reason = "held back: another application of this move may not begin"
                outcomes[one.name] = one.result(results.REFUSED, (reason,))
            elif check:
                outcomes[one.name] = one.result(results.PLANNED)
            else:
                begin.append(one)
        if begin:
            self._move(begin, snapshot)
            outcomes.update({one.name: self._result(one) for one in begin})
        return MoveResult(tuple(outcomes[application.name] for application in self.applications))

    def _move(self, begin: Sequence[Candidate], snapshot: Snapshot) -> None:
        for region in {one.move.side(side).region for one in begin for side in self.mode.depends_on}:
            self.tools.depend(region, True)
        try:
            self._open(begin, snapshot)
            self._loop(snapshot)
            self._close()
        except (Exception, KeyboardInterrupt) as error:
            # The journal is written whatever happens. The leases are kept until they run out by themselves: a call
            # may still be on its way.
            for course in self.courses.values():
                why = f"{type(error).__name__}: {error}".rstrip(": ")
                course.journal.append("run-stopped", "decide", reason=f"the process was stopped: {why}")
            self._flush(self.courses.values())
            raise

    def _open(self, candidates: Sequence[Candidate], snapshot: Snapshot) -> None:
        opened = [self._course(one) for one in candidates]
        for course in opened:
            course.see(snapshot)
        self.reader.events_since = min(course.move.opened_at for course in opened) - 1
        take_together([course.leases for course in opened], free_tokens((one.move for one in candidates), snapshot))
        self._gather([partial(self._take_leases, course) for course in opened])
        for one, course in zip(candidates, opened, strict=True):
            self.courses[one.name] = course
            if course.failure is None:
                self._say_opened(one, course)
                course.journal.records = self._records(course, closed=False)
        self._flush(opened)

    def _course(self, one: Candidate) -> Course:
        clock, move = self.tools.clock, one.move
        journal = Journal(move.run_id, one.name, clock, store_of(self.tools, move), one.journal)
        journal.resume(one.events, untold_since=move.opened_at if one.untold else None)
        document = {**opening(move, self.mode, self.options), "opened_at": move.opened_at}
        leases = []
        for side in self.mode.leases:
            site = move.side(side)
            store = Store(self.tools.caller, site.access, site.state_table)
            leases.append(Lease(store, one.name, move.run_id, clock, document))
        course = Course(move, self.mode, journal, one.plan, Leases(leases))
        course.remember(one.events)
        return course

    def _take_leases(self, course: Course) -> None:
        say = partial(self.speaker.note, course.move, "lease")
        try:
            course.leases.take(say, self.options.break_lease, all_of_them=self._depends_on_store(course))
        except LeaseLost as error:
            self._superseded(course, error)
        except RecoveryError as error:
            course.leases = Leases()
            course.fail(f"the lease cannot be taken: {error}; {self._way_out()}")
        for region, why in course.leases.missing.items():
            self._note_lease(course, region, "moving without a lease", why)

    @staticmethod
    def _release(course: Course) -> None:
        for error in course.leases.release():
            course.notes.append(f"the lease was not given back and runs out by itself: {error}")

    def _gather(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Tasks that turn what may go wrong into values: any other error is a fault of ours and ends the run."""
        outcomes = []
        for outcome in self.tools.workers.gather(tasks):
            if isinstance(outcome, Exception):
                raise outcome
            outcomes.append(outcome)
        return outcomes

    def _say_opened(self, one: Candidate, course: Course) -> None:
        journal, move = course.journal, course.move
        # Whoever goes on with a run may accept more than who began it, and need not be the same.
        told = any(event["kind"] == "run-opened" for event in journal.events)
        kind, at = ("run-resumed", None) if told else ("run-opened", move.opened_at)
        journal.append(kind, "decide", detail=opening(move, self.mode, self.options), at=at)
        course.notes += one.notes
        course.notes += to_be_said(one.rulings, self.options.operator)
        for line in course.notes:
            self.speaker.note(move, "gates", line)
        for ruling in one.rulings:
            who = {"waived_by": self.options.operator} if ruling.waived and self.options.operator else {}
            said = {**ruling.described(), **who}
            journal.append("gate", "decide", step=ruling.gate.name, reason=ruling.answer.reason or None, detail=said)
        for broken in course.leases.broken:
            reason = f"the operator broke the lease of run {broken['run_id']} in {broken['region']}"
            course.notes.append(reason)
            journal.append("lease", "decide", reason=reason, detail={"broken": dict(broken)})
        journal.append("lease", "decide", detail={"tokens": course.leases.tokens(), "resumed": one.resumed})
        for region, error in course.leases.missing.items():
            journal.append("lease", "decide", reason=f"going without a lease in {region}: {error}")

    def _records(self, course: Course, closed: bool) -> list[Item]:
        """What tells the next process of the run."""
        move = course.move
        document = {
            **opening(move, self.mode, self.options),
            "run_id": move.run_id,
            "opened_at": move.opened_at,
            "closed_at": self.tools.clock.now() if closed else None,
        }
        names = (RUN, run_item(move.run_id)) if self.mode.moves else (run_item(move.run_id),)
        return [Item(move.application.name, name, document) for name in names]

    def _store_failed(self, course: Course, error: str) -> None:
        what = f"the state store in {course.move.target.region} takes no writes"
        if self._depends_on_store(course):
            course.fail(f"{what}: {error}; {self._way_out()}")
        else:
            course.note(what, error)

    def _depends_on_store(self, course: Course) -> bool:
        """A planned move does until the writer moves; from then on clients would be worse off if it stopped.

        What AWS says of the writer counts as well: the process that asked for it may have died before it knew.
        """
        return self.mode.needs_store and not (self.mode.moves and (course.past("promote") or course.decided))

    def _way_out(self) -> str:
        """What can be done where a move depends on a store and cannot have it."""
        again = "run the same again once that is mended"
        return f"{again}, or fail over unplanned" if self.mode.moves else again

    def _flush(self, courses: Iterable[Course]) -> None:
        """Store what the journals have, in one go for all applications of a region."""
        by_name = {course.move.application.name: course for course in courses}
        regions: dict[Access, list[Journal]] = {}
        for course in by_name.values():
            if not course.journal.saved:
                regions.setdefault(course.move.target.access, []).append(course.journal)
        for errors in self._gather([partial(flush, journals) for journals in regions.values()]):
            for name, error in errors.items():
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
            self.speaker.look_at(active)
            self._release_source()
            if due:
                snapshot = self._perform(due, snapshot)
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

    def _release_source(self) -> None:
        """Once all writers have moved, the regions that were left may be lost: they cost their budget and no more."""
        if self.released or not self.mode.moves or SOURCE not in self.mode.depends_on:
            return
        if all(course.past_for_good("promote") for course in self.courses.values()):
            self.released = True
            targets = {course.move.target.region for course in self.courses.values()}
            for region in {course.move.source.region for course in self.courses.values()} - targets:
                self.tools.depend(region, False)

    def _renew(self, courses: Sequence[Course]) -> None:
        renew_together(course.leases for course in courses)
        self._gather([partial(self._renew_leases, course) for course in courses if course.leases.due()])

    def _renew_leases(self, course: Course) -> None:
        try:
            for region, error in course.leases.renew_due().items():
                self._note_lease(course, region, f"the lease in {region} could not be renewed", error)
            for region in course.leases.take_again(self.options.break_lease):
                reason, tokens = f"the lease in {region} was taken late", course.leases.tokens()
                course.journal.append("lease", "decide", reason=reason, detail={"tokens": tokens})
        except LeaseLost as error:
            self._superseded(course, error)

    @staticmethod
    def _superseded(course: Course, error: LeaseLost) -> None:
        """Another process has the lease, maybe of this very run: its events must not be overwritten by ours."""
        course.journal.store = None
        course.journal.append("lease", "decide", reason=str(error), detail={"lost": True})
        course.fail(str(error))

    def _holds(self, course: Course, seconds: float) -> bool:
        """Whether a call that may take so long may be made; without a lease where the store is no condition."""
        leases = course.leases
        try:
            errors = leases.renew_for(seconds)
        except LeaseLost as error:
            self._superseded(course, error)
            return False
        depends = self._depends_on_store(course)
        if depends and leases.without:  # the promotion that let it go without them was given up
            regions = ", ".join(lease.region for lease in leases.without)
            course.fail(f"the writer has not moved, and there is no lease in {regions}; {self._way_out()}")
            return False
        if leases.covers(seconds):
            return True
        why = "; ".join(errors.values()) or "it takes too long to renew"
        if depends:
            course.fail(f"the lease does not outlast the next call: {why}; {self._way_out()}")
            return False
        for region in leases.drop(seconds):
            self._note_lease(course, region, f"going on without a lease in {region}", errors.get(region, why))
        return True

    def _note_lease(self, course: Course, region: str, what: str, why: str) -> None:
        """That the other region of an unplanned move is silent is what such a move is for, and is told elsewhere."""
        if self.mode.needs_store or region == course.move.target.region:
            course.note(what, why)

    def _perform(self, due: Sequence[Due], snapshot: Snapshot) -> Snapshot:
        """Intents first, for all; a look at what they depend on; then the calls, side by side; then the results.

        Results reach the store before the run waits or acts again, and the local file at once.
        """
        for one in due:
            for call in one.calls:
                if call.journaled:
                    self._record(one, "intent", call, detail={"before": dict(call.before)})
        self._flush({one.course.move.application.name: one.course for one in due}.values())
        due = [one for one in due if one.course.failure is None]
        snapshot = self._look_once_more(due, snapshot)
        for one in due:
            one.course.see(snapshot)
        by_course: dict[str, list[tuple[Due, Mapping[int, Judgement]]]] = {}
        for one in due:
            judged = {id(call): self._judge(one, call, snapshot) for call in one.calls}
            by_course.setdefault(one.course.move.application.name, []).append((one, judged))
        groups = list(by_course.values())
        for outcome in self._gather([partial(self._make, group) for group in groups]):
            for one, call_outcome in outcome:
                one.course.take(one.progress, call_outcome)
                if call_outcome.call.journaled:
                    detail = {"before": dict(call_outcome.call.before), "code": call_outcome.code}
                    self._record(one, "result", call_outcome.call, call_outcome.error, detail)
        return snapshot

    def _look_once_more(self, due: Sequence[Due], snapshot: Snapshot) -> Snapshot:
        wishes = [
            wish for one in due for call in one.calls for wish in wanted(one.progress.step, one.course.move, call)
        ]
        return self.reader.read(snapshot, wishes) if wishes else snapshot

    @staticmethod
    def _judge(one: Due, call: PlannedCall, snapshot: Snapshot) -> Judgement:
        planned = one.course.planned(one.progress, call)
        return judge(one.progress.step, one.course.move, call, planned, snapshot)

    def _make(self, group: Sequence[tuple[Due, Mapping[int, Judgement]]]) -> list[tuple[Due, CallOutcome]]:
        made: list[tuple[Due, CallOutcome]] = []
        for one, judged in group:
            for call in one.calls:
                judgement = judged[id(call)]
                if judgement.say is not Say.SEND:
                    code = CHANGED if judgement.say is Say.STOP else LOOK_AGAIN
                    outcome = CallOutcome(call, self.tools.clock.now(), judgement.reason, code)
                elif call.mutates and not self._holds(one.course, call.deadline_seconds):
                    return made
                else:
                    outcome = self.performer.perform(one.course.move.application, call)
                made.append((one, outcome))
                if not outcome.ok and (not call.optional or outcome.code in NOT_SENT):
                    break
        return made

    def _record(
        self, one: Due, kind: str, call: PlannedCall, reason: str | None = None, detail: dict[str, Any] | None = None
    ) -> None:
        step = one.progress.step
        one.course.journal.append(kind, step.stage, step=step.name, call=call.summary(), reason=reason, detail=detail)

    def _close(self) -> None:
        """Close what is done. What is not stays open, so that the same move run again goes on with it."""
        done = [course for course in self.courses.values() if course.ended and course.failure is None]
        for course in done:
            course.journal.append("run-closed", "shift", detail={"changed": course.changed, "notes": course.notes})
            course.journal.records = self._records(course, closed=True)
        self._flush(self.courses.values())
        for course in self.courses.values():
            if course.journal.trouble:
                course.note("the journal has no local copy", course.journal.trouble)
        release_together(course.leases for course in self.courses.values())
        self._gather([partial(self._release, course) for course in self.courses.values()])

    def _result(self, one: Candidate) -> ApplicationResult:
        course = self.courses[one.name]
        status = results.MOVED if course.failure is None else results.FAILED
        if not course.ended:
            status = results.PAUSED
        path, reasons = course.journal.path, [course.failure] if course.failure else []
        left = one.move.source
        if course.failure and (line := nobody_serves(course.journal.events, left.place, left.region, one.name)):
            reasons.append(line)
        return replace(
            one.result(status, tuple(reasons)),
            run_id=course.move.run_id,
            changed=course.changed,
            notes=tuple(course.notes),
            steps=tuple(progress.summary() for progress in course.steps.values()),
            began_at=course.move.opened_at,
            ended_at=self.tools.clock.now(),
            journal=str(path) if path else None,
        )
