# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packs Python files into a zip whose bytes depend on nothing but their names and content.

Lambda compares functions by the digest of their zip, so a zip that carried times would change at each deploy.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip can hold."""
READABLE = 0o100644 << 16
"""A plain file that everybody may read: Lambda runs under a user of its own."""
UNIX = 3


def collected(sources: Iterable[tuple[str, str]]) -> dict[str, bytes]:
    """The content of files, and of all `.py` files below folders, by their names in the zip."""
    files: dict[str, bytes] = {}
    for path, name in sources:
        source = Path(path)
        if source.is_dir():
            found = {f"{name}/{file.relative_to(source).as_posix()}": file for file in source.rglob("*.py")}
            if not found:
                raise ValueError(f"there is no Python file in {path}")
        else:
            found = {name: source}
        files.update({entry: file.read_bytes() for entry, file in found.items()})
    return files


def packed(files: Mapping[str, bytes]) -> bytes:
    """The zip. It is not compressed: what deflate makes of the same input differs between builds of zlib."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.external_attr = READABLE
            entry.create_system = UNIX
            archive.writestr(entry, files[name])
    return memory.getvalue()


def code_sha256(content: bytes) -> str:
    """The digest as Lambda tells it in `CodeSha256`."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
