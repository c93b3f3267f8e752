# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The part of the small AWS that fencing and reconciling touch: what writes besides the groups, snapshots, secrets."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from plugins.module_utils._recovery.errors import CallFailed
from plugins.module_utils._recovery.model import Application, Site

from .base import security_group
from .requests import Call
from .services import Services


def mapping_of(function: str) -> str:
    """The id of the event-source mapping of a function."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, function))


INGRESS = [
    {
        "IpProtocol": "tcp",
        "FromPort": 3306,
        "ToPort": 3306,
        "UserIdGroupPairs": [{"GroupId": "sg-0aaaaaaa", "UserId": "123456789012", "Description": "application"}],
        "IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "reports"}, {"CidrIp": "192.0.2.0/24"}],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
    }
]


class Fences(Services):
    """State and answers."""

    def _build(self, application: Application) -> None:
        """A schedule, an event-source mapping, a security group and a secret for each site."""
        super()._build(application)
        self.schedules: dict[tuple[str, str], dict[str, Any]] = getattr(self, "schedules", {})
        self.mappings: dict[tuple[str, str], dict[str, Any]] = getattr(self, "mappings", {})
        self.ingress: dict[tuple[str, str], list[dict[str, Any]]] = getattr(self, "ingress", {})
        self.snapshots: dict[tuple[str, str], dict[str, Any]] = getattr(self, "snapshots", {})
        self.secrets: dict[tuple[str, str], dict[str, Any]] = getattr(self, "secrets", {})
        self.copy_seconds = 30.0
        for site in application.sites:
            for name in site.fencing.schedules:
                self.schedules[(site.region, name)] = {
                    "Name": name,
                    "GroupName": "default",
                    "ScheduleExpression": "rate(5 minutes)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "State": "ENABLED",
                    "StartDate": datetime.fromtimestamp(self.clock.now() - 86400, UTC),
                    "Description": "nightly figures",
                    "Target": {"Arn": f"arn:{name}", "RoleArn": f"arn:aws:iam::123456789012:role/{name}"},
                }
            for name in site.fencing.event_source_mappings:
                mapping = mapping_of(name)
                self.mappings[(site.region, mapping)] = {"UUID": mapping, "FunctionName": name, "State": "Enabled"}
            self.ingress[(site.region, security_group(site.region, site.cluster))] = copy.deepcopy(INGRESS)
            for name in site.secrets:
                self.secrets[(site.region, name)] = {
                    "Name": name,
                    "KmsKeyId": f"key-{site.region}",
                    "VersionIdsToStages": {"v1": ["AWSCURRENT"]},
                    "PrimaryRegion": application.primary.region if site.place == "dr" else None,
                    "ReplicationStatus": [{"Region": application.dr.region, "Status": "InSync"}]
                    if site.place == "primary"
                    else [],
                }

    # What tests do and look at

    def open_valves(self, site: Site) -> dict[str, Any]:
        """What lets writes in at a site."""
        self._settle()
        group = security_group(site.region, site.cluster)
        return {
            "schedules": [
                n for (r, n), one in self.schedules.items() if r == site.region and one["State"] == "ENABLED"
            ],
            "mappings": [n for (r, n), one in self.mappings.items() if r == site.region and one["State"] == "Enabled"],
            "ingress": sorted(json.dumps(one, sort_keys=True) for one in _split(self.ingress[(site.region, group)])),
        }

    def comes_back(self, site: Site, *, snapshot: bool = True, joined: bool = False, cluster: str = "") -> None:
        """The old region after a failover: its writes in a snapshot, and then the cluster joins again."""
        for name, view in self.globals.items():
            for member in view["GlobalClusterMembers"]:
                if member["DBClusterArn"].rpartition(":")[2] == site.cluster:
                    self.rejoining.pop(name, None)  # it is told from here when it joins
                    member["SynchronizationStatus"] = "connected" if joined else "pending-resync"
        if snapshot:
            self.keep_lost_writes(site, f"{cluster or site.cluster}-2026-11-24-14-52")

    def keep_lost_writes(self, site: Site, name: str = "") -> None:
        """The snapshot of what a failover has left behind there; its name ends with its time (R8)."""
        stamp = datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y-%m-%d-%H-%M")
        name = f"rds:unplanned-global-failover-{name or f'{site.cluster}-{stamp}'}"
        self.snapshots[(site.region, name)] = {
            "DBClusterSnapshotIdentifier": name,
            "DBClusterSnapshotArn": f"arn:aws:rds:{site.region}:123456789012:cluster-snapshot:{name}",
            "DBClusterIdentifier": site.cluster,
            "Status": "available",
            "SnapshotCreateTime": self.clock.now(),
        }

    def promote_secret(self, region: str, name: str) -> None:
        """What StopReplicationToReplica leaves."""
        self._secretsmanager_stop_replication_to_replica(region, {"SecretId": name})

    def change_secret(self, region: str, name: str) -> None:
        """A new value."""
        self.secrets[(region, name)]["VersionIdsToStages"] = {f"v2-{region}": ["AWSCURRENT"], "v1": ["AWSPREVIOUS"]}

    def hide_until_fenced(self, region: str) -> None:
        """What lets writes in there is not seen before a group of the region is changed."""
        self.refusals.append(partial(self._later, region))

    def _later(self, region: str, call: Call) -> CallFailed | None:
        looks = ("GetSchedule", "ListEventSourceMappings", "DescribeSecurityGroups")
        begun = any((one.operation, one.region) == ("UpdateAutoScalingGroup", region) for one in self.calls)
        if begun or call.region != region or call.operation not in looks:
            return None
        return CallFailed(region, call.service, call.operation, "InternalServerException", "later")

    # Answers

    def _scheduler_get_schedule(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        found = self.schedules.get((region, params["Name"]))
        if found is None:
            raise CallFailed(region, "scheduler", "GetSchedule", "ResourceNotFoundException", "none")
        return dict(found)

    def _scheduler_update_schedule(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        begins = params.get("StartDate")
        if begins and datetime.fromisoformat(begins).timestamp() < self.clock.now() - 300:
            why = "The StartDate you specify cannot be earlier than 5 minutes ago."
            raise CallFailed(region, "scheduler", "UpdateSchedule", "ValidationException", why)
        self.schedules[(region, params["Name"])] = {"State": "ENABLED", **params}
        return {"ScheduleArn": "arn"}

    def _lambda_list_event_source_mappings(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self._settle()
        wanted = params["FunctionName"]
        found = [one for (r, _), one in self.mappings.items() if r == region and one["FunctionName"] == wanted]
        return {"EventSourceMappings": [dict(one) for one in found]}

    def _lambda_update_event_source_mapping(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        mapping = self.mappings[(region, params["UUID"])]
        mapping["State"] = "Enabling" if params["Enabled"] else "Disabling"
        mapping["until"] = self.clock.now() + 2
        return dict(mapping)

    def _settle(self) -> None:
        for mapping in self.mappings.values():
            if mapping.get("until") and self.clock.now() >= mapping["until"]:
                mapping["State"] = {"Enabling": "Enabled", "Disabling": "Disabled"}[mapping["State"]]
                del mapping["until"]

    def _ec2_describe_security_groups(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        (condition,) = params["Filters"]
        return {
            "SecurityGroups": [
                {"GroupId": name, "IpPermissions": self.ingress[(region, name)]}
                for name in condition["Values"]
                if (region, name) in self.ingress
            ]
        }

    def _ec2_revoke_security_group_ingress(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        held = _split(self.ingress[(region, params["GroupId"])])
        for one in _split(params["IpPermissions"]):
            if one not in held:
                raise CallFailed(region, "ec2", "Revoke", "InvalidPermission.NotFound", "no such rule")
            held.remove(one)
        self.ingress[(region, params["GroupId"])] = held
        return {"Return": True}

    def _ec2_authorize_security_group_ingress(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        held = self.ingress[(region, params["GroupId"])]
        for one in params["IpPermissions"]:
            if one in held:
                raise CallFailed(region, "ec2", "Authorize", "InvalidPermission.Duplicate", "it is there")
            held.append(dict(one))
        return {"Return": True}

    def _rds_describe_db_cluster_snapshots(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        now, found = self.clock.now(), []
        for (where, _name), one in self.snapshots.items():
            if where == region and one["DBClusterIdentifier"] == params["DBClusterIdentifier"]:
                found.append({**one, "Status": "creating" if now < one.get("until", 0) else one["Status"]})
        return {"DBClusterSnapshots": found}

    def _rds_copy_db_cluster_snapshot(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        source = params["SourceDBClusterSnapshotIdentifier"]
        (original,) = [one for one in self.snapshots.values() if one["DBClusterSnapshotArn"] == source]
        name = params["TargetDBClusterSnapshotIdentifier"].lower()
        assert len(name) <= 63
        if (region, name) in self.snapshots:
            raise CallFailed(region, "rds", "Copy", "DBClusterSnapshotAlreadyExistsFault", "it is there")
        due = self.clock.now() + self.copy_seconds
        copied = {**original, "DBClusterSnapshotIdentifier": name, "DBClusterSnapshotArn": name, "until": due}
        self.snapshots[(region, name)] = copied
        return {"DBClusterSnapshot": copied}

    def _secretsmanager_describe_secret(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        found = self.secrets.get((region, params["SecretId"]))
        if found is None:
            raise CallFailed(region, "secretsmanager", "DescribeSecret", "ResourceNotFoundException", "none")
        return dict(found)

    def _secretsmanager_stop_replication_to_replica(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params["SecretId"]
        source = self.secrets[(region, name)]["PrimaryRegion"]
        if source is None:
            raise self._fail(
                region, "secretsmanager", "StopReplicationToReplica", "InvalidRequestException", "no replica"
            )
        self.secrets[(region, name)]["PrimaryRegion"] = None
        self.secrets[(source, name)]["ReplicationStatus"] = []
        return {"ARN": name}

    def _secretsmanager_replicate_secret_to_regions(self, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params["SecretId"]
        source = self.secrets[(region, name)]
        for replica in params["AddReplicaRegions"]:
            assert params["ForceOverwriteReplicaSecret"] or (replica["Region"], name) not in self.secrets
            source["ReplicationStatus"] = [{"Region": replica["Region"], "Status": "InSync"}]
            stages = dict(source["VersionIdsToStages"])
            kept = {"Name": name, "VersionIdsToStages": stages, "PrimaryRegion": region, "ReplicationStatus": []}
            self.secrets[(replica["Region"], name)] = {**kept, "KmsKeyId": replica.get("KmsKeyId")}
        return {"ARN": name}


def _split(permissions: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One source each, as a comparison wants it."""
    found = []
    for one in permissions:
        ports = {key: one[key] for key in ("IpProtocol", "FromPort", "ToPort")}
        for member in ("UserIdGroupPairs", "IpRanges", "Ipv6Ranges", "PrefixListIds"):
            found += [{**ports, member: [dict(source)]} for source in one.get(member) or []]
    return found
