"""What writes besides the application's instances: a job on a schedule, and one that is fed from a queue (R25)."""

from __future__ import annotations

import io
import json
import zipfile

from lab.seed.site import Site, find
from lab.settings import APP_HTTP_PORT

EVERY = "rate(10 minutes)"
_CODE = '''
"""Stores one write, as a job of the application's owner would: by itself, whoever serves the clients."""

import json
import os
import time
import urllib.error
import urllib.request


def handler(event, context):
    body = json.dumps({"client": "jobs", "number": int(time.time() * 1000)}).encode()
    request = urllib.request.Request(os.environ["APP_URL"], body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return {"status": answer.status}
    except (urllib.error.URLError, OSError) as error:
        return {"error": str(error)}
'''


def build_jobs(site: Site) -> None:
    """The function `<project>-jobs`, the queue `<project>-orders` that feeds it, the schedule `<project>-figures`."""
    role = _role(site)
    function = _function(site, role)
    _mapping(site)
    scheduler, name = site.client("scheduler"), site.name("figures")
    if find(lambda: scheduler.get_schedule(Name=name), "ResourceNotFoundException") is None:
        scheduler.create_schedule(
            Name=name,
            Description=f"{site.project}: figures for its owner",
            ScheduleExpression=EVERY,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": function, "RoleArn": role, "Input": json.dumps({"job": "figures"})},
        )


def _role(site: Site) -> str:
    iam, name = site.client("iam"), site.name("jobs-role")
    if (found := find(lambda: iam.get_role(RoleName=name), "NoSuchEntity")) is not None:
        return str(found["Role"]["Arn"])
    trusted = ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
    statement = {"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=site.tags())["Role"]["Arn"])


def _function(site: Site, role: str) -> str:
    functions, name = site.client("lambda"), site.name("jobs")
    found = find(lambda: functions.get_function(FunctionName=name), "ResourceNotFoundException")
    if found is not None:
        return str(found["Configuration"]["FunctionArn"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("jobs.py", _CODE)
    url = f"http://{site.settings.app_address(site.region)}:{APP_HTTP_PORT}/writes"
    return str(
        functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Handler="jobs.handler",
            Role=role,
            Code={"ZipFile": packed.getvalue()},
            Timeout=30,
            Environment={"Variables": {"APP_URL": url}},
            Tags={tag["Key"]: tag["Value"] for tag in site.tags()},
        )["FunctionArn"]
    )


def _mapping(site: Site) -> None:
    queues, functions = site.client("sqs"), site.client("lambda")
    name = site.name("orders")
    url = find(lambda: queues.get_queue_url(QueueName=name)["QueueUrl"], "AWS.SimpleQueueService.NonExistentQueue")
    if url is None:
        url = queues.create_queue(QueueName=name, tags={t["Key"]: t["Value"] for t in site.tags()})["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    there = functions.list_event_source_mappings(FunctionName=site.name("jobs"))["EventSourceMappings"]
    if not there:
        functions.create_event_source_mapping(FunctionName=site.name("jobs"), EventSourceArn=arn, BatchSize=10)
