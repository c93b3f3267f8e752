# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs that do not write down what they do, or do not go on where they were."""

from __future__ import annotations

from ..patching import Rewritten

FAULTS = (
    (
        "done-job-is-not-left-again",
        "R22",
        "a run that is gone on with after its job was reconciled promotes secrets again and leaves no job",
        Rewritten("steps.leave_job:LeaveJob.calls", "open_job(found) or {}", "found or {}"),
    ),
    (
        "job-of-an-earlier-failover-written-over",
        "R8",
        "a second failover takes the open job of the first away, and with it the writes that are still to be saved",
        Rewritten("steps.leave_job:LeaveJob.calls", "**_unfinished(job, move)", "**_unfinished({}, move)"),
    ),
    (
        "job-of-another-run-written-over",
        "R8",
        "a job that somebody else has left since the table was read is written over",
        Rewritten("steps.pending_job:job_call", ", **unchanged(found)", ""),
    ),
    (
        "intent-after-the-call",
        "journal",
        "what a call is about to change is written down only when it is done",
        Rewritten(
            "runner:_Run._perform",
            'self._record(one, "intent", call, detail={"before": dict(call.before)})',
            "pass",
        ),
        Rewritten(
            "runner:_Run._perform",
            'detail = {"before": dict(call_outcome.call.before), "code": call_outcome.code}',
            'detail = {"before": dict(call_outcome.call.before), "code": call_outcome.code}\n'
            '                self._record(one, "intent", call_outcome.call)',
        ),
    ),
    (
        "intent-not-stored-before-the-call",
        "journal",
        "an intent stands only in a file that is gone with the container when the call is made",
        Rewritten(
            "runner:_Run._perform",
            "self._flush({one.course.move.application.name: one.course for one in due}.values())",
            "pass",
        ),
    ),
    (
        "result-not-written",
        "journal",
        "the journal does not say what came of a call",
        Rewritten(
            "runner:_Run._perform",
            'self._record(one, "result", call_outcome.call, call_outcome.error, detail)',
            "pass",
        ),
    ),
    (
        "run-id-not-kept",
        "journal",
        "a move that is taken up again has a new run id",
        Rewritten(
            "opening:Opening.candidate", 'run_id=found["run_id"] if found else self.run_id', "run_id=self.run_id"
        ),
    ),
    (
        "clock-starts-anew",
        "journal",
        "the time of a move that is taken up again counts from the second start",
        Rewritten(
            "opening:Opening.candidate",
            'opened_at=float(found["opened_at"]) if found else self.began_at',
            "opened_at=self.began_at",
        ),
    ),
    (
        "earlier-results-forgotten",
        "journal",
        "what an earlier process of the run has done is done again",
        Rewritten("course:Course.remember", "for event in events:", "for event in ():"),
    ),
    (
        "dead-run-not-found",
        "journal",
        "a run that died is not gone on with: another one begins",
        Rewritten(
            "opening:Opening._unfinished", "snapshot, self.began_at) else found", "snapshot, self.began_at) else None"
        ),
    ),
    (
        "old-run-never-history",
        "R19",
        "a run is taken up although the application was moved the other way since",
        Rewritten("runs:is_history", "return later or", "return"),
    ),
    (
        "failed-run-closed",
        "journal",
        "a run that failed is closed, so the same move starts anew",
        Rewritten("runner:_Run._close", "if course.ended and course.failure is None", "if course.ended"),
    ),
    (
        "one-missing-table-blinds-all",
        "R29",
        "applications that are read in one call all suffer from the table of one of them",
        Rewritten("store:read_together", "if len(tables) == 1:", "if tables:"),
    ),
    (
        "unwritten-events-forgotten",
        "journal",
        "events that could not be stored are taken for stored",
        Rewritten("journal:flush", "if journal.application not in failed:", "if True:"),
    ),
    (
        "record-tried-once",
        "journal",
        "the record by which a run is found is given up where it could not be stored at once",
        Rewritten("journal:flush", "            journal.records.clear()", "        journal.records.clear()"),
    ),
    (
        "reconciliation-hides-a-move",
        "journal",
        "a move that did not end is not found behind a reconciliation that died",
        Rewritten("opening:Opening._unfinished", "if is_move(run) is self.mode.moves", "if run"),
    ),
    (
        "reconciliation-taken-for-the-way-back",
        "journal",
        "a move that did not end is history because its application was reconciled since",
        Rewritten("runs:is_history", "is_move(held) and", "True and"),
    ),
    (
        "unknown-run-taken-for-closed",
        "journal",
        "a continuation that finds nothing of its run says that all is done",
        Rewritten("orchestrator:unfinished", "raise RecoveryError(", "return not ("),
    ),
    (
        "planned-without-a-journal",
        "journal",
        "a planned move goes on though nothing of it can be stored",
        Rewritten("runner:_Run._store_failed", "if self._depends_on_store(course):", "if False:"),
    ),
    (
        "secret-in-the-journal",
        "R29",
        "values under telling names are kept in the record of a call",
        Rewritten("clients:without_secrets", "_is_secret(key)", "False"),
    ),
    (
        "pause-not-kept",
        "budget",
        "a process that may not live long goes on beyond its time",
        Rewritten("runner:_Run._loop", "if self.stop_at is not None and clock.now() >= self.stop_at:", "if False:"),
    ),
    (
        "a-wait-without-an-end",
        "deadlines",
        "a step waits longer than it may for something that does not come",
        Rewritten("course:Course._late", "over < 0", "over < progress.step.deadline_seconds"),
    ),
    (
        "a-first-look-may-be-the-last",
        "deadlines",
        "a step that is seen for the first time after its deadline is given up without having been acted on",
        Rewritten("course:Course._late", "before is None or", "before is not None and"),
    ),
    (
        "a-slept-through-deadline-ends-a-step",
        "deadlines",
        "a process that slept past a step's deadline gives the step up without having looked again",
        Rewritten(
            "course:Course._late", "return now - progress.late_since >= progress.step.poll_seconds", "return True"
        ),
    ),
    (
        "begun-run-held-back",
        "journal",
        "a run that was begun is held back because another application may not begin",
        Rewritten("runner:_Run.go", "held_back and not one.resumed", "held_back"),
    ),
    (
        "superseded-process-overwrites-its-successor",
        "journal",
        "a process that lost its lease stores its events over those of the one that went on",
        Rewritten("runner:_Run._superseded", "course.journal.store = None", "pass"),
    ),
    (
        "gates-stop-a-run-past-return",
        "journal",
        "a run whose writer has moved is refused for the region that it has left",
        Rewritten(
            "opening:Opening.candidate",
            "if found and self.mode.moves and writer is not None and known and known.member(target) == writer:",
            "if False:",
        ),
    ),
    (
        "promoted-without-the-gates-of-a-promotion",
        "compare and set",
        "a run whose writer had moved already promotes once more where somebody moves it back, and has asked no gate",
        Rewritten(
            "opening:Opening.candidate",
            'writer.arn if writer else (found or {}).get("writer")',
            'found.get("writer") if found else (writer.arn if writer else None)',
        ),
    ),
    (
        "switchover-nobody-was-told-of-depends-on-the-old-region",
        "R2",
        "a switchover whose answer was lost is not gone on with once the region that it has left is lost",
        Rewritten(
            "runner:_Run._depends_on_store", '(course.past("promote") or course.decided)', 'course.past("promote")'
        ),
    ),
    (
        "switchover-without-the-old-regions-lease",
        "lease",
        "a switchover that was given up is asked for again without the lease that its watcher went without",
        Rewritten("runner:_Run._holds", "if depends and leases.without:", "if False:"),
    ),
    (
        "version-of-the-first-process-kept",
        "compare and set",
        "a run that is taken up after an upgrade of the engine stops at its first call, again and again",
        Rewritten(
            "opening:Opening.candidate",
            'known.engine_version if known else (found or {}).get("version")',
            'found.get("version") if found else (known.engine_version if known else None)',
        ),
    ),
    (
        "unreadable-local-journal-ends-the-move",
        "journal",
        "a copy of a journal that cannot be read ends a move that its state table tells all of",
        Rewritten("runs:LocalJournals._read", "except OSError as error:", "except InterruptedError as error:"),
    ),
    (
        "unread-journal-written-over",
        "journal",
        "a local journal that could not be read is written over",
        Rewritten("opening:Opening.candidate", "path if path not in journals.unreadable else None", "path"),
    ),
    (
        "local-run-not-told",
        "journal",
        "a run that only its local journal tells of is gone on with, and no look shows it",
        Rewritten("status:_newest", "told_locally(application, snapshot, journals)", "()"),
    ),
    (
        "accepted-fence-told-as-left",
        "R7",
        "a fence that was given up, as the operator has accepted, is told as still to be done",
        Rewritten("status:_progress", "not row.demanded(move)", "not row.required"),
    ),
    (
        "abandoned-run-told-to-go-on",
        "journal",
        "a run in whose place a new one would begin is told as one that would be gone on with",
        Rewritten(
            "status:_state", "ABANDONED if is_history(application, run, snapshot, snapshot.at) else STOPPED", "STOPPED"
        ),
    ),
    (
        "untold-journal-written-over",
        "journal",
        "a run whose journal its table does not give is gone on with from number one, over the events that are there",
        Rewritten("journal:Journal.resume", "if untold_since is not None:", "if False:"),
    ),
    (
        "local-results-forgotten",
        "journal",
        "of a run that its store knows, nothing is taken up that the local journal alone has",
        Rewritten("runs:events_of", "in journals.events(run_id)", "in ()"),
    ),
    (
        "copy-of-the-fence-stays",
        "journal",
        "a way home that died between the two state tables leaves what was shut written down in the other one",
        Rewritten(
            "steps.unfencing:ForgetFence.calls",
            "return keep_calls(world, world.move.target, ())",
            "return keep_calls(world, world.move.target, ()) if _kept(world, (INGRESS, *WRITERS)) else ()",
        ),
    ),
)
