"""S3 bucket policies about the transport: the lab stands for TLS, so denying plain HTTP denies nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cloud_world import Lab

PLAIN_HTTP = {
    "Sid": "TlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::shop-data", "arn:aws:s3:::shop-data/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
READS = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-data/*"}


@pytest.fixture
def s3(lab: Lab) -> Any:
    client = lab.client("s3", "us-east-1")
    client.create_bucket(Bucket="shop-data")
    client.put_object(Bucket="shop-data", Key="there", Body=b"x")
    return client


def put(s3: Any, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    s3.put_bucket_policy(Bucket="shop-data", Policy=json.dumps(document))


def test_a_policy_against_plain_http_lets_tls_through(s3: Any, code: Callable[..., str]) -> None:
    put(s3, PLAIN_HTTP)
    assert s3.get_object(Bucket="shop-data", Key="there")["Body"].read() == b"x"
    assert code(s3.get_object, Bucket="shop-data", Key="not-there") == "NoSuchKey"


def test_other_statements_of_the_policy_still_count(s3: Any, code: Callable[..., str]) -> None:
    put(s3, PLAIN_HTTP, READS)
    assert code(s3.get_object, Bucket="shop-data", Key="there") in ("AccessDenied", "403")
