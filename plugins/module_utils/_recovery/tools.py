# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a run is handed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .clients import Caller
from .ports import ApplicationClient, Clock, Resolver, Workers
from .speaking import Line, silent


def _nobody(region: str, depends: bool) -> None:
    del region, depends


@dataclass(frozen=True)
class Tools:
    """The outside world of a run.

    ``depend`` is told when the moves begin to depend on a region, and when they no longer do. Before and after that a
    region may be lost: it costs its budget and no more (R2).
    """

    caller: Caller
    clock: Clock
    workers: Workers
    resolver: Resolver
    client: ApplicationClient
    journal_dir: Path | None = None
    progress: Callable[[Line], None] = silent
    depend: Callable[[str, bool], None] = _nobody
