# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What clients of the simulated world see: DNS that follows the switch, and the application itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.module_utils._recovery.model import Application
from plugins.module_utils._recovery.ports import DnsAnswer, HttpAnswer

from .base import ADDRESSES
from .rds import Rds
from .writes import Write


class DataPlane(Rds):
    """Route 53's answers and the application, from the same state as the services."""

    def takes_writes(self, application: Application, region: str) -> bool:
        """Whether the database of a region is the writer, and at rest."""
        return self.writer(application) == region and not self.globals[application.global_cluster].get("FailoverState")

    def _open(self, application: str, record: str) -> bool:
        """What the health check of a record says: the newest metric that has had time to be seen."""
        seen = [value for since, value in self.positions.get((application, record), []) if self.clock.now() >= since]
        return not seen or seen[-1] >= 1

    def resolve(self, name: str, nameservers: Sequence[str], timeout_seconds: float) -> DnsAnswer:
        for one in self.applications:
            for site in one.sites:
                if name == site.endpoint.host:
                    return DnsAnswer(name, (), (ADDRESSES[site.region],), 60)
            if name in one.traffic.names:
                self._pass_time()
                primary, dr = self._open(one.name, "primary"), self._open(one.name, "dr")
                site = one.dr if not primary and dr else one.primary
                return DnsAnswer(name, (site.endpoint.host,), (ADDRESSES[site.region],), 60)
        raise OSError(f"{name}: no such name")

    def request(
        self,
        method: str,
        *,
        scheme: str,
        host: str,
        port: int,
        path: str,
        connect: str | None,
        body: Mapping[str, Any] | None,
        timeout_seconds: float,
        ca_file: str | None,
    ) -> HttpAnswer:
        region = next((region for region, address in ADDRESSES.items() if address == connect), None)
        application = next(one for one in self.applications if host in one.traffic.names)
        self.application_calls.append((self.clock.now(), method, region or "?"))
        if region is None or region in self.dark:
            self.clock.wait(timeout_seconds)
            return HttpAnswer(None, error="no answer")
        site = application.site_in(region)
        assert site is not None
        log = self.logs[application.name]
        if not any(self.in_service(region, group.name) for group in site.groups):
            return HttpAnswer(503, {}, address=connect)
        if method == "POST":
            stray = log.stray(region, self.clock.now())
            if not self.takes_writes(application, region) and not stray:
                return HttpAnswer(503, {"error": "read-only"}, address=connect)
            assert body is not None
            log.take(Write(self.clock.now(), body["client"], body["number"], region), stray)
            return HttpAnswer(201, {"stored": body["number"], "region": region}, address=connect)
        _empty, _writes, client, number = path.split("/")
        now = self.clock.now()
        key = (client, int(number))
        found = log.readable(key, region, self.writer(application), now, self.replication.through(now))
        return HttpAnswer(200 if found else 404, {}, address=connect)
