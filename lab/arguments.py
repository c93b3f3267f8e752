"""What can be said to `python -m lab`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lab.outage_kinds import KINDS


def parser() -> argparse.ArgumentParser:
    """Everything that can be said to the lab."""
    top = argparse.ArgumentParser(
        prog="python -m lab",
        description="Two AWS regions on this machine, to try, train and test on.",
        epilog="Settings come from the environment: PROJECT_NAME, PRIMARY_REGION, DR_REGION, ENVIRONMENT, LAB_NET, "
        "LAB_HOME, LAB_PROFILE (fast, realistic), LAB_PRIMARY_CIDR, LAB_GROUPS, LAB_BUCKETS, LAB_DOMAIN, LAB_SEED.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start the lab, or say that it runs already")
    commands.add_parser("down", help="stop it; nothing of it keeps running")
    status = commands.add_parser("status", help="what runs, and where")
    status.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser("env", help="print the shell file that points AWS tools at the lab")
    wait = commands.add_parser("wait", help="wait until everything is healthy and replicating")
    wait.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS")
    _add_hands(commands)
    _add_truth(commands)
    drill = commands.add_parser("drill", help="deploy, activate, drill and come home, with figures at the end")
    drill.add_argument("--inventory", "-i", default="inventories/lab")
    drill.add_argument("extra", nargs="*", metavar="ARGUMENT", help="further arguments of ansible-playbook, after --")
    gameday = commands.add_parser("gameday", help="play scenarios, and hold what is measured against what is true")
    gameday.add_argument("scenario", nargs="*", metavar="SCENARIO", help="their names; all by default")
    gameday.add_argument("--list", action="store_true", help="list the scenarios")
    gameday.add_argument("--table", action="store_true", help="play nothing: print the table of the newest results")
    gameday.add_argument("--seed", type=int, default=None, help="for the phases of the probe; drawn by default")
    gameday.add_argument("--patience", type=float, default=300.0, metavar="SECONDS", help="for one playbook (300)")
    gameday.add_argument("--reports", type=Path, default=Path("reports/gameday"), metavar="FOLDER")
    gameday.add_argument(
        "--docs", action="store_true", help="write docs/measured-against-true.md from the newest results"
    )
    serve = commands.add_parser("serve")
    serve.add_argument("home", type=Path)
    return top


def _add_hands(commands: Any) -> None:
    """What is done to a running lab by hand, at any time; `heal` ends it."""
    kinds = "; ".join(f"{name}: {kind.meaning}" for name, kind in KINDS.items())
    outage = commands.add_parser("outage", help="take a region away", description=f"Take a region away. {kinds}.")
    outage.add_argument("region", metavar="REGION")
    outage.add_argument("--kind", default="hang", choices=tuple(KINDS), help="what it looks like (hang)")
    heal = commands.add_parser("heal", help="bring a region back; without one, end everything that was done by hand")
    heal.add_argument("region", metavar="REGION", nargs="?", default="")
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
    """What happened: told by clients, by the record, by a volume that was lost."""
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
