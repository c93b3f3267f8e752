# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A client of the application that shares no code with the collection: writes numbers and logs which were acknowledged.

    python writer.py --url https://app.example:8443/writes --nameserver 127.0.0.1:5353 --ca ca.pem --log writer.jsonl

Writes at a fixed rate, open-loop, from several threads, each write on a new connection to the address that DNS
gives at that moment (TTL obeyed). Ends on SIGTERM, after the writes under way have ended. One JSON line a write:
``{"number", "at", "answered_at", "acknowledged", "region", "error"}``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import dns.resolver


class Client:
    """Posts numbered writes to one URL."""

    def __init__(self, url: str, nameserver: str, ca_file: str, name: str, timeout_seconds: float) -> None:
        self.url = urlsplit(url)
        self.name = name
        self.timeout_seconds = timeout_seconds
        address, port = nameserver.rsplit(":", 1)
        self.resolver = dns.resolver.Resolver(configure=False)
        self.resolver.nameservers = [address]
        self.resolver.port = int(port)
        self.resolver.cache = dns.resolver.Cache()
        self.resolver.lifetime = timeout_seconds
        self.tls = ssl.create_default_context(cafile=ca_file)

    def write(self, number: int) -> dict[str, Any]:
        """Send one write; never raises: what went wrong stands in the result."""
        result: dict[str, Any] = {
            "number": number,
            "at": time.time(),
            "acknowledged": False,
            "region": None,
            "error": None,
        }
        try:
            host = str(self.url.hostname)
            address = self.resolver.resolve(host, "A")[0].to_text()
            raw = socket.create_connection((address, self.url.port or 443), timeout=self.timeout_seconds)
            with self.tls.wrap_socket(raw, server_hostname=host) as secured:
                connection = http.client.HTTPConnection(host, self.url.port, timeout=self.timeout_seconds)
                connection.sock = secured
                body = json.dumps({"client": self.name, "number": number})
                connection.request("POST", self.url.path, body=body, headers={"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = json.loads(response.read() or b"{}")
            result["acknowledged"] = response.status == 201 and answer.get("stored") == number
            result["region"] = answer.get("region")
            if not result["acknowledged"]:
                result["error"] = f"HTTP {response.status}"
        except (OSError, ValueError, http.client.HTTPException, dns.exception.DNSException) as error:
            result["error"] = f"{type(error).__name__}: {error}"
        result["answered_at"] = time.time()
        return result


def run(client: Client, rate: float, log_path: str, stopped: threading.Event) -> None:
    """Write at `rate` per second until stopped; a slow write delays no other."""
    lock = threading.Lock()
    with open(log_path, "a", encoding="utf-8") as log, ThreadPoolExecutor(max_workers=64) as pool:

        def one(number: int) -> None:
            line = json.dumps(client.write(number))
            with lock:
                log.write(line + "\n")
                log.flush()

        start, number = time.monotonic(), 0
        while not stopped.is_set():
            pool.submit(one, number)
            number += 1
            stopped.wait(max(0.0, start + number / rate - time.monotonic()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--nameserver", required=True, help="address:port")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--name", default="writer")
    parser.add_argument("--rate", type=float, default=50.0, help="writes a second")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds")
    arguments = parser.parse_args()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    signal.signal(signal.SIGINT, lambda *_: stopped.set())
    client = Client(arguments.url, arguments.nameserver, arguments.ca, arguments.name, arguments.timeout)
    run(client, arguments.rate, arguments.log, stopped)


if __name__ == "__main__":
    main()
