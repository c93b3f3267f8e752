# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Samples an application as its clients see it, open-loop.

Open-loop means that a slot starts when it is due, whatever became of the earlier ones. A closed loop, which waits
for an answer before it asks again, sees one failure where clients saw forty, and finds the end of an outage up to a
timeout late.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Protocol

from .dns import Answer, CachingResolver, DnsError, Resolver, leads_to
from .probe import HttpApplication, ProbeSettings, Reply
from .samples import Kind, Sample, Stored, Vantage, most_at_once, probed_kinds

NOT_THERE = 404
"""The status with which an application says that it has no such number."""
READ_BACK_EVERY = 1.0
"""Seconds between two attempts to list what is stored."""


class ProbeClock(Protocol):
    """The time, in seconds since the epoch, and a way to let it pass."""

    def now(self) -> float:
        """The time."""

    def wait(self, seconds: float) -> None:
        """Returns after so many seconds."""


class SteadyClock:
    """The wall clock as it was at the beginning, carried on by the monotonic one: a step by NTP must not look like
    an outage.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        return self._offset + time.monotonic()

    def wait(self, seconds: float) -> None:
        """Returns after so many seconds."""
        if seconds > 0:
            time.sleep(seconds)


class Sampler:
    """Tries a write, a read and a DNS query in every slot and hands each sample to `record` as it ends.

    Writes and reads go where a well-behaved client's would: to the addresses of an answer that is believed for its
    TTL. The DNS samples are asked anew each time. `endpoints` maps a region to the name of its load balancer, so
    that an answer can be told as one region's.
    """

    def __init__(
        self,
        settings: ProbeSettings,
        client: str,
        record: Callable[[Sample], None],
        *,
        resolver: Resolver,
        clock: ProbeClock,
        endpoints: Mapping[str, str],
    ) -> None:
        self.settings = settings
        self.client = client
        self._application = HttpApplication(settings)
        self._record = record
        self._asking = resolver
        self._believing = CachingResolver(resolver)
        self._endpoints = endpoints
        self._clock = clock
        self._lock = Lock()
        self._acknowledged: list[int] = []
        self._read_number: int | None = None
        self._read_number_of: str | None = None
        self._written_in: str | None = None
        self._kinds = probed_kinds(settings.write_path)

    def vantage(self) -> Vantage:
        """What the head line of the file says."""
        known = self.settings
        return Vantage(
            client=self.client,
            host=known.host,
            interval_seconds=known.interval_seconds,
            timeout_seconds=known.timeout_seconds,
            started_at=self._clock.now(),
            write_path=known.write_path,
            read_path=known.read_path,
            nameservers=tuple(str(server) for server in self._asking.nameservers),
            endpoints=dict(self._endpoints),
        )

    def run(self, duration: float, stop: Callable[[], bool]) -> None:
        """Samples for `duration` seconds, or until `stop` says so, and waits for what is under way.

        There are workers for everything that can be under way at once, so nothing queues: a slot lasts at most the
        timeout.
        """
        interval = self.settings.interval_seconds
        at_once = most_at_once(interval, self.settings.timeout_seconds) * len(self._kinds)
        begin = self._clock.now()
        with ThreadPoolExecutor(at_once, thread_name_prefix="slot") as workers:
            number = 0
            under_way: list[Future[None]] = []
            while number * interval < duration and not stop():
                scheduled = begin + number * interval
                self._clock.wait(scheduled - self._clock.now())
                under_way = [future for future in under_way if not _finished(future)]
                under_way += [workers.submit(self._try, kind, number, scheduled) for kind in self._kinds]
                # Slots that were missed (a machine that slept) are left out: catching up would be a burst of load,
                # and a gap in the numbers says truly that nobody looked.
                number = max(number + 1, math.floor((self._clock.now() - begin) / interval))
        for future in under_way:
            future.result()

    def read_back(self, within: float) -> Stored:
        """Which numbers the application has now: asked for through DNS until two answers agree, for `within` seconds.

        A list that may still be growing (a replica that answers reads, say) is not yet the truth about a loss. Nor is
        that of a region which takes no writes any more: as far as regions are told, the one counts that took the last.
        """
        deadline = self._clock.now() + within
        wanted = frozenset(self.acknowledged())
        heard: Stored | None = None
        error: str | None = "nothing was written"
        while self.settings.write_path:
            reply = self._at_application(lambda address, left: self._application.numbers(address, self.client, left), 0)
            numbers = reply.body.get("numbers")
            if reply.ok and isinstance(numbers, list):
                found = frozenset(number for number in numbers if isinstance(number, int))
                stored = Stored(self._clock.now(), found, reply.region)
                elsewhere = None not in (reply.region, self._written_in) and reply.region != self._written_in
                again = heard is not None and (heard.numbers, heard.region) == (found, reply.region)
                if not elsewhere and (wanted <= found or again):
                    return stored
                heard = heard if heard is not None and elsewhere else stored
            else:
                error = reply.error or f"HTTP status {reply.status} without a list of numbers"
            if self._clock.now() + READ_BACK_EVERY > deadline:
                if heard is not None:
                    return heard
                break
            self._clock.wait(READ_BACK_EVERY)
        return Stored(self._clock.now(), None, None, error)

    def acknowledged(self) -> tuple[int, ...]:
        """The numbers whose storing was confirmed."""
        with self._lock:
            return tuple(self._acknowledged)

    def _try(self, kind: Kind, number: int, scheduled: float) -> None:
        started = self._clock.now()
        if kind == "dns":
            sample = self._try_dns(number, scheduled, started)
        else:
            asked = self._read_number
            call = self._write(number) if kind == "write" else self._read(asked)
            if call is None:
                return
            reply = self._at_application(call, number)
            if kind == "write" and reply.ok:
                with self._lock:
                    self._acknowledged.append(number)
                    self._written_in = reply.region
                    if self._read_number is None:
                        self._read_number, self._read_number_of = number, reply.region
            elif kind == "read" and reply.status == NOT_THERE:
                self._read_another(asked, reply.region)
            error = reply.error or (None if reply.ok else f"HTTP status {reply.status}")
            sample = Sample(
                kind,
                number,
                scheduled,
                started,
                self._clock.now(),
                reply.ok,
                reply.status,
                error,
                reply.address or None,
                reply.region,
            )
        self._record(sample)

    def _write(self, number: int) -> Callable[[str, float], Reply]:
        return lambda address, left: self._application.write(address, self.client, number, left)

    def _read(self, wanted: int | None) -> Callable[[str, float], Reply] | None:
        """Reads a number that was stored. Before there is one, nothing can be read.

        It is the first that was acknowledged, and stays it, not the newest each time: a replica lags, and a read of
        what was written a moment ago would fail where nothing is wrong. See `_read_another` for when it goes on.
        """
        path = self.settings.read_path
        if path or not self.settings.write_path:
            return lambda address, left: self._application.get(address, path or self.settings.health_path, left)
        if wanted is None:
            return None
        return lambda address, left: self._application.read(address, self.client, wanted, left)

    def _read_another(self, lost: int | None, told_by: str | None) -> None:
        """Goes on with the newest acknowledged number: the application has said that the one so far is not there.

        A failover may lose the very number that is read, and reads of it would fail for ever while those of clients,
        who read what there is, succeed. Of several that were under way together, the first answer alone counts. The
        region that has acknowledged a number has not lost it: its replica lags, and the next number would be later yet.
        """
        with self._lock:
            lags = told_by is not None and told_by == self._read_number_of
            if self._acknowledged and self._read_number == lost and not lags:
                self._read_number, self._read_number_of = self._acknowledged[-1], self._written_in

    def _at_application(self, call: Callable[[str, float], Reply], number: int) -> Reply:
        """One request through DNS; name resolution is inside the timeout, as it is for a client."""
        deadline = self._clock.now() + self.settings.timeout_seconds
        try:
            answer = self._believing.resolve(self.settings.host, self.settings.timeout_seconds)
        except DnsError as error:
            return Reply(None, {}, "", f"DNS: {error.reason}")
        if not answer.addresses:
            return Reply(None, {}, "", f"DNS: {answer.nameserver} gave {answer.canonical} and no address")
        left = deadline - self._clock.now()
        if left <= 0:
            return Reply(None, {}, "", f"no answer within {self.settings.timeout_seconds:.1f} s")
        return call(answer.addresses[number % len(answer.addresses)], left)

    def _try_dns(self, number: int, scheduled: float, started: float) -> Sample:
        try:
            answer = self._asking.resolve(self.settings.host, self.settings.timeout_seconds)
        except DnsError as error:
            return Sample("dns", number, scheduled, started, self._clock.now(), False, error=error.reason)
        return Sample(
            "dns",
            number,
            scheduled,
            started,
            self._clock.now(),
            True,
            address=answer.addresses[0] if answer.addresses else None,
            region=self._region_of(answer, started + self.settings.timeout_seconds),
            canonical=answer.canonical if answer.chain else None,
        )

    def _region_of(self, answer: Answer, deadline: float) -> str | None:
        """The slot ends in its time, whatever the server of a load balancer's name does: workers are counted on it."""
        for region, host in self._endpoints.items():
            left = deadline - self._clock.now()
            if left > 0 and leads_to(answer, host, self._believing, left):
                return region
        return None


def _finished(future: Future[None]) -> bool:
    """Whether a slot has ended; what went wrong in our own code is raised, not lost with the thread."""
    if not future.done():
        return False
    future.result()
    return True
