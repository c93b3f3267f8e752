"""Names what a request is: service, operation, members, who signed it for which region.

Credential scope -> service; then `X-Amz-Target`, the form's `Action`, or botocore's model by method and URI.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

log = logging.getLogger("lab.cloud")

_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")

# Signing name -> boto3's name, where they differ (botocore's service models, `signingName`).
_SERVICES = {
    "monitoring": "cloudwatch",
    "elasticloadbalancing": "elbv2",
    "states": "stepfunctions",
    "servicequotas": "service-quotas",
    "tagging": "resourcegroupstaggingapi",
    "email": "ses",
}

_READS = re.compile(
    r"^(Describe|Detect|Get|List|Head|Lookup|Scan|Query|BatchGet|Search|Test|Simulate|Validate|Estimate|Check|Decrypt"
    r"|Encrypt|GenerateDataKey|GenerateRandom|AssumeRole|TransactGet|SelectObject|DecodeAuthorization)"
)
_SECRET = re.compile(r"(password|secretstring|secretbinary|privatekey|sessiontoken|plaintext)", re.IGNORECASE)
_BULKY = {"Body", "ZipFile", "TemplateBody", "Certificate", "CertificateChain", "DashboardBody"}
_LONGEST = 2000

# S3's bucket configuration depends on us-east-1, like the control planes of IAM and Route 53 (R3).
_S3_CONFIGURATION = re.compile(r"^(CreateBucket$|DeleteBucket|PutBucket|PutPublicAccessBlock|DeletePublicAccessBlock)")


@dataclass
class Call:
    """One request as it came over the wire."""

    region: str
    service: str
    operation: str
    key_id: str
    protocol: str
    user_agent: str = ""
    request: dict[str, Any] = field(default_factory=dict)
    target: str | None = None

    @property
    def mutates(self) -> bool:
        """Whether the operation changes something, judged by its verb."""
        if self.request.get("DryRun") is True:
            return False
        return not _READS.match(self.operation)

    @property
    def caller(self) -> str:
        """Access key, and the application name of the user agent (`app/...`) where there is one."""
        app = re.search(r"\bapp/(\S+)", self.user_agent)
        return f"{self.key_id}/{app.group(1)}" if app else self.key_id

    @property
    def bucket(self) -> str | None:
        """S3's bucket, if the request names one."""
        name = self.request.get("Bucket")
        return name if isinstance(name, str) else None

    @property
    def is_s3_configuration(self) -> bool:
        """Whether it changes the configuration of a bucket (R3)."""
        return self.service == "s3" and bool(_S3_CONFIGURATION.match(self.operation))


def read(environ: dict[str, Any], body: bytes) -> Call | None:
    """Name the request; nothing if it is not signed."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    scope = _SCOPE.search(authorization)
    if scope is None:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        presigned = query.get("X-Amz-Credential", [""])[0]
        scope = _SCOPE.search(f"Credential={presigned}")
        if scope is None:
            return None
    key_id, region, signing_name = scope.groups()
    service = _SERVICES.get(signing_name, signing_name)
    call = Call(
        region=region,
        service=service,
        operation="",
        key_id=key_id,
        protocol="",
        user_agent=environ.get("HTTP_USER_AGENT", ""),
    )
    try:
        _name(call, environ, body)
    except Exception as error:  # an unnamed request is still served, and shows in the log as such
        log.debug("cannot name %s %s: %s", service, environ.get("PATH_INFO"), error)
    return call


def _name(call: Call, environ: dict[str, Any], body: bytes) -> None:
    if call.service == "elbv2" and b"Version=2012-06-01" in body:
        call.service = "elb"
    model = get_service_model(call.service)
    url = f"http://{environ.get('HTTP_HOST', 'lab')}{environ.get('RAW_URI') or environ.get('PATH_INFO', '/')}"
    if "?" not in url and environ.get("QUERY_STRING"):
        url += "?" + environ["QUERY_STRING"]
    headers = {k[5:].replace("_", "-").title(): v for k, v in environ.items() if k.startswith("HTTP_")}
    headers["Content-Type"] = environ.get("CONTENT_TYPE", "")
    request = Request.from_primitives(environ["REQUEST_METHOD"], url, headers, body)
    call.protocol = determine_request_protocol(model, request.content_type)
    uri_match: dict[str, Any] = {}
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        call.operation = target.split(".")[-1]
    elif call.protocol in ("query", "ec2"):
        form = parse_qs(body.decode("utf-8", "replace")) or parse_qs(environ.get("QUERY_STRING", ""))
        call.operation = form.get("Action", [""])[0]
    else:
        operation, uri_match = get_service_router(call.service).match(request)
        call.operation = operation.name
    operation_model = model.operation_model(call.operation)
    parser = PROTOCOL_PARSERS[call.protocol](operation_model, map_type=dict)
    if call.service == "s3":
        members = dict(uri_match)
    else:
        members = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": uri_match,
            }
        )
    call.request = _presentable({**members, **uri_match})
    call.target = _target(call, operation_model)


def _presentable(value: Any, name: str = "") -> Any:
    if _SECRET.search(name):
        return "<removed>"
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(k): _presentable(v, str(k)) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_presentable(item) for item in value]
    if isinstance(value, (bytes, bytearray)) or hasattr(value, "read"):
        return "<bytes>"
    if name in _BULKY or (isinstance(value, str) and len(value) > _LONGEST):
        return f"<{len(str(value))} characters>"
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return str(value)


_MAIN = (
    "GlobalClusterIdentifier",
    "DBInstanceIdentifier",
    "DBClusterIdentifier",
    "AutoScalingGroupName",
    "StackName",
    "HostedZoneId",
    "HealthCheckId",
    "FunctionName",
    "SecretId",
    "TableName",
    "TopicArn",
    "KeyId",
    "LoadBalancerArn",
    "TargetGroupArn",
    "RoleName",
    "AlarmName",
    "Namespace",
    "GroupId",
    "VpcId",
    "SubnetId",
    "Name",
)


def _target(call: Call, operation_model: Any) -> str | None:
    """The main identifier: a well-known member, else the first required text, else the first one of a telling name."""
    if call.bucket is not None:
        key = call.request.get("Key")
        return f"{call.bucket}/{key}" if key else call.bucket
    shape = operation_model.input_shape
    required = list(shape.required_members) if shape is not None else []
    for name in (*_MAIN, *required, *call.request):
        value = call.request.get(name)
        if isinstance(value, str) and value and (name in _MAIN or name in required or _is_identifier(name)):
            return value
    return None


def _is_identifier(name: str) -> bool:
    return name.endswith(("Identifier", "Name", "Arn", "ARN", "Id"))
