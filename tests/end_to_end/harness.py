# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the end-to-end tests share: a lab of their own, real ansible-playbook runs against it, and its call log."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import dns.resolver
import psycopg

REPOSITORY = Path(__file__).resolve().parents[2]
_RECAP = re.compile(
    r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)\s+unreachable=\d+\s+failed=(?P<failed>\d+)", re.M
)


@dataclass(frozen=True)
class PlaybookRun:
    """What one run of ansible-playbook said."""

    code: int
    output: str
    seconds: float

    @property
    def changed(self) -> int:
        """How many tasks the recap counts as changed, over all hosts."""
        return sum(int(recap["changed"]) for recap in _RECAP.finditer(self.output))

    def must_succeed(self) -> PlaybookRun:
        assert self.code == 0, f"ansible-playbook exited {self.code}:\n{self.output[-8000:]}"
        return self


@dataclass
class Lab:
    """One lab in a folder and a loopback /24 of its own."""

    home: Path
    net: str
    settings: dict[str, str] = field(default_factory=dict)
    inventory: str = "inventories/lab"
    told: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    """What was played so far: the command, and the calls that it made."""

    @property
    def environment(self) -> dict[str, str]:
        bin_folder = str(Path(sys.executable).parent)
        return {
            **os.environ,
            **self.settings,
            "PATH": bin_folder + os.pathsep + os.environ.get("PATH", ""),
            "LAB_HOME": str(self.home),
            "LAB_NET": self.net,
            "AWS_CONFIG_FILE": str(self.home / "aws" / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "aws" / "credentials"),
            "ANSIBLE_NOCOLOR": "1",
        }

    @property
    def project(self) -> str:
        return self.settings.get("PROJECT_NAME", "dr-webapp")

    @property
    def primary_region(self) -> str:
        return self.settings.get("PRIMARY_REGION", "us-east-1")

    @property
    def dr_region(self) -> str:
        return self.settings.get("DR_REGION", "us-west-2")

    def command(self, *arguments: str, check: bool = True) -> str:
        """Run `python -m lab ...`."""
        done = subprocess.run(
            [sys.executable, "-m", "lab", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            text=True,
            capture_output=True,
        )
        assert not check or done.returncode == 0, f"lab {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def playbook(
        self, name: str, *arguments: str, cwd: Path = REPOSITORY, env: dict[str, str] | None = None
    ) -> PlaybookRun:
        """Run a playbook of the collection as the README shows it."""
        start = time.monotonic()
        with self.started_playbook(name, *arguments, cwd=cwd, env=env) as process:
            output, _ = process.communicate()
        return PlaybookRun(process.returncode, output, time.monotonic() - start)

    @contextmanager
    def started_playbook(
        self, name: str, *arguments: str, cwd: Path = REPOSITORY, env: dict[str, str] | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """Start a playbook in a process group of its own, so that a test can kill it."""
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", self.inventory, name, *arguments]
        process = subprocess.Popen(
            command, cwd=cwd, env={**self.environment, **(env or {})}, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    # ------------------------------------------------------------ what happened

    @property
    def call_log(self) -> Path:
        return self.home / "calls.jsonl"

    def mark(self) -> int:
        """A place in the call log, for `calls`."""
        return self.call_log.stat().st_size if self.call_log.exists() else 0

    def calls(self, since: int = 0, *, mutating: bool | None = None) -> list[dict[str, Any]]:
        """The requests that reached the lab's AWS since a mark."""
        with self.call_log.open(encoding="utf-8") as log:
            log.seek(since)
            found = [json.loads(line) for line in log if line.endswith("\n")]
        return found if mutating is None else [call for call in found if call["mutates"] is mutating]

    def client(self, service: str, place: str = "dr", **more: Any) -> Any:
        """A boto3 client of the lab, as a user's own script would make it."""
        environment = self.environment
        os.environ["AWS_CONFIG_FILE"] = environment["AWS_CONFIG_FILE"]
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = environment["AWS_SHARED_CREDENTIALS_FILE"]
        region = self.dr_region if place == "dr" else self.primary_region
        return boto3.Session(profile_name=place, region_name=region).client(service, **more)

    def writer_region(self, asked: str = "dr") -> str:
        """Where the global database is written now, as AWS says in the region of that place."""
        [cluster] = self.client("rds", asked).describe_global_clusters()["GlobalClusters"]
        members = cluster["GlobalClusterMembers"]
        return next(member["DBClusterArn"].split(":")[3] for member in members if member["IsWriter"])

    def stored(self, client: str, region: str | None = None) -> set[int]:
        """The numbers of a client's writes, read from the database that is written now, not through the application."""
        region = region or self.writer_region()
        host = f"{self.net}.31" if region == self.primary_region else f"{self.net}.32"
        with psycopg.connect(host=host, port=5432, user="postgres", dbname="app") as connection:
            return {row[0] for row in connection.execute("SELECT number FROM writes WHERE client = %s", (client,))}

    def answering_region(self) -> str:
        """The region whose load balancer DNS gives to clients now."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [f"{self.net}.1"], 5353
        domain = self.settings.get("LAB_DOMAIN") or f"{self.project}.example"
        name = resolver.resolve(f"app.{domain}", "CNAME")[0].to_text()
        return next(region for region in (self.primary_region, self.dr_region) if f".{region}." in name)

    def latest_report(self, reports: Path, intent: str) -> dict[str, Any]:
        """The newest report.json of an intent (drill, failover, failback)."""
        return dict(json.loads(self._report(reports, intent).read_text(encoding="utf-8")))

    def recompute(self, reports: Path, intent: str) -> None:
        """Hold the newest report of an intent against what recompute.py finds in PostgreSQL and in the call log."""
        program = Path(__file__).with_name("recompute.py")
        done = subprocess.run(
            [sys.executable, str(program), "--report", str(self._report(reports, intent)), "--lab-home", self.home],
            cwd=REPOSITORY, env=self.environment, text=True, capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    @staticmethod
    def _report(reports: Path, intent: str) -> Path:
        found = sorted(reports.glob(f"*-{intent}-*/report.json"))
        assert found, f"no report of a {intent} under {reports}: {sorted(reports.glob('*'))}"
        return found[-1]


@contextmanager
def a_lab(home: Path, net: str, *, inventory: str = "inventories/lab", **settings: str) -> Iterator[Lab]:
    """A running lab, stopped and gone afterwards."""
    lab = Lab(home=home, net=net, settings=settings, inventory=inventory)
    lab.command("up")
    try:
        yield lab
    finally:
        lab.command("down", check=False)


@contextmanager
def a_writer(lab: Lab, log: Path, *, rate: float = 50.0, name: str = "writer") -> Iterator[None]:
    """The independent writer, running while the block runs."""
    domain = lab.settings.get("LAB_DOMAIN") or f"{lab.project}.example"
    process = subprocess.Popen(
        [
            sys.executable, str(Path(__file__).with_name("writer.py")), "--url", f"https://app.{domain}:8443/writes",
            "--nameserver", f"{lab.net}.1:5353", "--ca", str(lab.home / "ca.pem"),
            "--log", str(log), "--rate", str(rate), "--name", name,
        ]
    )  # fmt: skip
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@contextmanager
def a_watch(lab: Lab, folder: Path) -> Iterator[list[str]]:
    """The collection's own probe, running before anything happens; yields what a move is told to use it."""
    domain = lab.settings.get("LAB_DOMAIN") or f"{lab.project}.example"
    samples, stop, ready = folder / "samples.jsonl", folder / "stop", folder / "ready"
    arguments = {
        "probe": {"host": f"app.{domain}", "port": 8443, "ca_file": str(lab.home / "ca.pem")},
        "nameservers": [f"{lab.net}.1:5353"], "client": folder.name, "duration": 600,
        "samples": str(samples), "stop_file": str(stop), "ready_file": str(ready),
    }  # fmt: skip
    command = [str(Path(sys.executable).parent / "ansible"), "localhost", "-m", "pilotlight.aws_dr.rto_probe"]
    process = subprocess.Popen(
        [*command, "-a", json.dumps(arguments)], cwd=REPOSITORY, env=lab.environment, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert time.monotonic() < deadline, f"no stable samples within a minute: see {samples}"
            time.sleep(0.2)
        yield ["-e", f"move_watch_samples={samples}", "-e", f"move_watch_stop_file={stop}"]
    finally:
        stop.touch()
        process.wait(timeout=180)


def acknowledged(log: Path) -> set[int]:
    """The numbers that the writer was told are stored."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return {line["number"] for line in lines if line["acknowledged"]}
