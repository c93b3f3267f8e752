# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The front door of the core in AWS Lambda."""

from __future__ import annotations

from _recovery.orchestrator import Invocation, handle


def lambda_handler(event, context):
    """Takes a task ("failover", "continue" or "publish-switch"), does it, and says what came of it."""
    return handle(event, Invocation.of(context))
