"""Variants of the world before the collection arrives, chosen with `LAB_SEED` (a list with commas)."""

from __future__ import annotations

from lab.control import LabError

OPTIONS: dict[str, str] = {
    "adopt-network": "the dr region has a VPC with subnets already",
    "adopt-database": "the Aurora cluster is global already, with a secondary in the dr region (implies adopt-network)",
    "unencrypted-primary": "the primary Aurora cluster is not encrypted (R31)",
    "managed-password": "RDS manages the primary cluster's master password (R31)",
    "no-database": "there is no primary Aurora cluster",
    "no-versioning": "the primary buckets are not versioned (R24)",
    "no-certificate": "the dr region has no certificate",
    "no-image": "the dr region has no image of the application",
    "no-zone": "there is no hosted zone",
    "foreign-replication": "the first primary bucket replicates elsewhere already, under another role (R24)",
}


def parse(text: str) -> frozenset[str]:
    """The options of `LAB_SEED`; an unknown one is refused."""
    options = {part.strip() for part in text.split(",") if part.strip()}
    unknown = sorted(options - OPTIONS.keys())
    if unknown:
        raise LabError(f"LAB_SEED={text!r}: {', '.join(unknown)} is unknown; there are {', '.join(OPTIONS)}")
    if {"no-versioning", "foreign-replication"} <= options:
        raise LabError(f"LAB_SEED={text!r}: foreign-replication needs versioned buckets, so it excludes no-versioning")
    if {"unencrypted-primary", "adopt-database"} <= options:
        raise LabError(
            f"LAB_SEED={text!r}: a global database of an unencrypted cluster has no encrypted secondary (R31)"
        )
    if "no-database" in options and options & {"adopt-database", "unencrypted-primary", "managed-password"}:
        raise LabError(f"LAB_SEED={text!r}: no-database leaves nothing that the other options could change")
    if "adopt-database" in options:
        options.add("adopt-network")
    return frozenset(options)
