# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which runs of an application are kept, and where: the mover goes on with one of them, and a look tells of it.

A state table keeps the newest move to its region. A process that died between taking a lease and storing its run has
left the lease only; one whose store took nothing at all while it ran, its local journal only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from .errors import RecoveryError
from .journal import read_file, stored_events
from .lease import last_run, unreleased_run
from .model import Application, Site
from .snapshot import GlobalCluster, Snapshot, Unknown
from .steps.registry import is_move
from .store import LEASE, RUN, Store
from .tools import Tools

FORGOTTEN_SECONDS = 86400.0
"""A run that was left alone for a day is not gone on with: a new one begins, with all that goes with it."""

T = TypeVar("T")
Run = Mapping[str, Any]


@dataclass
class LocalJournals:
    """The copies of an application's journals on this machine. One that cannot be read is none."""

    folder: Path | None
    unreadable: dict[Path, str] = field(default_factory=dict)
    """What could not be read, and why."""
    untold: list[str] = field(default_factory=list)
    """What the state tables did not tell of a run, in lines."""

    @classmethod
    def of(cls, tools: Tools, application: Application) -> LocalJournals:
        """Those of an application."""
        return cls(tools.journal_dir / application.name if tools.journal_dir else None)

    def path(self, run_id: str) -> Path | None:
        """Where the copy of a run's journal belongs."""
        return self.folder / f"{run_id}.jsonl" if self.folder else None

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """Of a run, as far as they are here."""
        path = self.path(run_id)
        return self._read(path, read_file) if path else []

    def unfinished(self, moves: bool) -> Run | None:
        """The newest move (or, without ``moves``, reconciliation), if it has not ended."""
        paths = self._read(self.folder, lambda folder: [*folder.iterdir()]) if self.folder else []
        for path in sorted((path for path in paths if path.suffix == ".jsonl"), reverse=True):
            events = self._read(path, read_file)
            if not events or events[0]["kind"] != "run-opened" or is_move(events[0]["detail"]) is not moves:
                continue
            if any(one["kind"] == "run-closed" for one in events):
                return None
            run = {"run_id": events[0]["run_id"], "opened_at": events[0]["at"], "leased": _leased(events)}
            told = [one["detail"] for one in events if one["kind"] in ("run-opened", "run-resumed")]
            return {**told[-1], **run}
        return None

    def said(self) -> tuple[str, ...]:
        """What could not be read, in lines."""
        return (*(f"{path} cannot be read: {why}" for path, why in self.unreadable.items()), *self.untold)

    def _read(self, path: Path, read: Callable[[Path], list[T]]) -> list[T]:
        try:
            return read(path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self.unreadable[path] = error.strerror or str(error)
            return []


def _leased(events: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a run had a lease in the region that keeps it: then the state table there was told of it."""
    regions, keeper = set[str](), None
    for event in events:
        keeper = event["detail"].get("to_region", keeper)
        regions |= set(event["detail"].get("tokens", ()))
    return keeper in regions


def told_by_tables(application: Application, snapshot: Snapshot, sites: Iterable[Site]) -> list[Run]:
    """The newest run that each site's state table keeps."""
    items = (snapshot.item(application, site, RUN) for site in sites)
    return [item for item in items if isinstance(item, Mapping) and item]


def told_by_leases(application: Application, snapshot: Snapshot) -> list[Run]:
    """The runs whose leases nobody gave back."""
    leases = (snapshot.item(application, site, LEASE) for site in application.sites)
    return [run for lease in leases if isinstance(lease, Mapping) and (run := unreleased_run(lease))]


def told_locally(
    application: Application, snapshot: Snapshot, journals: LocalJournals, moves: bool = True
) -> list[Run]:
    """The run that did not end on this machine, where no state table can have told of it, or none answers that has."""
    run = journals.unfinished(moves)
    if run is None:
        return []
    keeper = snapshot.item(application, application.site(str(run["target"])), RUN)
    return [run] if isinstance(keeper, Unknown) or not run["leased"] else []


def each_once(*told: Iterable[Run]) -> list[Run]:
    """Each run as those tell it that were asked first."""
    found: dict[object, Run] = {}
    for runs in told:
        for run in runs:
            found.setdefault(run.get("run_id"), run)
    return list(found.values())


def newest(runs: Iterable[Run]) -> Run | None:
    """The one that was opened last."""
    return max(runs, key=_opened_at, default=None)


def is_history(application: Application, run: Run, snapshot: Snapshot, now: float) -> bool:
    """Whether a run that never ended is not gone on with: it is old, or the application was moved the other way since.

    That may have been done by hand, which no run tells of: then the writer is neither the one on which the run was
    planned nor the one that it moves to, and going on with it would stop at its first look, again and again.
    """
    target = application.site(str(run["target"]))
    back = told_by_tables(application, snapshot, [application.other(target.place)])
    # The way back may have been kept in a region that is lost by now; a planned one has left its lease here too.
    lease = snapshot.item(application, target, LEASE)
    held = last_run(lease) if isinstance(lease, Mapping) else None
    back += [held] if held and is_move(held) and held.get("target") != target.place else []
    later = any(_opened_at(one) > _opened_at(run) for one in back)
    return later or _writer_left(application, run, snapshot) or now - _opened_at(run) > FORGOTTEN_SECONDS


def _writer_left(application: Application, run: Run, snapshot: Snapshot) -> bool:
    target = application.site(str(run["target"]))
    view = snapshot.global_cluster(application, target, application.other(target.place))
    if not isinstance(view, GlobalCluster) or view.writer is None or view.member(target) == view.writer:
        return False
    return run.get("writer") not in (None, view.writer.arn)


def _opened_at(run: Run) -> float:
    return float(run.get("opened_at", 0))


def events_of(application: Application, run: Run, tools: Tools, journals: LocalJournals) -> tuple[dict[str, Any], ...]:
    """The store's events and the local file's: each may hold some that the other one has not."""
    site, run_id = application.site(str(run["target"])), str(run["run_id"])
    known = {event["seq"]: event for event in journals.events(run_id)}
    try:
        stored = stored_events(Store(tools.caller, site.access, site.state_table), application.name, run_id)
    except RecoveryError as error:
        stored = []
        journals.untold.append(f"the journal of run {run_id} in {site.region} cannot be read: {error}")
    known.update({event["seq"]: event for event in stored})
    return tuple(known[seq] for seq in sorted(known))
