"""`make drill`: from nothing to a measured drill and home again, with real `ansible-playbook`; a table at the end."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import lifecycle, playbook, processes, record, scoreboard
from lab.control import LabError, ask
from lab.settings import LabSettings
from lab.signals import deaf, interruptible

REPOSITORY = Path(__file__).resolve().parent.parent
REPORTS = REPOSITORY / "reports"


@dataclass
class _Drill:
    """One run of `make drill`."""

    settings: LabSettings
    environment: dict[str, str]
    inventory: str
    extra: Sequence[str]
    log: Path
    say: Callable[[str], None]
    phases: list[tuple[str, float]] = field(default_factory=list)

    def play(self, what: str, name: str, *arguments: str) -> None:
        """Run one playbook, or stop everything with what went wrong."""
        self.say(f"{what}: ansible-playbook -i {self.inventory} {name} {' '.join(arguments)}".rstrip())
        begin = time.monotonic()
        failed = playbook.run(
            name,
            ["-i", self.inventory, *arguments, "-e", f"aws_dr_reports_dir={REPORTS}", *self.extra],
            self.environment,
            REPOSITORY,
            self.log,
            self.say,
        )
        self.phases.append((what, time.monotonic() - begin))
        if failed is not None:
            raise LabError(
                f"{what} failed after {self.phases[-1][1]:.0f} s: {failed.why()}\nthe whole output: {self.log}"
            )

    def come_home_first(self) -> None:
        """A drill that was interrupted may have left the application in the dr region."""
        if ask(self.settings, "GET", "/status")["database"]["writer"] != self.settings.primary_region:
            self.say(f"the application is in {self.settings.dr_region}, from an earlier run: bringing it home first")
            self.play("failback", "playbooks/failback.yml")

    def reports(self, since: float) -> list[tuple[Path, dict[str, Any]]]:
        """The pages of this run's reports with what they are made from, the oldest first."""
        found = [path for path in REPORTS.glob("*/report.json") if path.stat().st_mtime >= since]
        read = [(path.with_suffix(".html"), json.loads(path.read_text())) for path in sorted(found)]
        return [(path, report) for path, report in read if report["intent"] in ("drill", "failback")]


def drill(settings: LabSettings, seed: str, inventory: str, extra: Sequence[str]) -> int:
    """Deploy, activate, drill, come home; the exit code says whether the objectives were met."""
    began = time.monotonic()
    say = lifecycle.Progress()
    REPORTS.mkdir(exist_ok=True)
    log = REPORTS / time.strftime("make-drill-%Y%m%dT%H%M%SZ.log", time.gmtime())
    was_running = processes.daemon_of(settings.home) is not None
    with interruptible():
        try:
            up = time.monotonic()
            lifecycle.up(settings, seed, say)
            this = _Drill(settings, record.environment(settings, seed), inventory, extra, log, say)
            this.phases.append(("lab up", time.monotonic() - up))
            say(f"the whole output of ansible goes to {_short(log)}")
            this.play("deploy", "playbooks/deploy-dr.yml")
            this.play("activate", "playbooks/activate.yml", "-e", "activate_team_trained=true")
            this.come_home_first()
            since = time.time()
            this.play("drill and failback", "playbooks/test-failover.yml")
            reports = this.reports(since)
        finally:
            if not was_running:
                _stop(settings, say)
    this.phases.append(("all", time.monotonic() - began))
    if not reports:
        raise LabError(f"the playbooks ended well, but no report was written below {REPORTS}; see {log}")
    print()
    print("\n".join(scoreboard.table([report for _, report in reports], this.phases)))
    print()
    print("\n".join(scoreboard.closing([(_short(path), report) for path, report in reports], _short(log))))
    return 0 if scoreboard.passed([report for _, report in reports]) else 1


def _stop(settings: LabSettings, say: Callable[[str], None]) -> None:
    """Stop the lab that this run started, undisturbed by further signals."""
    with deaf():
        try:
            lifecycle.down(settings, say)
        except LabError as error:
            print(f"lab: {error}", file=sys.stderr)


def _short(path: Path) -> Path:
    with contextlib.suppress(ValueError):
        return Path(os.path.relpath(path))
    return path
