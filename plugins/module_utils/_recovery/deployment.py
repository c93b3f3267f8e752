# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deployment from its first note to its rollback: what was there before, what became of it, what is taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from . import ledger, rollback
from .clients import Caller
from .declared import Refused
from .errors import RecoveryError
from .ledger_store import LedgerStore
from .model import Application
from .ports import Clock, Workers
from .resources import KINDS, At, Resource, access_of, doors


@dataclass(frozen=True)
class Begun:
    """A run that began: each resource that it manages, and whether it is there already."""

    run_id: str
    looked: Sequence[tuple[Resource, bool]]

    @property
    def absent(self) -> list[Resource]:
        """What the run will create."""
        return [resource for resource, exists in self.looked if not exists]

    @property
    def existing(self) -> list[Resource]:
        """What is there already."""
        return [resource for resource, exists in self.looked if exists]


@dataclass(frozen=True)
class RolledBack:
    """What a rollback did, or would do: deleted in this order, kept and why, and what could not be deleted."""

    run_id: str
    deleted: Sequence[Resource]
    kept: Sequence[rollback.Item]
    problems: Sequence[str]


@dataclass(frozen=True)
class Deployment:
    """The deployments of one application, over their ledger. With ``dry`` it looks, and neither notes nor deletes."""

    application: Application
    caller: Caller
    workers: Workers
    clock: Clock
    store: LedgerStore
    warn: Callable[[str], None]
    dry: bool = False

    def begin(self, resources: Sequence[Resource], token: str) -> Begun:
        """Note what is there before anything is created. ``token`` makes the run's name unlike any other."""
        now = self.clock.now()
        run_id = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)) + f"-deploy-{token}"
        begun = Begun(run_id, self._look(resources))
        if not self.dry:
            notes = [ledger.noted(run_id, now, order, *look) for order, look in enumerate(begun.looked, 1)]
            self.store.append([*self.store.read(), ledger.run_event("begun", run_id, now), *notes])
            if any(not resource.optional for resource in begun.absent):
                self.store.publish()
        return begun

    def go_on(self, run_id: str) -> None:
        """Bring the copy up to date; only for a run that creates something: one with nothing to do changes nothing."""
        if self.dry:
            return
        try:
            if ledger.creates(self.store.local(), run_id):
                self.store.publish()
        except RecoveryError as error:  # the file has it all: no reason to stop a deploy, or to hide why it stopped
            self.warn(f"the copy of the deployment ledger was not brought up to date: {error}")

    def complete(self, run_id: str) -> None:
        """Note that a run reached its end."""
        self._close(run_id, ledger.run_event("completed", run_id, self.clock.now()))

    def fail(self, run_id: str, phase: str) -> None:
        """Note that a run stopped, and what it did not get to: whoever makes that from now on, it was not that run."""
        self._close(run_id, ledger.run_event("failed", run_id, self.clock.now(), phase=phase))
        if self.dry:
            return
        created = ledger.last_deployment(self.store.local()).created
        try:
            looked = self._look(created)
        except RecoveryError as error:
            self.warn(f"what the run did not get to was not noted: {error}")
            return
        now = self.clock.now()
        self.store.append([ledger.absent(run_id, now, resource) for resource, exists in looked if not exists])
        self.go_on(run_id)

    def take_back(self, named: Collection[str], everything: bool, confirm: str) -> RolledBack:
        """Delete what the last deployment created, or what all did; raises Refused before anything is deleted."""
        deployment = ledger.last_deployment(self.store.read(), everything)
        there = [resource for resource, exists in self._look(deployment.created) if exists]
        for name in rollback.unknown_names(there, named):
            self.warn(f"rollback_delete_data_stores names {name}: the deployment has created no such data store")
        items = rollback.plan(there, named)
        doomed = [item.resource for item in items if item.action == "delete"]
        kept = [item for item in items if item.action == "keep"]
        if doomed:
            self._refuse_without_confirmation(deployment, everything, confirm)
            reasons = rollback.in_service(self.application, self._at)
            if reasons:
                raise Refused("; ".join(reasons) + "; nothing was changed")
        if self.dry:
            return RolledBack(deployment.run_id, doomed, kept, [])
        deleted: list[Resource] = []

        def gone(resource: Resource) -> None:
            deleted.append(resource)
            self.store.append([ledger.deleted(deployment.run_id, self.clock.now(), resource)])

        problems = rollback.take_back(items, doors(self.application, self.caller), self.clock, gone)
        if deleted:
            self._publish()
        return RolledBack(deployment.run_id, deleted, kept, problems)

    def _refuse_without_confirmation(self, deployment: ledger.Deployment, everything: bool, confirm: str) -> None:
        if not (deployment.completed or everything) or confirm == self.application.name:
            return
        what = "all deployments" if everything else f"the deployment {deployment.run_id}, which completed,"
        raise Refused(
            f"rollback_confirm is {confirm or 'empty'}: to take back {what} say "
            f"rollback_confirm={self.application.name}; nothing was changed"
        )

    def _at(self, place: str) -> At:
        return At(self.caller, access_of(self.application, place))

    def _look(self, resources: Sequence[Resource]) -> list[tuple[Resource, bool]]:
        return rollback.present(resources, doors(self.application, self.caller), self.workers)

    def _close(self, run_id: str, event: ledger.Event) -> None:
        if not self.dry:
            self.store.append([event])
            self.go_on(run_id)

    def _publish(self) -> None:
        try:
            self.store.publish()
        except RecoveryError as error:
            self.warn(f"the copy of the deployment ledger was not brought up to date: {error}")


def announced(resource: Resource) -> str:
    """Return what a resource is, and why it cannot be taken back where that is so."""
    stays = KINDS[resource.kind].stays
    return f"{resource} (phase {resource.phase})" + (f"; cannot be taken back: {stays}" if stays else "")
