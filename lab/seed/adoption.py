"""What users bring along: a dr region that is half built already, by Terraform or by hand.

The names are the owner's own, not the collection's, so that adoption has to be told what to adopt.
"""

from __future__ import annotations

from lab.seed.database import ENGINE, VERSION, add_instance, await_cluster
from lab.seed.network import Groups, Network, build_groups, build_network
from lab.seed.site import Site, find, until

NETWORK = "legacy-dr-vpc"
CIDR = "10.77.0.0/16"
GLOBAL = "legacy-global"
CLUSTER = "legacy-dr"


def build_dr_network(site: Site) -> tuple[Network, Groups]:
    """A VPC `<project>-legacy-dr-vpc` with two public and two private subnets and security groups."""
    network = build_network(site, site.name(NETWORK), CIDR)
    return network, build_groups(site, network)


def make_global(primary: Site, dr: Site, network: Network, groups: Groups, key: str) -> None:
    """Make the primary cluster the first member of `<project>-legacy-global`, with a secondary in the dr region."""
    rds, name = primary.client("rds"), primary.name(GLOBAL)
    if find(lambda: rds.describe_global_clusters(GlobalClusterIdentifier=name), "GlobalClusterNotFoundFault") is None:
        arn = rds.describe_db_clusters(DBClusterIdentifier=primary.project)["DBClusters"][0]["DBClusterArn"]
        rds.create_global_cluster(GlobalClusterIdentifier=name, SourceDBClusterIdentifier=arn)

        def available() -> bool:
            found = rds.describe_global_clusters(GlobalClusterIdentifier=name)["GlobalClusters"]
            return bool(found) and found[0]["Status"] == "available"

        until(f"the global cluster {name}", available)
    there, secondary = dr.client("rds"), dr.name(CLUSTER)
    if find(lambda: there.describe_db_clusters(DBClusterIdentifier=secondary), "DBClusterNotFoundFault") is None:
        subnets = dr.name("legacy-db-subnets")
        there.create_db_subnet_group(
            DBSubnetGroupName=subnets,
            DBSubnetGroupDescription=f"{dr.project}: private subnets",
            SubnetIds=list(network.private),
            Tags=dr.tags(),
        )
        there.create_db_cluster(
            DBClusterIdentifier=secondary,
            Engine=ENGINE,
            EngineVersion=VERSION,
            GlobalClusterIdentifier=name,
            DBSubnetGroupName=subnets,
            VpcSecurityGroupIds=[groups.aurora],
            StorageEncrypted=True,
            KmsKeyId=key,
            Tags=dr.tags(),
        )
    add_instance(dr, secondary, dr.name("legacy-dr-1"))
    await_cluster(dr, secondary)
