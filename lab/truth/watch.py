"""Watches what DNS answers for the application's names, and notes each change.

An answer can change without any call (a health check turns), so it is asked for, in process, twenty times a second.
The name server itself gives the same answer for up to a tenth of a second more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import dns.message
import dns.rdatatype

log = logging.getLogger("lab.truth")

INTERVAL = 0.05
"""Seconds between two looks."""


class Answers(Protocol):
    """Who answers as the name server does (`lab.dataplane.dns.Zones`)."""

    def reply(self, query: dns.message.Message) -> dns.message.Message:
        """The answer to a query."""


class NameWatch:
    """Notes what DNS answers, from its start on, in a thread of its own."""

    def __init__(
        self,
        answers: Answers,
        names: Callable[[], Iterable[str]],
        regions: dict[str, str],
        note: Callable[..., None],
        now: Callable[[], float] = time.time,
    ) -> None:
        """`names` are those to watch, with the final dot; `regions` maps an address to the region that it is in."""
        self._answers = answers
        self._names = names
        self._regions = regions
        self._note = note
        self._now = now
        self._said: dict[str, tuple[tuple[str, ...], float]] = {}
        self._seen: dict[str, float] = {}
        self._queries: dict[str, dns.message.Message] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch_for_ever, name="name watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def look(self) -> None:
        """Look once at every name, and note what has changed."""
        for name in self._names():
            said = self._ask(name)
            now = self._now()
            if said != self._said.get(name):
                addresses, ttl = said
                region = next((self._regions[one] for one in addresses if one in self._regions), None)
                since = self._seen.get(name, now)
                self._note("names", now, name=name, region=region, addresses=list(addresses), ttl=ttl, since=since)
                self._said[name] = said
            self._seen[name] = now

    def _ask(self, name: str) -> tuple[tuple[str, ...], float]:
        """The addresses, and the shortest TTL on the way to them (seconds)."""
        if name not in self._queries:
            self._queries[name] = dns.message.make_query(name, "A")
        answer = self._answers.reply(self._queries[name]).answer
        addresses = [str(data) for rrset in answer if rrset.rdtype == dns.rdatatype.A for data in rrset]
        return tuple(sorted(addresses)), float(min((rrset.ttl for rrset in answer), default=0))

    def _watch_for_ever(self) -> None:
        while not self._end.wait(INTERVAL):
            try:
                self.look()
            except Exception:
                # moto's records may change while they are read; the next look is a moment away.
                log.debug("looking at the names failed", exc_info=True)
