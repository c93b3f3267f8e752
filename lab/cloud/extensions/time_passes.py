"""Time passes in moto: what has become due happens before each request is answered."""

from __future__ import annotations

from typing import Any

from moto.core.responses import BaseResponse

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap


def install(world: worlds.World) -> None:
    """Hook the one method through which every request of every service goes."""

    @wrap(BaseResponse, "setup_class")
    def setup_class(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        worlds.current().tick()
        return original(self, *args, **kwargs)
