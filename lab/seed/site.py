"""What the parts of the seed share: clients of the lab's AWS, names, and how a thing that is there is left alone."""

from __future__ import annotations

import configparser
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lab.control import LabError
from lab.settings import LabSettings

_GLOBAL_SERVICES = ("route53", "iam")
_PROFILE = "seed"


@dataclass
class Aws:
    """Clients of the lab, whatever the environment says of other accounts."""

    settings: LabSettings
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _session: boto3.Session | None = None

    def client(self, service: str, region: str) -> Any:
        """A client of a service in a region."""
        region = self.settings.global_region if service in _GLOBAL_SERVICES else region
        if (service, region) not in self._clients:
            session = self._session = self._session or self._sign_in(region)
            self._clients[service, region] = session.client(
                service,  # type: ignore[call-overload]  # names of services are checked by boto3
                region_name=region,
                endpoint_url=self.settings.api_url(region),
                config=Config(
                    proxies={}, user_agent_extra="lab-seed", connect_timeout=5, read_timeout=60,
                    s3={"addressing_style": "path"}, retries={"total_max_attempts": 2, "mode": "standard"},
                ),
            )  # fmt: skip
        return self._clients[service, region]

    def _sign_in(self, region: str) -> boto3.Session:
        keys = configparser.RawConfigParser()
        keys.read(self.settings.home / "aws" / "credentials")
        return boto3.Session(
            aws_access_key_id=keys[_PROFILE]["aws_access_key_id"],
            aws_secret_access_key=keys[_PROFILE]["aws_secret_access_key"],
            region_name=region,
        )


@dataclass
class Site:
    """One region as the seed builds it."""

    aws: Aws
    settings: LabSettings
    region: str
    options: frozenset[str]

    def client(self, service: str) -> Any:
        """A client of a service in this region."""
        return self.aws.client(service, self.region)

    @property
    def project(self) -> str:
        """First part of every name."""
        return self.settings.project

    def name(self, suffix: str) -> str:
        """A name of the project."""
        return f"{self.settings.project}-{suffix}"

    def tags(self, **more: str) -> list[dict[str, str]]:
        """The owner's tags, as most services want them."""
        pairs = {"Project": self.settings.project, "Environment": self.settings.environment, "Team": "web", **more}
        return [{"Key": key, "Value": value} for key, value in pairs.items()]

    def tag_specification(self, kind: str, name: str) -> list[dict[str, Any]]:
        """The owner's tags, as EC2 wants them."""
        return [{"ResourceType": kind, "Tags": self.tags(Name=name)}]


def absent(error: ClientError, *codes: str) -> bool:
    """Whether an answer says that the thing is not there."""
    return str(error.response["Error"]["Code"]) in codes


def find(ask: Callable[[], Any], *codes: str) -> Any:
    """What `ask` gives; nothing where AWS answers with one of the codes that mean that it is not there."""
    try:
        return ask()
    except ClientError as error:
        if absent(error, *codes):
            return None
        raise


def until(what: str, ready: Callable[[], bool], seconds: float = 900.0) -> None:
    """Wait until it is ready."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise LabError(f"{what} is not ready after {seconds:.0f} s")
        time.sleep(0.1)
