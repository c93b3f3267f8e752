"""A name goes from a simple record to a failover pair and back, each time in one batch."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import failover_records as core
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Refused

ZONE = {"Id": "/hostedzone/Z1", "Name": "example.com."}
EAST = {"host": "alb.us-east-1.elb.amazonaws.com", "zone_id": "Z35SXDOTRQ7X7K", "health_check_id": "check-primary"}
WEST = {"host": "dr-alb.us-west-2.elb.amazonaws.com", "zone_id": "Z1H1FL5HABSF5", "health_check_id": "check-dr"}
PAIR: dict[str, Any] = {
    "hosted_zone": "example.com",
    "name": "app.example.com",
    "primary": EAST,
    "dr": WEST,
    "wait_interval": 0.01,
}


def wanted(**more: Any) -> core.Wanted:
    sites = {"primary": core.Endpoint(**EAST), "dr": core.Endpoint(**WEST)}
    return core.Wanted(**{"name": "app.example.com", **sites, **more})


def cname(**more: Any) -> dict[str, Any]:
    return {
        "Name": "app.example.com.",
        "Type": "CNAME",
        "TTL": 300,
        "ResourceRecords": [{"Value": EAST["host"]}],
        **more,
    }


def alias(**more: Any) -> dict[str, Any]:
    target = {"HostedZoneId": EAST["zone_id"], "DNSName": EAST["host"] + ".", "EvaluateTargetHealth": True}
    return {"Name": "app.example.com.", "Type": "A", "AliasTarget": target, **more}


def actions(change: Any) -> list[tuple[str, str, str | None]]:
    assert len(change.calls) == 1, "one batch, or there is a moment without an answer"
    changes = change.calls[0].params["ChangeBatch"]["Changes"]
    return [(c["Action"], c["ResourceRecordSet"]["Type"], c["ResourceRecordSet"].get("Failover")) for c in changes]


@pytest.fixture
def zone(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    route53 = cloud.client("route53")
    cloud.zone_id = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    put(cloud, cname())
    for place in ("primary", "dr"):
        config = {
            "Type": "HTTPS",
            "FullyQualifiedDomainName": f"{place}.example.com",
            "Port": 443,
            "RequestInterval": 30,
        }
        check = route53.create_health_check(CallerReference=place, HealthCheckConfig=config)["HealthCheck"]["Id"]
        monkeypatch.setitem(PAIR[place], "health_check_id", check)
    return cloud


def put(cloud: Any, record: dict[str, Any]) -> None:
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    cloud.client("route53").change_resource_record_sets(HostedZoneId=cloud.zone_id, ChangeBatch=batch)


def held(cloud: Any) -> dict[str, Any]:
    records = cloud.client("route53").list_resource_record_sets(HostedZoneId=cloud.zone_id)["ResourceRecordSets"]
    return {r.get("SetIdentifier", "simple"): r for r in records if r["Name"] == "app.example.com."}


class TestInAWorldOfAws:
    def test_a_simple_record_becomes_a_pair_in_one_batch(self, zone: Any) -> None:
        done = zone.settled("route53_failover_records", **PAIR)
        assert done["operations"] == ["ChangeResourceRecordSets"]
        records = held(zone)
        assert set(records) == {"primary", "dr"}
        assert records["primary"]["Failover"] == "PRIMARY"
        assert records["primary"]["HealthCheckId"] == PAIR["primary"]["health_check_id"]
        assert records["dr"]["HealthCheckId"] == PAIR["dr"]["health_check_id"]
        assert records["dr"]["TTL"] == 60

    def test_the_backup_brings_the_simple_record_back_as_it_was(self, zone: Any) -> None:
        backup = zone.run("route53_failover_records_info", hosted_zone="example.com", name="app.example.com")
        assert backup["form"] == "simple"
        zone.run("route53_failover_records", **PAIR)
        back = {"hosted_zone": "example.com", "name": "app.example.com", "state": "simple", "wait_interval": 0.01}
        zone.settled("route53_failover_records", record_sets=backup["record_sets"], **back)
        assert held(zone) == {"simple": cname()}

    def test_alias_records_never_evaluate_their_target(self, zone: Any) -> None:
        zone.settled("route53_failover_records", **{**PAIR, "alias": True})
        assert [r["AliasTarget"]["EvaluateTargetHealth"] for r in held(zone).values()] == [False, False]

    def test_info_names_the_dangers(self, zone: Any) -> None:
        zone.run("route53_failover_records", **PAIR)
        info = zone.run("route53_failover_records_info", hosted_zone="example.com", name="app.example.com")
        assert (info["form"], info["dangers"]) == ("failover", [])

    def test_a_zone_that_is_not_there_is_named(self, zone: Any) -> None:
        refused = zone.run("route53_failover_records", **{**PAIR, "hosted_zone": "example.net"})
        assert refused["msg"] == "there is no public hosted zone example.net seen from here: name its id instead"

    def test_two_zones_of_one_name_need_an_id(self, zone: Any) -> None:
        zone.client("route53").create_hosted_zone(Name="example.com", CallerReference="2")
        assert "more than one public hosted zone" in zone.run("route53_failover_records", **PAIR)["msg"]
        by_id = {**PAIR, "hosted_zone": zone.zone_id.rpartition("/")[2]}
        assert not zone.run("route53_failover_records", **by_id)["failed"]


class TestOneBatch:
    def test_from_nothing(self) -> None:
        assert actions(core.decide_failover(ZONE, [], wanted())) == [
            ("UPSERT", "CNAME", "PRIMARY"),
            ("UPSERT", "CNAME", "SECONDARY"),
        ]

    def test_from_an_alias_and_its_ipv6_twin(self) -> None:
        change = core.decide_failover(ZONE, [alias(), alias(Type="AAAA")], wanted())
        assert actions(change)[:2] == [("DELETE", "A", None), ("DELETE", "AAAA", None)]

    def test_only_what_differs_is_written(self) -> None:
        pair = core.decide_failover(ZONE, [], wanted()).calls[0].params["ChangeBatch"]["Changes"]
        now = [change["ResourceRecordSet"] for change in pair]
        assert not core.decide_failover(ZONE, now, wanted()).changed
        assert actions(core.decide_failover(ZONE, [{**now[0], "TTL": 5}, now[1]], wanted())) == [
            ("UPSERT", "CNAME", "PRIMARY")
        ]

    def test_a_pair_of_cnames_becomes_a_pair_of_aliases(self) -> None:
        pair = core.decide_failover(ZONE, [], wanted()).calls[0].params["ChangeBatch"]["Changes"]
        change = core.decide_failover(ZONE, [change["ResourceRecordSet"] for change in pair], wanted(alias=True))
        assert [action for action, _type, _failover in actions(change)] == ["DELETE", "DELETE", "UPSERT", "UPSERT"]

    def test_answers_of_route53_are_compared_by_meaning(self) -> None:
        answered = {**cname(), "Name": "APP.example.com.", "ResourceRecords": [{"Value": EAST["host"].upper() + "."}]}
        assert core.normal(answered) == core.normal(cname())


class TestRefused:
    def test_a_record_without_a_check(self) -> None:
        with pytest.raises(Refused, match="needs a health check"):
            core.decide_failover(ZONE, [], wanted(dr=core.Endpoint(WEST["host"])))

    def test_weighted_records(self) -> None:
        with pytest.raises(Refused, match="weighted, latency or other"):
            core.decide_failover(ZONE, [cname(SetIdentifier="a", Weight=1)], wanted())

    def test_a_cname_at_the_apex(self) -> None:
        with pytest.raises(Refused, match="apex"):
            core.decide_failover(ZONE, [], wanted(name="example.com"))

    def test_a_cname_beside_other_records(self) -> None:
        text = {"Name": "app.example.com.", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"x"'}]}
        with pytest.raises(Refused, match="also has TXT"):
            core.decide_failover(ZONE, [text], wanted())
        assert core.decide_failover(ZONE, [text], wanted(alias=True)).changed

    def test_a_name_of_another_zone(self) -> None:
        with pytest.raises(Refused, match="is not in the hosted zone"):
            core.decide_failover(ZONE, [], wanted(name="app.example.net"))

    def test_a_backup_of_something_else(self) -> None:
        with pytest.raises(Refused, match="is not its simple record"):
            core.decide_simple(ZONE, [], wanted(), [cname(Name="other.example.com.")])

    def test_an_alias_without_the_zone_of_its_target(self) -> None:
        with pytest.raises(Refused, match="needs the hosted zone of that load balancer"):
            core.decide_failover(ZONE, [], wanted(alias=True, dr=core.Endpoint(WEST["host"], health_check_id="x")))


def test_dangerous_pairs_are_told() -> None:
    evaluated = alias(SetIdentifier="primary", Failover="PRIMARY", HealthCheckId="x")
    unchecked = cname(SetIdentifier="dr", Failover="SECONDARY")
    assert core.dangers([evaluated, unchecked]) == [
        "the primary record of app.example.com evaluates its target's health, so it can move traffic before the "
        "database has moved",
        "the dr record of app.example.com has no health check, so Route 53 always takes it as healthy",
    ]


class Listed:
    """A hosted zone that lists its records as Route 53 does, a few to the page; also what an `Api` reads with."""

    def __init__(self, page: int, *names: str) -> None:
        self.page, self.calls = page, 0
        pairs = [{**cname(SetIdentifier=place), "Name": name + "."} for name in names for place in ("dr", "primary")]
        self.records = sorted(pairs, key=self.place)

    @staticmethod
    def place(record: dict[str, Any]) -> tuple[str, str, str]:
        labels = ".".join(reversed(record["Name"].rstrip(".").split("."))) + "."
        return labels, record["Type"], record.get("SetIdentifier", "")

    def read(self, _operation: str, params: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        keys = {"Name": "StartRecordName", "Type": "StartRecordType", "SetIdentifier": "StartRecordIdentifier"}
        start = self.place({key: params.get(of, "") for key, of in keys.items()})
        rest = [record for record in self.records if self.place(record) >= start]
        if len(rest) <= self.page:
            return {"ResourceRecordSets": rest, "IsTruncated": False}
        following = rest[self.page]
        more = {f"NextRecord{key.removeprefix('Set')}": following[key] for key in keys}
        return {"ResourceRecordSets": rest[: self.page], "IsTruncated": True, **more}


class TestManyNamesOfAZone:
    names = tuple(f"app-{number}.example.com" for number in range(10))

    def whole(self, zone: Any, *names: str) -> bool:
        found = core.observe_all(zone, "Z1", names)
        assert list(found) == list(names)
        return all(
            [(record["Name"], record["SetIdentifier"]) for record in found[name]]
            == [(name + ".", "dr"), (name + ".", "primary")]
            for name in names
        )

    def test_names_side_by_side_share_a_page(self) -> None:
        zone = Listed(300, *self.names, "example.com", "app.example.com", "a.app-1.example.com")
        assert self.whole(zone, *self.names)
        assert zone.calls == 1

    @pytest.mark.parametrize("page", [1, 2, 3, 4, 5])
    def test_a_pair_that_two_pages_share_is_read_whole(self, page: int) -> None:
        assert self.whole(Listed(page, *self.names, "app.example.com"), *self.names)

    def test_what_lies_between_is_not_listed(self) -> None:
        zone = Listed(2, "a.example.com", *self.names, "z.example.com")
        assert self.whole(zone, "z.example.com", "a.example.com")
        assert zone.calls == 2

    def test_a_name_without_records_has_none(self) -> None:
        zone = Listed(300, "a.example.com")
        found = core.observe_all(zone, "Z1", ["b.example.com", "A.example.com."])  # type: ignore[arg-type]
        assert {name: len(records) for name, records in found.items()} == {"b.example.com": 0, "A.example.com.": 2}
