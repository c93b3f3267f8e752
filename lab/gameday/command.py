"""`python -m lab gameday`: scenarios on the lab that runs, or on one that is started and deployed for them."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from lab import lifecycle, processes, record
from lab.control import LabError
from lab.gameday import conductor, tables
from lab.gameday.scenario import Scenario, load, names
from lab.gameday.stage import REPOSITORY, Stage
from lab.settings import LabSettings
from lab.signals import deaf, interruptible

PAGE = REPOSITORY / "docs" / "measured-against-true.md"


def gameday(
    settings: LabSettings,
    environment_seed: str,
    wanted: Sequence[str],
    *,
    seed: int | None,
    patience: float,
    reports: Path,
    docs: bool,
) -> int:
    """Play the scenarios that are wanted, by default all; the exit code says whether every one held."""
    scenarios = [load(name) for name in wanted or names()]
    seed = random.SystemRandom().randrange(10_000) if seed is None else seed
    say = lifecycle.Progress()
    was_running = processes.daemon_of(settings.home) is not None
    began = time.time()
    with interruptible():
        try:
            lifecycle.up(settings, environment_seed, say)
            settings = lifecycle.settings_of_running(settings)
            stage = Stage(settings, record.environment(settings, environment_seed), reports, say, patience)
            _deploy(stage)
            all_played = all(_play(scenario, stage, seed) for scenario in scenarios)
        finally:
            if not was_running:
                with deaf():
                    lifecycle.down(settings, say)
    print(f"\nseed {seed}; all of it is below {reports}; the whole game day took {time.time() - began:.0f} s\n")
    held = table(reports, {each.name for each in scenarios}, docs=docs)
    return held if all_played else 1


def table(reports: Path, wanted: Collection[str] = (), *, docs: bool) -> int:
    """Print the newest results, by default of all scenarios; the exit code says whether every one held."""
    everything = tables.newest(reports)
    results = [one for one in everything if not wanted or one["scenario"] in wanted]
    if not results:
        raise LabError(f"no scenario was played yet below {reports}")
    print("\n".join(tables.closing(results)))
    if docs:
        PAGE.write_text(tables.page(everything, names()), encoding="utf-8")
        print(f"written: {PAGE}")
    return 0 if all(not one["problems"] for one in results) else 1


def list_scenarios() -> int:
    """Print what there is."""
    for name in names():
        scenario = load(name)
        print(f"{name:<34} {', '.join(scenario.rules):<18} {scenario.title}")
    return 0


def _deploy(stage: Stage) -> None:
    """Build the dr region and switch failover on; both change nothing where that was done."""
    stage.reports.mkdir(parents=True, exist_ok=True)
    log = stage.reports / "deploy.log"
    done = stage.settings.home / "gameday-deployed"
    if done.exists():
        stage.say("the dr region was deployed for an earlier game day of this lab")
    else:
        slowly = replace(stage, patience=10 * stage.patience)
        slowly.must_play("deploy-dr", log)
        slowly.must_play("activate", log, "-e", "activate_team_trained=true")
        done.touch()
    stage.bring_home(stage.reports / "home.log")


def _play(scenario: Scenario, stage: Stage, seed: int) -> bool:
    """Play it; whether the application came home again, without which nothing more can be played."""
    stage.say(f"{scenario.name}: {scenario.title}")
    played = conductor.play(scenario, stage, seed)
    stage.say(f"  {'holds' if played.holds else 'FAILS'} after {played.seconds:.0f} s")
    for problem in played.told:
        stage.say(f"    {problem}")
    home = not any(problem.startswith(conductor.AWAY) for problem in played.broken)
    if not home:
        stage.say(f"  the game day ends here: the application is away from home; see {played.folder}")
    return home
