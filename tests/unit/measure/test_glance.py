# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where an application's names lead, and what is said when that is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from unit.measure.dns_server import Zone, nameserver
from unit.measure.series import NEW, OLD

from plugins.module_utils._recovery import glance
from plugins.module_utils._recovery.dns import Resolver
from plugins.module_utils._recovery.glance import Glance, look
from plugins.module_utils._recovery.probe import HttpApplication, ProbeSettings, Reply
from plugins.module_utils._recovery.samples import Balancer, Observation, Sample, placed

APP = "app.example.com"
ENDPOINTS = {OLD: "alb.old.example.net", NEW: "alb.new.example.net"}


@pytest.fixture
def zone() -> Zone:
    zone = Zone()
    zone.records = {
        APP: [("CNAME", 5, ENDPOINTS[NEW] + ".")],
        ENDPOINTS[NEW]: [("A", 5, "127.0.0.22")],
        ENDPOINTS[OLD]: [("A", 5, "127.0.0.21")],
    }
    return zone


@pytest.fixture
def server(zone: Zone) -> Iterator[str]:
    with nameserver(zone) as address:
        yield address


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> dict[str, Reply]:
    """What `/health` says at an address."""
    replies: dict[str, Reply] = {}
    monkeypatch.setattr(
        HttpApplication, "health", lambda _self, address: replies.get(address, Reply(None, {}, address, "refused"))
    )
    return replies


def one(server: str) -> Glance:
    [found] = look(ProbeSettings(APP), [APP], Resolver([server], 0.5), ENDPOINTS)
    return found


def test_a_healthy_application_where_it_should_be(server: str, healthy: dict[str, Reply]) -> None:
    healthy["127.0.0.22"] = Reply(200, {"region": NEW}, "127.0.0.22")
    assert one(server).led_away_from(NEW) is None
    assert one(server).led_away_from(OLD) == f"{APP} leads to {NEW}"
    assert one(server).as_dict()["canonical"] == ENDPOINTS[NEW]


def test_health_that_is_bad_or_of_another_region_is_said(server: str, healthy: dict[str, Reply]) -> None:
    assert one(server).led_away_from(NEW) == f"{APP} at 127.0.0.22: refused"
    healthy["127.0.0.22"] = Reply(503, {}, "127.0.0.22")
    assert one(server).led_away_from(NEW) == f"{APP} at 127.0.0.22: HTTP status 503"
    healthy["127.0.0.22"] = Reply(200, {"region": OLD}, "127.0.0.22")
    assert one(server).led_away_from(NEW) == f"{APP} is answered by {OLD}"


def test_an_alias_is_recognised_by_its_addresses(zone: Zone, server: str, healthy: dict[str, Reply]) -> None:
    zone.records[APP] = [("A", 5, "127.0.0.21")]
    healthy["127.0.0.21"] = Reply(200, {}, "127.0.0.21")
    assert one(server).led_away_from(OLD) is None
    assert one(server).led_away_from(NEW) == f"{APP} leads to {OLD}"


def test_dns_that_fails_is_said(zone: Zone, server: str, healthy: dict[str, Reply]) -> None:
    zone.records.pop(APP)
    assert "no such name" in str(one(server).led_away_from(NEW))
    assert glance.look(ProbeSettings(APP), [], Resolver([server]), {}) == ()


def test_samples_are_placed_by_name_or_by_address() -> None:
    def sample(**more: str) -> Sample:
        return Sample("dns", 0, 0.0, 0.0, 0.0, True, **more)  # type: ignore[arg-type]

    seen = Observation(
        None, (sample(canonical=ENDPOINTS[NEW]), sample(address="127.0.0.22"), sample(address="127.0.0.9")), None
    )
    balancers = [Balancer(NEW, ENDPOINTS[NEW], frozenset({"127.0.0.22"}))]
    assert [one.region for one in placed(seen, balancers).samples] == [NEW, NEW, None]
