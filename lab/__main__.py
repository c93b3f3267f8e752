"""`python -m lab`: two AWS regions on one machine."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from lab import by_hand, lifecycle, record
from lab.arguments import parser
from lab.control import LabError
from lab.gameday.scenario import BadScenario
from lab.settings import BadSettings, LabSettings
from lab.truth.record import Unrecorded
from lab.truth.window import NoWindow


def main(arguments: list[str] | None = None) -> int:
    """Do one command; the exit code is 0, 1 for what went wrong, 2 for what was asked wrongly, 130 for Ctrl-C."""
    options = parser().parse_args(arguments)
    try:
        settings = LabSettings.from_environment(os.environ)
        return _do(options, settings, os.environ.get("LAB_SEED", "").strip())
    except (BadSettings, BadScenario) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    except (LabError, ConnectionError, Unrecorded, NoWindow) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130


def _do(options: argparse.Namespace, settings: LabSettings, seed: str) -> int:
    say = lifecycle.Progress()
    if options.command not in ("up", "drill", "gameday", "serve"):
        settings = lifecycle.settings_of_running(settings)
    match options.command:
        case "up":
            lifecycle.up(settings, seed, say)
        case "down":
            lifecycle.down(settings, say)
        case "status":
            return _status(settings, as_json=options.json)
        case "env":
            file = settings.home / "env"
            print((file if file.exists() else record.write_env(settings, seed)).read_text(), end="")
        case "wait":
            lifecycle.wait(settings, options.timeout, say)
        case command if command in by_hand.COMMANDS:
            say(by_hand.by_hand(options, settings))
        case "truth":
            from lab.truth.command import truth

            return truth(
                settings, report=options.report, journal=options.journal, since=options.since, until=options.until,
                as_json=options.json,
            )  # fmt: skip
        case "clients":
            from lab.clients.command import watch

            return watch(
                settings, seconds=options.seconds, interval=options.interval, log=options.log, as_json=options.json
            )
        case "lost-writes":
            from lab.lost_writes import lost_writes

            return lost_writes(settings, as_json=options.json)
        case "drill":
            from lab.drill import drill

            return drill(settings, seed, options.inventory, options.extra)
        case "gameday":
            from lab.gameday.command import gameday, list_scenarios, table

            if options.list:
                return list_scenarios()
            if options.table:
                return table(options.reports, options.scenario, docs=options.docs)
            return gameday(
                settings, seed, options.scenario, seed=options.seed, patience=options.patience,
                reports=options.reports.absolute(), docs=options.docs,
            )  # fmt: skip
        case "serve":
            from lab.laboratory import serve

            return serve(settings, seed)
    return 0


def _status(settings: LabSettings, *, as_json: bool) -> int:
    status = lifecycle.running(settings)
    if status is None or status["home"] != str(settings.home):
        print("the lab is not running" if not as_json else "null")
        return 3
    print(json.dumps(status, indent=2) if as_json else "\n".join(_lines(status)))
    return 0


def _lines(status: dict[str, Any]) -> list[str]:
    database = status["database"]
    lag = database["lag_seconds"]
    lines = [
        f"lab          up for {status['up_seconds']:.0f} s, profile {status['profile']}, process {status['pid']}, "
        f"in {status['home']}",
        f"DNS          {status['dns']}",
        f"database     writer {database['writer']}, standby {database['standby'] or 'none'}, "
        + ("streaming" if database["streaming"] else "not streaming")
        + (f", lag {lag:.3f} s" if lag is not None else "")
        + (f", cut: {', '.join(database['cut'])}" if database["cut"] else ""),
    ]
    for region, facts in status["regions"].items():
        parts = [f"API {facts['api']}"]
        if facts["application"]:
            parts += [f"application {facts['application']} ({facts['in_service']} in service)"]
            parts += [f"PostgreSQL {facts['postgres']}"]
        if facts["outage"]:
            parts += [f"OUTAGE: {facts['outage']}"]
        lines.append(f"{region:<12} " + ", ".join(parts))
    if not status["seeded"]:
        lines.append("the primary region is not built yet: run `python -m lab up` again")
    return lines


if __name__ == "__main__":
    sys.exit(main())
