# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_switch
version_added: 0.1.0
short_description: Declare a health check that follows a CloudWatch alarm
description:
  - Makes a Route 53 health check of the type C(CLOUDWATCH_METRIC), which M(amazon.aws.route53_health_check) does not
    know. On a failover record it is a switch. Traffic then moves by C(PutMetricData) in a living region, a data plane,
    and by no change of a record.
  - The check is recognised by the alarm that it follows. Route 53 copies the alarm when the check is made and never
    looks again, so the check is updated when the alarm has changed since.
  - Refuses an alarm that no health check can follow (a period under 60 seconds, metric math, an extended statistic).
  - Route 53's control plane lives in C(us-east-1), so this belongs in a deployment, never in a move. A new check counts
    as healthy.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  alarm_name:
    description: Name of the alarm, in the same account.
    type: str
    required: true
  alarm_region:
    description: Region of the alarm. Left out, the module's region.
    type: str
  state:
    description:
      - Whether the check is to exist. Route 53 does not delete one that a record uses.
    type: str
    choices: [present, absent]
    default: present
  insufficient_data_health_status:
    description:
      - What the check says while the metric has no data. V(LastKnownStatus) bridges gaps, not hours.
    type: str
    choices: [Healthy, Unhealthy, LastKnownStatus]
    default: LastKnownStatus
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
  - pilotlight.aws_dr.declaration.tags
seealso:
  - module: amazon.aws.cloudwatch_metric_alarm
  - module: pilotlight.aws_dr.route53_failover_records
"""

EXAMPLES = r"""
- name: Make the switch of the primary record, which is moved from the dr region
  pilotlight.aws_dr.route53_switch:
    alarm_name: dr-webapp-switch-primary
    alarm_region: us-west-2
    tags:
      Name: dr-webapp-switch-primary
"""

RETURN = r"""
health_check:
  description: The health check as it is now, in check mode as it would be. Empty when there is none.
  returned: success
  type: dict
  contains:
    id:
      description: Its id, which a failover record needs.
      type: str
      returned: when it exists
    alarm_name:
      description: The alarm that it follows.
      type: str
      returned: success
    alarm_region:
      description: The region of that alarm.
      type: str
      returned: success
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [CreateHealthCheck, ChangeTagsForResource]
"""

import uuid

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import switch_checks
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Change, Refused
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import api, failures_reported, finish


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "alarm_name": {"required": True},
            "alarm_region": {},
            "state": {"choices": ["present", "absent"], "default": "present"},
            "insufficient_data_health_status": {
                "choices": ["Healthy", "Unhealthy", "LastKnownStatus"],
                "default": "LastKnownStatus",
            },
            "tags": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, api(module, "route53"))


def _declare(module, route53):
    wanted = switch_checks.Wanted(
        alarm_name=module.params["alarm_name"],
        alarm_region=module.params["alarm_region"] or module.region,
        insufficient_data=module.params["insufficient_data_health_status"],
        tags=module.params["tags"],
    )
    current = switch_checks.observe(route53, wanted)
    if module.params["state"] == "absent":
        change = switch_checks.decide_absent(current)
    else:
        change = switch_checks.decide_present(current, wanted, _alarm(module, wanted), str(uuid.uuid4()))
    answers = [] if module.check_mode else route53.apply(change)
    calls = change.calls
    if module.params["state"] == "present":
        check_id = current["Id"] if current else _new_id(answers)
        tags = switch_checks.decide_tags(check_id, (current or {}).get("Tags", {}), wanted.tags)
        if not module.check_mode:
            route53.apply(tags)
        calls += tags.calls
        change = Change(change.before, {**change.after, **tags.after, "id": check_id}, calls)
    finish(module, change, health_check=change.after)


def _alarm(module, wanted):
    alarm = switch_checks.find_alarm(api(module, "cloudwatch", wanted.alarm_region), wanted.alarm_name)
    if alarm is None and not module.check_mode:
        raise Refused(
            f"there is no metric alarm {wanted.alarm_name} in {wanted.alarm_region}: make it before its check"
        )
    problems = switch_checks.alarm_problems(alarm) if alarm else []
    if problems:
        raise Refused("; ".join(problems))
    return alarm


def _new_id(answers):
    """The id that AWS gave; in check mode there is none yet."""
    return answers[0]["HealthCheck"]["Id"] if answers else ""


if __name__ == "__main__":
    main()
