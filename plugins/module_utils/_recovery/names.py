# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS accepts as a name, service by service. Each rule says why a name would be refused, or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """A name's longest and shortest length in characters, its pattern, and what both mean in words."""

    right: str
    pattern: str
    least: int
    most: int
    never: str = r"(?!)"

    def why_not(self, value: Any) -> str | None:
        """Return what would be right, when ``value`` is not; nothing when it is."""
        if not isinstance(value, str) or not value:
            return f"a name is needed that {self.right}"
        if len(value) > self.most:
            return f"it has {len(value)} characters; a name is needed that {self.right}"
        if len(value) < self.least or not re.fullmatch(self.pattern, value) or re.search(self.never, value):
            return f"a name is needed that {self.right}"
        return None


#: The root of most names. 20: what the templates allow, so that names of load balancers (32) and roles (64) have room
#: for what comes behind it. Lower case and hyphens: buckets and RDS identifiers allow no more between them.
PROJECT = Rule(
    "has 2 to 20 lower-case letters, digits and single hyphens, begins with a letter and ends with no hyphen",
    r"[a-z][a-z0-9-]*[a-z0-9]",
    2,
    20,
    r"--",
)

#: Amazon Aurora User Guide, "Quotas and constraints", naming constraints: DB clusters and instances.
RDS_IDENTIFIER = Rule(
    "has 1 to 63 letters, digits and single hyphens, begins with a letter and ends with no hyphen",
    r"[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?",
    1,
    63,
    r"--",
)

#: Amazon RDS API, CreateDBSubnetGroup, DBSubnetGroupName; RDS keeps it in lower case.
SUBNET_GROUP = Rule("has 1 to 255 letters, digits, spaces and ._-", r"[A-Za-z0-9 ._-]+", 1, 255, r"^default$")

#: Amazon S3 User Guide, "General purpose bucket naming rules".
BUCKET = Rule(
    "has 3 to 63 lower-case letters, digits, dots and hyphens, begins and ends with a letter or digit, "
    "and is neither an IP address nor has a reserved prefix or suffix",
    r"[a-z0-9][a-z0-9.-]*[a-z0-9]",
    3,
    63,
    r"\.\.|^(\d+\.){3}\d+$|^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$",
)

#: Elastic Load Balancing API, CreateLoadBalancer, Name.
LOAD_BALANCER = Rule(
    "has 1 to 32 letters, digits and hyphens, neither begins nor ends with a hyphen, and does not begin with internal-",
    r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?",
    1,
    32,
    r"^internal-",
)

#: Amazon EC2 Auto Scaling API, CreateAutoScalingGroup, AutoScalingGroupName: printable ASCII without a colon.
GROUP = Rule("has 1 to 255 printable ASCII characters and no colon", r"[\x20-\x39\x3b-\x7e]+", 1, 255)

#: DynamoDB Developer Guide, "Naming rules".
TABLE = Rule("has 3 to 255 letters, digits, underscores, hyphens and dots", r"[A-Za-z0-9_.-]+", 3, 255)

#: Amazon SNS API, CreateTopic, Name; FIFO topics cannot be an alarm's action here, so no dot.
TOPIC = Rule("has 1 to 256 letters, digits, underscores and hyphens", r"[A-Za-z0-9_-]+", 1, 256)

#: AWS Secrets Manager API, CreateSecret, Name.
SECRET = Rule("has 1 to 512 letters, digits and /_+=.@-", r"[A-Za-z0-9/_+=.@-]+", 1, 512)

#: AWS IAM User Guide, "IAM and AWS STS quotas": names of roles.
IAM_ROLE = Rule("has 1 to 64 letters, digits and +=,.@_-", r"[A-Za-z0-9+=,.@_-]+", 1, 64)

#: AWS Lambda API, CreateFunction, FunctionName.
FUNCTION = Rule("has 1 to 64 letters, digits, hyphens and underscores", r"[A-Za-z0-9_-]+", 1, 64)

#: AWS CloudFormation API, CreateStack, StackName.
STACK = Rule("has 1 to 128 letters, digits and hyphens, and begins with a letter", r"[A-Za-z][A-Za-z0-9-]*", 1, 128)

#: AWS KMS API, CreateAlias, AliasName; names that begin with aws/ are AWS's own.
KEY_ALIAS = Rule(
    "has 1 to 250 letters, digits and /_-, and does not begin with aws/",
    r"(alias/)?[A-Za-z0-9/_-]+",
    1,
    250,
    r"^(alias/)?aws/",
)

#: EventBridge Scheduler API, CreateSchedule, Name.
SCHEDULE = Rule("has 1 to 64 letters, digits and ._-", r"[A-Za-z0-9._-]+", 1, 64)

#: CloudWatch API, PutMetricAlarm, AlarmName; printable ASCII keeps it usable in a health check.
ALARM = Rule("has 1 to 255 printable ASCII characters", r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", 1, 255)

_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"

#: RFC 1035, section 2.3.4: labels of up to 63 octets, 253 characters of text in all; at least two labels.
DOMAIN = Rule("is a DNS name of at least two labels, such as app.example.com", rf"{_LABEL}(\.{_LABEL})+\.?", 3, 254)
HOST = DOMAIN
