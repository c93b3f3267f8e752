"""The lab's CloudFormation: an engine of its own behind CloudFormation's API in moto.

It reads templates, orders resources by their needs, and makes each with plain boto3 calls that end in the same
in-process backends (and so meet every other extension of the lab, and are no calls of the user's).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.clock import Clock
    from lab.settings import Profile

__all__ = ["extend"]


def extend(clock: Clock, profile: Profile = "fast") -> None:
    """Install it in this process (also under `moto.mock_aws`), without memory of earlier stacks."""
    from lab.cloud.cloudformation import api, driver

    api.install(driver.Engines(clock, profile).find)
