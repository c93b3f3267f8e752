"""Builds the world before the collection arrives; what is there is left alone, so a second run changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from lab.seed import adoption, compute, database, jobs, keys, names, network, storage
from lab.seed.site import Aws, Site
from lab.settings import LabSettings


def build(settings: LabSettings, options: frozenset[str], say: Callable[[str], None]) -> None:
    """Build the primary region as the guide presumes it, and what the dr region has from before."""
    aws = Aws(settings)
    primary = Site(aws, settings, settings.primary_region, options)
    dr = Site(aws, settings, settings.dr_region, options)
    say(f"{primary.region}: network, keys, load balancer")
    net = network.build_network(primary, primary.name("primary-vpc"), settings.primary_cidr)
    groups = network.build_groups(primary, net)
    key = keys.build_key(primary, primary.name("primary-key"))
    certificate = keys.build_certificate(primary)
    balancer, target = compute.build_balancer(primary, net, groups, certificate)
    say(f"{primary.region}: buckets")
    for number, suffix in enumerate(settings.buckets):
        storage.build_bucket(primary, suffix, key, first=number == 0)
    say(f"{primary.region}: Aurora cluster {settings.project}")
    subnets = database.build_subnet_group(primary, net)
    host = f"{settings.project}.cluster.{primary.region}.rds.amazonaws.com"
    if "no-database" not in options:
        host = database.build_cluster(primary, groups, subnets, key)
    keys.build_secret(primary, key, host)
    jobs.build_jobs(primary)
    if "no-zone" not in options:
        names.build_zone(primary, balancer)
    say(f"{dr.region}: what is there from before")
    if "no-image" not in options:
        compute.build_image(dr)
    if "no-certificate" not in options:
        keys.build_certificate(dr)
    if "adopt-network" in options:
        dr_network, dr_groups = adoption.build_dr_network(dr)
        if "adopt-database" in options:
            dr_key = keys.build_key(dr, dr.name("legacy-dr-key"))
            adoption.make_global(primary, dr, dr_network, dr_groups, dr_key)
    say(f"{primary.region}: Auto Scaling groups, until their instances serve")
    image = compute.build_image(primary)
    profile = compute.build_instance_profile(primary)
    compute.build_groups(primary, net, groups, image, profile, target)
