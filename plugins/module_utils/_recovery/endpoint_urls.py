# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether calls go to AWS at all: the endpoints that are configured and are not AWS's own.

Figures of an emulator look like those of AWS, so a report says where they come from. Read from the environment and the
text of AWS's configuration file, as an SDK reads them, because a report is also made where no SDK is installed.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

VARIABLE = "AWS_ENDPOINT_URL"
IGNORE_VARIABLE, IGNORE_SETTING = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"
SETTING = "endpoint_url"
OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonwebservices.com.cn")
"""How the names of AWS's own endpoints end, those of a VPC's interface endpoints too."""


def endpoints_of_others(
    environment: Mapping[str, str], config: str, profiles: Iterable[str] = ("",)
) -> tuple[str, ...]:
    """The endpoints that are not AWS's own, each once, without credentials or paths.

    `config` is the text of the configuration file, `profiles` are those that calls are made with; an empty one is the
    default chain's. A file that cannot be read configures nothing: who makes calls with it says so.
    """
    if environment.get(IGNORE_VARIABLE, "").lower() == "true":
        return ()
    urls = [value for name, value in sorted(environment.items()) if name == VARIABLE or name.startswith(f"{VARIABLE}_")]
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(config)
    except configparser.Error:
        parser = configparser.RawConfigParser()
    for profile in profiles:
        urls += _configured(parser, profile or environment.get("AWS_PROFILE") or "default")
    return tuple(dict.fromkeys(shown for url in urls if (shown := _shown(url))))


def statement(urls: Sequence[str]) -> str:
    """One line for people; empty where all calls go to AWS."""
    if not urls:
        return ""
    many = "test endpoints" if len(urls) > 1 else "a test endpoint"
    return f"These figures come from {many} ({', '.join(urls)}), not from AWS."


def _configured(parser: configparser.RawConfigParser, profile: str) -> list[str]:
    """What a profile says, and the section of services that it names. Nested values are lines of one value."""
    section = next((name for name in (f"profile {profile}", profile) if parser.has_section(name)), None)
    if section is None or parser.get(section, IGNORE_SETTING, fallback="").lower() == "true":
        return []
    services = f"services {parser.get(section, 'services', fallback='')}"
    nested = [value for _name, value in parser.items(services)] if parser.has_section(services) else []
    lines = [line.partition("=") for value in nested for line in value.splitlines()]
    urls = [value.strip() for name, _equals, value in lines if name.strip() == SETTING]
    return [url for url in (parser.get(section, SETTING, fallback=""), *urls) if url]


def _shown(url: str) -> str:
    """Scheme and host of an endpoint that is not AWS's; empty for one that is, and for what is no address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or host.endswith(OF_AWS):
        return ""
    address = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{address}"
