# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The leases of one application's move: all that its mode asks for, or none.

They are taken in the order of their regions' names, so that two movers in opposite directions cannot each hold what
the other one wants; where the second cannot be had, the first is given back. A mode that may go on without its store
asks both regions too, and goes without the lease of one that does not answer: a region that is lost has no mover in it
whose lease could be seen, and one that answers may have. Such a lease is asked for again, as its store may have been
silent for a moment only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import LeaseLost, RecoveryError
from .lease import Lease

Say = Callable[[str], None]

RENEWALS = 3
"""Before a call: each takes milliseconds, and who needs so many has a machine or a store that stands still."""


@dataclass
class Leases:
    """The right of one process to move one application, in every region where its mode wants it."""

    leases: list[Lease] = field(default_factory=list)
    broken: list[Mapping[str, Any]] = field(default_factory=list)
    """What was taken away from another run, for the journal."""
    missing: dict[str, str] = field(default_factory=dict)
    """By region why the run began without its lease, for the journal."""
    without: list[Lease] = field(default_factory=list)
    """Those that the run goes without, and asks for again."""

    def __post_init__(self) -> None:
        self.leases.sort(key=lambda lease: lease.region)

    def take(self, say: Say, break_lease: str = "", *, all_of_them: bool = True) -> None:
        """Take all of them; raises LeaseLost when another run has one, RecoveryError when a store does not answer.

        Without ``all_of_them`` those whose store does not answer are ``missing``. ``break_lease`` names a run
        whose lease is taken away from it. ``say`` is told what is being waited for.
        """
        taken: list[Lease] = []
        try:
            for lease in self.leases:
                try:
                    found = None if lease.held else lease.take_over(say, break_lease)
                except LeaseLost:
                    raise
                except RecoveryError as error:
                    if all_of_them:
                        raise
                    self.missing[lease.region] = str(error)
                    self.without.append(lease)
                    continue
                taken.append(lease)
                if found:
                    self.broken.append({"region": lease.region, **found})
        except RecoveryError:
            for lease in reversed(taken):
                _release(lease)
            raise
        self.leases = taken

    def covers(self, seconds: float) -> bool:
        """Whether all of them outlast a call that may take so long."""
        return all(lease.covers(seconds) for lease in self.leases)

    def renew(self, leases: Iterable[Lease] | None = None) -> dict[str, str]:
        """Prolong those given, or all; raises LeaseLost when one is no longer ours.

        Returns by region why one could not be prolonged: it goes on counting until it runs out.
        """
        errors: dict[str, str] = {}
        for lease in self.leases if leases is None else leases:
            try:
                lease.renew()
            except LeaseLost:
                raise
            except RecoveryError as error:
                errors[lease.region] = str(error)
        return errors

    def due(self) -> bool:
        """Whether it is time to renew any of them, or to ask again for one."""
        return any(lease.due() for lease in self.leases) or any(lease.due_again() for lease in self.without)

    def renew_due(self) -> dict[str, str]:
        """``renew`` those for which it is time."""
        return self.renew([lease for lease in self.leases if lease.due()])

    def renew_for(self, seconds: float) -> dict[str, str]:
        """``renew`` those that do not outlast a call of so many seconds.

        Again where time was lost with one of them, so that another, renewed before it, does not outlast the call.
        """
        errors: dict[str, str] = {}
        for _attempt in range(RENEWALS):
            short = [lease for lease in self.leases if not lease.covers(seconds) and lease.region not in errors]
            if not short:
                break
            errors.update(self.renew(short))
        return errors

    def drop(self, seconds: float) -> list[str]:
        """Go on without those that do not outlast a call of so many seconds; returns their regions."""
        gone = [lease for lease in self.leases if not lease.covers(seconds)]
        self.leases = [lease for lease in self.leases if lease not in gone]
        self.without += gone
        return [lease.region for lease in gone]

    def take_again(self, break_lease: str = "") -> list[str]:
        """Ask again for those that the run goes without, now and then; returns the regions of those that it has now.

        Raises LeaseLost when another mover has one.
        """
        regions = list[str]()
        for lease in [one for one in self.without if one.due_again()]:
            try:
                taken = lease.take_again(break_lease)
            except LeaseLost:
                raise
            except RecoveryError:
                continue  # why it is missing was said when the run began to go without it
            if taken:
                self.without.remove(lease)
                self.leases = sorted([*self.leases, lease], key=lambda one: one.region)
                regions.append(lease.region)
        return regions

    def release(self) -> list[str]:
        """Give all of them back; returns why one could not be, which then runs out by itself."""
        return [error for lease in self.leases if lease.held for error in _release(lease)]

    def tokens(self) -> dict[str, int]:
        """The fencing token by region, for the journal."""
        return {lease.region: lease.token for lease in self.leases}


def _release(lease: Lease) -> list[str]:
    try:
        lease.release()
    except RecoveryError as error:
        return [str(error)]
    return []
