"""How far a standby is behind is told of now, not of when it was last measured."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lab.dataplane.lag import LagMeter


def test_a_standby_that_hears_nothing_falls_behind_further_between_two_measurements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "time", lambda: now)
    heard = 997.0

    class Standby:
        name = "us-west-2"

    class Connection:
        def execute(self, _query: str) -> Connection:
            return self

        def fetchone(self) -> tuple[float]:
            return (heard,)

    meter: Any = LagMeter(lambda: (Standby(), Standby()))  # type: ignore[arg-type, return-value]
    meter._beat = lambda _writer: None  # the writer is cut off
    meter._connection = lambda _standby: Connection()
    meter._lag = {"us-west-2": meter._measure(Standby(), Standby())}
    now = 1000.4
    assert meter.seconds("us-west-2") == pytest.approx(3.4)
    meter._beat = lambda _writer: heard
    now = 997.02
    meter._lag = {"us-west-2": meter._measure(Standby(), Standby())}
    now = 1000.4
    assert meter.seconds("us-west-2") == pytest.approx(0.02), "it had caught up"
