# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Figures of an emulator are told apart from those of AWS, however its address was configured."""

from __future__ import annotations

import pytest

from plugins.module_utils._recovery.endpoint_urls import endpoints_of_others, statement

CONFIG = """
[default]
region = us-east-1

[profile primary]
endpoint_url = http://127.0.0.1:4566/
services = emulated

[profile real]
endpoint_url = https://vpce-1.rds.us-east-1.vpce.amazonaws.com

[profile off]
endpoint_url = http://127.0.0.1:4566
ignore_configured_endpoint_urls = true

[services emulated]
route53 =
  endpoint_url = http://127.0.0.2:4566
s3 =
  addressing_style = path
"""


@pytest.mark.parametrize(
    ("environment", "profiles", "found"),
    [
        ({}, ["", "real", "unknown"], ()),
        ({}, ["primary"], ("http://127.0.0.1:4566", "http://127.0.0.2:4566")),
        ({"AWS_PROFILE": "primary"}, [""], ("http://127.0.0.1:4566", "http://127.0.0.2:4566")),
        ({}, ["off"], ()),
        ({"AWS_ENDPOINT_URL": "http://me:secret@emulator:4566/path"}, [""], ("http://emulator:4566",)),
        ({"AWS_ENDPOINT_URL_RDS": "http://emulator"}, [""], ("http://emulator",)),
        ({"AWS_ENDPOINT_URL": "http://emulator", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, ["primary"], ()),
        ({"AWS_ENDPOINT_URL": "https://rds.us-east-1.amazonaws.com"}, [""], ()),
        ({"AWS_ENDPOINT_URL": "https://rds.us-east-1.amazonaws.com.example.org"}, [""],
         ("https://rds.us-east-1.amazonaws.com.example.org",)),
    ],
)  # fmt: skip
def test_what_is_not_aws_is_named(environment: dict[str, str], profiles: list[str], found: tuple[str, ...]) -> None:
    assert endpoints_of_others(environment, CONFIG, profiles) == found


def test_a_file_that_is_none_configures_nothing() -> None:
    assert endpoints_of_others({}, "no section at all", ["primary"]) == ()


def test_one_line_says_where_figures_come_from() -> None:
    assert statement(()) == ""
    assert statement(["http://a"]) == "These figures come from a test endpoint (http://a), not from AWS."
    assert statement(["http://a", "http://b"]).startswith("These figures come from test endpoints (http://a, http://b)")
