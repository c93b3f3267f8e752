"""The AWS side of the lab: moto's server with what moto lacks.

`extend(clock, profile, database_plane)` installs the extensions in this process (also under `moto.mock_aws`);
`lab.cloud.server.Cloud` serves them on one port per region.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.clock import Clock
    from lab.cloud.hooks import DatabasePlane
    from lab.cloud.world import World
    from lab.settings import Profile

__all__ = ["extend"]


def extend(clock: Clock, profile: Profile = "fast", database_plane: DatabasePlane | None = None) -> World:
    """Install every extension of moto in this process, on a fresh world.

    moto is imported only here, so that the rest of `lab` starts fast.  Call it again (inside a new `mock_aws`) for
    a world without memory of the last one.
    """
    from lab.cloud import cloudformation
    from lab.cloud.extensions import install

    world = install(clock, profile, database_plane)
    cloudformation.extend(clock, profile)
    return world
