# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The machine's own time, for whoever is handed no other."""

from __future__ import annotations

import time


class SystemClock:
    """See ``ports.Clock``."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Return after ``seconds``: this is the wait that everything else waits by."""
        time.sleep(max(0.0, seconds))
