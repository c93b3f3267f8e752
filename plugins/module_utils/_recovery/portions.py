# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Many things in as few calls as AWS takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(things: Sequence[T], size: int) -> Iterable[tuple[T, ...]]:
    """Things in portions that one call takes."""
    rest = iter(things)
    while batch := tuple(islice(rest, size)):
        yield batch
