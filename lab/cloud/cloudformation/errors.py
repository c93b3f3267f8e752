"""The errors of CloudFormation's API, and the failure of one resource."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class Refused(ServiceException):
    """`ValidationError`: what CloudFormation answers to nearly every request that it will not take."""

    code = "ValidationError"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class NoSuchStack(Refused):
    """DescribeStacks and its like, for a name that no living stack has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Stack with id {name} does not exist")


class AlreadyExists(ServiceException):
    """CreateStack for a name that is taken."""

    code = "AlreadyExistsException"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class InsufficientCapabilities(ServiceException):
    """A template that makes IAM resources, without the caller's acknowledgement."""

    code = "InsufficientCapabilitiesException"

    def __init__(self, capability: str) -> None:
        super().__init__(f"Requires capabilities : [{capability}]")


class ChangeSetNotFound(ServiceException):
    """A change set that is not there."""

    code = "ChangeSetNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


class InvalidChangeSetStatus(ServiceException):
    """A change set that cannot be executed as it is."""

    code = "InvalidChangeSetStatus"

    def __init__(self, identifier: str, status: str) -> None:
        super().__init__(f"ChangeSet [{identifier}] cannot be executed in its current status of [{status}]")


class ResourceFailed(Exception):
    """A resource that could not be made, changed or removed; the text is the event's reason."""


class NameTaken(ResourceFailed):
    """A name that another resource has: CloudFormation never adopts what it finds."""

    def __init__(self, type_name: str, name: str) -> None:
        super().__init__(
            f"Resource handler returned message: \"Resource of type '{type_name}' with identifier '{name}' already"
            ' exists." (HandlerErrorCode: AlreadyExists)'
        )
