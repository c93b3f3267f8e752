# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Instance types and images, as their names tell.

Sources: EC2 user guide, "Amazon EC2 On-Demand Instance quotas" and "Use a Systems Manager parameter instead of an AMI
ID"; Service Quotas console (codes).
"""

from __future__ import annotations

from collections.abc import Mapping

STANDARD = "L-1216C47A"
QUOTA_CODES: Mapping[str, str] = {  # the letters with which an instance type begins: the quota that counts it
    **dict.fromkeys(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), STANDARD),
    **dict.fromkeys(("g", "gr", "vt"), "L-DB2E81BA"),
    "p": "L-417A185B",
    "x": "L-7295265B",
    "f": "L-74FC7D96",
    "inf": "L-1945791B",
    "trn": "L-2C3B7624",
    "dl": "L-6E869C2A",
    "hpc": "L-F7808C92",
    "u": "L-43DA4232",
}


def quota_code(instance_type: str) -> str | None:
    """The quota that counts On-Demand instances of a type; None for a family that is not known here."""
    letters = instance_type.partition(".")[0]
    first_other = next((index for index, letter in enumerate(letters) if not letter.isalpha()), len(letters))
    return QUOTA_CODES.get(letters[:first_other])


def resolved_at_launch(image: str) -> bool:
    """Whether an image stands in a parameter of Systems Manager, and is found when an instance is launched."""
    return image.startswith("resolve:")
