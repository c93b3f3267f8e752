# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What DNS answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model import Access
from ..snapshot import Snapshot, Unknown
from .parts import Asker, Reading, Wanted

DNS_TIMEOUT_SECONDS = 2.0


def answers(asker: Asker, _access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """The names that clients use, and the site's own."""
    readings = []
    for wish in wanted:
        host = known.host(wish.site)
        names = [*wish.application.traffic.names, wish.application.probe.host]
        names += [] if isinstance(host, Unknown) else [host]
        readings += [_answer(asker, name, wish.application.traffic.nameservers) for name in names]
    return readings


def _answer(asker: Asker, name: str, nameservers: tuple[str, ...]) -> Reading:
    def read() -> Mapping[Any, Any]:
        try:
            return {name: asker.resolver(name, nameservers, DNS_TIMEOUT_SECONDS)}
        except (OSError, ValueError) as error:
            return {name: Unknown(f"DNS: {error}")}

    return Reading("answers", (name,), read)
