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


def _nobody(region: str) -> None:
    del region


@dataclass(frozen=True)
class Tools:
    """The outside world of a run; ``release`` is told of a region on which the moves no longer depend."""

    caller: Caller
    clock: Clock
    workers: Workers
    resolver: Resolver
    client: ApplicationClient
    journal_dir: Path | None = None
    progress: Callable[[Line], None] = silent
    release: Callable[[str], None] = _nobody
