"""The primary Aurora cluster `<project>`: encrypted, with a writer and a reader."""

from __future__ import annotations

from typing import Any

from lab.seed.network import Groups, Network
from lab.seed.site import Site, find, until

ENGINE, VERSION = "aurora-mysql", "8.0.mysql_aurora.3.04.0"
INSTANCE_CLASS = "db.r6g.large"
_PASSWORD = "correct-horse-battery-staple"


def build_subnet_group(site: Site, network: Network) -> str:
    """Name of the group of subnets for databases."""
    rds, name = site.client("rds"), site.name("db-subnet-group")
    if find(lambda: rds.describe_db_subnet_groups(DBSubnetGroupName=name), "DBSubnetGroupNotFoundFault") is None:
        rds.create_db_subnet_group(
            DBSubnetGroupName=name,
            DBSubnetGroupDescription=f"{site.project}: private subnets",
            SubnetIds=list(network.private),
            Tags=site.tags(),
        )
    return name


def build_cluster(site: Site, groups: Groups, subnets: str, key: str) -> str:
    """Endpoint of the primary cluster."""
    rds, name = site.client("rds"), site.project
    if find(lambda: rds.describe_db_clusters(DBClusterIdentifier=name), "DBClusterNotFoundFault") is None:
        encryption: dict[str, Any] = {"StorageEncrypted": True, "KmsKeyId": key}
        password: dict[str, Any] = {"MasterUserPassword": _PASSWORD}
        if "managed-password" in site.options:
            password = {"ManageMasterUserPassword": True}
        rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine=ENGINE,
            EngineVersion=VERSION,
            DatabaseName="app",
            MasterUsername="admin",
            DBSubnetGroupName=subnets,
            VpcSecurityGroupIds=[groups.aurora],
            BackupRetentionPeriod=7,
            Tags=site.tags(),
            **({} if "unencrypted-primary" in site.options else encryption),
            **password,
        )
    add_instance(site, name, site.name("writer"))
    add_instance(site, name, site.name("reader"))
    await_cluster(site, name)
    return str(rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]["Endpoint"])


def add_instance(site: Site, cluster: str, name: str) -> None:
    """An instance of a cluster, made where it is not there."""
    rds = site.client("rds")
    if find(lambda: rds.describe_db_instances(DBInstanceIdentifier=name), "DBInstanceNotFound") is None:
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier=cluster,
            DBInstanceClass=INSTANCE_CLASS,
            Engine=ENGINE,
            Tags=site.tags(),
        )


def await_cluster(site: Site, name: str) -> None:
    """Wait until a cluster and its instances are available."""
    rds = site.client("rds")

    def available() -> bool:
        cluster = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
        members = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [name]}])["DBInstances"]
        return cluster["Status"] == "available" and all(one["DBInstanceStatus"] == "available" for one in members)

    until(f"the Aurora cluster {name}", available)
