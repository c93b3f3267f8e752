"""What RDS offers: engine versions, default parameter groups, instance classes, no pending maintenance.

RDS API reference: DescribeDBEngineVersions, DescribeDBClusterParameters, DescribeOrderableDBInstanceOptions.  A cluster
without a parameter group has its family's default one.  moto has neither those groups nor most engines.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.models import DBCluster, DBClusterParameterGroup, RDSBackend
from moto.rds.responses import RDSResponse

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import action, wrap

VERSIONS: dict[str, tuple[str, ...]] = {
    "aurora-postgresql": ("13.18", "14.15", "15.4", "15.10", "16.4", "16.6", "17.4"),
    "aurora-mysql": ("5.7.mysql_aurora.2.12.4", "8.0.mysql_aurora.3.04.0", "8.0.mysql_aurora.3.08.1"),
}
CLASSES = ("db.t4g.medium", "db.t3.medium", "db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r7g.large")


def family(engine: str, version: str) -> str:
    """Parameter group family: aurora-postgresql16, aurora-mysql8.0."""
    if engine == "aurora-mysql":
        return f"{engine}{'.'.join(version.split('.')[:2])}"
    return f"{engine}{version.split('.')[0]}"


def install(world: worlds.World) -> None:
    """Patch the catalogue."""

    @wrap(DBCluster, "__init__")
    def cluster(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if not kwargs.get("db_cluster_parameter_group_name") and self.engine.startswith("aurora"):
            self.parameter_group = f"default.{family(self.engine, self.engine_version)}"

    @wrap(RDSBackend, "describe_db_cluster_parameters")
    def parameters(original: Any, self: Any, name: str) -> Any:
        return [] if name.startswith("default.aurora") else original(self, name)

    @wrap(RDSBackend, "describe_db_cluster_parameter_groups")
    def groups(original: Any, self: Any, group_name: str | None) -> Any:
        if (
            group_name
            and group_name.startswith("default.aurora")
            and group_name not in self.db_cluster_parameter_groups
        ):
            return [_default_group(self, group_name)]
        return original(self, group_name)

    @action(RDSResponse, "describe_db_engine_versions")
    def engine_versions(self: Any) -> ActionResult:
        wanted, version = self.params.get("Engine"), self.params.get("EngineVersion")
        shown = [
            _describe(engine, one)
            for engine, versions in VERSIONS.items()
            for one in versions
            if wanted in (None, engine) and (version is None or one.startswith(version))
        ]
        if self.params.get("DefaultOnly"):
            shown = shown[-1:]
        return ActionResult({"DBEngineVersions": shown})

    @action(RDSResponse, "describe_pending_maintenance_actions")
    def maintenance(self: Any) -> ActionResult:
        return ActionResult({"PendingMaintenanceActions": []})

    @wrap(RDSResponse, "describe_orderable_db_instance_options")
    def orderable(original: Any, self: Any) -> Any:
        engine = self.params.get("Engine")
        if engine not in VERSIONS:
            return original(self)
        version = self.params.get("EngineVersion")
        wanted = self.params.get("DBInstanceClass")
        shown = [
            _option(self.region, engine, one, instance_class)
            for one in VERSIONS[engine]
            for instance_class in CLASSES
            if version in (None, one) and wanted in (None, instance_class)
        ]
        return ActionResult({"OrderableDBInstanceOptions": shown})


def _default_group(backend: Any, name: str) -> Any:
    engine = name.removeprefix("default.")
    return DBClusterParameterGroup(  # type: ignore[abstract]
        backend=backend,
        db_cluster_parameter_group_name=name,
        db_parameter_group_family=engine,
        description=f"Default cluster parameter group for {engine}",
        tags=[],
    )


def _describe(engine: str, version: str) -> dict[str, Any]:
    return {
        "Engine": engine,
        "EngineVersion": version,
        "DBParameterGroupFamily": family(engine, version),
        "DBEngineDescription": "Aurora PostgreSQL" if engine.endswith("postgresql") else "Aurora MySQL",
        "SupportsGlobalDatabases": True,
        "SupportedEngineModes": ["provisioned"],
        "Status": "available",
    }


def _option(region: str, engine: str, version: str, instance_class: str) -> dict[str, Any]:
    return {
        "Engine": engine,
        "EngineVersion": version,
        "DBInstanceClass": instance_class,
        "AvailabilityZones": [{"Name": f"{region}{letter}"} for letter in "abc"],
        "SupportsGlobalDatabases": True,
        "SupportsStorageEncryption": True,
        "SupportedEngineModes": ["provisioned"],
        "Vpc": True,
    }
