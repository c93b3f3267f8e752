"""`python -m lab clients`: runs beside whatever happens to the lab, and says which client came back when."""

from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import asdict
from pathlib import Path

import dns.resolver

from lab.clients.behaving import Target, clients, resolver, run
from lab.clients.returning import advice, returns, table
from lab.settings import APP_HTTPS_PORT, DNS_PORT, LabSettings


def watch(settings: LabSettings, *, seconds: float, interval: float, log: Path | None, as_json: bool) -> int:
    """Run the clients for so long, or until the terminal or SIGTERM ends them; then print what became of each."""
    target = Target(
        host=f"app.{settings.domain}",
        port=APP_HTTPS_PORT,
        nameserver=(settings.dns_address, DNS_PORT),
        ca_file=str(settings.home / "ca.pem"),
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    deadline = time.monotonic() + seconds
    tries = run(
        clients(target, f"clients-{int(time.time())}"), interval, lambda: ended.is_set() or time.monotonic() > deadline
    )
    if log is not None:
        log.write_text("".join(json.dumps(asdict(one)) + "\n" for one in tries), encoding="utf-8")
    found = returns(tries)
    said = advice(found, _ttl(target))
    if as_json:
        print(json.dumps({"clients": [asdict(one) | {"seconds": one.seconds} for one in found], "advice": said}))
    else:
        print("\n".join([*table(found), *(f"- {line}" for line in said)]))
    return 0


def _ttl(target: Target) -> float:
    """Of the application's record, as DNS gives it now (seconds)."""
    try:
        answer = resolver(target).resolve(target.host, "A").response.answer
    except dns.resolver.NoAnswer:
        return 0.0
    return float(min(rrset.ttl for rrset in answer))
