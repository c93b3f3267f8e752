"""amazon.aws.cloudformation against a port of the lab: what a role's tasks meet."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.cloud.server import Cloud
from lab.settings import LabSettings

pytestmark = pytest.mark.lab

REPOSITORY = Path(__file__).resolve().parents[4]
TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Cidr: {Type: String}
  Dns: {Type: String, Default: "false"}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: {Ref: Cidr}
      EnableDnsHostnames: {Ref: Dns}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: web, VpcId: {Ref: Vpc}}
Outputs:
  VpcId: {Value: {Ref: Vpc}}
"""
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    amazon.aws.cloudformation:
      profile: dr
      region: us-west-2
      stack_name: demo
      tags: {Project: demo}
  vars:
    template_body: "{{ lookup('ansible.builtin.file', playbook_dir + '/template.yaml') }}"
  tasks:
    - amazon.aws.cloudformation: {template_body: "{{ template_body }}", template_parameters: {Cidr: 10.9.0.0/16}}
      check_mode: true
      register: look
    - amazon.aws.cloudformation: {template_body: "{{ template_body }}", template_parameters: {Cidr: 10.9.0.0/16}}
      register: made
    - amazon.aws.cloudformation: {template_body: "{{ template_body }}", template_parameters: {Cidr: 10.9.0.0/16}}
      check_mode: true
      register: look_again
    - amazon.aws.cloudformation: {template_body: "{{ template_body }}", template_parameters: {Cidr: 10.9.0.0/16}}
      register: again
    - amazon.aws.cloudformation:
        template_body: "{{ template_body }}"
        template_parameters: {Cidr: 10.9.0.0/16, Dns: "true"}
      check_mode: true
      register: look_at_change
    - amazon.aws.cloudformation:
        template_body: "{{ template_body }}"
        template_parameters: {Cidr: 10.9.0.0/16, Dns: "true"}
      register: changed
    - amazon.aws.cloudformation: {state: absent}
      register: removed
    - amazon.aws.cloudformation: {state: absent}
      register: removed_again
    - amazon.aws.cloudformation: {template_body: "{{ template_body }}", template_parameters: {Cidr: 10.9.0.0/29}}
      register: refused
      failed_when: refused is not failed
    - ansible.builtin.copy:
        dest: "{{ playbook_dir }}/results.json"
        mode: "0644"
        content: "{{ results | to_json }}"
      vars:
        results:
          look: "{{ look }}"
          made: "{{ made }}"
          look_again: "{{ look_again }}"
          again: "{{ again }}"
          look_at_change: "{{ look_at_change }}"
          changed: "{{ changed }}"
          removed: "{{ removed }}"
          removed_again: "{{ removed_again }}"
          refused: "{{ refused }}"
"""


@pytest.fixture
def region(tmp_path: Path) -> Iterator[LabSettings]:
    settings = LabSettings.from_environment({"LAB_NET": "127.86.112", "LAB_HOME": str(tmp_path / "lab")})
    cloud = Cloud(settings)
    cloud.start()
    yield settings
    cloud.stop()


def _play(settings: LabSettings, folder: Path) -> dict[str, Any]:
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "play.yml").write_text(PLAYBOOK)
    home = settings.home / "aws"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
    }
    python = REPOSITORY / ".venv" / "bin"
    done = subprocess.run(
        [
            str(python / "ansible-playbook"),
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            f"ansible_python_interpreter={python}/python",
            str(folder / "play.yml"),
        ],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return results


def test_a_stack_through_amazon_aws(region: LabSettings, tmp_path: Path) -> None:
    results = _play(region, tmp_path)
    assert results["look"]["changed"]
    assert results["made"]["changed"]
    assert results["made"]["stack_outputs"]["VpcId"].startswith("vpc-")
    states = {r["logical_resource_id"]: r["status"] for r in results["made"]["stack_resources"]}
    assert states == {"Vpc": "CREATE_COMPLETE", "Group": "CREATE_COMPLETE"}
    assert results["again"]["changed"] is False
    assert results["look_again"]["changed"] is False
    change = results["look_at_change"]["meta"][0]["ResourceChange"]
    assert (change["LogicalResourceId"], change["Action"]) == ("Vpc", "Modify")
    assert results["changed"]["changed"]
    assert results["changed"]["stack_outputs"] == results["made"]["stack_outputs"]
    assert results["removed"]["changed"]
    assert results["removed_again"]["changed"] is False
    assert results["refused"]["output"] == "Problem with CREATE. Rollback complete"
    assert any("AWS::EC2::VPC Vpc CREATE_FAILED" in line for line in results["refused"]["log"])

    calls = [json.loads(line) for line in (region.home / "calls.jsonl").read_text().splitlines()]
    assert {call["service"] for call in calls} == {"cloudformation"}, "CloudFormation's own calls are not the user's"
