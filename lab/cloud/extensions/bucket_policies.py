"""Bucket policies with conditions: a statement whose condition does not hold says nothing.

IAM user guide, "IAM JSON policy elements: Condition".  moto reads `Deny` without its `Condition`, so that the usual
"refuse what does not come over TLS" refuses everything.  The lab speaks plain HTTP on loopback and counts it as TLS.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from moto.s3.models import FakeBucket

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap


def install(world: worlds.World) -> None:
    """Patch the evaluation."""

    @wrap(FakeBucket, "get_permission")
    def get_permission(original: Any, self: Any, action: str, resource: str) -> Any:
        if self.policy is None:
            return original(self, action, resource)
        document = json.loads(self.policy)
        statements = document.get("Statement", [])
        statements = [statements] if isinstance(statements, dict) else statements
        document["Statement"] = [one for one in statements if not one.get("Condition")]
        shadow = copy.copy(self)
        shadow.policy = json.dumps(document).encode() if document["Statement"] else None
        return original(shadow, action, resource)
