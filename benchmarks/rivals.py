# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the mover is held against: the guide's way as CLI calls, and a playbook of plain amazon.aws tasks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks.applications import ACTIVE, TTL, Builder
from benchmarks.measuring import Bench, Run
from lab.settings import APP_HTTPS_PORT

AWSCLI = "awscli==1.46.2"
HERE = Path(__file__).parent


def install_cli(folder: Path) -> Path:
    """A virtual environment of the bench's own with the AWS CLI; returns where its programs are."""
    programs = folder / "bin"
    if not (programs / "aws").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(programs / "pip"), "install", "--quiet", AWSCLI], check=True)
    return programs


def facts(builder: Builder, number: int, target: str) -> dict[str, Any]:
    """What one has to know to move an application by hand."""
    document = builder.document(number)
    source = "primary" if target == "dr" else "dr"
    site, other, settings = document[target], document[source], builder.settings
    checks = {
        record["Failover"]: record["HealthCheckId"]
        for record in builder.site("primary")
        .client("route53")
        .list_resource_record_sets(HostedZoneId=builder.zone)["ResourceRecordSets"]
        if record["Name"] == f"{builder.host(number)}." and record.get("Failover")
    }
    values = {"PRIMARY": site["endpoint"]["host"], "SECONDARY": other["endpoint"]["host"]}
    records = [
        {
            "identifier": "primary" if kind == "PRIMARY" else "dr", "failover": kind, "health_check": checks[kind],
            "value": values[kind],
        }
        for kind in ("PRIMARY", "SECONDARY")
    ]  # fmt: skip
    return {
        "global_cluster": document["global_cluster"],
        "target_arn": f"arn:aws:rds:{site['region']}:123456789012:cluster:{site['cluster']}",
        "writer_region": other["region"], "writer_profile": other["profile"],
        "target_region": site["region"], "target_profile": site["profile"],
        "group": site["groups"][0]["name"], "capacity": ACTIVE["desired"],
        "zone_name": settings.domain, "host": builder.host(number), "records": records,
        "health_url": f"https://{settings.app_address(site['region'])}:{APP_HTTPS_PORT}/health",
        "ca_file": str(settings.home / "ca.pem"),
        "writer_endpoint": settings.api_url(other["region"]), "target_endpoint": settings.api_url(site["region"]),
        "global_endpoint": settings.api_url(settings.global_region),
    }  # fmt: skip


def guides_way(bench: Bench, builder: Builder, target: str) -> Run:
    """One application, by the script."""
    known = facts(builder, 0, target)
    changes = [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": known["host"], "Type": "CNAME", "TTL": TTL, "SetIdentifier": one["identifier"],
                "Failover": one["failover"], "HealthCheckId": one["health_check"],
                "ResourceRecords": [{"Value": one["value"]}],
            },
        }
        for one in known["records"]
    ]  # fmt: skip
    names = (
        "global_cluster", "target_arn", "writer_region", "writer_profile", "target_region", "target_profile", "group",
        "health_url", "ca_file", "writer_endpoint", "target_endpoint", "global_endpoint",
    )  # fmt: skip
    variables = {name.upper(): str(known[name]) for name in names}
    return bench.run(
        str(HERE / "guides_way.sh"), APPLICATION=builder.name(0), DESIRED=str(known["capacity"]),
        ZONE=builder.zone.rpartition("/")[2], CHANGES=json.dumps({"Changes": changes}), **variables,
    )  # fmt: skip


def plain_playbook(bench: Bench, builder: Builder, count: int, target: str) -> Run:
    """That many applications, a host each, with Ansible's own number of forks."""
    hosts = {builder.name(number): facts(builder, number, target) for number in range(count)}
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = bench.home / "plain-inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": local}}), encoding="utf-8")
    return bench.run("ansible-playbook", "-i", str(inventory), str(HERE / "plain.yml"))
