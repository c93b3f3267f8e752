"""A fresh cloud for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cloudformation_stacks import Cloud
from moto import mock_aws

from lab.clock import VirtualClock
from lab.cloud import cloudformation


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-key-for-tests-that-is-long-enough")
    # Else moto reads its catalogue of images for each region of each test: half of the tests' time.
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    clock = VirtualClock()
    with mock_aws():
        cloudformation.extend(clock, "realistic")
        yield Cloud(clock)
