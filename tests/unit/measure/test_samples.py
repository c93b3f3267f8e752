# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The probe's file: what is written is what is read."""

from __future__ import annotations

import pytest
from unit.measure.series import T0, series

from plugins.module_utils._recovery.samples import Stored, Vantage, parse

VANTAGE = Vantage("client", "app.example.com", 0.25, 2.0, T0, "/writes", "", ("10.0.0.2:53",), {"us-east-1": "alb"})


def test_a_file_is_read_as_it_was_written() -> None:
    samples = series(2, [(0.5, 1)])
    stored = Stored(T0 + 9, frozenset({3, 1, 2}), "us-west-2")
    observation = parse(f"{one.line()}\n" for one in (VANTAGE, *samples, stored))
    assert observation.vantage == VANTAGE
    assert observation.samples == tuple(samples)
    assert observation.stored == stored


def test_a_file_that_is_still_growing_is_read_up_to_its_last_whole_line() -> None:
    lines = [f"{one.line()}\n" for one in series(2)]
    assert len(parse([*lines, lines[0][:40]]).samples) == len(lines)


def test_a_wrong_line_is_named() -> None:
    with pytest.raises(ValueError, match="line 1 is not a sample"):
        parse(['{"kind": "guess"}\n', series(1)[0].line() + "\n"])


def test_that_nothing_could_be_read_back_keeps_its_reason() -> None:
    stored = Stored(T0, None, error="HTTP status 503")
    assert parse([stored.line() + "\n"]).stored == stored
