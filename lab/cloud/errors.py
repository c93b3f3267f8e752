"""AWS's errors in AWS's words, for each protocol."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def error(
    protocol: str,
    status: int,
    code: str,
    message: str,
    extra: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An error as the protocol spells it; `extra` are elements that S3 adds, such as Region."""
    request_id = str(uuid.uuid4())
    all_headers = {"x-amzn-RequestId": request_id, **(headers or {})}
    if protocol in ("json", "rest-json"):
        body = json.dumps({"__type": code, "message": message})
        all_headers |= {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    else:
        inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        inner += "".join(f"<{name}>{escape(value)}</{name}>" for name, value in (extra or {}).items())
        all_headers["Content-Type"] = "text/xml"
        identifier = f"<RequestId>{request_id}</RequestId>"
        if protocol == "s3":
            body = f"<Error>{inner}{identifier}</Error>"
        elif protocol == "ec2":
            errors = f"<Errors><Error>{inner}</Error></Errors>"
            body = f"<Response>{errors}<RequestID>{request_id}</RequestID></Response>"
        else:
            body = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>{identifier}</ErrorResponse>"
    return Reply(status, all_headers, body.encode())
