# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The vantage points of a move, through real ansible-playbook: what is wrong with one is a line, and stops nothing.

The application is a web server of a few lines on this machine; no lab runs, and nothing is asked of AWS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.measure.dns_server import Zone, nameserver

from plugins.module_utils._recovery.samples import parse

REPOSITORY = Path(__file__).resolve().parents[3]
APPLICATIONS = ("shop", "blog")
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
POINTS: dict[str, dict[str, Any]] = {
    "tokyo": LOCAL,
    # Nobody listens on that port.
    "oslo": {"ansible_host": "127.0.0.1", "ansible_port": 9},
    "lima": {**LOCAL, "ansible_python_interpreter": "/no/such/python"},
    "cairo": {**LOCAL, "ansible_connection": "no_such_connection"},
}


class Handler(BaseHTTPRequestHandler):
    """Stores numbered writes in memory."""

    stored: dict[str, list[int]] = {}

    def log_message(self, *_arguments: Any) -> None:
        pass

    def handle_one(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length:
            write = json.loads(self.rfile.read(length))
            self.stored.setdefault(write["client"], []).append(write["number"])
        client = self.path.split("/")[2] if self.path.count("/") > 1 else ""
        body = json.dumps({"numbers": self.stored.get(client, []), "region": "us-east-1"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = handle_one


@dataclass(frozen=True)
class Watched:
    """What a run came to."""

    code: int
    output: str
    seconds: float
    folder: Path

    def begun(self, application: str) -> dict[str, Any]:
        return dict(json.loads((self.folder / f"{application}-begun.json").read_text(encoding="utf-8")))

    def views(self, application: str) -> dict[str, dict[str, str]]:
        found = json.loads((self.folder / f"{application}.json").read_text(encoding="utf-8"))
        return {view["name"]: view for view in found}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("reports")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    zone = Zone()
    zone.records = {f"app.{name}.example": [("A", 60, "127.0.0.1")] for name in APPLICATIONS}
    probe = {"port": server.server_address[1], "scheme": "http", "stable_samples": 3}
    ca_file = folder / "our-ca.pem"
    ca_file.write_text("certificates that only the controller has\n", encoding="utf-8")
    inventory = folder / "inventory.yml"
    hosts = {
        "applications": {"hosts": dict.fromkeys(APPLICATIONS, LOCAL)},
        "elsewhere": {"hosts": POINTS},
    }
    inventory.write_text(yaml.safe_dump({"all": {"children": hosts}}), encoding="utf-8")
    given = {
        "reports": str(folder),
        "points": list(POINTS),
        "probe": {**probe, "health_path": "/health", "write_path": "/writes", "ca_file": str(ca_file)},
    }
    link = folder / "collections" / "ansible_collections" / "pilotlight" / "aws_dr"
    link.parent.mkdir(parents=True)
    link.symlink_to(REPOSITORY)
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "ANSIBLE_NOCOLOR": "1",
        "TMPDIR": str(folder),
        "COLUMNS": "400",
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), "points.yml"]
    with nameserver(zone) as address:
        began = time.monotonic()
        done = subprocess.run(
            [*command, "-e", json.dumps({**given, "nameserver": address})],
            cwd=Path(__file__).parent, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        took = time.monotonic() - began
    yield Watched(done.returncode, done.stdout + done.stderr, took, folder)
    server.shutdown()
    server.server_close()


def test_a_vantage_point_that_fails_stops_no_application(watched: Watched) -> None:
    assert watched.code == 0, watched.output
    assert "Traceback" not in watched.output
    for application in APPLICATIONS:
        assert list(watched.views(application)) == list(POINTS)


@pytest.mark.parametrize("application", APPLICATIONS)
def test_each_application_has_its_own_samples_from_there(watched: Watched, application: str) -> None:
    view = watched.views(application)["tokyo"]
    assert view["error"] == "", watched.output
    with open(view["samples"], encoding="utf-8") as lines:
        seen = parse(lines)
    assert view["samples"] == str(watched.folder / "run" / application / "samples-tokyo.jsonl")
    assert seen.vantage is not None
    assert seen.vantage.client == f"{application}-tokyo"
    acknowledged = {one.number for one in seen.of("write") if one.ok}
    assert len(acknowledged) > 3
    assert seen.stored is not None, "the probe was told to end, and was waited for"
    assert seen.stored.numbers == acknowledged


@pytest.mark.parametrize(("point", "said"), [("oslo", "Connection refused"), ("lima", "/no/such/python")])
def test_a_point_that_could_not_be_used_says_why_in_one_line(watched: Watched, point: str, said: str) -> None:
    for application in APPLICATIONS:
        view = watched.views(application)[point]
        assert set(view) == {"name", "error"}
        assert said in view["error"]
        assert "\n" not in view["error"]


def test_a_connection_that_cannot_be_had_is_a_line_too(watched: Watched) -> None:
    assert "no_such_connection" in watched.views("shop")["cairo"]["error"]


def test_nothing_is_left_where_the_probe_ran(watched: Watched) -> None:
    folder = watched.begun("shop")["tokyo"]["folder"]
    assert Path(folder).name.startswith("rto_probe.")
    assert not Path(folder).exists()


def test_it_costs_seconds(watched: Watched) -> None:
    assert watched.seconds < 120
