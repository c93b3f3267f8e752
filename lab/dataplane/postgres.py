"""The replicated database under the emulated global cluster: one real PostgreSQL per region.

The promise that everything else rests on: **a switchover loses no write that was acknowledged**.  It does not rest on
the writer being read-only, nor on the order of signals, but on one comparison: the standby is promoted only after it
has replayed the checkpoint with which the old writer shut down.  Nothing can follow that record in the old writer's
log.  When the comparison does not come true in time, nothing is promoted and the old writer goes on.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from lab.dataplane import lost_volume
from lab.dataplane.instance import DATABASE, Instance, NotReady, lsn
from lab.dataplane.lag import LagMeter
from lab.dataplane.link import Link
from lab.settings import POSTGRES_PORT, LabSettings

LINK_PORT = 5433
"""Port of a region's address at which the other region's standby reaches its PostgreSQL."""

SCHEMA = """
CREATE TABLE writes (
    client text NOT NULL,
    number bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (client, number)
);
CREATE TABLE heartbeat (id int PRIMARY KEY DEFAULT 1 CHECK (id = 1), at timestamptz NOT NULL);
INSERT INTO heartbeat (at) VALUES (clock_timestamp());
"""

_STREAMING_SECONDS = 30.0
_CATCH_UP_SECONDS = 30.0
_RECONNECT_SECONDS = 5.0
_CUT_BY_HAND = "by hand"


class MoveRefused(RuntimeError):
    """The move was not begun, or was taken back: the writer is where it was, and nothing is lost."""


class PostgresPlane:
    """Two PostgreSQL servers, one following the other; implements `lab.cloud.hooks.DatabasePlane`."""

    def __init__(
        self,
        settings: LabSettings,
        say: Callable[[str], None] = lambda _text: None,
        note: Callable[..., None] = lambda _kind, **_facts: None,
    ) -> None:
        """`say` is for the operator, `note` for the record of the truth (`lab.truth`)."""
        self._say = say
        self._note = note
        self._lock = threading.RLock()
        self._moving = False
        self.instances: dict[str, Instance] = {}
        self.links: dict[str, Link] = {}
        for region in (settings.primary_region, settings.dr_region):
            address = settings.postgres_address(region)
            self.instances[region] = Instance(
                name=region,
                address=address,
                port=POSTGRES_PORT,
                folder=settings.home / "postgres" / region,
                log=settings.home / "log" / f"postgres-{region}.log",
            )
            self.links[region] = Link(address, LINK_PORT, (address, POSTGRES_PORT))
        self._writer = settings.primary_region
        self._standby: str | None = settings.dr_region
        self._late: str | None = None
        """A region whose server should follow the writer and does not yet."""
        self._lost: set[str] = set()
        self._snapshots: dict[str, str] = {}
        """The snapshot that AWS took of a region's volume, until that is replaced."""
        self._meter = LagMeter(self._pair)

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make both servers anew and wait until the second one follows the first."""
        writer, standby = self.instances[self._writer], self.instances[self._other(self._writer)]
        for link in self.links.values():
            link.start()
        self._say(f"PostgreSQL: creating {writer.name}")
        writer.create()
        writer.configure(standby_of=None)
        writer.start()
        with contextlib.closing(writer.connect(database="postgres")) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        with contextlib.closing(writer.connect()) as connection:
            connection.execute(SCHEMA)
        self._say(f"PostgreSQL: {standby.name} copies {writer.name}")
        standby.clone(self._through_link(writer))
        standby.configure(standby_of=self._through_link(writer))
        standby.start()
        self._await_streaming(writer, standby)
        self._can(writer, writes=True, reads=True)
        self._can(standby, writes=False, reads=True)
        self._meter.start()

    def stop(self) -> None:
        """End both servers; the standby first, so that the writer need not wait for it."""
        self._meter.stop()
        with self._lock:
            for region in sorted(self.instances, key=lambda name: name == self._writer):
                try:
                    self.instances[region].stop("fast", timeout=8)
                except NotReady:
                    self.instances[region].stop("immediate")
            for link in self.links.values():
                link.stop()

    def supervise(self) -> None:
        """Start a server again that has died, unless a move is using it.  Called now and then."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._moving:
                return
            for region in (self._writer, self._standby):
                if region is not None and not self.instances[region].running():
                    self._say(f"PostgreSQL of {region} has ended: starting it again")
                    self._can(self.instances[region], writes=False, reads=False)
                    self.instances[region].start()
                    self._can(self.instances[region], writes=region == self._writer, reads=True)
            if self._late is not None and not self.links[self._writer].cuts:
                self._follow_later()
        finally:
            self._lock.release()

    # -- what the cloud asks (lab.cloud.hooks.DatabasePlane) ---------------------------------------------------------

    def writer_region(self) -> str:
        """The region whose server accepts writes."""
        return self._writer

    def lag_seconds(self, region: str) -> float | None:
        """Seconds that the region's standby is behind, measured by a heartbeat; nothing for the writer."""
        return None if region == self._writer else self._meter.seconds(region)

    def switchover(self, old_region: str, new_region: str) -> None:
        """Move the writer without losing a write, and replicate the other way round."""
        with self._move():
            if new_region == self._writer:
                return
            if old_region != self._writer:
                raise MoveRefused(f"the writer is in {self._writer}, not in {old_region}")
            old, new = self.instances[old_region], self.instances[new_region]
            if not self._soon_streams(old, new):
                raise MoveRefused(f"{new_region} does not follow {old_region}: {self._why_not()}")
            try:
                self._fence(old)
                self._can(old, writes=False, reads=False)
                old.stop("fast")
                self._await_last_word(old, new)
            except (NotReady, psycopg.Error, RuntimeError) as error:
                self._take_back(old)
                raise MoveRefused(f"{old_region} stays the writer: {error}") from error
            try:
                self._promote(new)
            except (NotReady, psycopg.Error, RuntimeError) as error:
                self._take_back(old)
                self._standby, self._late = None, new_region
                self._follow_later()
                raise MoveRefused(f"{old_region} stays the writer: {error}") from error
            self._writer, self._standby = new_region, None
            self._late = old_region
            self._follow_later()

    def block_writes(self, region: str) -> bool:
        """The writer's region takes no more writes, where it can be reached; whether that was done."""
        with self._lock:
            if region != self._writer or region in self._lost:
                return False
            try:
                self._fence(self.instances[region])
            except (psycopg.Error, OSError):
                return False
            return True

    def failover(self, new_region: str) -> None:
        """Promote the region's standby with what it has; the old writer is isolated and keeps what it alone has."""
        with self._move():
            if new_region == self._writer:
                return
            old_region = self._writer
            old, new = self.instances[old_region], self.instances[new_region]
            if old_region not in self._lost:
                # The old region can be reached: block its writes first, as Aurora tries to (R7). What the new one has
                # not received by then is not waited for, as a server that ends in order would.
                with contextlib.suppress(psycopg.Error, OSError):
                    self._fence(old)
                self._can(old, writes=False, reads=False)
                old.stop("immediate")
            try:
                self._promote(new)
            except (NotReady, psycopg.Error, RuntimeError) as error:
                if not old.running():
                    self._take_back(old)
                self._standby, self._late = None, new_region
                raise MoveRefused(f"{new_region} could not be promoted: {error}") from error
            self._writer, self._standby = new_region, None
            # Unreachable until now: whoever reaches it again finds no server, so two writers are never seen.
            self._halt(old)

    def rejoin(self, region: str) -> None:
        """Bring a region back as a standby on a new volume (R9); the old volume is kept beside it (R8)."""
        with self._move():
            if region in (self._writer, self._standby):
                return
            self._late = None
            writer, back = self.instances[self._writer], self.instances[region]
            if self.links[self._writer].cuts:
                raise MoveRefused(f"{region} cannot reach {self._writer}: {self._why_not()}")
            self._halt(back)
            snapshot = self._snapshots.pop(region, None) or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            kept = back.set_aside(lost_volume.label(snapshot))
            if kept is not None:
                self._say(f"PostgreSQL: the volume that {region} lost is kept as {kept}")
            self._renew(back, writer)
            self._standby = region

    def snapshot(self, region: str, name: str) -> None:
        """Keep the volume that the region loses under that name; its server is stopped, so nothing more comes to it."""
        self._snapshots[region] = name

    # -- hands of the operator ---------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Cut replication between the regions by hand."""
        self._cut(_CUT_BY_HAND)

    def heal(self) -> None:
        """Undo `cut` and `slow`."""
        for link in self.links.values():
            link.heal(_CUT_BY_HAND)
            link.delay_seconds = link.bytes_per_second = 0.0

    def slow(self, seconds: float, bytes_per_second: float = 0.0) -> None:
        """Hold replication back by that many seconds, and let no more through than that rate (0: all of it)."""
        for link in self.links.values():
            link.delay_seconds, link.bytes_per_second = seconds, bytes_per_second

    def region_lost(self, region: str) -> None:
        """An outage of a region has begun: its network is gone."""
        self._lost.add(region)
        self._cut(f"outage of {region}")

    def region_back(self, region: str) -> None:
        """The outage is over."""
        self._lost.discard(region)
        for link in self.links.values():
            link.heal(f"outage of {region}")

    def describe(self) -> dict[str, object]:
        """The state of replication for `lab status`."""
        link = self.links[self._writer]
        lag = None if self._standby is None else self.lag_seconds(self._standby)
        return {
            "writer": self._writer,
            "standby": self._standby,
            "streaming": self.streaming(),
            "lag_seconds": None if lag is None else round(lag, 3),
            "cut": list(link.cuts),
            "delay_seconds": link.delay_seconds,
            "bytes_per_second": link.bytes_per_second,
        }

    def streaming(self) -> bool:
        """Whether the standby follows the writer now."""
        if self._moving or self._standby is None:
            return False
        return self._streams(self.instances[self._writer], self.instances[self._standby])

    def pids(self) -> dict[str, int]:
        """Process ids of the running servers by region."""
        return {region: one.pid for region, one in self.instances.items() if one.pid is not None}

    def volumes(self) -> dict[str, Path]:
        """Data folders by region."""
        return {region: one.data for region, one in self.instances.items()}

    # -- steps of a move ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _move(self) -> Iterator[None]:
        with self._lock:
            self._moving = True
            try:
                yield
            finally:
                self._moving = False

    def _fence(self, old: Instance) -> None:
        """Make the writer read-only and close its clients' connections."""
        old.configure(standby_of=None, read_only=True)
        began = time.time()  # with the signal; clients may be refused before the connections have been closed
        old.reload()
        old.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        self._can(old, writes=False, reads=True, since=began)

    def _can(self, instance: Instance, *, writes: bool, reads: bool, since: float | None = None) -> None:
        """Note what a server does for its clients from now on, or since then (seconds since the epoch)."""
        self._note("database", at=since, region=instance.name, writes=writes, reads=reads)

    def _take_back(self, old: Instance) -> None:
        """Give the old writer back as it was."""
        if old.running():
            with contextlib.suppress(NotReady):
                old.stop("fast", timeout=5)
            old.stop("immediate")
        old.configure(standby_of=None)
        old.start()
        self._can(old, writes=True, reads=True)

    def _await_last_word(self, old: Instance, new: Instance) -> None:
        """Wait until the standby has replayed the checkpoint with which the old writer shut down."""
        facts = old.control_data()
        state, checkpoint = facts["Database cluster state"], facts["Latest checkpoint location"]
        if state != "shut down":
            raise NotReady(f"the old writer is {state!r}, not shut down in order")
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        while True:
            replayed = new.query("SELECT pg_last_wal_replay_lsn()::text")[0][0]
            # The position is the end of the last replayed record, so it lies beyond the checkpoint's beginning
            # exactly when the checkpoint itself has been replayed.
            if replayed is not None and lsn(replayed) > lsn(checkpoint):
                return
            if time.monotonic() > deadline:
                raise NotReady(f"the standby has {replayed}, the old writer ended with {checkpoint}")
            time.sleep(0.02)

    def _promote(self, new: Instance) -> None:
        """Make the standby the writer.  When this raises, the server is stopped and has accepted no write."""
        try:
            new.promote()
        except (NotReady, psycopg.Error):
            self._halt(new)
            if new.control_data()["Database cluster state"] != "shut down":
                raise
            # It was promoted after all, only the answer came too late: what it accepted since must stand.
        self._can(new, writes=new.running(), reads=new.running())
        new.configure(standby_of=None)
        if new.running():
            new.reload()
        else:
            new.start()
            self._can(new, writes=True, reads=True)

    def _follow_later(self) -> None:
        """Turn the replication round.  The move is done already, so a failure here is mended later, not reported."""
        late = self._late
        if late is None:
            return
        try:
            self._follow(self.instances[late], self.instances[self._writer])
        except (NotReady, psycopg.Error, RuntimeError, OSError, subprocess.SubprocessError) as error:
            self._say(f"PostgreSQL: {late} does not follow {self._writer} yet: {error}")
            return
        self._standby, self._late = late, None

    def _follow(self, old: Instance, new: Instance) -> None:
        """Start the old writer as the new one's standby; a copy is made anew where it does not follow."""
        conninfo = self._through_link(new)
        old.configure(standby_of=conninfo)
        try:
            old.start()
            self._can(old, writes=False, reads=True)
            self._await_streaming(new, old)
        except NotReady as error:
            self._say(f"PostgreSQL: {old.name} does not follow ({error}): copying it anew")
            self._halt(old)
            old.set_aside("superseded-volume")
            self._renew(old, new)

    def _renew(self, back: Instance, writer: Instance) -> None:
        back.clone(self._through_link(writer))
        back.configure(standby_of=self._through_link(writer))
        back.start()
        self._can(back, writes=False, reads=True)
        self._await_streaming(writer, back)

    def _halt(self, instance: Instance) -> None:
        """Stop a server, in order if it can, within seconds in any case."""
        self._can(instance, writes=False, reads=False)
        try:
            instance.stop("fast", timeout=8)
        except NotReady:
            instance.stop("immediate")

    # -- looking -----------------------------------------------------------------------------------------------------

    def _soon_streams(self, writer: Instance, standby: Instance) -> bool:
        """Whether the standby streams, or does so within seconds: a busy machine may have dropped the connection."""
        deadline = time.monotonic() + _RECONNECT_SECONDS
        while not self._streams(writer, standby):
            if self.links[writer.name].cuts or time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _streams(self, writer: Instance, standby: Instance) -> bool:
        """Whether the writer sees the standby streaming, and the standby its writer."""
        try:
            sent = writer.query(
                "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND application_name = %s", standby.name
            )
            received = standby.query("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'")
        except (psycopg.Error, OSError):
            return False
        return bool(sent and received)

    def _await_streaming(self, writer: Instance, standby: Instance) -> None:
        deadline = time.monotonic() + _STREAMING_SECONDS
        while not self._streams(writer, standby):
            if not standby.running():
                raise NotReady(f"PostgreSQL of {standby.name} ended")
            if time.monotonic() > deadline:
                raise NotReady(f"{standby.name} does not stream from {writer.name}")
            time.sleep(0.05)

    def _through_link(self, writer: Instance) -> str:
        """How the standby connects: through the link, under its own name (`cluster_name` is the default one)."""
        return writer.conninfo(database="postgres", port=LINK_PORT)

    def _cut(self, reason: str) -> None:
        for link in self.links.values():
            link.cut(reason)

    def _why_not(self) -> str:
        cuts = self.links[self._writer].cuts
        return f"the line is cut ({', '.join(cuts)})" if cuts else "replication does not stream"

    def _other(self, region: str) -> str:
        return next(name for name in self.instances if name != region)

    def _pair(self) -> tuple[Instance, Instance | None]:
        standby = None if self._standby is None or self._moving else self.instances[self._standby]
        return self.instances[self._writer], standby
