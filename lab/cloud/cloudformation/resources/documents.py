"""Policy documents and other JSON, as the services want it: text."""

from __future__ import annotations

import json
from typing import Any


def as_text(document: Any) -> str:
    """A document as text, whether the template has it as text or as a tree."""
    return document if isinstance(document, str) else json.dumps(document)
