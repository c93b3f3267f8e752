"""The authority that signs the application's certificate, made anew with each lab."""

from __future__ import annotations

from pathlib import Path

import trustme

from lab.settings import LabSettings


def issue(settings: LabSettings) -> Path:
    """Write `ca.pem` and `app.pem` (key and chain) below the lab's home; returns the latter.

    The certificate holds for the application's names, for those of load balancers and for the sites' addresses.
    """
    authority = trustme.CA(organization_name="pilotlight lab")
    balancers = [f"*.{region}.elb.amazonaws.com" for region in (settings.primary_region, settings.dr_region)]
    addresses = [settings.app_address(region) for region in (settings.primary_region, settings.dr_region)]
    name = f"app.{settings.domain}"
    certificate = authority.issue_cert(
        name, settings.domain, f"*.{settings.domain}", *balancers, *addresses, common_name=name[:64]
    )
    authority.cert_pem.write_to_path(str(settings.home / "ca.pem"))
    path = settings.home / "app.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(path))
    path.chmod(0o600)
    return path
