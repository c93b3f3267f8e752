# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""State: is it there, does somebody else move, and what was said before?"""

from __future__ import annotations

from collections.abc import Mapping

from ..lease import run_of, seconds_left
from ..readiness_document import LONGEST_AGE_SECONDS, age_in_words, found_in
from ..snapshot import GlobalCluster, Snapshot, Unknown
from ..steps.base import Move
from ..steps.pending_job import open_job, reconcile_command
from ..steps.registry import MODES
from ..store import LEASE, READINESS, RUN, pending_item
from .answers import Answer, Verdict, fails, holds, summed_up, unknown


def state_store(move: Move, snapshot: Snapshot) -> Answer:
    """The state table in the target's region answers: journal and lease live there (R29)."""
    found = snapshot.item(move.application, move.target, RUN)
    return unknown(found.reason) if isinstance(found, Unknown) else holds()


def lease_free(move: Move, snapshot: Snapshot) -> Answer:
    """No other run holds a lease that the move takes, unless the operator has named it to be broken."""
    said: Answer = holds()
    mode = MODES[move.mode]
    for side in mode.leases:
        site = move.side(side)
        found = snapshot.item(move.application, site, LEASE)
        if isinstance(found, Unknown):
            if site == move.target or mode.needs_store:  # else it is a region that may be lost
                said = unknown(found.reason)
            continue
        run, left = run_of(found or {}), seconds_left(found or {}, snapshot.at)
        if not left or run == move.run_id:
            continue
        if run != move.break_lease:
            seconds = f"its lease in {site.region} runs out in {left:.0f} s"
            return fails(f"run {run} moves {move.application.name}; {seconds}. If it is dead: break_lease={run}")
        if said.verdict is Verdict.HOLDS:
            said = holds(f"the lease of run {run} is to be broken")
    return said


def reconciled(move: Move, snapshot: Snapshot) -> Answer:
    """Nothing waits to be reconciled at either site after an unplanned move away from it (R8).

    Where the target was promoted before, the other site may still have a writer that nobody has fenced: its switch is
    not to be opened as if it were a standby. What waits at a site that has the writer is no reason to keep the
    application from it: nothing is promoted, and what was shut there is opened.
    """
    silent, said, wrong = list[str](), list[str](), list[str]()
    view = snapshot.global_cluster(move.application, move.target, move.source)
    serving = view.writer_among(move.application.sites) if isinstance(view, GlobalCluster) else None
    for keeper, left in ((move.source, move.target), (move.target, move.source)):
        found = snapshot.item(move.application, keeper, pending_item(left.place))
        if isinstance(found, Unknown):
            silent.append(found.reason)
            continue
        job = open_job(found)
        if job is None or job.get("run_id") == move.run_id:
            continue
        waits = f"run {job.get('run_id')} left a job for {left.region}"
        if left == serving == move.target:
            said.append(f"{waits}, which has the writer: it may be done afterwards")
        else:
            wrong.append(f"{waits}: run {reconcile_command(left.place)} first")
    return summed_up(wrong, silent, "; ".join(said))


def data_loss(move: Move, snapshot: Snapshot) -> Answer:
    """The operator has accepted that data may be lost."""
    del snapshot
    if move.accept_data_loss:
        return holds("accept_data_loss is true")
    return fails("an unplanned move may lose data: say accept_data_loss=true, or move planned")


def block_period(move: Move, snapshot: Snapshot) -> Answer:
    """No unplanned move soon after another move: signals flap, and each reversal may lose writes (R19).

    A move that did not end counts from its beginning, where it may have moved the writer that this one moves back.
    """
    silent, others = list[str](), list[tuple[float, str]]()
    for site in (move.target, move.source):
        run = snapshot.item(move.application, site, RUN)
        if isinstance(run, Unknown):
            silent.append(run.reason)
        elif isinstance(run, Mapping) and run.get("run_id") != move.run_id:
            if run.get("closed_at"):
                others.append((float(run["closed_at"]), f"run {run.get('run_id')} ended"))
            elif site == move.source and _may_have_moved_the_writer(run, move, snapshot):
                others.append((float(run.get("opened_at", 0)), f"run {run.get('run_id')}, which did not end, began"))
    at, said = max(others, default=(0.0, ""))
    ago, left = snapshot.at - at, at + move.application.block_seconds - snapshot.at
    if said and left > 0:
        return fails(f"{said} {ago:.0f} s ago; another move back waits for {left:.0f} s more")
    if silent:
        return unknown(f"when the application was last moved: {silent[0]}")
    return holds(f"{said} {age_in_words(ago)} ago" if said else "there is no other move to wait for")


def _may_have_moved_the_writer(run: Mapping[str, object], move: Move, snapshot: Snapshot) -> bool:
    """Whether the writer is no longer where the run found it, as far as is known."""
    view = snapshot.global_cluster(move.application, move.target, move.source)
    writer = view.writer if isinstance(view, GlobalCluster) else None
    return writer is None or writer.arn != run.get("writer")


def readiness(move: Move, snapshot: Snapshot) -> Answer:
    """What the last readiness snapshot in the living region said does not fail, and it is not too old to go by."""
    item = snapshot.item(move.application, move.target, READINESS)
    found = found_in(item)
    if isinstance(found, Unknown):
        return unknown(found.reason)
    age = found.age(snapshot.at)
    if found.target != move.place:
        return unknown(f"{age_in_words(age)} old, of a move to {found.target}: nothing was prepared for this one")
    said = f"score {found.score}, {age_in_words(age)} old"
    failing = ", ".join(sorted(name for name, one in found.gates.items() if one["answer"] == "fails"))
    said += f"; failing: {failing}" if failing else ""
    if age > LONGEST_AGE_SECONDS:
        return fails(f"{said}: too old to go by; run playbooks/readiness.yml")
    return fails(said) if failing else holds(said)


def break_glass(move: Move, snapshot: Snapshot) -> Answer:
    """The credentials for the day on which the identity provider is lost were tried not long ago (R30)."""
    del move
    told = snapshot.break_glass
    if told is None or told.tried_at is None:
        return unknown("nobody said when the break-glass credentials were last tried")
    days = max(0.0, snapshot.at - told.tried_at) // 86400  # whole ones: it is a day that was told
    said = f"the break-glass credentials were last tried {days:.0f} days ago"
    limit = told.longest_seconds / 86400
    return holds(said) if days <= limit else fails(f"{said}, over {limit:.0f} days: try them")
