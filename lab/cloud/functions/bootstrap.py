"""Runs inside the function's process: the part that AWS's runtime plays.

Started as a script, with the event on standard input and the answer on a descriptor of its own.  The function sees what
AWS gives it (Python, boto3, its zip) and nothing of ours: packages that happen to be installed here are refused.
"""

from __future__ import annotations

import importlib
import importlib.abc
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Any

_REFUSED = {"ansible", "ansible_collections", "lab", "moto", "yaml", "psycopg", "flask", "werkzeug", "dns", "requests"}

# Control planes with one endpoint, in us-east-1 (R3).
_GLOBAL = {"iam", "route53", "cloudfront", "organizations"}


class _Refuse(importlib.abc.MetaPathFinder):
    """Lambda's runtime does not have these; the zip may bring them."""

    def __init__(self, root: str) -> None:
        self._root = root

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Refuse a package that is not in the zip."""
        if name in _REFUSED and not any(
            os.path.exists(os.path.join(self._root, candidate)) for candidate in (name, f"{name}.py")
        ):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class Context:
    """Lambda developer guide, "Using the Lambda context object to retrieve Python function information"."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.function_name: str = settings["function_name"]
        self.function_version: str = settings["function_version"]
        self.invoked_function_arn: str = settings["invoked_function_arn"]
        self.memory_limit_in_mb: int = settings["memory_limit_in_mb"]
        self.aws_request_id: str = settings["aws_request_id"]
        self.log_group_name: str = settings["log_group_name"]
        self.log_stream_name: str = settings["log_stream_name"]
        self.identity = None
        self.client_context = None
        self._deadline: float = settings["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return max(0, int((self._deadline - time.time()) * 1000))


def _resolve_regional_endpoints(endpoints: dict[str, str]) -> None:
    """On AWS the endpoint follows from service and region; here from the lab's addresses."""
    import botocore.session

    session_class: Any = botocore.session.Session
    original = session_class.create_client

    def create_client(self: Any, service_name: str, region_name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        region = region_name or self.get_config_variable("region")
        home = "us-east-1" if service_name in _GLOBAL else region
        if kwargs.get("endpoint_url") is None and len(args) < 4 and home in endpoints:
            kwargs["endpoint_url"] = endpoints[home]
        return original(self, service_name, region_name, *args, **kwargs)

    session_class.create_client = create_client


def main() -> int:
    """Load the handler, call it, write its answer."""
    settings = json.loads(os.environ.pop("LAB_FUNCTION"))
    answer = os.fdopen(settings["answer"], "wb")
    root = os.getcwd()
    sys.path[:] = [root, *(place for place in sys.path if place not in ("", os.path.dirname(__file__)))]
    sys.meta_path.insert(0, _Refuse(root))
    try:
        if settings["endpoints"]:
            _resolve_regional_endpoints(settings["endpoints"])
        module_name, _, function_name = settings["handler"].rpartition(".")
        handler = getattr(importlib.import_module(module_name.replace("/", ".")), function_name)
        result = handler(json.loads(sys.stdin.buffer.read() or b"null"), Context(settings))
        answer.write(json.dumps({"result": result}).encode())
        status = 0
    except BaseException as error:
        frames = traceback.format_exception(type(error), error, error.__traceback__)
        sys.stderr.write("".join(frames))
        shown = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": settings["aws_request_id"],
            "stackTrace": frames[1:-1],
        }
        answer.write(json.dumps({"error": shown}).encode())
        status = 1
    answer.close()
    return status


if __name__ == "__main__":
    sys.exit(main())
