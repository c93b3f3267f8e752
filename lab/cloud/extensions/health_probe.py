"""How a health checker of Route 53 asks an endpoint of the lab: really, over HTTP or HTTPS.

Developer guide: a TCP connection within four seconds, then an answer of 2xx or 3xx within two more.
"""

from __future__ import annotations

import http.client
import ssl
from typing import Any

from lab.cloud import world as worlds
from lab.settings import APP_HTTP_PORT, APP_HTTPS_PORT, LabSettings

_CONNECT_SECONDS = 4.0


def probe(config: dict[str, Any]) -> tuple[bool, str]:
    """Whether the endpoint of a HealthCheckConfig answers, and how it is reported."""
    world = worlds.current()
    if world.settings is None:
        return True, "Success: HTTP Status Code: 200. Resolved IP: 192.0.2.1. OK"
    secure = config["Type"].startswith("HTTPS")
    name = str(config.get("FullyQualifiedDomainName") or config.get("IPAddress"))
    address = _address(world.settings, name)
    if address is None:
        return False, f"Failure: DNS resolution failed: {name}"
    period = world.flapping.get(_region(world.settings, address) or "")
    if period and int(world.now() / period) % 2:
        return False, "Failure: the connection was reset"
    timeout = max(0.5, _CONNECT_SECONDS * world.delay("route53.check.scale"))
    connection: http.client.HTTPConnection
    if secure:
        # AWS does not check the certificate of an endpoint either
        connection = http.client.HTTPSConnection(
            address, APP_HTTPS_PORT, timeout=timeout, context=ssl._create_unverified_context()
        )
    else:
        connection = http.client.HTTPConnection(address, APP_HTTP_PORT, timeout=timeout)
    try:
        if config["Type"] == "TCP":
            connection.connect()
            return True, "Success: the connection was established"
        connection.request("GET", config.get("ResourcePath") or "/", headers={"Host": name})
        answer = connection.getresponse()
        body = answer.read(5120)
    except OSError as error:
        return False, f"Failure: {error}"
    except http.client.HTTPException as error:
        return False, f"Failure: {error}"
    finally:
        connection.close()
    wanted = config.get("SearchString")
    healthy = 200 <= answer.status < 400 and (not wanted or str(wanted).encode() in body)
    return healthy, f"{'Success' if healthy else 'Failure'}: HTTP Status Code: {answer.status}. Resolved IP: {address}."


def _region(settings: LabSettings, address: str) -> str | None:
    sites = (settings.primary_region, settings.dr_region)
    return next((region for region in sites if settings.app_address(region) == address), None)


def _address(settings: LabSettings, name: str) -> str | None:
    """A load balancer's name is the application of its region; an address of the lab is itself."""
    from lab.cloud.state import MotoView

    if name.startswith(settings.net + "."):
        return name
    view = MotoView(settings)
    wanted = name.lower().rstrip(".")
    for region in (settings.primary_region, settings.dr_region):
        if wanted in view.alb_dns_names(region):
            return settings.app_address(region)
    return None
