"""The hosted zone with the application's record, as it was before failover routing: a simple CNAME."""

from __future__ import annotations

from lab.seed.site import Site

TTL = 60
"""Seconds."""


def build_zone(site: Site, target: str) -> None:
    """The zone `<domain>` with `app.<domain>` pointing to the primary load balancer."""
    route53, domain = site.client("route53"), site.settings.domain
    found = [
        zone
        for zone in route53.list_hosted_zones_by_name(DNSName=domain)["HostedZones"]
        if zone["Name"] == f"{domain}."
    ]
    if found:
        zone = found[0]["Id"]
    else:
        zone = route53.create_hosted_zone(
            Name=domain,
            CallerReference=f"seed-{domain}",
            HostedZoneConfig={"Comment": f"{site.project}: the application's zone"},
        )["HostedZone"]["Id"]
    name = f"app.{domain}."
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    if any(record["Name"] == name for record in records):
        return
    record = {"Name": name, "Type": "CNAME", "TTL": TTL, "ResourceRecords": [{"Value": target}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
