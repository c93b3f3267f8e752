"""The state table: encrypted and recoverable, or why not."""

from __future__ import annotations

from typing import Any

from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import protected_table

TABLE = {"name": "dr-webapp-dr-state", "hash_key": "application", "range_key": "item", "wait_interval": 0.01}


def test_a_new_table_is_on_demand_encrypted_and_recoverable(cloud: Any) -> None:
    done = cloud.settled("dynamodb_protected_table", tags={"Project": "dr-webapp"}, **TABLE)
    assert done["operations"] == ["CreateTable", "UpdateContinuousBackups"]
    table = cloud.client("dynamodb").describe_table(TableName=TABLE["name"])["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSEDescription"]["SSEType"] == "KMS"
    assert {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]} == {
        "HASH": "application",
        "RANGE": "item",
    }
    backups = cloud.client("dynamodb").describe_continuous_backups(TableName=TABLE["name"])
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_recovery_turned_off_by_hand_is_reported_and_mended(cloud: Any) -> None:
    cloud.run("dynamodb_protected_table", **TABLE)
    cloud.client("dynamodb").update_continuous_backups(
        TableName=TABLE["name"], PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    done = cloud.settled("dynamodb_protected_table", **TABLE)
    assert done["operations"] == ["UpdateContinuousBackups"]
    assert (done["diff"]["before"]["recoverable"], done["diff"]["after"]["recoverable"]) == (False, True)


def test_a_provisioned_table_is_put_on_demand(cloud: Any) -> None:
    cloud.client("dynamodb").create_table(
        TableName=TABLE["name"],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("application", "item")],
        KeySchema=[
            {"AttributeName": "application", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        SSESpecification={"Enabled": True, "SSEType": "KMS"},
    )
    done = cloud.settled("dynamodb_protected_table", **TABLE)
    assert done["operations"] == ["UpdateTable", "UpdateContinuousBackups"]


def test_billing_and_encryption_are_changed_one_after_the_other() -> None:
    wanted = protected_table.Wanted("t", "application", "item")
    keys = [{"AttributeName": "application", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}]
    plain = protected_table.Held({"TableName": "t", "TableArn": "arn", "KeySchema": keys}, True)
    changes = [change for change in protected_table.decide(plain, wanted) if change.calls]
    assert [set(change.calls[0].params) - {"TableName"} for change in changes] == [
        {"BillingMode"},
        {"SSESpecification"},
    ]


def test_a_table_with_other_keys_is_refused(cloud: Any) -> None:
    cloud.run("dynamodb_protected_table", **TABLE)
    refused = cloud.run("dynamodb_protected_table", **{**TABLE, "range_key": "sort"})
    assert refused["failed"]
    assert "keys cannot be changed, so name another table" in refused["msg"]
    assert not cloud.mutations


def test_a_table_that_is_being_encrypted_is_waited_for() -> None:
    held = protected_table.Held({"TableStatus": "ACTIVE", "SSEDescription": {"Status": "UPDATING"}}, True)
    assert protected_table.waiting_for(held, "t") == "the encryption of table t is UPDATING"
