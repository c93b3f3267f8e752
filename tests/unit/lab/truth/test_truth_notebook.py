"""The record is written line by line, stays bounded, and watches what DNS answers."""

from __future__ import annotations

import json
from pathlib import Path

import dns.message
import dns.rrset
import pytest
from unit.lab.truth.stories import APP, EAST, HOME, WEST

from lab.truth.notebook import FOLDER, Notebook, predecessor
from lab.truth.record import Unrecorded, load
from lab.truth.watch import NameWatch


def test_a_full_file_becomes_its_own_predecessor(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / FOLDER / "lab.jsonl", largest=300)
    for second in range(30):
        notebook.write("front", float(second), region=EAST, state=f"state {second}")
    notebook.close()
    kept = [notebook.path, predecessor(notebook.path)]
    assert all(file.stat().st_size <= 300 for file in kept)
    assert sorted(kept) == sorted((tmp_path / FOLDER).iterdir()), "an older one is gone"
    assert load(tmp_path).fronts[EAST].at(29) == "state 29"


def test_a_folder_without_a_record_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unrecorded, match="there is no record below"):
        load(tmp_path)


def test_a_region_that_came_back_is_written_on_in_the_same_file(tmp_path: Path) -> None:
    for state in ("none", "hang"):
        notebook = Notebook(tmp_path / FOLDER / "application.jsonl")
        notebook.write("front", region=EAST, state=state)
        notebook.close()
    assert [value for _at, value in load(tmp_path).fronts[EAST].changes] == ["none", "hang"]


class Answers:
    """A name server whose answer a test changes."""

    def __init__(self) -> None:
        self.region = EAST

    def reply(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        alias = f"{self.region}.elb.amazonaws.com."
        response.answer.append(dns.rrset.from_text(APP, 2, "IN", "CNAME", alias))
        response.answer.append(dns.rrset.from_text(alias, 60, "IN", "A", HOME[self.region]))
        return response


def test_only_changes_of_an_answer_are_noted_with_when_the_old_one_was_last_seen() -> None:
    answers, now, noted = Answers(), [100.0], []

    def note(kind: str, at: float, **facts: object) -> None:
        noted.append({"kind": kind, "at": at, **facts})

    places = {address: region for region, address in HOME.items()}
    watch = NameWatch(answers, lambda: [APP], places, note, lambda: now[0])
    for second, region in ((100.0, EAST), (100.05, EAST), (100.1, WEST), (100.15, WEST)):
        now[0], answers.region = second, region
        watch.look()
    assert [(one["at"], one["region"], one["ttl"], one["since"]) for one in noted] == [
        (100.0, EAST, 2.0, 100.0),
        (100.1, WEST, 2.0, 100.05),
    ]
    json.dumps(noted)
