"""The lab's AWS profiles: one more AWS config file, with endpoints in `services` sections, and nothing else.

Profiles `primary`, `dr` (and `default`, as primary's) are the operator's; `expired`, `unknown` and `other_account` are
for tests of bad input.  Keys are long, because Ansible masks a short secret wherever its letters stand.
"""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

from lab.cloud.world import ACCOUNT
from lab.settings import LabSettings

OTHER_ACCOUNT = "210987654321"

GLOBAL_SERVICES = ("iam", "route_53", "cloudfront", "organizations")
"""Services whose one control plane is in us-east-1 (R3); boto3's names for `services` sections."""


@dataclass(frozen=True)
class Key:
    """An access key and what it is for."""

    access_key_id: str
    secret_access_key: str
    account: str = ACCOUNT
    problem: str | None = None


def _secret(name: str) -> str:
    return f"lab-secret-of-{name}-{'0123456789abcdefghij' * 2}"[:40]


KEYS: dict[str, Key] = {
    "primary": Key("AKIALABPRIMARY000000", _secret("primary")),
    "dr": Key("AKIALABRECOVERY00000", _secret("dr")),
    "seed": Key("AKIALABSEED000000000", _secret("seed")),
    "lambda": Key("ASIALABLAMBDA0000000", _secret("lambda")),
    "expired": Key("ASIALABEXPIRED000000", _secret("expired"), problem="expired"),
    "unknown": Key("AKIALABUNKNOWN000000", _secret("unknown"), problem="unknown"),
    "other_account": Key("AKIALABOTHERACCOUNT0", _secret("other"), account=OTHER_ACCOUNT),
}
BY_ID = {key.access_key_id: key for key in KEYS.values()}


def write(settings: LabSettings) -> Path:
    """Write `aws/config`, `aws/credentials` and what functions get below the lab's home; returns the folder."""
    folder = settings.home / "aws"
    folder.mkdir(parents=True, exist_ok=True)
    config = configparser.RawConfigParser()
    credentials = configparser.RawConfigParser()
    sites = {
        "default": settings.primary_region,
        "primary": settings.primary_region,
        "dr": settings.dr_region,
        "seed": settings.primary_region,
        "expired": settings.primary_region,
        "unknown": settings.primary_region,
        "other_account": settings.dr_region,
    }
    for profile, region in sites.items():
        config[profile if profile == "default" else f"profile {profile}"] = {
            "region": region,
            "output": "json",
            "sts_regional_endpoints": "regional",
            "endpoint_url": settings.api_url(region),
            "services": f"lab-{region}",
            "s3": "\naddressing_style = path",
        }
        key = KEYS["primary" if profile == "default" else profile]
        credentials[profile] = {
            "aws_access_key_id": key.access_key_id,
            "aws_secret_access_key": key.secret_access_key,
        }
    for region in settings.regions:
        config[f"services lab-{region}"] = {
            service: f"\nendpoint_url = {settings.api_url(settings.global_region)}" for service in GLOBAL_SERVICES
        }
    _save(config, folder / "config")
    _save(credentials, folder / "credentials")
    # a function has no profiles, only what its role gives it
    function = configparser.RawConfigParser()
    function["default"] = {"sts_regional_endpoints": "regional", "s3": "\naddressing_style = path"}
    _save(function, folder / "function-config")
    return folder


def _save(parser: configparser.RawConfigParser, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        parser.write(file)
    path.chmod(0o600)
    # botocore wants nested values indented, which configparser writes with a tab; that is accepted as it is
