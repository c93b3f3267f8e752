# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The real tools of a run, put together for the front doors: Ansible and the Lambda function use the same ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import dns, probe
from .clients import CallRecord, Clients
from .ports import Clock
from .speaking import Line
from .system_clock import SystemClock
from .tools import Tools
from .workers import ThreadWorkers


def reading_tools(clock: Clock | None = None, journal_dir: Path | None = None) -> Tools:
    """For a look that depends on no region: each may cost the usual budget and no more (R2)."""
    clock = clock or SystemClock()
    return Tools(Clients(clock), clock, ThreadWorkers(), dns.resolve, probe.request, journal_dir)


def make_tools(
    *,
    progress: Callable[[Line], None],
    journal_dir: Path | None = None,
    clock: Clock | None = None,
    record: Callable[[CallRecord], None] | None = None,
) -> Tools:
    """boto3, DNS, HTTP, threads and the system's clock."""
    clock = clock or SystemClock()
    clients = Clients(clock, record=record)
    return Tools(
        caller=clients,
        clock=clock,
        workers=ThreadWorkers(),
        resolver=dns.resolve,
        client=probe.request,
        journal_dir=journal_dir,
        progress=progress,
        depend=clients.depend,
    )
