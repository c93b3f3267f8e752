# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a run does, in order, appended and never changed: intent before and result after each mutating call.

An event is written to a local file at once, and to the state store of the region that will be alive when ``flush`` is
called, for all applications of a run together. A store that does not answer is said and tried again; the mode decides
whether a run may go on without it.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .portions import batches
from .ports import Clock
from .store import Item, Store, journal_item, journal_items, write_together

INTENTS = ("drill", "failover", "failback", "reconcile")
KINDS = (
    "run-opened",
    "run-resumed",
    "gate",
    "lease",
    "step-begin",
    "intent",
    "result",
    "waiting",
    "step-done",
    "step-failed",
    "run-stopped",
    "run-closed",
)
FIELDS = frozenset({"run_id", "seq", "at", "kind", "step", "call", "reason", "detail"})
"""Without which a line is no event."""
STAGES = ("decide", "fence", "promote", "scale", "verify", "shift")

EVENTS_AN_ITEM = 100
"""Events are about 1 kB each, with a plan's parameters some more; DynamoDB takes 400 kB an item."""

MOST_EVENTS, MOST_EVENTS_A_SECOND = 10_000, 1000
"""More than an application's run has written at once, and writes from then on: it is some hundred in the first seconds,
and then few."""

UNSAVED_SECONDS = 10.0
"""How long an event that nothing hangs on may wait, so that it goes along with the next ones in one call."""


def new_run_id(now: float, intent: str) -> str:
    """``20261123T013000Z-drill-1a2b3c``: sorts by time, says what for, and is met once."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{intent}-{secrets.token_hex(3)}"


@dataclass
class Journal:
    """The journal of one application's run."""

    run_id: str
    application: str
    clock: Clock
    store: Store | None = None
    path: Path | None = None
    seq: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    unsaved: list[dict[str, Any]] = field(default_factory=list)
    records: list[Item] = field(default_factory=list)
    """By these a later process finds the run: kept until they are stored, which goes along with the events."""
    trouble: str | None = None  # why there is no local copy any more

    def append(
        self,
        kind: str,
        stage: str,
        *,
        step: str | None = None,
        call: Mapping[str, Any] | None = None,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
        at: float | None = None,
    ) -> dict[str, Any]:
        """Write one event to the local file, and keep it for the store. ``at`` is when it was, if not now."""
        self.seq += 1
        event = {
            "run_id": self.run_id,
            "seq": self.seq,
            "at": self.clock.now() if at is None else at,
            "application": self.application,
            "kind": kind,
            "stage": stage,
            "step": step,
            "call": dict(call) if call else None,
            "reason": reason,
            "detail": dict(detail or {}),
        }
        self.events.append(event)
        self.unsaved.append(event)
        self._append_line(event, durable=kind == "intent")
        return event

    @property
    def saved(self) -> bool:
        """Whether the store has everything."""
        return not (self.unsaved or self.records)

    def pressing(self) -> bool:
        """Whether something is unsaved that a later process would need, or that has waited for long."""
        if self.records:
            return True
        if not self.unsaved:
            return False
        old = self.clock.now() - float(self.unsaved[0]["at"]) >= UNSAVED_SECONDS
        return old or any(event["kind"] in ("result", "step-failed") for event in self.unsaved)

    def resume(self, events: Iterable[Mapping[str, Any]], untold_since: float | None = None) -> None:
        """Go on after the events of a run that did not end.

        ``untold_since``: when that run was opened (epoch seconds), where the table may have more of its events than it
        gave. Numbers then go on where none of those can be, as an event would be written over by one of its number.
        """
        self.events = [dict(event) for event in events]
        told = max((int(event["seq"]) for event in self.events), default=0)
        self.seq = told
        if untold_since is not None:
            lasted = self.clock.now() - untold_since
            self.seq = max(told, MOST_EVENTS + round(lasted * MOST_EVENTS_A_SECOND))
        self.unsaved = list(self.events)  # storing one twice does no harm, and which are stored is not known
        if self.events:  # written anew as a whole, as the last line may have been cut off
            self._locally(self._write_whole)

    def _append_line(self, event: Mapping[str, Any], durable: bool) -> None:
        def write(path: Path) -> None:
            with path.open("a", encoding="utf-8") as file:
                file.write(_line(event))
                if durable:
                    file.flush()
                    os.fsync(file.fileno())

        self._locally(write)

    def _write_whole(self, path: Path) -> None:
        whole = path.with_suffix(".whole")
        whole.write_text("".join(_line(event) for event in self.events), encoding="utf-8")
        whole.replace(path)

    def _locally(self, write: Callable[[Path], None]) -> None:
        """The local file is a copy: a disk that is full or read-only must not leave a move half done."""
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write(self.path)
        except OSError as error:
            self.trouble, self.path = f"{self.path}: {error.strerror or error}", None


def _line(event: Mapping[str, Any]) -> str:
    return json.dumps(event, sort_keys=True) + "\n"


def flush(journals: Iterable[Journal]) -> dict[str, str]:
    """Store what is unsaved: one call for 25 items of one region.

    What is stored at one time is one item, so that many applications fit into a call.

    All journals are kept in one region. Returns what went wrong, by application.
    """
    kept = [(journal.store, journal) for journal in journals if journal.store]
    if not kept:
        return {}
    records = [(store.table, record) for store, journal in kept for record in journal.records]
    items = [
        (store.table, Item(journal.application, journal_item(journal.run_id, part[0]["seq"]), {"events": part}))
        for store, journal in kept
        for part in batches(journal.unsaved, EVENTS_AN_ITEM)
    ]
    failed = write_together(kept[0][0].caller, kept[0][0].access, [*records, *items])
    for _store, journal in kept:
        if journal.application not in failed:
            journal.unsaved.clear()
            journal.records.clear()
    return {application: str(error) for application, error in failed.items()}


def stored_events(store: Store, application: str, run_id: str) -> list[dict[str, Any]]:
    """What a table holds of a run's journal, in order, each event once; raises RecoveryError where it does not answer.

    Events may be stored twice: together with later ones where it was not known whether they had been stored, and again
    by a process that took the run up.
    """
    found: dict[int, dict[str, Any]] = {}
    for item in store.documents(application, journal_items(run_id)):
        found.update({int(event["seq"]): dict(event) for event in item.document["events"]})
    return [found[seq] for seq in sorted(found)]


def read_file(path: Path) -> list[dict[str, Any]]:
    """The events of a local journal, up to what is none: a last line that was cut off by a crash, or damage."""
    events: list[dict[str, Any]] = []
    for line in path.read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # also where it is no text
            break
        if not (isinstance(event, dict) and event.keys() >= FIELDS):
            break
        events.append(event)
    return events
