"""`python -m lab up`, `down`, `status`, `wait`: a lab as its operator handles it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lab import addresses, processes, record
from lab.control import LabError, ask
from lab.settings import LabSettings

_START_SECONDS = 300.0
_STOP_SECONDS = 25.0

Say = Callable[[str], None]


class Progress:
    """Lines with the seconds since the beginning before them."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f}s] {text}", flush=True)


def running(settings: LabSettings) -> dict[str, Any] | None:
    """The status of the lab in this folder, or else of one that holds these addresses; nothing where none answers."""
    for candidate in (settings_of_running(settings), settings):
        with contextlib.suppress(ConnectionError):
            return ask(candidate, "GET", "/status", timeout=10)
    return None


def settings_of_running(settings: LabSettings) -> LabSettings:
    """The settings of the lab that runs in this folder, whatever the environment says now; else these."""
    recorded = record.settings_in(settings.home)
    if recorded is None or processes.daemon_of(settings.home) is None:
        return settings
    return recorded


def up(settings: LabSettings, seed: str, say: Say) -> None:
    """Have a lab with these settings, seeded: the running one, or a new one."""
    from lab.seed.options import parse

    options = parse(seed)
    settings.home.mkdir(parents=True, exist_ok=True)
    with _alone(settings.home):
        status = running(settings)
        if status is not None:
            _must_be_the_same(status, settings, seed)
            say(f"the lab is running already (process {status['pid']}, up for {status['up_seconds']:.0f} s)")
        else:
            _clear_leftovers(settings, say)
            _must_be_free(settings)
            _start(settings, seed, say)
            status = ask(settings, "GET", "/status")
        record.write_env(settings, seed)
        if not status["seeded"]:
            _seed(settings, options, say)
            _await_application(settings, say)
            ask(settings, "POST", "/seeded")
    say(
        f"ready: `. {_short(settings.home / 'env')}`, then for example "
        "`ansible-playbook -i inventories/lab playbooks/deploy-dr.yml`"
    )


def down(settings: LabSettings, say: Say) -> None:
    """Stop the lab; afterwards none of its processes is left and none of its ports is open."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with _alone(settings.home):
        settings = settings_of_running(settings)
        found = processes.of_lab(settings.home)
        if not found:
            record.forget(settings.home)
            say("no lab is running")
            return
        daemon = processes.daemon_of(settings.home)
        if daemon is not None:
            say("stopping the lab")
            with contextlib.suppress(ConnectionError, LabError):
                _ask_to_stop(settings)
            deadline = time.monotonic() + _STOP_SECONDS
            while daemon.alive() and time.monotonic() < deadline:
                time.sleep(0.05)
        processes.end(processes.of_lab(settings.home))
        record.forget(settings.home)
        still = [f"{place.address}:{place.port}" for place in addresses.taken(settings)]
        if still:
            raise LabError(f"the lab is down, but something listens on {', '.join(still)}")
        say("the lab is down")


def wait(settings: LabSettings, timeout: float, say: Say) -> None:
    """Wait until the lab is whole: seeded, no outage, replication streaming, the writer's site serving."""
    deadline = time.monotonic() + timeout
    told = None
    while (missing := _missing(running(settings))) is not None:
        if missing != told:
            say(f"waiting: {missing}")
            told = missing
        if time.monotonic() > deadline:
            raise LabError(f"after {timeout:.0f} s: {missing}")
        time.sleep(0.2)
    say("the lab is whole")


def _missing(status: dict[str, Any] | None) -> str | None:
    """What keeps the lab from being whole."""
    if status is None:
        return "no lab answers"
    if not status["seeded"]:
        return "the primary region is not built yet"
    for region, facts in status["regions"].items():
        if facts["outage"]:
            return f"{region} has an outage ({facts['outage']})"
    database = status["database"]
    if not database["streaming"]:
        return "replication does not stream"
    if not status["regions"][database["writer"]]["in_service"]:
        return f"no instance is in service in {database['writer']}"
    return None


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One `up` or `down` at a time for a folder."""
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _must_be_the_same(status: dict[str, Any], settings: LabSettings, seed: str) -> None:
    wanted, found = record.Record.describe(settings, seed), status["settings"]
    different = [
        f"{name} is {found.get(name)!r} there, {wanted[name]!r} here"
        for name in wanted
        if found.get(name) != wanted[name]
    ]
    if not different:
        return
    if found.get("LAB_HOME") != wanted["LAB_HOME"]:
        raise LabError(
            f"another lab (LAB_HOME={found.get('LAB_HOME')}) runs on LAB_NET={settings.net}: give this one a loopback "
            f"network of its own, such as LAB_NET={_next_net(settings.net)}, or stop the other"
        )
    raise LabError(
        f"a lab with other settings is running: {'; '.join(different)}. Stop it (`python -m lab down`), "
        "or give this one its own LAB_HOME and LAB_NET"
    )


def _must_be_free(settings: LabSettings) -> None:
    taken = addresses.taken(settings)
    if taken:
        first = "; ".join(f"{one.address}:{one.port}/{one.protocol} ({one.what})" for one in taken[:4])
        more = f" and {len(taken) - 4} more" if len(taken) > 4 else ""
        raise LabError(
            f"addresses are taken by another program: {first}{more}. Choose another loopback network, such as "
            f"LAB_NET={_next_net(settings.net)}"
        )


def _next_net(net: str) -> str:
    head, _, last = net.rpartition(".")
    return f"{head}.{(int(last) + 1) % 256}"


def _clear_leftovers(settings: LabSettings, say: Say) -> None:
    """A lab that was killed leaves children and files: end the ones, forget the others."""
    left = processes.of_lab(settings.home)
    if left:
        say(f"an earlier lab ended without cleaning up: ending {len(left)} of its processes")
        processes.end(left)


def _start(settings: LabSettings, seed: str, say: Say) -> None:
    """Start the background process and pass its progress on until it is ready."""
    say(
        f"starting the lab: {settings.primary_region} and {settings.dr_region} on {settings.net}.0/24, "
        f"profile {settings.profile}"
    )
    repository = Path(__file__).resolve().parent.parent
    crash = settings.home / "start.log"
    with crash.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", "serve", str(settings.home)],
            cwd=repository,
            env={**os.environ, **record.Record.describe(settings, seed), "PYTHONPATH": str(repository)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            text=True,
        )
    assert process.stdout is not None
    watchdog = threading.Timer(_START_SECONDS, process.kill)
    watchdog.start()
    last = ""
    try:
        for line in process.stdout:
            last = line.strip()
            if last == "ready":
                crash.unlink(missing_ok=True)
                return
            say(last)
        process.wait(5)
    except BaseException:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        processes.end(processes.of_lab(settings.home))
        raise
    finally:
        watchdog.cancel()
    processes.end(processes.of_lab(settings.home))
    tail = crash.read_text(errors="replace").strip().splitlines()[-1:] or [last]
    raise LabError(f"the lab did not start: {last or tail[0]} (details: {crash})")


def _seed(settings: LabSettings, options: frozenset[str], say: Say) -> None:
    """Build the world before the collection arrives."""
    from botocore.exceptions import BotoCoreError, ClientError

    from lab.seed.build import build

    try:
        build(settings, options, say)
    except (BotoCoreError, ClientError) as error:
        raise LabError(f"the lab runs, but its primary region could not be built: {error}") from error


def _ask_to_stop(settings: LabSettings) -> None:
    """Ask the lab at our addresses to stop, if it is ours."""
    status = ask(settings, "GET", "/status", timeout=5)
    if status["home"] == str(settings.home):
        ask(settings, "POST", "/stop", timeout=5)


def _await_application(settings: LabSettings, say: Say) -> None:
    """Wait until the primary region serves, as its instances take time to launch."""
    deadline = time.monotonic() + 400
    say("waiting for the instances of the primary region")
    while not ask(settings, "GET", "/in-service")[settings.primary_region]:
        if time.monotonic() > deadline:
            raise LabError("no instance of the primary region came into service")
        time.sleep(0.1)


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
