"""KMS: a key that is disabled refuses use, and every operation takes an ARN as well as an id.

KMS developer guide, "Key states of AWS KMS keys": DisabledException, KMSInvalidStateException.
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.kms.models import KmsBackend

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap


def install(world: worlds.World) -> None:
    """Patch the life cycle and the use of keys."""
    for name in ("disable_key", "enable_key", "cancel_key_deletion", "schedule_key_deletion"):
        _take_arns(name)
    for name in ("encrypt", "generate_data_key"):
        _refuse_unusable(name)

    @wrap(KmsBackend, "decrypt")
    def decrypt(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        plaintext, arn = original(self, *args, **kwargs)
        _check(self, arn)
        return plaintext, arn


def _take_arns(name: str) -> None:
    @wrap(KmsBackend, name)
    def by_any_id(original: Any, self: Any, key_id: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, self.any_id_to_key_id(key_id), *args, **kwargs)


def _refuse_unusable(name: str) -> None:
    @wrap(KmsBackend, name)
    def only_enabled(original: Any, self: Any, key_id: str, *args: Any, **kwargs: Any) -> Any:
        _check(self, key_id)
        return original(self, key_id, *args, **kwargs)


def _check(backend: Any, key_id: str) -> None:
    key = backend.keys.get(backend.any_id_to_key_id(key_id))
    if key is None or key.key_state == "Enabled":
        return
    if key.key_state == "Disabled":
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
    raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
