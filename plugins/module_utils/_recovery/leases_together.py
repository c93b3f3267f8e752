# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The leases of many applications in one transaction for each region, so that their number costs next to nothing.

A transaction is all or nothing. Where it is refused, for whatever reason, nothing is written and nobody is told why:
each application then asks for itself (``Leases``), so that one that somebody else is moving holds nobody up. One
application is never asked for in this way.

Source: DynamoDB API reference, TransactWriteItems: up to 100 items of one account and region, in one or several tables;
who may UpdateItem may update in a transaction (developer guide, "Using IAM with DynamoDB transactions").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from .errors import RecoveryError
from .lease import STORE_DEADLINE_SECONDS, Change, Lease, seconds_left
from .leases import Leases
from .model import Access
from .portions import batches
from .snapshot import Snapshot
from .steps.base import Move
from .store import LEASE

TRANSACTION_LIMIT = 100

Key = tuple[str, str]
"""A region and an application."""


def free_tokens(moves: Iterable[Move], snapshot: Snapshot) -> dict[Key, int]:
    """The tokens of leases that nobody holds, as they were read; what is not known is asked for one by one."""
    found: dict[Key, int] = {}
    for move in moves:
        for site in move.application.sites:
            lease = snapshot.item(move.application, site, LEASE)
            if lease is None:
                found[site.region, move.application.name] = 0
            elif isinstance(lease, Mapping) and not seconds_left(lease, snapshot.at):
                found[site.region, move.application.name] = int(lease.get("token", 0))
    return found


def take_together(everyone: Sequence[Leases], tokens: Mapping[Key, int]) -> None:
    """Take the leases whose tokens were read (0: there was none yet), in the order of their regions' names.

    Who got none in a region asks for none in the next: one is never held without those that come before it.
    """
    waiting = list(everyone)
    for region in sorted({lease.region for leases in everyone for lease in leases.leases}):
        here = (lease for leases in waiting for lease in leases.leases if lease.region == region)
        for known in _by_access(lease for lease in here if _key(lease) in tokens):
            _write(known, lambda lease: lease.acquisition(tokens[_key(lease)]), lambda lease: tokens[_key(lease)] + 1)
        waiting = [leases for leases in waiting if all(one.token for one in leases.leases if one.region <= region)]


def renew_together(everyone: Iterable[Leases]) -> None:
    """Prolong those for which it is time."""
    for leases in _by_access(lease for each in everyone for lease in each.leases if lease.due()):
        _write(leases, Lease.renewal, lambda lease: lease.token)


def release_together(everyone: Iterable[Leases]) -> None:
    """Give all of them back."""
    for leases in _by_access(lease for each in everyone for lease in each.leases if lease.held):
        _write(leases, Lease.surrender, lambda lease: lease.token)


def _key(lease: Lease) -> Key:
    return lease.region, lease.application


def _by_access(leases: Iterable[Lease]) -> list[list[Lease]]:
    found: dict[Access, list[Lease]] = {}
    for lease in leases:
        found.setdefault(lease.store.access, []).append(lease)
    return list(found.values())


def _write(leases: Sequence[Lease], change_of: Callable[[Lease], Change], token_of: Callable[[Lease], int]) -> None:
    for batch in batches(leases, TRANSACTION_LIMIT):
        if len(batch) == 1:
            continue
        changes = [change_of(lease) for lease in batch]
        params = {"TransactItems": [{"Update": dict(change.params)} for change in changes]}
        store = batch[0].store
        try:
            store.caller.call(
                store.access,
                "dynamodb",
                "TransactWriteItems",
                params,
                mutates=True,
                deadline_seconds=STORE_DEADLINE_SECONDS,
            )
        except RecoveryError:
            continue
        for lease, change in zip(batch, changes, strict=True):
            lease.granted(change, token_of(lease))
