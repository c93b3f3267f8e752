# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The probe's file: what is written is what is read. And how many samples were good in a row."""

from __future__ import annotations

import pytest
from unit.measure.series import T0, series

from plugins.module_utils._recovery.samples import KINDS, Kind, Sample, Stored, Streak, Vantage, parse, probed_kinds

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


def fed(streak: Streak, kind: Kind, good: str) -> Streak:
    """With samples of one kind as they ended: "+" was good."""
    for number, letter in enumerate(good):
        streak.feed(Sample(kind, number, T0, T0, T0, letter == "+"))
    return streak


def test_nothing_is_stable_while_a_kind_that_is_probed_has_not_ended_a_sample() -> None:
    """Writes hang, and nothing was read yet, as nothing was written: answers of DNS alone are no baseline."""
    streak = fed(Streak(probed_kinds("/writes")), "dns", "+++++")
    assert not streak.holds(1)
    assert not fed(streak, "read", "+++++").holds(1)
    assert not fed(streak, "write", "++").holds(3)
    assert fed(streak, "write", "+").holds(3)


def test_an_application_without_writes_is_stable_without_them() -> None:
    streak = fed(Streak(probed_kinds("")), "dns", "+++")
    assert not streak.holds(3)
    assert fed(streak, "read", "+++").holds(3)


def test_one_failure_begins_the_count_of_its_kind_anew() -> None:
    streak = Streak(KINDS)
    for kind in KINDS:
        fed(streak, kind, "++++")
    assert not fed(streak, "read", "-++").holds(3)
    assert fed(streak, "read", "+").holds(3)


def test_what_was_good_before_is_forgotten_and_asked_for_of_every_kind_again() -> None:
    streak = Streak(KINDS)
    for kind in KINDS:
        fed(streak, kind, "+++")
    streak.restart()
    assert not streak.holds(1)
    for kind in KINDS:
        fed(streak, kind, "+")
    assert streak.holds(1)
