#!/usr/bin/python
# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rto_probe
version_added: 0.1.0
short_description: Sample an application as its clients see it
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
description:
  - Tries a numbered write, a read and a DNS query at a steady rhythm, each over a new connection, through DNS with an
    answer believed for its TTL and no longer. Every sample goes to a file as it ends, for
    M(pilotlight.aws_dr.rto_report).
  - The rhythm is open-loop. A slot starts when it is due whatever became of the earlier ones, so an application that
    hangs does not stretch the interval.
  - Made to run as an asynchronous task during a move. It ends when O(duration) is over, or when O(stop_file) appears
    and the samples are good again, and then reads back which of the writes are stored.
  - Its load is one write, one read and one DNS query each interval, and at most timeout divided by interval, and two,
    of each at once. M(pilotlight.aws_dr.rto_report) states it, of all probes of a move together.
  - Asks nothing of AWS. What the application does not offer is not measured.
options:
  probe:
    description:
      - How the application is reached.
    type: dict
    required: true
    suboptions:
      host:
        description: DNS name that clients use. It stays the Host header and the TLS name whatever address is reached.
        type: str
        required: true
      port:
        description: TCP port.
        type: int
        default: 443
      scheme:
        description: Whether TLS is spoken. Certificates are verified.
        type: str
        choices: [https, http]
        default: https
      health_path:
        description: Path that is read where nothing can be written and O(probe.read_path) is not given.
        type: str
        default: /health
      write_path:
        description:
          - Path that takes C(POST) of a JSON object with C(client) and C(number), and answers C(2xx) once it is stored.
            Below it, C(/<client>) lists C(numbers) and C(/<client>/<number>) answers C(200) for a stored one.
          - Empty when the application offers none. Then writes and losses are not measured.
        type: str
        default: /writes
      read_path:
        description: Path to read. By default the first numbered write is read again and again.
        type: str
        default: ''
      interval_seconds:
        description: Seconds from one slot to the next, at least V(0.05).
        type: float
        default: 0.25
      timeout_seconds:
        description: Seconds in all that a request may take, with name resolution.
        type: float
        default: 2
      ca_file:
        description: File of certificates to trust in place of the system's.
        type: path
      stable_samples:
        description: How many good samples in a row make a stable series.
        type: int
        default: 10
  nameservers:
    description:
      - Name servers to ask, as C(address) or C(address:port). By default those that the system asks.
    type: list
    elements: str
    default: []
  endpoints:
    description:
      - DNS name of the load balancer of each region, so that a DNS answer can be told as one region's.
    type: dict
    default: {}
  client:
    description:
      - Name under which the numbered writes are stored. A new one for each run.
    type: str
    required: true
  samples:
    description:
      - File for the samples, one JSON object a line. It is made anew, with its folder where that is missing.
    type: path
    required: true
  duration:
    description:
      - Seconds after which the probe ends in any case.
    type: float
    default: 3600
  stop_file:
    description:
      - The probe ends when this file appears, once the samples are stable again or O(settle_seconds) are over.
    type: path
  ready_file:
    description:
      - The probe makes this file when the samples are stable for the first time, as a baseline to start a move from.
    type: path
  settle_seconds:
    description:
      - How long to wait for stable samples after O(stop_file) has appeared, longer than the TTL of the records.
    type: float
    default: 90
  ends_with_playbook:
    description:
      - Whether the probe is to end when the playbook that started it has ended or was interrupted. It then reads
        nothing back. For an asynchronous task on the controller; elsewhere it changes nothing.
    type: bool
    default: false
  playbook_process:
    description:
      - Id of the playbook's process. It is filled in.
    type: int
  read_back_seconds:
    description:
      - How long to try to read back which writes are stored.
    type: float
    default: 30
attributes:
  action:
    description: An action plugin says which process runs the playbook.
    support: full
  check_mode:
    description: Checks the arguments and probes nothing.
    support: full
  diff_mode:
    description: Nothing is declared, so there is nothing to compare.
    support: none
seealso:
  - module: pilotlight.aws_dr.rto_report
"""

EXAMPLES = r"""
- name: Probe the application for a minute
  pilotlight.aws_dr.rto_probe:
    probe:
      host: app.example.com
    client: "{{ inventory_hostname }}-{{ now(utc=true).timestamp() | int }}"
    samples: /tmp/samples.jsonl
    duration: 60

- name: Probe the application until a file appears
  pilotlight.aws_dr.rto_probe:
    probe: "{{ aws_dr_application.probe }}"
    nameservers: [10.0.0.2, "10.0.0.3:5353"]
    endpoints:
      us-east-1: dr-webapp-alb-1234567890.us-east-1.elb.amazonaws.com
      us-west-2: dr-webapp-dr-alb-1234567890.us-west-2.elb.amazonaws.com
    client: drill-2026-11-23
    samples: /var/tmp/samples.jsonl
    ready_file: /var/tmp/probe.ready
    stop_file: /var/tmp/probe.stop
  async: 3600
  poll: 0
"""

RETURN = r"""
samples:
  description: The file with the samples.
  returned: always
  type: str
client:
  description: The name under which the numbered writes are stored.
  returned: always
  type: str
counts:
  description: Samples made, good and failed, by kind.
  returned: when it probed
  type: dict
  sample: {"write": {"made": 240, "good": 220, "failed": 20}}
acknowledged:
  description: How many writes the application confirmed.
  returned: when it probed
  type: int
missing:
  description: Numbers of confirmed writes that are not stored; empty where it is not known what is stored.
  returned: when it probed
  type: list
  elements: int
stored_error:
  description: Why it is not known what is stored, empty when it is known.
  returned: when it probed
  type: str
stable:
  description: Whether the samples were stable when the probe ended.
  returned: when it probed
  type: bool
"""

import os
import signal
from threading import Event, Lock
from typing import Any, TextIO

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.dns import Resolver
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.probe import ProbeSettings
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.samples import Sample, Streak, probed_kinds
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.sampling import Sampler, SteadyClock

PROBE_OPTIONS = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 443},
    "scheme": {"type": "str", "choices": ["https", "http"], "default": "https"},
    "health_path": {"type": "str", "default": "/health"},
    "write_path": {"type": "str", "default": "/writes"},
    "read_path": {"type": "str", "default": ""},
    "interval_seconds": {"type": "float", "default": 0.25},
    "timeout_seconds": {"type": "float", "default": 2},
    "ca_file": {"type": "path"},
    "stable_samples": {"type": "int", "default": 10},
}
ARGUMENTS = {
    "probe": {"type": "dict", "required": True, "options": PROBE_OPTIONS},
    "nameservers": {"type": "list", "elements": "str", "default": []},
    "endpoints": {"type": "dict", "default": {}},
    "client": {"type": "str", "required": True},
    "samples": {"type": "path", "required": True},
    "duration": {"type": "float", "default": 3600},
    "stop_file": {"type": "path"},
    "ready_file": {"type": "path"},
    "settle_seconds": {"type": "float", "default": 90},
    "ends_with_playbook": {"type": "bool", "default": False},
    "playbook_process": {"type": "int"},
    "read_back_seconds": {"type": "float", "default": 30},
}


class Observer:
    """Writes samples to the file as they end, says when they are stable, and when it is time to stop."""

    def __init__(self, arguments: dict[str, Any], settings: ProbeSettings, clock: SteadyClock, file: TextIO) -> None:
        self.counts: dict[str, dict[str, int]] = {}
        self._arguments = arguments
        self._stable = settings.stable_samples
        self._clock = clock
        self._file = file
        self._lock = Lock()
        self._streak = Streak(probed_kinds(settings.write_path))
        self._ready = False
        self._told_to_stop_at: float | None = None
        self._interrupted = Event()

    def record(self, sample: Sample) -> None:
        with self._lock:
            self._file.write(sample.line() + "\n")
            self._file.flush()
            self._streak.feed(sample)
            counts = self.counts.setdefault(sample.kind, {"made": 0, "good": 0, "failed": 0})
            counts["made"] += 1
            counts["good" if sample.ok else "failed"] += 1
            if not self._ready and self._arguments["ready_file"] and self._streak.holds(self._stable):
                self._ready = True
                with open(self._arguments["ready_file"], "w", encoding="utf-8") as file:
                    file.write(f"{self._clock.now()}\n")

    def interrupt(self, *_signal: object) -> None:
        self._interrupted.set()

    @property
    def orphaned(self) -> bool:
        """Whether nobody waits for the probe any more."""
        process = self._arguments["playbook_process"]
        return self._interrupted.is_set() or (process is not None and not alive(process))

    @property
    def stable(self) -> bool:
        with self._lock:
            return self._streak.holds(self._stable)

    def stop(self) -> bool:
        """Told to stop, it goes on until it has seen a stable series: the end of an outage must be in the file."""
        if self.orphaned:
            return True
        if self._told_to_stop_at is None:
            if self._arguments["stop_file"] and os.path.exists(self._arguments["stop_file"]):
                self._told_to_stop_at = self._clock.now()
                with self._lock:
                    self._streak.restart()
            return False
        return self.stable or self._clock.now() - self._told_to_stop_at > self._arguments["settle_seconds"]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def probe(arguments: dict[str, Any], settings: ProbeSettings, resolver: Resolver) -> dict[str, Any]:
    """Samples until the end and returns the result of the module."""
    clock = SteadyClock()
    with open(arguments["samples"], "w", encoding="utf-8") as file:
        observer = Observer(arguments, settings, clock, file)
        signal.signal(signal.SIGTERM, observer.interrupt)
        endpoints = {region: host for region, host in arguments["endpoints"].items() if host}
        sampler = Sampler(
            settings, arguments["client"], observer.record, resolver=resolver, clock=clock, endpoints=endpoints
        )
        file.write(sampler.vantage().line() + "\n")
        sampler.run(arguments["duration"], observer.stop)
        stored = sampler.read_back(0 if observer.orphaned else arguments["read_back_seconds"])
        file.write(stored.line() + "\n")
    acknowledged = sampler.acknowledged()
    return {
        "counts": observer.counts,
        "acknowledged": len(acknowledged),
        "missing": [] if stored.numbers is None else sorted(set(acknowledged) - stored.numbers),
        "stored_error": stored.error or "",
        "stable": observer.stable,
    }


def writable(folder: str) -> bool:
    """Makes the folder where it is missing."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    arguments = module.params
    for name in ("duration", "settle_seconds", "read_back_seconds"):
        if arguments[name] < 0:
            module.fail_json(msg=f"{name} is {arguments[name]:g}: 0 seconds or more are wanted")
    folder = os.path.dirname(arguments["samples"]) or "."
    if not module.check_mode and not writable(folder):
        module.fail_json(
            msg=f"samples is {arguments['samples']!r}: a file in a folder that can be written to is wanted"
        )
    if arguments["probe"]["ca_file"] and not os.path.exists(arguments["probe"]["ca_file"]):
        module.fail_json(msg=f"probe.ca_file is {arguments['probe']['ca_file']!r}: a file with certificates is wanted")
    try:
        settings = ProbeSettings.from_mapping(arguments["probe"])
        resolver = Resolver(arguments["nameservers"], settings.timeout_seconds)
    except ValueError as error:
        module.fail_json(msg=str(error))
    result = {"changed": False, "samples": arguments["samples"], "client": arguments["client"]}
    if module.check_mode:
        module.exit_json(**result)
    # Each run stores numbered writes and makes a file.
    module.exit_json(**{**result, "changed": True, **probe(arguments, settings, resolver)})


if __name__ == "__main__":
    main()
