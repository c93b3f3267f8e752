"""The lab's AWS over real sockets: profiles, regions, outages and the call log."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from cloud_world import EAST, WEST

from lab.cloud.server import Cloud
from lab.settings import LabSettings

PATIENCE = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Two regions on loopback, at addresses of this process's own."""
    net = f"127.{100 + os.getpid() % 100}.{os.getpid() // 100 % 250}"
    server = Cloud(LabSettings(net=net, home=tmp_path))
    server.start()
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws" / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws" / "credentials"))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.stop()


def client(profile: str, service: str, **more: Any) -> Any:
    session: Any = boto3.Session(profile_name=profile)
    return session.client(service, config=PATIENCE, **more)


def refused(function: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_each_port_is_one_region(cloud: Cloud) -> None:
    assert client("primary", "sts").get_caller_identity()["Account"] == "123456789012"
    assert client("dr", "iam").list_roles()["Roles"] == []  # at us-east-1's port, whoever asks
    assert client("dr", "route53").list_hosted_zones()["HostedZones"] == []
    assert client("dr", "rds").describe_db_clusters()["DBClusters"] == []
    assert refused(client("dr", "rds", region_name=EAST).describe_db_clusters) == "SignatureDoesNotMatch"
    assert refused(client("dr", "ec2", region_name=EAST).describe_vpcs) == "AuthFailure"
    west = client("dr", "s3")
    west.create_bucket(Bucket="west", CreateBucketConfiguration={"LocationConstraint": WEST})
    assert refused(client("primary", "s3").list_objects_v2, Bucket="west") in (
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
    )
    assert client("dr", "s3", region_name=EAST).head_bucket(Bucket="west")["BucketRegion"] == WEST


def test_keys_that_aws_refuses(cloud: Cloud) -> None:
    assert refused(client("expired", "sts").get_caller_identity) == "ExpiredToken"
    assert refused(client("expired", "dynamodb").list_tables) == "ExpiredTokenException"
    assert refused(client("unknown", "sts").get_caller_identity) == "InvalidClientTokenId"
    assert client("other_account", "sts").get_caller_identity()["Account"] != "123456789012"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("hang", ReadTimeoutError),
        ("swallow", ConnectTimeoutError),
        ("refuse", (EndpointConnectionError, ConnectionClosedError)),
        ("errors", ClientError),
    ],
)
def test_an_outage_and_its_end(cloud: Cloud, kind: Any, expected: Any) -> None:
    east, west = client("primary", "rds"), client("dr", "rds")
    s3 = client("dr", "s3")
    s3.create_bucket(Bucket="west", CreateBucketConfiguration={"LocationConstraint": WEST})
    east.describe_db_clusters()
    cloud.outage(EAST, kind)
    for service in (east, client("dr", "iam")):
        with pytest.raises(expected):
            service.describe_db_clusters() if service is east else service.list_roles()
    assert west.describe_db_clusters()["DBClusters"] == []
    s3.put_object(Bucket="west", Key="k", Body=b"data goes on, configuration does not (R3)")
    versioning = {"Bucket": "west", "VersioningConfiguration": {"Status": "Enabled"}}
    assert refused(s3.put_bucket_versioning, **versioning) == "ServiceUnavailable"
    cloud.heal(EAST)
    east.describe_db_clusters()
    s3.put_bucket_versioning(**versioning)


def test_every_call_is_logged(cloud: Cloud, tmp_path: Path) -> None:
    began = time.time()
    client("dr", "dynamodb").list_tables()
    client("dr", "secretsmanager").create_secret(Name="app/database", SecretString="not-to-be-seen")
    client("dr", "cloudwatch").put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1}])
    refused(client("dr", "rds").delete_db_cluster, DBClusterIdentifier="none", SkipFinalSnapshot=True)
    refused(client("dr", "rds").describe_db_recommendations)
    text = (tmp_path / "calls.jsonl").read_text()
    calls = [json.loads(line) for line in text.splitlines()]
    assert [(c["service"], c["operation"], c["mutates"], c["status"], c["error"], c["target"]) for c in calls] == [
        ("dynamodb", "ListTables", False, 200, None, None),
        ("secretsmanager", "CreateSecret", True, 200, None, "app/database"),
        ("cloudwatch", "PutMetricData", True, 200, None, "N"),
        ("rds", "DeleteDBCluster", True, 404, "DBClusterNotFoundFault", "none"),
        ("rds", "DescribeDBRecommendations", False, 501, "NotImplemented", None),
    ]
    assert "not-to-be-seen" not in text
    assert all(c["region"] == WEST and began - 1 < c["at"] < time.time() for c in calls)
    assert all(c["caller"] == "AKIALABRECOVERY00000" for c in calls)
