# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_switch_position
version_added: 0.1.0
short_description: Give a traffic switch its first position
description:
  - Keeps the first position of a failover record's switch in the state table of the region that keeps it, and publishes
    it as the metric that its health check follows.
  - A position that is kept already is never overwritten, since it may be the one that a move has set. It is published
    when the metric has not told it for a quarter of an hour.
  - The switch of the primary record is kept in the dr region and that of the dr record in the primary region, so that
    each can be moved from the region that lives. The module's region and profile must be those.
author: Contributors to the pilotlight.aws_dr project (@pilotlight)
options:
  application:
    description: The application, as C(aws_dr_application) composes it.
    type: dict
    required: true
  record:
    description: Whose switch it is.
    type: str
    choices: [primary, dr]
    required: true
  position:
    description: The first position.
    type: str
    choices: [open, closed]
    default: open
  publish:
    description: Whether the position that is kept is published as well.
    type: bool
    default: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pilotlight.aws_dr.declaration
seealso:
  - module: pilotlight.aws_dr.route53_switch
"""

EXAMPLES = r"""
- name: Open the switch of the primary record, unless it stands somewhere already
  pilotlight.aws_dr.route53_switch_position:
    application: "{{ aws_dr_application }}"
    record: primary
    region: us-west-2
"""

RETURN = r"""
position:
  description: Where the switch stands, V(open) or V(closed).
  returned: success
  type: str
operations:
  description: The calls that were made, or would be, to change something.
  returned: success
  type: list
  elements: str
  sample: [PutItem, PutMetricData]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery import switch_position
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.declared import Change, Refused
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_application
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.switch import keeper
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock
from ansible_collections.pilotlight.aws_dr.plugins.module_utils.declaration import (
    api,
    failures_reported,
    finish,
)


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "application": {"type": "dict", "required": True},
            "record": {"choices": ["primary", "dr"], "required": True},
            "position": {"choices": ["open", "closed"], "default": "open"},
            "publish": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    with failures_reported(module):
        _declare(module, parse_application(module.params["application"]))


def _declare(module, application):
    record, now = module.params["record"], SystemClock().now()
    region = keeper(application, record).region
    if module.region != region:
        raise Refused(
            f"the switch of the {record} record is kept in {region}, and the module's region is {module.region}"
        )
    dynamodb, cloudwatch = api(module, "dynamodb"), api(module, "cloudwatch")
    kept = switch_position.observe_kept(dynamodb, application, record)
    first = switch_position.VALUES[module.params["position"]]
    change = switch_position.decide_kept(application, record, kept, first, now)
    if not module.check_mode:
        dynamodb.apply(change)
    position = first if kept is None else kept
    if module.params["publish"]:
        published = switch_position.observe_published(cloudwatch, application, record, now)
        publish = switch_position.decide_published(application, record, published, position)
        if not module.check_mode:
            cloudwatch.apply(publish)
        before, after = {**change.before, **publish.before}, {**change.after, **publish.after}
        change = Change(before, after, change.calls + publish.calls)
    finish(module, change, position=switch_position.WORDS[position])


if __name__ == "__main__":
    main()
