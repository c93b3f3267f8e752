"""Commands that do something to the lab that runs; the lab itself does it (`lab.hands`)."""

from __future__ import annotations

import argparse

from lab.control import ask
from lab.settings import LabSettings

COMMANDS = (
    "outage",
    "heal",
    "replication",
    "fault",
    "throttle",
    "lag",
    "capacity",
    "flap",
    "disable-key",
    "enable-key",
    "mark",
)


def by_hand(options: argparse.Namespace, settings: LabSettings) -> str:
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
        case "replication":
            state = {"heal": "healed"}.get(options.state, options.state)
            ask(settings, "POST", "/replication", {"state": state, "seconds": options.seconds})
            return f"replication: {state}"
        case "fault":
            fault = {name: getattr(options, name) for name in ("call", "code", "region", "times", "every", "clear")}
            ask(settings, "POST", "/fault", fault)
            return "no call fails on request" if options.clear else f"{options.call} fails: {options.code}"
        case "mark":
            ask(settings, "POST", "/mark", {"name": options.name})
            return f"marked: {options.name}"
    state = options.command.removesuffix("-key") + "d"
    found = ask(settings, "POST", "/key", {"region": region, "state": state})
    return f"{region}: {len(found['keys'])} keys are {state}"
