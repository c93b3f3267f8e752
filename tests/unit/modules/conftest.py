"""Runs a module as Ansible would, in this process, against moto; botocore validates every request."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import pytest
from moto import mock_aws

from lab.clock import VirtualClock
from lab.cloud import extend

COLLECTIONS = Path(__file__).parents[3] / ".venv" / "collections"
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))

READS = ("Describe", "Get", "List", "Head")


@dataclass
class Cloud:
    """AWS as moto plays it, and what was asked of it."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(1_800_000_000.0))
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def mutations(self) -> list[str]:
        """Operations that changed something, in order."""
        return [operation for _region, operation, _params in self.calls if not operation.startswith(READS)]

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return boto3.client(service, region_name=region)

    def run(
        self, module_name: str, /, *, check: bool = False, region: str = "us-east-1", **arguments: Any
    ) -> dict[str, Any]:
        """Run a module of the collection; the result as Ansible gets it, with ``failed`` always set."""
        from ansible.module_utils.testing import patch_module_args

        module = import_module(f"ansible_collections.pilotlight.aws_dr.plugins.modules.{module_name}")
        self.calls.clear()
        out = io.StringIO()
        given = {"region": region, "_ansible_check_mode": check, "_ansible_diff": True, **arguments}
        with patch_module_args(given), redirect_stdout(out), pytest.raises(SystemExit):
            module.main()
        return {"failed": False, **json.loads(out.getvalue())}

    def settled(self, module_name: str, /, **arguments: Any) -> dict[str, Any]:
        """Run a module in check mode, for real, and again: check mode and the second run change nothing."""
        planned = self.run(module_name, check=True, **arguments)
        assert not self.mutations, f"check mode made {self.mutations}"
        assert not planned["failed"], planned
        assert all(isinstance(side, dict) for side in planned["diff"].values()), (
            "Ansible shows dictionaries and texts only"
        )
        done = self.run(module_name, **arguments)
        assert not done["failed"], done
        assert self.mutations == done["operations"] == planned["operations"]
        again = self.run(module_name, **arguments)
        assert not self.mutations, f"the second run made {self.mutations}"
        assert not again["changed"], again
        return done


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An empty AWS account."""
    for name, value in {"AWS_ACCESS_KEY_ID": "A" * 20, "AWS_SECRET_ACCESS_KEY": "s" * 40}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    account = Cloud()
    original = botocore.client.BaseClient._make_api_call

    def recorded(client: Any, operation: str, params: dict[str, Any]) -> Any:
        account.calls.append((client.meta.region_name, operation, params))
        return original(client, operation, params)

    with mock_aws():
        extend(account.clock)
        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recorded)
        clock = import_module(
            "ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock"
        ).SystemClock
        monkeypatch.setattr(clock, "now", lambda _self: account.clock.now())
        monkeypatch.setattr(clock, "wait", lambda _self, seconds: account.clock.wait(seconds))
        yield account
