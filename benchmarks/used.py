# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a command and write what it used as JSON: ``python -S benchmarks/used.py FILE COMMAND...``.

getrusage(2) counts into the peak memory of a process what it was before exec, that is its parent: so the parent has to
be small, and the bench itself, with its clients of AWS, is not.
"""

import json
import os
import sys


def main() -> int:
    """Exit as the command does."""
    file, command = sys.argv[1], sys.argv[2:]
    child = os.posix_spawnp(command[0], command, os.environ)
    _pid, status, used = os.wait4(child, 0)
    with open(file, "w", encoding="utf-8") as told:
        json.dump({"cpu": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss / 1024}, told)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
