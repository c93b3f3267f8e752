"""The front door of a region: refuses what AWS would refuse before the service sees it, logs every call."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from lab.cloud import credentials, wire
from lab.cloud.call_log import CallLog, error_code
from lab.cloud.errors import Reply, error
from lab.cloud.faults import Faults
from lab.cloud.wire import Call
from lab.cloud.world import World
from lab.settings import GLOBAL_REGION

log = logging.getLogger("lab.cloud")

READY_PATH = "/lab-ready"

_REASONS = {200: "OK", 301: "Moved Permanently", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}

# moto keeps its state in plain dictionaries; a conditional write must be one step (the lease depends on it).
_ONE_AT_A_TIME = {"dynamodb": threading.Lock(), "route53": threading.Lock(), "secretsmanager": threading.Lock()}

_GLOBAL = {"iam", "route53", "cloudfront", "organizations"}

# Answered from any region on AWS as well (S3 API reference: GetBucketLocation; ListBuckets names no bucket).
_S3_ANYWHERE = {"ListBuckets", "GetBucketLocation", "CreateBucket"}


class Gate:
    """WSGI middleware around moto for one region's port."""

    def __init__(
        self,
        region: str,
        application: Callable[..., Iterable[bytes]],
        world: World,
        call_log: CallLog,
        bucket_region: Callable[[str], str | None],
        faults: Faults,
    ) -> None:
        self.region = region
        self.answers_errors = False
        """Outage of kind `errors`: every call gets 503."""
        self.faults = faults
        self._application = application
        self._world = world
        self._log = call_log
        self._bucket_region = bucket_region

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if environ.get("PATH_INFO") == READY_PATH:
            return _send(Reply(200, {"Content-Type": "text/plain"}, b"ready"), start_response)
        at, began = self._world.now(), time.monotonic()
        body = _buffer(environ)
        call = wire.read(environ, body)
        if call is None:
            call = Call(GLOBAL_REGION, "s3" if body == b"" else "", "", "anonymous", "rest-xml")
            reply = _unsigned(call)
        else:
            reply = self._refusal(call) or self.faults.reply(call, self.region) or self._serve(call, environ)
        lower = {name.lower(): value for name, value in reply.headers.items()}
        code = error_code(reply.status, lower, reply.body)
        self._log.write(call, at, self.region, reply.status, code, (time.monotonic() - began) * 1000)
        return _send(reply, start_response)

    def lost(self, environ: dict[str, Any]) -> None:
        """Note a request that will never be answered: status 0."""
        call = wire.read(environ, _buffer(environ))
        if call is not None:
            self._log.write(call, self._world.now(), self.region, 0, "Outage", 0.0)

    def _refusal(self, call: Call) -> Reply | None:
        dialect = "s3" if call.service == "s3" else call.protocol
        if self.answers_errors:
            return error(dialect, 503, "ServiceUnavailable", "Service is unable to handle request.")
        key = credentials.BY_ID.get(call.key_id)
        if key is not None and key.problem is not None:
            return _bad_key(key.problem, dialect)
        if call.service in _GLOBAL:
            # their one endpoint is us-east-1's; behind an endpoint_url botocore signs with the profile's region
            if self.region != GLOBAL_REGION:
                return _wrong_scope(call, dialect, self.region)
        elif call.region != self.region:
            return _wrong_scope(call, dialect, self.region)
        if call.service == "s3":
            return self._s3_refusal(call)
        return None

    def _s3_refusal(self, call: Call) -> Reply | None:
        if call.is_s3_configuration and self.region != GLOBAL_REGION and GLOBAL_REGION in self._world.down:
            # R3: bucket configuration depends on us-east-1
            return error("s3", 503, "ServiceUnavailable", "Please reduce your request rate.")
        if call.bucket is None or call.operation in _S3_ANYWHERE:
            return None
        home = self._bucket_region(call.bucket)
        if home is None or home == self.region:
            return None
        # S3 user guide, "Request redirection and the REST API": a 301 which names the right region
        message = (
            "The bucket you are attempting to access must be addressed using the specified endpoint. "
            "Please send all future requests to this endpoint."
        )
        extra = {"Bucket": call.bucket, "Endpoint": f"{call.bucket}.s3.{home}.amazonaws.com", "Region": home}
        reply = error("s3", 301, "PermanentRedirect", message, extra, {"x-amz-bucket-region": home})
        if call.operation.startswith("Head"):
            return Reply(reply.status, reply.headers, b"")
        return reply

    def _serve(self, call: Call, environ: dict[str, Any]) -> Reply:
        key = credentials.BY_ID.get(call.key_id)
        if key is not None:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = key.account
        lock = _ONE_AT_A_TIME.get(call.service)
        try:
            if lock is None:
                reply = _run(self._application, environ)
            else:
                with lock:
                    reply = _run(self._application, environ)
        except NotImplementedError as problem:
            reply = _not_implemented(call, str(problem))
        except Exception as problem:
            if not call.operation:  # a service that moto has not even heard of
                return _not_implemented(call, "unknown service")
            log.exception("%s %s failed in moto", call.service, call.operation)
            dialect = "s3" if call.service == "s3" else call.protocol
            message = f"An internal error has occurred (lab: {type(problem).__name__}: {problem})"
            reply = error(dialect, 500, "InternalFailure", message)
        # An answer to HEAD has no body, and moto calls every such one HTML: it is what it says.
        said_html = "html" in reply.headers.get("Content-Type", "") and environ["REQUEST_METHOD"] != "HEAD"
        if reply.status >= 400 and said_html:
            if reply.status in (404, 405, 501):
                return _not_implemented(call, f"HTTP {reply.status} for {environ.get('PATH_INFO')}")
            if call.service == "s3" and reply.status == 403 and not reply.body:
                return error("s3", 403, "AccessDenied", "Access Denied")
            if b"<Code>" not in reply.body and not reply.body.lstrip().startswith(b"{"):
                log.error("%s %s: moto answered %s %r", call.service, call.operation, reply.status, reply.body[:500])
                dialect = "s3" if call.service == "s3" else call.protocol
                return error(dialect, reply.status, "InternalFailure", "An internal error has occurred")
        return reply


def _run(application: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> Reply:
    captured: list[tuple[int, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        captured[:] = [(int(status.split()[0]), dict(headers))]
        return lambda data: None

    body = b"".join(application(environ, start_response))
    status, headers = captured[0]
    if environ["REQUEST_METHOD"] != "HEAD":
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return Reply(status, headers, body)


def _send(reply: Reply, start_response: Callable[..., Any]) -> list[bytes]:
    headers = list(reply.headers.items())
    if not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("Content-Length", str(len(reply.body))))
    start_response(f"{reply.status} {_REASONS.get(reply.status, 'Status')}", headers)
    return [reply.body]


def _buffer(environ: dict[str, Any]) -> bytes:
    """Read the body once, and put it back for moto."""
    stream = environ["wsgi.input"]
    if environ.pop("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        body: bytes = stream.read()
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input_terminated"] = False
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _unsigned(call: Call) -> Reply:
    if call.service == "s3":
        return error("s3", 403, "AccessDenied", "Access Denied")
    return error("query", 403, "MissingAuthenticationToken", "Request is missing Authentication Token")


def _bad_key(problem: str, dialect: str) -> Reply:
    if problem == "expired":
        if dialect == "s3":
            return error("s3", 400, "ExpiredToken", "The provided token has expired.")
        code = {"json": "ExpiredTokenException", "rest-json": "ExpiredTokenException", "ec2": "RequestExpired"}
        return error(
            dialect, 403, code.get(dialect, "ExpiredToken"), "The security token included in the request is expired"
        )
    if dialect == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return error("s3", 403, "InvalidAccessKeyId", message)
    if dialect == "ec2":
        return error("ec2", 401, "AuthFailure", "AWS was not able to validate the provided access credentials")
    code = {"json": "UnrecognizedClientException", "rest-json": "UnrecognizedClientException"}
    message = "The security token included in the request is invalid."
    return error(dialect, 403, code.get(dialect, "InvalidClientTokenId"), message)


def _wrong_scope(call: Call, dialect: str, expected: str) -> Reply:
    """Signature Version 4: the scope's region must be the endpoint's."""
    if dialect == "s3":
        message = f"The authorization header is malformed; the region '{call.region}' is wrong; expecting '{expected}'"
        extra = {"Region": expected}
        return error("s3", 400, "AuthorizationHeaderMalformed", message, extra, {"x-amz-bucket-region": expected})
    message = f"Credential should be scoped to a valid region, not '{call.region}'; this endpoint is {expected}'s."
    if dialect in ("json", "rest-json"):
        return error(dialect, 403, "InvalidSignatureException", message)
    return error(dialect, 403, "AuthFailure" if dialect == "ec2" else "SignatureDoesNotMatch", message)


def _not_implemented(call: Call, detail: str) -> Reply:
    """501, which boto3 does not retry."""
    log.error("%s %s is not in the lab: %s", call.service, call.operation, detail)
    dialect = "s3" if call.service == "s3" else call.protocol
    message = f"The lab does not know {call.service} {call.operation} ({detail})"
    return error(dialect, 501, "NotImplemented", message)
