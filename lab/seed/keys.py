"""A customer-managed key, the database's secret, the application's certificate."""

from __future__ import annotations

import json
import re
from pathlib import Path

from lab.seed.site import Site, find

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n?", re.S)


def build_key(site: Site, alias: str) -> str:
    """ARN of the key with that alias."""
    kms = site.client("kms")
    found = find(lambda: kms.describe_key(KeyId=f"alias/{alias}"), "NotFoundException")
    if found is not None:
        return str(found["KeyMetadata"]["Arn"])
    key = kms.create_key(
        Description=f"{site.project}: data at rest in {site.region}",
        Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in site.tags()],
    )["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/{alias}", TargetKeyId=key["KeyId"])
    kms.enable_key_rotation(KeyId=key["KeyId"])
    return str(key["Arn"])


def build_secret(site: Site, key: str, host: str) -> None:
    """The secret with which the application signs in to its database."""
    manager, name = site.client("secretsmanager"), f"{site.project}/database"
    if find(lambda: manager.describe_secret(SecretId=name), "ResourceNotFoundException") is not None:
        return
    value = {
        "engine": "mysql",
        "host": host,
        "port": 3306,
        "username": "app",
        "password": "correct-horse-battery-staple",
    }
    manager.create_secret(
        Name=name,
        Description=f"{site.project}: how the application signs in to its database",
        KmsKeyId=key,
        SecretString=json.dumps(value),
        Tags=site.tags(),
    )


def build_certificate(site: Site) -> str:
    """ARN of the region's certificate for the application's name: the one that the lab's application really serves."""
    acm, domain = site.client("acm"), f"app.{site.settings.domain}"
    for page in acm.get_paginator("list_certificates").paginate():
        for summary in page["CertificateSummaryList"]:
            if summary["DomainName"] == domain:
                return str(summary["CertificateArn"])
    key, *chain = [match.group(0) for match in _BLOCK.finditer(_pem(site))]
    more = {"CertificateChain": b"".join(chain[1:])} if chain[1:] else {}
    imported = acm.import_certificate(PrivateKey=key, Certificate=chain[0], Tags=site.tags(Name=domain), **more)
    return str(imported["CertificateArn"])


def _pem(site: Site) -> bytes:
    return Path(site.settings.home / "app.pem").read_bytes()
