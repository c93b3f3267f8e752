"""Hand-made records of moves, whose true figures are known without computing."""

from __future__ import annotations

import json
from collections.abc import Iterable

from lab.truth.moves import Window
from lab.truth.record import Record, parse

EAST, WEST = "us-east-1", "us-west-2"
APP = "app.shop.example."
TTL = 2.0
HOME = {EAST: "127.0.0.21", WEST: "127.0.0.22"}


class Story:
    """Lines of a record, written as a story: at which second what happened."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.at(0).front(EAST).front(WEST).instances(EAST, 3).instances(WEST, 1)
        self.database(EAST, writes=True).database(WEST, writes=False).leads_to(EAST)

    def at(self, second: float) -> Story:
        self.now = second
        return self

    def note(self, kind: str, **facts: object) -> Story:
        self.lines.append(json.dumps({"at": self.now, "kind": kind, **facts}))
        return self

    def front(self, region: str, state: str = "none") -> Story:
        return self.note("front", region=region, state=state)

    def instances(self, region: str, count: int) -> Story:
        return self.note("in-service", region=region, instances=count)

    def database(self, region: str, *, writes: bool, reads: bool = True) -> Story:
        return self.note("database", region=region, writes=writes, reads=reads)

    def leads_to(self, region: str, since: float | None = None) -> Story:
        seen = self.now if since is None else since
        return self.note("names", name=APP, region=region, addresses=[HOME[region]], ttl=TTL, since=seen)

    def told(self, region: str, client: str, numbers: Iterable[int], each: float = 0.25) -> Story:
        """Writes that were stored, one each quarter of a second from now on; each took 10 ms."""
        begin = self.now
        for position, number in enumerate(numbers):
            self.at(begin + position * each).asked(region, client, number, 201, told_at=self.now + 0.01)
        return self

    def asked(
        self, region: str, client: str, number: int, status: int, told_at: float | None = None, verb: str = "write"
    ) -> Story:
        return self.note(
            "request", region=region, verb=verb, client=client, number=number, status=status, told_at=told_at
        )

    def record(self) -> Record:
        return parse(self.lines)


def failover() -> Story:
    """The east hangs at 100; the move is opened at 110, the west takes writes at 118 and is led to at 120."""
    story = Story()
    story.at(90).told(EAST, "probe", range(40))  # until 99.75
    story.at(100).front(EAST, "hang").note("fault", what="outage", region=EAST, detail="hang", state="began")
    story.at(112).instances(WEST, 3)
    story.at(118).database(WEST, writes=True)
    story.at(120).leads_to(WEST)
    story.at(121.3).told(WEST, "probe", range(125, 150))
    return story


def of_failover(client: str | None = "probe") -> Window:
    return Window(opened_at=110.0, until=140.0, target=WEST, name=APP, client=client)
