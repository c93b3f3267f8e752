# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of a move is kept where a region is alive, be that the one that was moved to or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unit.recovery.simulated.inventory import document

from plugins.module_utils._recovery.archive import keep
from plugins.module_utils._recovery.errors import RegionUnreachable
from plugins.module_utils._recovery.model import Access, parse_application

APPLICATION = parse_application(document("shop"))
TO_DR = (APPLICATION.dr, APPLICATION.primary)
FILES = {"reports/run/report.json": b"{}", "reports/run/report.md": b"#"}


class Buckets:
    """Takes objects, except in regions that are dead."""

    def __init__(self, *dead: str) -> None:
        self.dead = dead
        self.objects: dict[str, list[str]] = {}

    def call(
        self,
        at: Access | str,
        service: str,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        mutates: bool | None = None,
        deadline_seconds: float | None = None,
    ) -> dict[str, Any]:
        assert isinstance(at, Access)
        assert (service, operation) == ("s3", "PutObject")
        if at.region in self.dead:
            raise RegionUnreachable(at.region, "no answer within 20.0 s")
        given = params or {}
        self.objects.setdefault(given["Bucket"], []).append(given["Key"])
        return {}


def test_a_report_is_kept_where_the_application_was_moved_to() -> None:
    buckets = Buckets()
    kept = keep(buckets, TO_DR, FILES)
    assert buckets.objects == {APPLICATION.dr.state_bucket: list(FILES)}
    assert kept.line() == ""


def test_a_report_whose_region_is_dead_is_kept_in_the_other() -> None:
    """The move failed, as its target was lost under way: its report is wanted more than any other."""
    buckets = Buckets(APPLICATION.dr.region)
    kept = keep(buckets, TO_DR, FILES)
    assert kept.site == APPLICATION.primary
    assert buckets.objects == {APPLICATION.primary.state_bucket: list(FILES)}
    assert kept.line() == (
        f"the report is kept in s3://{APPLICATION.primary.state_bucket}: s3://{APPLICATION.dr.state_bucket} did not "
        f"take it ({APPLICATION.dr.region} is unreachable: no answer within 20.0 s)"
    )


def test_a_report_that_no_bucket_takes_is_said_to_be_here_alone() -> None:
    kept = keep(Buckets(APPLICATION.dr.region, APPLICATION.primary.region), TO_DR, FILES)
    assert kept.site is None
    assert kept.line().startswith("the report is kept on this controller alone: ")
    assert "\n" not in kept.line()
