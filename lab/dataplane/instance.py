"""One PostgreSQL server: its folder, its configuration, its process.

The configuration lies beside the data folder, not in it: `pg_basebackup` copies a data folder with everything inside,
and a setting copied from the other server is how a standby once stopped streaming without a word.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psycopg

from lab.dataplane import binaries

USER = "postgres"
DATABASE = "app"

_SETTINGS = """\
listen_addresses = '{address}'
port = {port}
unix_socket_directories = ''
cluster_name = '{name}'
max_connections = 80
shared_buffers = '32MB'
io_method_line
jit = off
wal_level = replica
max_wal_senders = 6
max_replication_slots = 0
wal_keep_size = '512MB'
wal_log_hints = on
max_wal_size = '512MB'
hot_standby = on
hot_standby_feedback = off
max_standby_streaming_delay = '1s'
synchronous_commit = on
full_page_writes = on
wal_retrieve_retry_interval = '500ms'
wal_receiver_timeout = '5s'
wal_sender_timeout = '5s'
wal_receiver_status_interval = '1s'
tcp_keepalives_idle = 5
log_line_prefix = '%m [%p] %q%a '
log_checkpoints = off
default_transaction_read_only = {read_only}
"""

StopMode = Literal["fast", "immediate"]
_CHILDREN_SECONDS = 10.0
"""A server that was killed leaves children, and until they have ended the next one finds its memory still in use."""
_SIGNALS: dict[StopMode, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class NotReady(RuntimeError):
    """The server did not get where it should within its deadline."""


def lsn(text: str) -> int:
    """A log sequence number such as `0/3000148` as a number of bytes."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


@dataclass
class Instance:
    """A PostgreSQL server of one region."""

    name: str
    address: str
    port: int
    folder: Path
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    # -- making ------------------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Make an empty database cluster with the database of the application."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        binaries.run(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "--data-checksums",
        )

    def clone(self, conninfo: str) -> None:
        """Copy a running server.  No replication slot, not even a temporary one: `wal_keep_size` keeps the log.

        The log comes over the same connection as the data: a second one that broke once left the copy waiting for ever.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        binaries.run(
            "pg_basebackup",
            "-D",
            str(self.data),
            "-d",
            conninfo,
            "-X",
            "fetch",
            "--no-slot",
            "--checkpoint=fast",
            "--no-sync",
        )

    def rewind(self, conninfo: str) -> None:
        """Take the stopped server back to where its history and that of a running one part."""
        binaries.run(
            "pg_rewind",
            "-D",
            str(self.data),
            f"--source-server={conninfo}",
            "--no-sync",
            f"--config-file={self.folder / 'postgresql.conf'}",
        )

    def set_aside(self, label: str) -> Path | None:
        """Keep the data folder under another name, as AWS keeps a snapshot of a lost volume (R8)."""
        if not self.data.exists():
            return None
        kept = self.folder / label
        if kept.exists():
            shutil.rmtree(kept)
        self.data.rename(kept)
        return kept

    def configure(self, *, standby_of: str | None, read_only: bool = False) -> None:
        """Write the configuration.  `standby_of` is the connection string of the server to follow, if any."""
        text = _SETTINGS.format(
            address=self.address, port=self.port, name=self.name, read_only="on" if read_only else "off"
        ).replace("io_method_line", "io_method = sync" if binaries.folder().parent.name == "pginstall18" else "")
        if standby_of:
            text += f"primary_conninfo = '{standby_of}'\n"
        hba = "".join(f"host {what} all 127.0.0.0/8 trust\n" for what in ("all", "replication"))
        text += f"hba_file = '{self.folder / 'pg_hba.conf'}'\n"
        (self.folder / "pg_hba.conf").write_text(hba)
        (self.folder / "postgresql.conf").write_text(text)
        if self.data.exists():
            mark = self.data / "standby.signal"
            if standby_of:
                mark.touch()
            else:
                mark.unlink(missing_ok=True)

    # -- running -----------------------------------------------------------------------------------------------------

    def start(self, timeout: float = 120.0) -> None:
        """Start the server and wait until it answers."""
        if self.running():
            return
        began = time.monotonic()
        process = self._process = self._spawn()
        while True:
            if process.poll() is not None:
                if time.monotonic() - began > _CHILDREN_SECONDS:
                    raise NotReady(f"PostgreSQL of {self.name} ended while starting; its log is {self.log}")
                time.sleep(0.2)
                process = self._process = self._spawn()
            try:
                with self.connect(database="postgres", timeout=2):
                    return
            except psycopg.OperationalError as error:
                if time.monotonic() - began > timeout:
                    raise NotReady(
                        f"PostgreSQL of {self.name} does not answer after {timeout:.0f} s: {error}"
                    ) from error
                time.sleep(0.01)  # it is noted from when on it answers, and clients are quick to find out

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                binaries.command(
                    "postgres", "-D", str(self.data), "-c", f"config_file={self.folder / 'postgresql.conf'}"
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
            )

    def stop(self, mode: StopMode = "fast", timeout: float = 30.0) -> None:
        """Stop the server and wait for its end; `fast` writes a checkpoint and sends the standby everything first."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(_SIGNALS[mode])
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired as error:
                if mode == "fast":
                    raise NotReady(f"PostgreSQL of {self.name} did not stop within {timeout:.0f} s") from error
                process.kill()
                process.wait()
        self._process = None

    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def reload(self) -> None:
        """Have the running server read its configuration again."""
        self.query("SELECT pg_reload_conf()")

    # -- asking ------------------------------------------------------------------------------------------------------

    def conninfo(self, database: str = DATABASE, timeout: int = 2, port: int | None = None) -> str:
        """Connection string.  `timeout` in seconds, of the connection."""
        return (
            f"host={self.address} port={port or self.port} user={USER} dbname={database} "
            f"connect_timeout={timeout} sslmode=disable gssencmode=disable"
        )

    def connect(self, database: str = DATABASE, timeout: int = 10) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection that commits each statement."""
        return psycopg.connect(
            self.conninfo(database, timeout) + f" application_name=lab options='-c statement_timeout={timeout * 1000}'",
            autocommit=True,
        )

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement in a connection of its own and give its rows back."""
        with self.connect() as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def control_data(self) -> dict[str, str]:
        """What `pg_controldata` says of the data folder; reliable for a server that is stopped."""
        facts: dict[str, str] = {}
        for line in binaries.run("pg_controldata", "-D", str(self.data)).splitlines():
            name, _, value = line.partition(":")
            facts[name.strip()] = value.strip()
        return facts

    def in_recovery(self) -> bool:
        """Whether the running server is a standby."""
        return bool(self.query("SELECT pg_is_in_recovery()")[0][0])

    def promote(self, timeout: float = 30.0) -> None:
        """Make the standby a server that accepts writes, and wait until it does."""
        with contextlib.closing(self.connect(timeout=int(timeout))) as connection:
            row = connection.execute("SELECT pg_promote(true, %s)", (int(timeout),)).fetchone()
        if row is None or not row[0] or self.in_recovery():
            raise NotReady(f"the standby of {self.name} was not promoted within {timeout:.0f} s")
