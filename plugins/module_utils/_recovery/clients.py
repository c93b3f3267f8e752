# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The only maker of boto3 clients, and the only way out of the core to AWS.

Three layers: ``Clients`` (what callers use: retry table, breaker per region, recording) on a ``Transport`` (one
request under one deadline); ``BotoTransport`` is the real one, tests bring others.

Why a thread for each call: name resolution, fetching credentials (a profile with a role has an STS client of its own
with 60 s timeouts) and several addresses that swallow packets are all outside botocore's own timeouts (R2).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .breaker import REGION_BUDGET_SECONDS, Breaker
from .buckets import RATES, Buckets, Rate
from .calling import (
    MUTATION_DEADLINE_SECONDS,
    READ_DEADLINE_SECONDS,
    Caller,
    CallRecord,
    Transport,
    is_read,
    without_secrets,
)
from .errors import CallFailed, RecoveryError, RegionUnreachable
from .model import Access
from .ports import Clock
from .retries import SERVER_SIDE, retry_for
from .workers import NotInTime, in_time

try:
    import boto3
    import botocore.config
    import botocore.exceptions
    import botocore.session

    HAS_BOTO3 = True
except ImportError:  # the import sanity test has no boto3, and modules report its absence in their own way
    HAS_BOTO3 = False

__all__ = ["BotoTransport", "CallRecord", "Caller", "Clients", "Transport", "from_boto3", "is_read", "without_secrets"]

CONNECT_TIMEOUT_SECONDS = 2.0
CREDENTIALS_SPARE_SECONDS = 300.0
"""So long before a role's credentials end new ones are asked for; meanwhile the old ones serve."""

RATE_LIMITED = "OwnRateLimit"
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})


@dataclass(eq=False)
class Clients:
    """Calls AWS for the core.

    ``access`` says how a region is reached when a caller names only the region; ``budgets`` gives a region another
    budget than the usual one (the region that a move depends on is waited for longer than one that may be lost).
    """

    clock: Clock
    access: Mapping[str, Access] = field(default_factory=dict)
    transport: Transport | None = None
    budgets: Mapping[str, float] = field(default_factory=dict)
    record: Callable[[CallRecord], None] | None = None
    monotonic: Callable[[], float] = time.monotonic
    rates: Mapping[tuple[str, str | None], Rate] = field(default_factory=lambda: RATES)

    def __post_init__(self) -> None:
        self._buckets = Buckets(self.monotonic, self.rates)
        self._transport: Transport = self.transport or BotoTransport()
        self._breakers: dict[str, Breaker] = {}
        self._lock = threading.Lock()

    def breaker(self, region: str) -> Breaker:
        """The breaker of a region."""
        with self._lock:
            if region not in self._breakers:
                self._breakers[region] = Breaker(self.monotonic, self.budgets.get(region, REGION_BUDGET_SECONDS))
            return self._breakers[region]

    def depend(self, region: str, depends: bool) -> None:
        """Say that from now on a move depends on a region and waits for it, or that it may be lost (R2)."""
        self.breaker(region).depend(depends)

    def call(
        self,
        at: Access | str,
        service: str,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        mutates: bool | None = None,
        repeatable: bool = False,
        deadline_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Send one request, again where the retry table says so. See ``Caller``."""
        access = at if isinstance(at, Access) else self.access.get(at, Access(at))
        mutation = not is_read(operation) if mutates is None else mutates
        deadline = deadline_seconds or (MUTATION_DEADLINE_SECONDS if mutation else READ_DEADLINE_SECONDS)
        ends = self.monotonic() + deadline
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(access, service, operation, params or {}, mutation, ends)
            except CallFailed as error:
                retry = retry_for(error.code, mutation and not repeatable)
                pause = retry.pause(attempt) if retry else 0.0
                if not retry or attempt >= retry.attempts or self.monotonic() + pause >= ends:
                    raise
                broken = error.code in SERVER_SIDE
                if broken and self.breaker(access.region).allowance(pause) < pause:
                    raise
            began = self.monotonic()
            self.clock.wait(pause)
            if broken:
                self.breaker(access.region).waited(began)

    def _once(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], mutates: bool, ends: float
    ) -> dict[str, Any]:
        breaker = self.breaker(access.region)
        refusal = breaker.refusal(service)
        if refusal:
            code, reason = refusal
            raise RegionUnreachable(access.region, reason, code)
        self._wait_for_a_token(access.region, service, operation, ends - self.monotonic())
        started, at = self.monotonic(), self.clock.now()
        outcome: str | None = None
        try:
            answer = self._transport.send(
                access, service, operation, params, breaker.allowance(ends - self.monotonic())
            )
            breaker.answered(service)
            return answer
        except CallFailed as error:
            outcome = error.code
            if error.code in SERVER_SIDE:
                breaker.failed(service, started, f"{error.service} {error.operation} answered {error.code}")
            else:
                breaker.answered(service)
            raise
        except RegionUnreachable as error:
            outcome = "NoAnswer"
            breaker.silent(service, started, error.reason)
            raise
        finally:
            if self.record:
                self.record(
                    CallRecord(
                        at=at,
                        region=access.region,
                        service=service,
                        operation=operation,
                        mutates=mutates,
                        params=without_secrets(params),
                        seconds=self.monotonic() - started,
                        error=outcome,
                    )
                )

    def _wait_for_a_token(self, region: str, service: str, operation: str, seconds: float) -> None:
        wait = self._buckets.reserve(region, service, operation, seconds)
        if wait is None:
            left = max(0.0, seconds)
            reason = f"AWS's rate for {service} leaves no room for one more call within {left:.1f} s (R26)"
            raise CallFailed(region, service, operation, RATE_LIMITED, reason)
        if wait:
            self.clock.wait(wait)


def _invoke(client: Any, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Call ``operation`` on a boto3 client and translate what botocore raises."""
    region = client.meta.region_name
    service = client.meta.service_model.service_name
    names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    try:
        answer: dict[str, Any] = getattr(client, names[operation])(**params)
    except botocore.exceptions.ClientError as error:
        detail = error.response.get("Error", {})
        status = str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
        code = _told_by_status(service, str(detail.get("Code") or status or "Unknown"))
        raise CallFailed(region, service, operation, code, str(detail.get("Message", error))) from error
    except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError) as error:
        # Cannot connect, timed out, TLS, closed: half of these are of one family, and half of the other.
        raise RegionUnreachable(region, _plain(error)) from error
    except (botocore.exceptions.BotoCoreError, OSError) as error:
        raise CallFailed(region, service, operation, type(error).__name__, _plain(error)) from error
    answer.pop("ResponseMetadata", None)
    return answer


def _told_by_status(service: str, code: str) -> str:
    """The code of an error that came without a body, as S3 answers HEAD.

    503 is how S3 asks for fewer requests (Amazon S3 API reference, "Error responses": SlowDown), and no sign that the
    region is lost.
    """
    return "SlowDown" if (service, code) == ("s3", "503") else code


def _plain(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


class _Abandoned(Exception):
    """Nobody waits for this call any more, so it is not sent."""


class _Watch(threading.local):
    """The call of this thread: whether it was given up, and whether it changes anything."""

    given_up: threading.Event | None = None
    mutates: bool = False


_watch = _Watch()


def _not_too_late(**event: Any) -> None:
    """botocore's last event before a request is sent: what was given up at its deadline is not sent after it.

    A mover answers for its calls only as long as its lease lasts. Fetching credentials and resolving the name are what
    can hold a call up for longer, so the name is resolved once more before a change is sent.
    """
    if _watch.given_up is None:
        return
    if _watch.mutates:
        host = urllib.parse.urlsplit(event["request"].url)
        with contextlib.suppress(OSError, UnicodeError):
            socket.getaddrinfo(host.hostname, host.port, type=socket.SOCK_STREAM)
    if _watch.given_up.is_set():
        raise _Abandoned


class BotoTransport:
    """boto3 under a wall-clock deadline."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._doors: dict[Access, _Door] = {}
        self._models = _Models()
        self._now = now

    def send(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        """One attempt, in a daemon thread that is left behind when the deadline passes."""
        if not HAS_BOTO3:
            raise CallFailed(access.region, service, operation, "NoBoto3", "boto3 or botocore is missing")
        with self._lock:
            door = self._doors.setdefault(access, _Door(access, self._models, self._now))
        self._models.load(service)  # half a second of CPU at first, which says nothing about the region
        given_up = threading.Event()

        def work() -> dict[str, Any]:
            _watch.given_up, _watch.mutates = given_up, not is_read(operation)
            return door.invoke(service, operation, params)

        try:
            return in_time(work, deadline_seconds, f"{access.region} {service} {operation}")
        except NotInTime:
            given_up.set()
            reason = f"{service} {operation} brought no answer within {deadline_seconds:.1f} s"
            raise RegionUnreachable(access.region, reason) from None
        except (CallFailed, RegionUnreachable):
            raise
        except Exception as error:  # pylint: disable=broad-except  # raised again as what callers know
            raise CallFailed(access.region, service, operation, type(error).__name__, _plain(error)) from error


class _Models:
    """botocore's descriptions of services: read once for all regions, and before any deadline begins to run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: set[str] = set()
        self.loader: Any = None

    def load(self, service: str) -> None:
        """Read what a client of the service will want."""
        with self._lock:
            if self.loader is None:
                self.loader = botocore.session.Session().get_component("data_loader")
            if service not in self._loaded:
                for kind in ("service-2", "endpoint-rule-set-1"):
                    try:
                        self.loader.load_service_model(service, kind)
                    except botocore.exceptions.DataNotFoundError:
                        break  # making the client says what is wrong
                self._loaded.add(service)


class _Door:
    """Sessions and clients of one region and identity; made within the calls' deadlines, kept for the run."""

    def __init__(self, access: Access, models: _Models, now: Callable[[], float]) -> None:
        self._access = access
        self._models = models
        self._now = now
        self._lock = threading.Lock()
        self._session: Any = None
        self._session_ends = float("inf")
        self._renewing = False
        self._clients: dict[str, Any] = {}

    def invoke(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make the call; with new credentials where those of the role were said to have expired."""
        client = self._client(service)
        try:
            return _invoke(client, operation, params)
        except CallFailed as error:
            if error.code not in EXPIRED or not self._access.role_arn:
                raise
        with self._lock:
            self._session, self._clients = None, {}
        return _invoke(self._client(service), operation, params)

    def _client(self, service: str) -> Any:
        with self._lock:
            now = self._now()
            if now >= self._session_ends:
                self._session, self._clients = None, {}
            elif now > self._session_ends - CREDENTIALS_SPARE_SECONDS and not self._renewing:
                # In a thread: an STS that does not answer must not keep credentials from being used that are valid.
                self._renewing = True
                threading.Thread(target=self._renew, daemon=True, name=f"{self._access.region} sts").start()
            if self._session is None:
                self._session, self._session_ends = self._open()
            if service not in self._clients:
                self._clients[service] = self._session.client(service, config=_config())
            return self._clients[service]

    def _renew(self) -> None:
        try:
            session, ends = self._open()
        except (RecoveryError, botocore.exceptions.BotoCoreError, OSError):
            return  # the next call tries again
        else:
            with self._lock:
                self._session, self._session_ends, self._clients = session, ends, {}
        finally:
            self._renewing = False

    def _open(self) -> tuple[Any, float]:
        """A session, and when its credentials end, in seconds since the epoch."""
        session = _session(self._access, self._models)
        if not self._access.role_arn:
            return session, float("inf")
        # Our own AssumeRole, because botocore's has timeouts and retries that cannot be set; a call like any other, so
        # that a region whose STS is silent or broken is a lost region.
        sts, role = session.client("sts", config=_config()), self._access.role_arn
        answer = _invoke(sts, "AssumeRole", {"RoleArn": role, "RoleSessionName": "pilotlight"})["Credentials"]
        renewed = _session(  # of the same profile, which may say more than who calls, such as an endpoint
            self._access,
            self._models,
            aws_access_key_id=answer["AccessKeyId"],
            aws_secret_access_key=answer["SecretAccessKey"],
            aws_session_token=answer["SessionToken"],
        )
        return renewed, answer["Expiration"].timestamp()


def _session(access: Access, models: _Models, **credentials: str) -> Any:
    core = botocore.session.Session(profile=access.profile)
    core.register_component("data_loader", models.loader)
    core.register("before-send", _not_too_late)
    # The global STS endpoint lives in us-east-1 (R3).
    core.set_config_variable("sts_regional_endpoints", "regional")
    return boto3.Session(botocore_session=core, region_name=access.region, **credentials)


def _config() -> Any:
    return botocore.config.Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=MUTATION_DEADLINE_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=32,
        user_agent_extra="pilotlight.aws_dr",
    )


class _Boto3Caller:
    """Takes calls for the one region of the clients that ``make_client`` makes."""

    def __init__(self, make_client: Callable[[str], Any]) -> None:
        self._make_client = make_client
        self._clients: dict[str, Any] = {}

    def call(
        self,
        at: Access | str,
        service: str,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        mutates: bool | None = None,
        repeatable: bool = False,
        deadline_seconds: float | None = None,
    ) -> dict[str, Any]:
        """See ``Caller``; the region is that of the client, and the deadline is the client's own."""
        del at, mutates, repeatable, deadline_seconds
        if service not in self._clients:
            self._clients[service] = self._make_client(service)
        return _invoke(self._clients[service], operation, params or {})


def from_boto3(make_client: Callable[[str], Any]) -> Caller:
    """Adapter for modules of one region: ``from_boto3(module.client)`` offers the same ``.call``."""
    return _Boto3Caller(make_client)
