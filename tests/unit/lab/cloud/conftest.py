"""A world in process: moto's mock, the lab's extensions, a clock that passes only when a test waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cloud_world import Lab
from moto import mock_aws

from lab.clock import VirtualClock
from lab.cloud import extend
from lab.cloud.hooks import NoDatabasePlane


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A fresh world."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIALABUNITTESTS0000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)
    with mock_aws():
        clock = VirtualClock()
        plane = NoDatabasePlane()
        yield Lab(clock, extend(clock, "fast", plane), plane)


@pytest.fixture
def code() -> Callable[..., str]:
    """The error code of a call that AWS refuses."""

    def error_code(function: Callable[..., Any], **arguments: Any) -> str:
        from botocore.exceptions import ClientError

        with pytest.raises(ClientError) as caught:
            function(**arguments)
        return str(caught.value.response["Error"]["Code"])

    return error_code
