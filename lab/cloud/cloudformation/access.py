"""boto3 clients that end in this process: CloudFormation's own calls to the other services.

They pass by the network, the ports of the lab and its call log, because on AWS they are made by CloudFormation and not
by the user.  They meet the same backends, whether under `moto.mock_aws` or in moto's server.
"""

from __future__ import annotations

import os
from functools import cache
from threading import Lock
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber

_SETTINGS: dict[str, Any] = {
    "ignore_configured_endpoint_urls": True,
    "retries": {"total_max_attempts": 1, "mode": "standard"},
    "user_agent_extra": "cloudformation.amazonaws.com",
}
_CONFIG = Config(**_SETTINGS)


class _InProcess(BotocoreStubber):
    """Answers requests from moto's backends, in moto's server too."""

    def __init__(self, account: str) -> None:
        super().__init__()
        self.enabled = True
        self._account = account

    def __call__(self, event_name: str, request: AWSPreparedRequest, **kwargs: Any) -> AWSResponse | None:
        request.headers["x-moto-account-id"] = self._account
        # Under mock_aws moto's own stubber answers every client of the process: twice would be done twice.
        return None if botocore_stubber.enabled else super().__call__(event_name, request, **kwargs)


class Access:
    """Clients of one account and region, made once each."""

    def __init__(self, account: str, region: str) -> None:
        self.region = region
        self._clients: dict[str, Any] = {}
        self._lock = Lock()
        self._in_process = _InProcess(account)
        self._session: Any = boto3.Session(botocore_session=_bare_session(), region_name=region)

    def client(self, service: str) -> Any:
        """The boto3 client of that service."""
        with self._lock:
            if service not in self._clients:
                client = self._session.client(service, config=_CONFIG)
                client.meta.events.register_first("before-send", self._in_process)
                self._clients[service] = client
            return self._clients[service]


@cache
def access(account: str, region: str) -> Access:
    """The one `Access` of an account and region: clients are dear to make, and remember nothing."""
    return Access(account, region)


def _bare_session() -> botocore.session.Session:
    """A session that reads no file and no profile of the user: those point at the lab's ports."""
    session = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    session.set_credentials("AKIACLOUDFORMATION00", "cloudformation-inside-the-lab")
    return session
