"""One invocation: unpack the zip, run it in a process group of its own, end it when its time is over."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.cloud import credentials
from lab.settings import LabSettings

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_unpacking = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """What an invocation gave."""

    payload: bytes
    failed: bool
    log: str
    request_id: str


@dataclass(frozen=True)
class Function:
    """What is needed to run one."""

    name: str
    arn: str
    version: str
    handler: str
    region: str
    timeout: float
    """Seconds."""
    memory: int
    """MB."""
    code: bytes
    environment: dict[str, str]


def run(function: Function, event: bytes, settings: LabSettings | None) -> Outcome:
    """Run the function and wait for it."""
    request_id = str(uuid.uuid4())
    folder = _unpack(function.code, settings)
    reader, writer = os.pipe()
    started = time.time()
    context = {
        "answer": writer,
        "handler": function.handler,
        "function_name": function.name,
        "function_version": function.version,
        "invoked_function_arn": function.arn,
        "memory_limit_in_mb": function.memory,
        "aws_request_id": request_id,
        "log_group_name": f"/aws/lambda/{function.name}",
        "log_stream_name": f"lab/{request_id}",
        "deadline": started + function.timeout,
        "endpoints": {} if settings is None else {one: settings.api_url(one) for one in settings.regions},
    }
    environment = _environment(function, settings, folder) | {"LAB_FUNCTION": json.dumps(context)}
    process = subprocess.Popen(
        [sys.executable, "-I", str(_BOOTSTRAP)],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[writer],
        start_new_session=True,
    )
    os.close(writer)
    answer: list[bytes] = []
    collector = threading.Thread(target=lambda: answer.append(_drain(reader)), daemon=True)
    collector.start()
    log, timed_out = _communicate(process, event, function.timeout)
    collector.join(timeout=2)
    return _outcome(function, request_id, started, log, timed_out, answer[0] if answer else b"")


def _communicate(process: subprocess.Popen[bytes], event: bytes, timeout: float) -> tuple[bytes, bool]:
    try:
        return process.communicate(event, timeout=timeout)[0], False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0], True


def _drain(reader: int) -> bytes:
    with os.fdopen(reader, "rb") as file:
        return file.read()


def _outcome(
    function: Function, request_id: str, started: float, log: bytes, timed_out: bool, answer: bytes
) -> Outcome:
    took = (time.time() - started) * 1000
    text = log.decode("utf-8", "replace")
    text = f"START RequestId: {request_id} Version: {function.version}\n{text}"
    if text[-1] != "\n":
        text += "\n"
    text += f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {took:.2f} ms\n"
    if timed_out:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        message = f"{stamp}.000Z {request_id} Task timed out after {function.timeout:.2f} seconds"
        return Outcome(json.dumps({"errorMessage": message}).encode(), True, text + message + "\n", request_id)
    if not answer:
        message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
        shown = {"errorType": "Runtime.ExitError", "errorMessage": message}
        return Outcome(json.dumps(shown).encode(), True, text + message + "\n", request_id)
    content = json.loads(answer)
    if "error" in content:
        return Outcome(json.dumps(content["error"]).encode(), True, text, request_id)
    return Outcome(json.dumps(content["result"]).encode(), False, text, request_id)


def _environment(function: Function, settings: LabSettings | None, folder: Path) -> dict[str, str]:
    """Lambda developer guide, "Defined runtime environment variables"; nothing is inherited but the search path."""
    key = credentials.KEYS["lambda"]
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": function.handler,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_SESSION_TOKEN": "lab-session-token-of-the-execution-role",
        "AWS_SDK_UA_APP_ID": function.name[:50],
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if settings is not None:
        environment["AWS_CONFIG_FILE"] = str(settings.home / "aws" / "function-config")
        environment["AWS_SHARED_CREDENTIALS_FILE"] = str(settings.home / "aws" / "none")
    return environment | function.environment


def _unpack(code: bytes, settings: LabSettings | None) -> Path:
    """The zip's content, unpacked once per digest."""
    digest = hashlib.sha256(code).hexdigest()[:24]
    private = Path(tempfile.gettempdir()) / f"lab-functions-{os.getuid()}"
    base = private if settings is None else settings.home / "functions"
    folder = base / digest
    with _unpacking:
        if not folder.is_dir():
            staging = base / f"{digest}.{uuid.uuid4().hex[:8]}"
            staging.mkdir(parents=True)
            with zipfile.ZipFile(io.BytesIO(code)) as archive:
                archive.extractall(staging)
            staging.rename(folder)
    return folder


def describe(function: Any) -> Function:
    """From moto's object."""
    return Function(
        name=str(function.function_name),
        arn=str(function.function_arn),
        version="$LATEST" if str(function.version) in ("1", "$LATEST", "0") else str(function.version),
        handler=str(function.handler),
        region=str(function.region),
        timeout=float(function.timeout or 3),
        memory=int(function.memory_size or 128),
        code=bytes(function.code_bytes),
        environment={str(name): str(value) for name, value in (function.environment_vars or {}).items()},
    )
