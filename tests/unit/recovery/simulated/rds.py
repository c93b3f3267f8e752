# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Aurora global databases of the simulated AWS: members, moves of the writer, events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.module_utils._recovery.errors import CallFailed
from plugins.module_utils._recovery.model import Application

from .base import ACCOUNT, World, security_group
from .writes import WriteLog


class Rds(World):
    """RDS in both regions."""

    def writer(self, application: Application) -> str:
        """The region of the writer."""
        self._pass_time()
        members = self.globals[application.global_cluster]["GlobalClusterMembers"]
        return next(str(m["DBClusterArn"]).split(":")[3] for m in members if m["IsWriter"])

    def _pass_time(self) -> None:
        now = self.clock.now()
        self._publish_kept_positions(now)
        for name, (due, to_arn) in list(self.moves.items()):
            if now >= due:
                del self.moves[name]
                planned = not self.globals[name].get("FailoverState", {}).get("IsDataLossAllowed")
                if self.gives_switchovers_up and planned:
                    self.globals[name].pop("FailoverState", None)
                    continue
                for member in self.globals[name]["GlobalClusterMembers"]:
                    member["IsWriter"] = member["DBClusterArn"] == to_arn
                self.globals[name].pop("FailoverState", None)
        for name, due in list(self.rejoining.items()):
            reader = next(m for m in self.globals[name]["GlobalClusterMembers"] if not m["IsWriter"])
            if str(reader["DBClusterArn"]).split(":")[3] in self.outages:
                self.rejoining[name] = now + self.delays.resynchronise  # it begins when the region is back
            elif now >= due:
                del self.rejoining[name]
                reader["SynchronizationStatus"] = "connected"
                self._log_of(name).stray_until = 0.0

    def _log_of(self, global_cluster: str) -> WriteLog:
        return next(self.logs[one.name] for one in self.applications if one.global_cluster == global_cluster)

    def _rds_describe_global_clusters(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params.get("GlobalClusterIdentifier")
        if name and name not in self.globals:
            raise self._fail(region, "rds", "DescribeGlobalClusters", "GlobalClusterNotFoundFault")
        return {"GlobalClusters": [one for key, one in self.globals.items() if name in (None, key)]}

    def _rds_describe_db_clusters(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        names = params["Filters"][0]["Values"]
        return {
            "DBClusters": [
                {
                    "DBClusterIdentifier": name,
                    "Status": "available",
                    "EngineVersion": self.versions[(region, name)],
                    "DBClusterMembers": [{"DBInstanceIdentifier": one} for one in self.instances[(region, name)]],
                    "KmsKeyId": f"arn:aws:kms:{region}:{ACCOUNT}:key/1",
                    "VpcSecurityGroups": [{"VpcSecurityGroupId": security_group(region, name), "Status": "active"}],
                    "DBClusterParameterGroup": "parameters",
                }
                for name in names
                if (region, name) in self.instances
            ]
        }

    def _rds_switchover_global_cluster(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._begin_move(region, params, "SwitchoverGlobalCluster", planned=True)

    def _rds_failover_global_cluster(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        assert params.get("AllowDataLoss"), "without AllowDataLoss this is a switchover"
        return self._begin_move(region, params, "FailoverGlobalCluster", planned=False)

    def _begin_move(self, region: str, params: Mapping[str, Any], operation: str, planned: bool) -> dict[str, Any]:
        name, to_arn = params["GlobalClusterIdentifier"], params["TargetDbClusterIdentifier"]
        cluster = self.globals[name]
        writer = next(m["DBClusterArn"] for m in cluster["GlobalClusterMembers"] if m["IsWriter"])
        joining = any(m.get("SynchronizationStatus") == "pending-resync" for m in cluster["GlobalClusterMembers"])
        if cluster.get("FailoverState") or writer == to_arn or joining:
            raise self._fail(region, "rds", operation, "InvalidGlobalClusterStateFault", "not now")
        expected = writer.split(":")[3] if planned else to_arn.split(":")[3]
        if region != expected:
            raise self._fail(region, "rds", operation, "InvalidDBClusterStateFault", f"call it in {expected} (R1)")
        now = self.clock.now()
        state = {"Status": "pending", "FromDbClusterArn": writer, "ToDbClusterArn": to_arn}
        cluster["FailoverState"] = {**state, "IsDataLossAllowed": not planned}
        self.moves[name] = (now + self.delays.promote, to_arn)
        old = writer.rpartition(":")[2]
        blocked_at = now + self.delays.fencing_event
        if planned or self.fencing != "not seen":
            outcome = "succeeded" if planned else self.fencing
            message = f"Attempt to block writes for DB cluster {old} in Region {writer.split(':')[3]} {outcome}."
            self.events.append((blocked_at, to_arn.split(":")[3], message))
        if not planned:
            until = blocked_at if self.fencing == "succeeded" else float("inf")
            self._log_of(name).promote(writer.split(":")[3], self.replication.through(now), until)
            if self.delays.resynchronise:
                member = next(m for m in cluster["GlobalClusterMembers"] if m["DBClusterArn"] == writer)
                member["SynchronizationStatus"] = "pending-resync"
            self.rejoining[name] = self.moves[name][0] + self.delays.resynchronise
        return {"GlobalCluster": cluster}

    def promotions_take(self, seconds: float) -> None:
        """From now on; one that is under way takes no longer than that either."""
        self.delays.promote = seconds
        now = self.clock.now()
        self.moves = {name: (min(due, now + seconds), to) for name, (due, to) in self.moves.items()}
        joined = now + seconds + self.delays.resynchronise
        self.rejoining.update(
            {name: min(self.rejoining[name], joined) for name in self.moves if name in self.rejoining}
        )

    def switch_over_by_hand(self, application: Application, region: str) -> bool:
        """Somebody asks for a switchover to a region in the console; False where AWS refuses that now."""
        writer = self.writer(application)
        target = f"arn:aws:rds:{region}:{ACCOUNT}:cluster:{application.site_in(region).cluster}"
        params = {"GlobalClusterIdentifier": application.global_cluster, "TargetDbClusterIdentifier": target}
        try:
            self._rds_switchover_global_cluster(writer, params)
        except CallFailed:
            return False
        return True

    def _rds_describe_events(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        now = self.clock.now()
        found = [(at, text) for at, where, text in self.events if where == region and at <= now]
        return {"Events": [{"SourceIdentifier": "x", "Message": text, "Date": at} for at, text in found]}
