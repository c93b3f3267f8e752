"""`python -m lab`: two AWS regions on one machine."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from lab import lifecycle, record
from lab.control import LabError, ask
from lab.gameday.scenario import BadScenario
from lab.outage_kinds import KINDS
from lab.settings import BadSettings, LabSettings
from lab.truth.record import Unrecorded
from lab.truth.window import NoWindow


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description="Two AWS regions on this machine, to try, train and test on.",
        epilog="Settings come from the environment: PROJECT_NAME, PRIMARY_REGION, DR_REGION, ENVIRONMENT, LAB_NET, "
        "LAB_HOME, LAB_PROFILE (fast, realistic), LAB_PRIMARY_CIDR, LAB_GROUPS, LAB_BUCKETS, LAB_DOMAIN, LAB_SEED.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start the lab, or say that it runs already")
    commands.add_parser("down", help="stop it; nothing of it keeps running")
    status = commands.add_parser("status", help="what runs, and where")
    status.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser("env", help="print the shell file that points AWS tools at the lab")
    wait = commands.add_parser("wait", help="wait until everything is healthy and replicating")
    wait.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS")
    _add_hands(commands)
    _add_truth(commands)
    replication = commands.add_parser("replication", help="cut, heal or slow the line between the databases")
    replication.add_argument("state", choices=("cut", "heal", "slow"))
    replication.add_argument("seconds", nargs="?", type=float, default=5.0, help="for slow: seconds to hold back")
    fault = commands.add_parser(
        "fault", help="let a call fail, such as rds:CreateDBCluster or *:*; --clear ends all faults"
    )
    fault.add_argument("call", nargs="?", default="", metavar="SERVICE:OPERATION")
    fault.add_argument("--code", default="AccessDenied", help="the error's code (AccessDenied)")
    fault.add_argument("--region", default=None, help="in one region only")
    fault.add_argument("--times", type=int, default=0, help="how many times; 0, the default: until --clear")
    fault.add_argument("--every", type=int, default=1, help="every so many of those calls; 1, the default: each")
    fault.add_argument("--clear", action="store_true")
    drill = commands.add_parser("drill", help="deploy, activate, drill and come home, with figures at the end")
    drill.add_argument("--inventory", "-i", default="inventories/lab")
    drill.add_argument("extra", nargs="*", metavar="ARGUMENT", help="further arguments of ansible-playbook, after --")
    gameday = commands.add_parser("gameday", help="play scenarios, and hold what is measured against what is true")
    gameday.add_argument("scenario", nargs="*", metavar="SCENARIO", help="their names; all by default")
    gameday.add_argument("--list", action="store_true", help="list the scenarios")
    gameday.add_argument("--table", action="store_true", help="play nothing: print the table of the newest results")
    gameday.add_argument("--seed", type=int, default=None, help="for the phases of the probe; drawn by default")
    gameday.add_argument("--reports", type=Path, default=Path("reports/gameday"), metavar="FOLDER")
    gameday.add_argument(
        "--docs", action="store_true", help="write docs/measured-against-true.md from the newest results"
    )
    serve = commands.add_parser("serve")
    serve.add_argument("home", type=Path)
    return parser


def _add_hands(commands: Any) -> None:
    """What is done to a running lab by hand, at any time; `heal` ends it."""
    kinds = "; ".join(f"{name}: {kind.meaning}" for name, kind in KINDS.items())
    outage = commands.add_parser("outage", help="take a region away", description=f"Take a region away. {kinds}.")
    outage.add_argument("region", metavar="REGION")
    outage.add_argument("--kind", default="hang", choices=tuple(KINDS), help="what it looks like (hang)")
    heal = commands.add_parser("heal", help="bring a region back; without one, end everything that was done by hand")
    heal.add_argument("region", metavar="REGION", nargs="?", default="")
    throttle = commands.add_parser("throttle", help="let calls to a region fail as throttled")
    throttle.add_argument("region", metavar="REGION")
    throttle.add_argument("--service", default="*", help="of one service only, such as rds")
    throttle.add_argument("--every", type=int, default=2, help="every so many of its calls (2); 0 ends it")
    lag = commands.add_parser("lag", help="hold replication back; 0 lets it through again")
    lag.add_argument("seconds", type=float, metavar="SECONDS")
    lag.add_argument("--rate", type=float, default=0.0, metavar="BYTES", help="let no more through than that a second")
    capacity = commands.add_parser("capacity", help="whether instances can be launched in a region (R21)")
    capacity.add_argument("region", metavar="REGION")
    capacity.add_argument("state", choices=("none", "there"))
    flap = commands.add_parser("flap", help="let Route 53 see a region's endpoints swing between healthy and not (R19)")
    flap.add_argument("region", metavar="REGION")
    flap.add_argument("seconds", type=float, metavar="SECONDS", help="of each state; 0 ends it")
    for name, help_ in (
        ("disable-key", "disable the customer's keys in a region (R23)"),
        ("enable-key", "enable those keys again that were disabled so"),
    ):
        commands.add_parser(name, help=help_).add_argument("region", metavar="REGION")


def _add_truth(commands: Any) -> None:
    clients = commands.add_parser("clients", help="write as three kinds of clients do, and say which came back when")
    clients.add_argument("--seconds", type=float, default=120.0, help="for how long (120); Ctrl-C ends it too")
    clients.add_argument("--interval", type=float, default=0.5, help="between two writes of one, in seconds (0.5)")
    clients.add_argument("--log", type=Path, default=None, metavar="FILE", help="every try, as JSON lines")
    clients.add_argument("--json", action="store_true", help="for programs")
    mark = commands.add_parser("mark", help="name this moment, for `truth --since`")
    mark.add_argument("name", metavar="NAME")
    lost = commands.add_parser("lost-writes", help="row by row, what only the volumes hold that regions have lost (R8)")
    lost.add_argument("--json", action="store_true", help="for programs")
    truth = commands.add_parser("truth", help="what really happened in a move, as the lab saw it from inside")
    which = truth.add_mutually_exclusive_group()
    which.add_argument(
        "--report", type=Path, metavar="FILE", help="a move by its report.json, which is held against it"
    )
    which.add_argument("--journal", type=Path, metavar="FILE", help="a move by its journal.jsonl")
    which.add_argument("--since", default="10m", help="since a time, a mark, or so long ago (10m)")
    truth.add_argument("--until", default=None, help="until then (now)")
    truth.add_argument("--json", action="store_true", help="for programs")


def main(arguments: list[str] | None = None) -> int:
    """Do one command; the exit code is 0, 1 for what went wrong, 2 for what was asked wrongly, 130 for Ctrl-C."""
    options = _parser().parse_args(arguments)
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
        case "outage" | "heal" | "throttle" | "lag" | "capacity" | "flap" | "disable-key" | "enable-key" | "mark":
            say(_by_hand(options, settings))
        case "truth":
            from lab.truth.command import truth

            return truth(
                settings, report=options.report, journal=options.journal, since=options.since, until=options.until,
                as_json=options.json,
            )  # fmt: skip
        case "replication":
            state = {"heal": "healed"}.get(options.state, options.state)
            ask(settings, "POST", "/replication", {"state": state, "seconds": options.seconds})
            say(f"replication: {state}")
        case "fault":
            fault = {name: getattr(options, name) for name in ("call", "code", "region", "times", "every", "clear")}
            ask(settings, "POST", "/fault", fault)
            say("no call fails on request" if options.clear else f"{options.call} fails: {options.code}")
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
                settings, seed, options.scenario, seed=options.seed, reports=options.reports.absolute(),
                docs=options.docs,
            )  # fmt: skip
        case "serve":
            from lab.laboratory import serve

            return serve(settings, seed)
    return 0


def _by_hand(options: argparse.Namespace, settings: LabSettings) -> str:
    """Do something to the lab; returns what was done."""
    region = getattr(options, "region", "")
    match options.command:
        case "outage":
            ask(settings, "POST", "/outage", {"region": region, "kind": options.kind})
            return f"{region} is gone: {options.kind}"
        case "heal":
            ask(settings, "POST", "/heal", {"region": region})
            return f"{region} is back" if region else "everything that was done by hand has ended"
        case "throttle":
            told = {"region": region, "service": options.service, "every": options.every}
            ask(settings, "POST", "/throttle", told)
            which = "each call" if options.every == 1 else f"one call in {options.every}"
            return f"{region}: {which} is throttled" if options.every else f"{region}: no call is throttled"
        case "lag":
            ask(settings, "POST", "/lag", {"seconds": options.seconds, "bytes_per_second": options.rate})
            rate = f", at most {options.rate:g} bytes a second" if options.rate else ""
            return f"replication is held back for {options.seconds:g} s{rate}"
        case "capacity":
            ask(settings, "POST", "/capacity", {"region": region, "state": options.state})
            return f"{region}: instances {'cannot' if options.state == 'none' else 'can'} be launched"
        case "flap":
            ask(settings, "POST", "/flap", {"region": region, "seconds": options.seconds})
            return f"{region}: endpoints {f'swing each {options.seconds:g} s' if options.seconds else 'are steady'}"
        case "mark":
            ask(settings, "POST", "/mark", {"name": options.name})
            return f"marked: {options.name}"
    state = options.command.removesuffix("-key") + "d"
    found = ask(settings, "POST", "/key", {"region": region, "state": state})
    return f"{region}: {len(found['keys'])} keys are {state}"


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
