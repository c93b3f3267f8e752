# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Leases that do not keep two movers apart."""

from __future__ import annotations

from ..patching import Rewritten, Table

FAULTS = (
    (
        "lease-ignored",
        "lease",
        "a lease that another run holds is taken all the same",
        Rewritten(
            "lease:Lease.acquire",
            '"attribute_not_exists(expires_at) OR',
            '"attribute_not_exists(nothing) OR',
        ),
        Rewritten("gates.state:lease_free", "if not left or run == move.run_id:", "if True:"),
    ),
    (
        "lease-of-others-not-looked-at",
        "lease",
        "the gate does not see that somebody else moves the application",
        Rewritten("gates.state:lease_free", "if not left or run == move.run_id:", "if True:"),
    ),
    (
        "lease-not-renewed",
        "lease",
        "a mover that waits lets its lease run out, and a second one gets in",
        Rewritten("lease:Lease.due", "return self.clock.now() + RENEW_BELOW_SECONDS > self.expires_at", "return False"),
    ),
    (
        "lease-renewed-when-lost",
        "lease",
        "a mover renews the lease that another one has taken meanwhile",
        Rewritten(
            "lease:Lease.renewal",
            '_OURS, {":token": _number(self.token)}',
            '"attribute_not_exists(nothing)", {}',
        ),
    ),
    (
        "lease-need-not-cover-the-call",
        "lease",
        "a mutating call is sent that may still be under way when its lease has run out",
        Rewritten("lease:Lease.covers", "self.clock.now() + seconds < self.expires_at", "True"),
    ),
    (
        "processes-of-one-run-share-a-lease",
        "lease",
        "a run that is taken up again does not wait until its earlier process is surely gone",
        Rewritten("lease:Lease.holder", 'f"{self.run_id}/{self.process}"', 'f"{self.run_id}/all"'),
    ),
    (
        "lease-not-given-back",
        "lease",
        "a run that has ended keeps others out until its lease runs out",
        Rewritten("runner:_Run._release", "course.leases.release()", "()"),
    ),
    (
        "lease-in-one-region-only",
        "lease",
        "a planned move takes no lease in the region that it leaves, so another one may begin there",
        Table("steps.registry:MODES", "planned", {"leases": ("target",)}),
    ),
    (
        "planned-without-a-lease",
        "lease",
        "a planned move goes on when no lease can be had",
        Rewritten("runner:_Run._take_leases", "all_of_them=self._depends_on_store(course)", "all_of_them=False"),
        Rewritten("runner:_Run._holds", "if depends and leases.without:", "if False:"),
    ),
    (
        "taken-together-from-others",
        "lease",
        "many leases are taken in one transaction whoever holds them",
        Rewritten("lease:Lease.acquisition", " AND expires_at < :past", ""),
    ),
    (
        "broken-lease-taken-for-that-of-another",
        "lease",
        "who broke a lease and was answered with a server error takes it for somebody else's",
        Rewritten("lease:Lease._break", " OR holder = :holder", ""),
    ),
    (
        "second-lease-without-the-first",
        "lease",
        "where many leases are taken together, one is taken in the second region that could not be had in the first",
        Rewritten("leases_together:take_together", "waiting = [leases", "_waiting = [leases"),
    ),
    (
        "lease-gone-for-good",
        "lease",
        "a lease that could not be had once is never asked for again, and others find it free",
        Rewritten("leases:Leases.take_again", "if one.due_again()", "if False"),
    ),
    (
        "late-lease-robbed",
        "lease",
        "a lease that is taken late is gone without where another run has it",
        Rewritten("lease:Lease.take_again", "            raise\n", "            return False\n"),
    ),
    (
        "dead-run-keeps-reconciling-out",
        "lease",
        "reconciling is told to break a lease, and does not",
        Rewritten("reconcile:options_of", "break_lease=break_lease", 'break_lease=""'),
    ),
    (
        "opposite-failovers-do-not-meet",
        "lease",
        "an unplanned move takes no lease in the region that is left, though that answers",
        Rewritten("runner:_Run._course", "in self.mode.leases", "in self.mode.leases[:1 + self.mode.needs_store]"),
    ),
)
