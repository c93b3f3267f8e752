# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the deployment ledger is kept: a file on the controller, and a copy in the state bucket of the dr region.

The bucket does not exist when the first deploy begins, and the file does not exist when another controller (a new AWX
container) goes on. So both are read and merged, and both are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import CallFailed
from .ledger import Event, line, merge, parse
from .model import Application
from .resources import At

_NO_BUCKET = ("NoSuchBucket", "NoSuchKey", "404")


@dataclass(frozen=True)
class LedgerStore:
    """The ledger of one application."""

    file: Path
    at: At
    bucket: str
    key: str

    def read(self) -> list[Event]:
        """Return all events, from wherever they are."""
        return merge(self.local(), self._copy())

    def local(self) -> list[dict[str, Any]]:
        """Return the events of the file."""
        return parse(self.file.read_text(encoding="utf-8")) if self.file.exists() else []

    def append(self, events: Sequence[Event]) -> None:
        """Write events to the file."""
        known = set(map(line, self.local()))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as ledger:
            ledger.writelines(line(event) + "\n" for event in events if line(event) not in known)

    def publish(self) -> bool:
        """Bring the copy up to date; return False where there is no bucket (yet)."""
        body = "".join(line(event) + "\n" for event in self.read()).encode()
        params = {"Bucket": self.bucket, "Key": self.key, "Body": body, "ContentType": "application/x-ndjson"}
        try:
            self.at.change("s3", "PutObject", params)
        except CallFailed as failure:
            if failure.code in _NO_BUCKET:
                return False
            raise
        return True

    def _copy(self) -> list[dict[str, Any]]:
        answer: Mapping[str, Any] = self.at.found(
            "s3", "GetObject", {"Bucket": self.bucket, "Key": self.key}, _NO_BUCKET
        )
        return parse(answer["Body"].read().decode("utf-8")) if answer else []


def ledger_of(application: Application, folder: Path, at: At) -> LedgerStore:
    """Return the ledger of an application; ``at`` is its dr site."""
    name = f"{application.name}.jsonl"
    return LedgerStore(folder / "deployments" / name, at, application.dr.state_bucket, f"deployments/{name}")
