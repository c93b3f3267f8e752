"""Bad days of a region that are made by hand: endpoints that swing, keys that are disabled."""

from __future__ import annotations

from pathlib import Path

from cloud_world import EAST, WEST, Lab

from lab.cloud.extensions.health_probe import probe
from lab.cloud.server import keys_of, switch_keys
from lab.settings import LabSettings


def test_a_region_whose_endpoints_swing_is_healthy_no_longer_than_a_period(lab: Lab, tmp_path: Path) -> None:
    settings = LabSettings.from_environment({"LAB_HOME": str(tmp_path), "LAB_NET": "127.86.250"})
    lab.world.settings = settings
    lab.world.flapping[EAST] = 4.0
    check = {"Type": "HTTP", "FullyQualifiedDomainName": settings.app_address(EAST)}
    said = set()
    for _ in range(4):
        said.add(probe(check)[1])
        lab.clock.wait(4.0)
    assert "Failure: the connection was reset" in said, "the half of the time"
    assert len(said) == 2, "else it is asked, and nothing serves there"


def test_keys_that_are_disabled_can_be_enabled_again(lab: Lab) -> None:
    kms = lab.client("kms", WEST)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    off = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=off)
    found = keys_of(WEST)
    assert found == [key], "one that was disabled before is not ours to enable"
    switch_keys(WEST, found, enabled=False)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    switch_keys(WEST, [*found, "gone"], enabled=True)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
