"""What a running lab leaves on disk for those who look for it: `lab.json` and `env`."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.addresses import places, without_proxy
from lab.settings import LabSettings

_UNSET = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ENDPOINT_URL", "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)  # fmt: skip
"""Variables of a real account, which must not reach what runs against the lab, nor the other way round."""


@dataclass(frozen=True)
class Record:
    """The contents of `lab.json`."""

    settings: LabSettings
    seed: str
    seeded: bool
    pid: int
    pids: dict[str, int]
    started_at: float

    @staticmethod
    def describe(settings: LabSettings, seed: str) -> dict[str, str]:
        """The settings by the names of their variables: two labs are the same when these are."""
        return {
            "PROJECT_NAME": settings.project,
            "ENVIRONMENT": settings.environment,
            "PRIMARY_REGION": settings.primary_region,
            "DR_REGION": settings.dr_region,
            "LAB_NET": settings.net,
            "LAB_HOME": str(settings.home),
            "LAB_PROFILE": settings.profile,
            "LAB_PRIMARY_CIDR": settings.primary_cidr,
            "LAB_GROUPS": ",".join(settings.groups),
            "LAB_BUCKETS": ",".join(settings.buckets),
            "LAB_DOMAIN": settings.domain,
            "LAB_SEED": seed,
        }

    def save(self) -> None:
        """Write `lab.json` at once or not at all."""
        value: dict[str, Any] = {
            "pid": self.pid,
            "pids": self.pids,
            "started_at": self.started_at,
            "seeded": self.seeded,
            "settings": self.describe(self.settings, self.seed),
            "addresses": [
                {"what": place.what, "address": place.address, "port": place.port, "protocol": place.protocol}
                for place in places(self.settings)
            ],
        }
        path = self.settings.home / "lab.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(value, indent=2) + "\n")
        fresh.replace(path)


def settings_in(home: Path) -> LabSettings | None:
    """The settings of the lab that left its record in this folder."""
    try:
        found = json.loads((home / "lab.json").read_text())["settings"]
        return LabSettings.from_environment(found)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget(home: Path) -> None:
    """Take the record of a lab that is no more away."""
    for name in ("lab.json", "env"):
        (home / name).unlink(missing_ok=True)


def variables(settings: LabSettings, seed: str) -> dict[str, str]:
    """What a program that works against the lab needs in its environment."""
    return {
        **Record.describe(settings, seed),
        "AWS_CONFIG_FILE": str(settings.home / "aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(settings.home / "aws" / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": without_proxy(settings),
        "no_proxy": without_proxy(settings),
    }


def environment(settings: LabSettings, seed: str) -> dict[str, str]:
    """This process's environment as `. .lab/env` would change it."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    programs = str(Path(sys.executable).parent)
    path = kept.get("PATH", os.defpath)
    if programs not in path.split(os.pathsep):
        path = programs + os.pathsep + path
    return {**kept, **variables(settings, seed), "PATH": path}


def write_env(settings: LabSettings, seed: str) -> Path:
    """Write the shell file for `. .lab/env`."""
    programs = shlex.quote(str(Path(sys.executable).parent))
    lines = ["# . this file, and AWS is the lab", f"unset {' '.join(_UNSET)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables(settings, seed).items()]
    lines += [f'case ":$PATH:" in *:{programs}:*) ;; *) export PATH={programs}:"$PATH" ;; esac']
    path = settings.home / "env"
    path.write_text("\n".join(lines) + "\n")
    return path
