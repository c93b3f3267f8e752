"""What one lab is called and where it lives: read once from the environment, then handed around."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Profile = Literal["fast", "realistic"]

GLOBAL_REGION = "us-east-1"
"""Where the control planes of Route 53 and IAM live (R3)."""

API_PORT = 4566
CONTROL_PORT = 7000
DNS_PORT = 5353
APP_HTTPS_PORT = 8443
APP_HTTP_PORT = 8080
POSTGRES_PORT = 5432

_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
_PROJECT = re.compile(r"^[a-z][a-z0-9-]{1,40}$")


class BadSettings(ValueError):
    """A setting that no lab can be started with; the message names the variable and what would be right."""


@dataclass(frozen=True)
class LabSettings:
    """Everything that distinguishes one lab from another."""

    project: str = "dr-webapp"
    environment: str = "production"
    primary_region: str = "us-east-1"
    dr_region: str = "us-west-2"
    net: str = "127.86.1"
    home: Path = Path(".lab")
    profile: Profile = "fast"
    primary_cidr: str = "10.0.0.0/16"
    groups: tuple[str, ...] = ("asg",)
    buckets: tuple[str, ...] = ("data",)
    domain: str = "dr-webapp.example"

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> LabSettings:
        """Read `PROJECT_NAME`, `PRIMARY_REGION`, `DR_REGION`, `ENVIRONMENT` and `LAB_*`; an empty value is no value."""

        def text(name: str, default: str) -> str:
            return env.get(name, "").strip() or default

        project = text("PROJECT_NAME", "dr-webapp")
        repository = Path(__file__).resolve().parent.parent
        settings = cls(
            project=project,
            environment=text("ENVIRONMENT", "production"),
            primary_region=text("PRIMARY_REGION", "us-east-1"),
            dr_region=text("DR_REGION", "us-west-2"),
            net=text("LAB_NET", "127.86.1"),
            home=Path(text("LAB_HOME", str(repository / ".lab"))).expanduser().absolute(),
            profile=_profile(text("LAB_PROFILE", "fast")),
            primary_cidr=text("LAB_PRIMARY_CIDR", "10.0.0.0/16"),
            groups=_names(text("LAB_GROUPS", "asg")),
            buckets=_names(text("LAB_BUCKETS", "data")),
            domain=text("LAB_DOMAIN", f"{project}.example"),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse what would fail later and less clearly."""
        if not _PROJECT.match(self.project):
            raise BadSettings(f"PROJECT_NAME={self.project!r}: lower-case letters, digits and dashes, a letter first")
        for name, region in (("PRIMARY_REGION", self.primary_region), ("DR_REGION", self.dr_region)):
            if not _REGION.match(region):
                raise BadSettings(f"{name}={region!r}: not the name of an AWS region, such as us-west-2")
        if self.primary_region == self.dr_region:
            raise BadSettings(f"DR_REGION={self.dr_region!r}: must differ from PRIMARY_REGION")
        if not re.match(r"^127\.\d{1,3}\.\d{1,3}$", self.net) or any(int(p) > 255 for p in self.net.split(".")):
            raise BadSettings(f"LAB_NET={self.net!r}: the first three numbers of a loopback /24, such as 127.86.1")
        try:
            ipaddress.ip_network(self.primary_cidr)
        except ValueError as error:
            raise BadSettings(f"LAB_PRIMARY_CIDR={self.primary_cidr!r}: {error}") from error

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that have a port, in the order of their addresses; the global one last where it is a third."""
        sites = (self.primary_region, self.dr_region)
        return sites if GLOBAL_REGION in sites else (*sites, GLOBAL_REGION)

    @property
    def global_region(self) -> str:
        """Where Route 53 and IAM are controlled (R3)."""
        return GLOBAL_REGION

    @property
    def dns_address(self) -> str:
        """Address of the lab's name server (port 5353, UDP and TCP)."""
        return f"{self.net}.1"

    @property
    def control_address(self) -> str:
        """Address of the lab's control API (port 7000)."""
        return f"{self.net}.1"

    def api_address(self, region: str) -> str:
        """Address of a region's AWS API (port 4566)."""
        return f"{self.net}.{11 + self.regions.index(region)}"

    def api_url(self, region: str) -> str:
        """Endpoint URL of a region's AWS API."""
        return f"http://{self.api_address(region)}:{API_PORT}"

    def app_address(self, region: str) -> str:
        """Address of a site's application (HTTPS 8443, HTTP 8080)."""
        return f"{self.net}.{21 + self.regions.index(region)}"

    def postgres_address(self, region: str) -> str:
        """Address of a site's PostgreSQL (port 5432)."""
        return f"{self.net}.{31 + self.regions.index(region)}"


def _profile(value: str) -> Profile:
    if value == "fast":
        return "fast"
    if value == "realistic":
        return "realistic"
    raise BadSettings(f"LAB_PROFILE={value!r}: must be fast or realistic")


def _names(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())
