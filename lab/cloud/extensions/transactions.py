"""DynamoDB transactions that cost what they write, and not the square of it.

moto copies the whole table for every item of a transaction, so that it can put it back; one copy is enough.
"""

from __future__ import annotations

import copy
import threading
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap

_transaction = threading.local()
"""`copies`: the tables that were copied in this thread's transaction, by their identity."""


def install(world: worlds.World) -> None:
    """Patch the transaction, and how a table is copied while one is under way."""
    Table.__deepcopy__ = _copy  # type: ignore[attr-defined]

    @wrap(DynamoDBBackend, "transact_write_items")
    def transact_write_items(original: Any, self: Any, transact_items: list[dict[str, Any]]) -> None:
        _transaction.copies = {}
        try:
            original(self, transact_items)
        finally:
            del _transaction.copies


def _copy(self: Table, memo: dict[int, Any]) -> Table:
    copies = getattr(_transaction, "copies", {})
    if id(self) not in copies:
        made = object.__new__(type(self))
        memo[id(self)] = made
        made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        copies[id(self)] = made
    return copies[id(self)]  # type: ignore[no-any-return]
