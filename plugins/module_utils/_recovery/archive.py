# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reports of an application's moves, as they lie in the state buckets.

A move keeps its report in the region that is alive after it (R29): in that of its target, and where that does not take
it, as after a move that failed, in the other. So both sites' buckets are read. One that does not answer is told, and
hides nothing of the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .clients import Caller
from .errors import CallFailed, RecoveryError
from .model import Application, Site

REPORTS = "reports/"
REPORT = "report.json"
NO_SUCH_KEY = "NoSuchKey"


@dataclass(frozen=True)
class Unread:
    """What could not be read, and why. `run_id` is the move's, where it is known that there was one."""

    what: str
    why: str
    run_id: str = ""

    def line(self) -> str:
        """For people."""
        return f"{self.what}: {self.why}"


@dataclass(frozen=True)
class Archive:
    """What was found, the newest move first, and what could not be read.

    A move whose report was never kept, as its process died before that, is neither.
    """

    reports: tuple[Mapping[str, Any], ...]
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True)
class Kept:
    """The site whose bucket took the files, if any did, and why another did not, in lines."""

    site: Site | None
    refused: tuple[str, ...] = ()

    def line(self) -> str:
        """One line for people where it is not as it was meant; else empty."""
        if not self.refused:
            return ""
        where = f"is kept in s3://{self.site.state_bucket}" if self.site else "is kept on this controller alone"
        return f"the report {where}: {'; '.join(self.refused)}"


def keep(caller: Caller, sites: Iterable[Site], files: Mapping[str, bytes]) -> Kept:
    """Puts all files, by their keys, into the bucket of the first site that takes them."""
    refused: list[str] = []
    for site in sites:
        try:
            for key, content in files.items():
                params = {"Bucket": site.state_bucket, "Key": key, "Body": content}
                caller.call(site.access, "s3", "PutObject", params)
        except RecoveryError as error:
            refused.append(f"s3://{site.state_bucket} did not take it ({error})")
        else:
            return Kept(site, tuple(refused))
    return Kept(None, tuple(refused))


def read_archive(caller: Caller, application: Application, most: int) -> Archive:
    """The newest reports of an application, at most so many of each site. Reads only."""
    found: dict[str, Mapping[str, Any]] = {}
    unread: list[Unread] = []
    for site in application.sites:
        try:
            runs = _runs(caller, site)
        except RecoveryError as error:
            unread.append(Unread(f"the moves that are kept in {site.region}", str(error)))
            continue
        for run in sorted(runs, reverse=True)[:most]:
            try:
                report = _report(caller, site, run)
            except (RecoveryError, ValueError) as error:
                unread.append(Unread(f"s3://{site.state_bucket}/{run}{REPORT}", str(error), run.split("/")[-2]))
                continue
            if report and report.get("application") == application.name:
                found[run] = report
    return Archive(tuple(found[run] for run in sorted(found, reverse=True)), tuple(unread))


def _runs(caller: Caller, site: Site) -> list[str]:
    """The folders of runs; their names begin with the time."""
    runs: list[str] = []
    more: dict[str, str] = {}
    while True:
        params = {"Bucket": site.state_bucket, "Prefix": REPORTS, "Delimiter": "/", **more}
        page = caller.call(site.access, "s3", "ListObjectsV2", params)
        runs += [entry["Prefix"] for entry in page.get("CommonPrefixes") or []]
        if not page.get("IsTruncated"):
            return runs
        more = {"ContinuationToken": page["NextContinuationToken"]}


def _report(caller: Caller, site: Site, run: str) -> Mapping[str, Any] | None:
    """None for a run whose report was never kept; ValueError for what is no report."""
    try:
        answer = caller.call(site.access, "s3", "GetObject", {"Bucket": site.state_bucket, "Key": f"{run}{REPORT}"})
    except CallFailed as error:
        if error.code == NO_SUCH_KEY:
            return None
        raise
    report = json.loads(answer["Body"].read())
    if not isinstance(report, dict) or not {"run_id", "application", "intent", "measured"} <= report.keys():
        raise ValueError("it is not the report of a move")
    return report
