# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules that declare one AWS resource share: a door to AWS, failures as one line, a result with its diff."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.clients import from_boto3
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Api, Change
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.errors import CallFailed, RecoveryError

WAIT_OPTIONS: dict[str, Any] = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 900},
    "wait_interval": {"type": "float", "default": 5.0},
}


def api(module: Any, service: str, region: str | None = None) -> Api:
    """The service as the module's connection options reach it, in its own region or in ``region``."""
    extra = {"region": region} if region else {}
    return Api(from_boto3(lambda name: module.client(name, **extra)), region or module.region or "", service)


@contextmanager
def failures_reported(module: Any) -> Iterator[None]:
    """End the module with one clear line for whatever the core refuses or AWS answers."""
    try:
        yield
    except CallFailed as failure:
        if failure.__cause__ is None:
            module.fail_json(msg=str(failure))
        module.fail_json_aws(failure.__cause__, msg=f"{failure.service} {failure.operation} in {failure.region} failed")
    except RecoveryError as failure:
        module.fail_json(msg=str(failure))


def finish(module: Any, change: Change, **result: Any) -> NoReturn:
    """End the module with what was changed, what it looks like now, and the diff when it was asked for."""
    diff = {"diff": {"before": change.before, "after": change.after}} if module._diff else {}
    module.exit_json(changed=change.changed, operations=[call.operation for call in change.calls], **result, **diff)
