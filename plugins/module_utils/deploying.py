# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules that keep and use the deployment ledger share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.clients import Clients
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.deployment import Deployment
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.ledger_store import ledger_of
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.model import parse_application
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.resources import At, access_of
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock import SystemClock
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.workers import ThreadWorkers


def deployments_of(module: Any) -> Deployment:
    """Return the deployments of the application that the module's arguments describe; raises RecoveryError."""
    clock = SystemClock()
    clients = Clients(clock=clock)
    application = parse_application(module.params["application"])
    at_dr = At(clients, access_of(application, "dr"))
    return Deployment(
        application=application,
        caller=clients,
        workers=ThreadWorkers(8),
        clock=clock,
        store=ledger_of(application, Path(module.params["folder"]), at_dr),
        warn=module.warn,
        dry=module.check_mode,
    )
