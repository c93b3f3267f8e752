# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make bench`: what we claim about speed, measured side by side in one run (`--quick`: a smoke test of a minute)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import critical_path, rivals
from benchmarks.applications import SEED, Builder
from benchmarks.measuring import Bench, BenchError, Run, median, spread
from lab import lifecycle, record
from lab.settings import LabSettings, Profile

REPOSITORY = Path(__file__).resolve().parents[1]
HOME = REPOSITORY / ".cache" / "bench"
NET = "127.86.95"
TOLD_TASK_SECONDS = 0.3
PROFILES: tuple[Profile, ...] = ("fast", "realistic")


@dataclass
class Aim:
    """Something that the figures are held against."""

    text: str
    reached: bool
    by: str


@dataclass
class Sheet:
    """What is printed at the end, and kept as JSON."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def row(self, what: str, figure: str, how: str = "") -> None:
        """A row of the table; it is shown at once, too."""
        self.rows.append((what, figure, how))
        print(f"  {what}: {figure}", flush=True)

    def aim(self, text: str, value: float, limit: float, unit: str, *, least: bool = False) -> None:
        """Hold a figure against its aim."""
        reached = value >= limit if least else value <= limit
        distance = limit - value if least else value - limit
        self.aims.append(
            Aim(text, reached, f"{value:.1f} {unit}" + ("" if reached else f", missed by {distance:.1f} {unit}"))
        )

    def text(self) -> str:
        """The table."""
        widths = [max(len(row[column]) for row in self.rows) for column in (0, 1)]
        lines = [f"{what:<{widths[0]}}  {figure:<{widths[1]}}  {how}".rstrip() for what, figure, how in self.rows]
        lines += ["", *(f"{'reached' if aim.reached else 'MISSED ':<8} {aim.text}: {aim.by}" for aim in self.aims)]
        return "\n".join(lines)


@dataclass
class Bencher:
    """One run of the bench."""

    rounds: int
    net: str
    quick: bool = False
    sheet: Sheet = field(default_factory=Sheet)

    def settings(self, name: str) -> LabSettings:
        """Labs one after the other: under one address, in folders of their own."""
        mine = {"LAB_HOME": str(HOME / name), "LAB_NET": self.net, "LAB_PROFILE": "fast"}
        return LabSettings.from_environment({**os.environ, **mine})

    @contextmanager
    def lab(self, name: str, seed: str) -> Iterator[tuple[LabSettings, Bench]]:
        """A lab that runs while the block does."""
        settings, say = self.settings(name), lifecycle.Progress()
        lifecycle.up(settings, seed, say)
        try:
            environment = {
                **record.environment(settings, seed),
                "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", ""),
                "ANSIBLE_NOCOLOR": "1",
            }
            environment = {
                key: value for key, value in environment.items() if value or key != "ANSIBLE_COLLECTIONS_PATH"
            }
            log = HOME / f"{name}.log"
            log.write_text("", encoding="utf-8")
            yield settings, Bench(settings.home, environment, REPOSITORY, log)
        finally:
            lifecycle.down(settings, say)

    # the mover

    def mover(self, counts: tuple[int, ...], plain: tuple[int, ...], guide: bool) -> None:
        """1, 20 and 100 applications at once, and what they are held against."""
        with self.lab("mover", SEED) as (settings, bench):
            if guide or plain:
                programs = rivals.install_cli(HOME.parent / "bench-awscli")
                path = {"PATH": f"{bench.environment['PATH']}{os.pathsep}{programs}"}
                bench = Bench(bench.home, {**bench.environment, **path}, bench.folder, bench.log)
            builder, moves = Builder(settings), dict[int, list[Run]]()
            others: dict[int, list[Run]] = {}
            for count in counts:
                documents = builder.build(count)
                self._answering(builder)
                move = partial(self._move, bench, documents)
                home = partial(self._home, builder, move)
                moves[count] = self._rounds(move, move)
                self._moved(count, moves[count], documents)
                self._readiness(count, [self._look(bench, documents) for _round in range(self.rounds)])
                if count in plain:
                    others[count] = self._rounds(partial(rivals.plain_playbook, bench, builder, count), home)
                    self._rival("plain amazon.aws playbook", count, others[count], moves[count])
                if count == 1 and guide:
                    runs = self._rounds(partial(rivals.guides_way, bench, builder), home)
                    self._rival("the guide's way, AWS CLI", 1, runs, moves[1])
            self._polling(moves)
            self._extrapolated(moves, others)

    def _rounds(self, go: Callable[[str], Run], home: Callable[[str], Run]) -> list[Run]:
        """There and home again; what is measured is the way there. Home is always the mover's way, the shortest one."""
        runs = []
        for number in range(self.rounds):
            runs.append(go("dr"))
            if not self.quick or number + 1 < self.rounds:
                home("primary")
        return runs

    @staticmethod
    def _play(bench: Bench, playbook: str, documents: list[dict[str, Any]], *arguments: str) -> Run:
        file = bench.home / "applications.json"
        file.write_text(json.dumps({"applications": documents}), encoding="utf-8")
        return bench.run(
            "ansible-playbook", "-i", "localhost,", f"benchmarks/{playbook}", "-e", f"bench_applications={file}",
            "-e", f"ansible_python_interpreter={sys.executable}", *arguments,
        )  # fmt: skip

    def _move(self, bench: Bench, documents: list[dict[str, Any]], target: str) -> Run:
        journals = f"bench_journals={bench.home / 'journals'}"
        run = self._play(bench, "mover.yml", documents, "-e", f"bench_target={target}", "-e", journals)
        self._settled()
        return run

    @staticmethod
    def _look(bench: Bench, documents: list[dict[str, Any]]) -> Run:
        """`playbooks/readiness.yml` as it is, on an inventory with one host for each application."""
        hosts = {one["name"]: {"ansible_connection": "local", "aws_dr_application": one} for one in documents}
        file = bench.home / "readiness-inventory.json"
        told = {"ansible_python_interpreter": sys.executable, "aws_dr_reports_dir": str(bench.home / "reports")}
        # The bench's applications lack what no move touches, and that is told; a readiness that stops is not timed.
        inventory = {"dr": {"hosts": hosts, "vars": {**told, "readiness_enforced": False}}}
        file.write_text(json.dumps(inventory), encoding="utf-8")
        return bench.run("ansible-playbook", "-i", str(file), "playbooks/readiness.yml")

    def _readiness(self, count: int, runs: list[Run]) -> None:
        who = f"readiness of {count} application{'s' if count > 1 else ''}"
        calls = median([len(run.calls) for run in runs])
        self.sheet.row(f"{who}: whole command", spread([run.wall for run in runs]), f"{calls:.0f} calls")
        self.sheet.figures[f"readiness {count}"] = [plainly(run) for run in runs]

    @staticmethod
    def _home(builder: Builder, move: Callable[[str], Run], target: str) -> Run:
        builder.lead_as_built()
        return move(target)

    @staticmethod
    def _settled() -> None:
        """Instances that were let go are gone, and the ticks of the lab have passed."""
        time.sleep(1.5)

    def _moved(self, count: int, runs: list[Run], documents: list[dict[str, Any]]) -> None:
        least = critical_path.seconds("fast")
        samples = critical_path.samples_seconds(documents[0]["probe"]["stable_samples"])
        overhead = [run.wall - least for run in runs]
        per_call = 1000 * sum(run.lab_seconds for run in runs) / sum(len(run.calls) for run in runs)
        who = f"{count} application{'s' if count > 1 else ''}"
        row = self.sheet.row
        if count == 1:
            row(
                "critical path",
                f"{least:.2f} s",
                " + ".join(f"{name} {v:g}" for name, v in critical_path.links("fast")),
            )
            row("the good samples that end a move", f"{samples:.2f} s", "asked for by us, so no part of it")
        row(
            f"{who}: command to last change", spread([run.last_mutation for run in runs]), "the mover, one task for all"
        )
        row(f"{who}: whole command", spread([run.wall for run in runs]))
        row(f"{who}: over the critical path", spread(overhead), share(median(overhead)))
        row(f"{who}: … beside the good samples", spread([over - samples for over in overhead]))
        row(
            f"{who}: CPU, peak memory",
            f"{spread([run.cpu for run in runs])}, {max(run.peak_mib for run in runs):.0f} MiB",
        )
        row(
            f"{who}: calls",
            f"{median([len(run.calls) for run in runs]):.0f}",
            f"{median([len(run.polling) for run in runs]):.0f} polling, "
            f"{median([run.outside_polling / count for run in runs]):.1f} an application outside polling",
        )
        row(
            f"{who}: the lab's own service time",
            spread([run.lab_seconds for run in runs]),
            f"{per_call:.1f} ms a call, all added up",
        )
        for what, took in profile(runs[-1]):
            row(f"{who}: {what}", took)
        aim = self.sheet.aim
        if count == 1:
            aim("1 application: over the critical path at most 2 s", median(overhead), 2.0, "s")
            aim("1 application: over the critical path at most 5 %", 100 * median(overhead) / least, 5.0, "%")
        if count == 100:
            aim("100 applications: over the critical path at most 10 s", median(overhead), 10.0, "s")
        aim(
            f"{who}: calls an application outside polling",
            median([r.outside_polling / count for r in runs]),
            12.0,
            "calls",
        )
        self.sheet.figures[f"mover {count}"] = [plainly(run) for run in runs]

    def _rival(self, name: str, count: int, runs: list[Run], ours: list[Run]) -> None:
        wall, cpu = median([run.wall for run in runs]), median([run.cpu for run in runs])
        ratio = wall / median([run.wall for run in ours])
        who = f"{count} application{'s' if count > 1 else ''}, {name}"
        self.sheet.row(f"{who}: whole command", spread([run.wall for run in runs]), f"{ratio:.1f} times ours")
        self.sheet.row(
            f"{who}: CPU, peak memory",
            f"{spread([run.cpu for run in runs])}, {max(run.peak_mib for run in runs):.0f} MiB",
            f"{cpu / median([run.cpu for run in ours]):.1f} times ours",
        )
        self.sheet.row(f"{who}: calls", f"{median([len(run.calls) for run in runs]):.0f}")
        if count == 20:
            self.sheet.aim("20 applications: times faster than the plain playbook", ratio, 20.0, "times", least=True)
        self.sheet.figures[f"{name} {count}"] = [plainly(run) for run in runs]

    def _polling(self, moves: dict[int, list[Run]]) -> None:
        if len(moves) < 2:
            return
        polls = {count: median([len(run.polling) for run in runs]) for count, runs in moves.items()}
        # A longer wait has more rounds of polling, whoever is waited for; so rounds are counted, not minutes.
        rates = {
            count: median([len(run.polling) / max(0.1, _polled_seconds(run)) for run in runs])
            for count, runs in moves.items()
        }
        self.sheet.row(
            "polling calls",
            ", ".join(f"{count}: {value:.0f}" for count, value in polls.items()),
            ", ".join(f"{value:.1f}/s" for value in rates.values()),
        )
        few, many = min(polls), max(polls)
        beside = {count: median([run.outside_polling for run in runs]) for count, runs in moves.items()}
        more = (beside[many] - beside[few]) / (many - few)
        self.sheet.row("calls outside polling of each further application", f"{more:.1f}", f"from {few} to {many}")
        self.sheet.aim(
            f"polling calls of {many} applications over those of {few}", polls[many] / polls[few], 1.5, "times"
        )

    def _extrapolated(self, moves: dict[int, list[Run]], others: dict[int, list[Run]]) -> None:
        if 100 in moves and len(others) >= 2:
            few, many = min(others), max(others)
            walls = {count: median([run.wall for run in runs]) for count, runs in others.items()}
            more = walls[many] + (100 - many) * (walls[many] - walls[few]) / (many - few)
            ratio = more / median([run.wall for run in moves[100]])
            self.sheet.row(
                "100 applications, plain amazon.aws playbook", f"{more:.0f} s, EXTRAPOLATED", f"{ratio:.1f} times ours"
            )

    def _answering(self, builder: Builder) -> None:
        """The lab's own time for one call, apart from everything else."""
        rds, took = builder.site("primary").client("rds"), []
        for _call in range(50):
            began = time.perf_counter()
            rds.describe_global_clusters()
            took.append((time.perf_counter() - began) * 1000)
        if builder.built == 1:
            self.sheet.row(
                "the lab: one DescribeGlobalClusters", spread(took, "ms"), "client and server, one at a time"
            )

    # the playbooks

    def playbooks(self) -> None:
        """The whole drill of one application, and a second deploy with nothing to do."""
        with self.lab("playbooks", "") as (settings, bench):
            reports = ("-e", f"aws_dr_reports_dir={settings.home / 'reports'}")

            def play(name: str, *arguments: str) -> Run:
                command = ("ansible-playbook", "-i", "inventories/lab", f"playbooks/{name}")
                return bench.run(*command, *arguments, *reports)

            first = play("deploy-dr.yml")
            self.sheet.row("deploy-dr.yml, from nothing", spread([first.wall]), f"{len(first.calls)} calls")
            again = [play("deploy-dr.yml") for _round in range(self.rounds)]
            made = f"{len(again[0].calls)} calls, {len(again[0].mutating)} of them change something"
            self.sheet.row("deploy-dr.yml, nothing to do", spread([run.wall for run in again]), made)
            self.sheet.row("deploy-dr.yml, nothing to do: CPU", spread([run.cpu for run in again]))
            play("activate.yml", "-e", "activate_team_trained=true")
            drills = []
            for _round in range(self.rounds):
                drills.append(play("failover.yml", "-e", "drill=true"))
                play("failback.yml")
            least = critical_path.seconds("fast")
            overhead = [run.wall - least for run in drills]
            self.sheet.row(
                "drill: command to last change",
                spread([run.last_mutation for run in drills]),
                "failover.yml -e drill=true, one application",
            )
            self.sheet.row(
                "drill: whole command",
                spread([run.wall for run in drills]),
                "with probe, checklist, validation and report",
            )
            self.sheet.row("drill: over the critical path", spread(overhead), share(median(overhead)))
            samples = critical_path.samples_seconds()
            self.sheet.row("drill: … beside the good samples", spread([over - samples for over in overhead]))
            for what, took in profile(drills[-1]):
                self.sheet.row(f"drill: {what}", took)
            for what, took in longest(drills[-1]):
                self.sheet.row(f"drill, task: {what}", took)
            self.sheet.aim("the whole drill: over the critical path at most 2 s", median(overhead), 2.0, "s")
            share_of_it = 100 * median(overhead) / least
            self.sheet.aim("the whole drill: over the critical path at most 5 %", share_of_it, 5.0, "%")
            self.sheet.figures["drill"] = [plainly(run) for run in drills]
            self.sheet.figures["deploy again"] = [plainly(run) for run in again]


def _polled_seconds(run: Run) -> float:
    moments = [call["at"] for call in run.polling]
    return max(moments, default=0.0) - min(moments, default=0.0)


def share(overhead: float) -> str:
    """What an overhead is of the critical path: with the fast delays, and with those that AWS publishes."""
    parts = {name: 100 * overhead / critical_path.seconds(name) for name in PROFILES}
    return f"{parts['fast']:.0f} % of it; of one with AWS's published delays {parts['realistic']:.0f} %"


def profile(run: Run) -> Iterator[tuple[str, str]]:
    """The stretches of a run, from its calls: each with what bounds it."""
    began, ended = run.began_at, run.began_at + run.wall

    def moment(service: str, operation: str) -> float | None:
        return next(
            (call["at"] for call in run.calls if (call["service"], call["operation"]) == (service, operation)), None
        )

    marks = [
        ("… until the first call", began + run.first_call),
        ("… survey and gates, until the first change", moment("autoscaling", "UpdateAutoScalingGroup")),
        ("… capacity, until the writer is told to move", moment("rds", "SwitchoverGlobalCluster")),
        ("… writer and write probe, until traffic is switched", moment("cloudwatch", "PutMetricData")),
        ("… clients, until the last change", began + run.last_mutation),
        ("… from there to the end", ended),
    ]
    last = began
    for what, at in marks:
        if at is not None and at >= last:
            yield what, f"{at - last:.1f} s"
            last = at


def longest(run: Run) -> Iterator[tuple[str, str]]:
    """The tasks that a playbook spends its time in, in their order, and what all the others take together."""
    for name, took in run.tasks:
        if took >= TOLD_TASK_SECONDS:
            yield name, f"{took:.1f} s"
    others = [took for _name, took in run.tasks if took < TOLD_TASK_SECONDS]
    yield f"{len(others)} others together", f"{sum(others):.1f} s"


def plainly(run: Run) -> dict[str, float]:
    """What is kept of a run."""
    return {
        "wall_seconds": round(run.wall, 3), "cpu_seconds": round(run.cpu, 3), "peak_mib": round(run.peak_mib, 1),
        "last_change_seconds": round(run.last_mutation, 3), "calls": len(run.calls), "polling": len(run.polling),
        "lab_seconds": round(run.lab_seconds, 3),
    }  # fmt: skip


def main() -> int:
    """Measure, print, keep; 0 whatever the aims say, because a shared machine must not fail a build."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two applications, once, one way: a smoke test")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each thing (3)")
    parser.add_argument("--only", choices=("mover", "playbooks"), help="one half of it")
    parser.add_argument("--net", default=os.environ.get("LAB_NET") or NET, help=f"the lab's loopback /24 ({NET})")
    options = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    bencher = Bencher(1 if options.quick else options.rounds, options.net, options.quick)
    load = os.getloadavg()[0]
    began = time.monotonic()
    try:
        if options.quick:
            bencher.mover((2,), plain=(), guide=False)
        else:
            if options.only != "playbooks":
                bencher.mover((1, 20, 100), plain=(1, 20), guide=True)
            if options.only != "mover":
                bencher.playbooks()
    except (BenchError, TimeoutError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    sheet = bencher.sheet
    file = HOME / "bench.json"
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, load {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    told = {"machine": machine, "figures": sheet.figures, "aims": [vars(aim) for aim in sheet.aims]}
    file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(f"\n{sheet.text()}\n")
    print(
        f"{machine}; medians (least to most) of {bencher.rounds} runs, {time.monotonic() - began:.0f} s in all; {file}"
    )
    if load > 1:
        print("The machine was at work with other things, so these figures are rough: run it again when it is quiet.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
