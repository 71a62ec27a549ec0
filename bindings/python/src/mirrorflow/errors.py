"""The errors of mirrorflow: one exception class for each code. Raised by every module.

An error says what failed, the value found and what to do. `code` is stable, `facts` are the values
of the message. Expected outcomes (a wait that timed out, buffers that were missed) are results, not
errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class MirrorflowError(Exception):
    """An error with a stable code; the base of all errors of this package."""

    code: ClassVar[str] = "APPLICATION_ERROR"
    fault: ClassVar[int] = -32500

    def __init__(self, message: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.facts: dict[str, object] = dict(facts or {})


class ParseError(MirrorflowError):
    code = "PARSE_ERROR"
    fault = -32700


class MethodNotFound(MirrorflowError):
    code = "METHOD_NOT_FOUND"
    fault = -32601


class InvalidParameters(MirrorflowError):
    code = "INVALID_PARAMETERS"
    fault = -32602


class TransportError(MirrorflowError):
    code = "TRANSPORT_ERROR"
    fault = -32300


class BadName(MirrorflowError):
    code = "BAD_NAME"
    fault = 1


class BadAddress(MirrorflowError):
    code = "BAD_ADDRESS"
    fault = 2


class BadOption(MirrorflowError):
    code = "BAD_OPTION"
    fault = 3


class BadConfiguration(MirrorflowError):
    code = "BAD_CONFIGURATION"
    fault = 4


class UnknownApplication(MirrorflowError):
    code = "UNKNOWN_APPLICATION"
    fault = 10


class ApplicationExists(MirrorflowError):
    code = "APPLICATION_EXISTS"
    fault = 11


class ApplicationUnreachable(MirrorflowError):
    code = "APPLICATION_UNREACHABLE"
    fault = 12


class UnknownFlow(MirrorflowError):
    code = "UNKNOWN_FLOW"
    fault = 13


class FlowBusy(MirrorflowError):
    code = "FLOW_BUSY"
    fault = 14


class WrongFlowType(MirrorflowError):
    code = "WRONG_FLOW_TYPE"
    fault = 15


class UnknownSession(MirrorflowError):
    code = "UNKNOWN_SESSION"
    fault = 16


class Refused(MirrorflowError):
    code = "REFUSED"
    fault = 17


class UnknownSpectrum(MirrorflowError):
    code = "UNKNOWN_SPECTRUM"
    fault = 18


class NotAMirror(MirrorflowError):
    code = "NOT_A_MIRROR"
    fault = 19


class UnknownClient(MirrorflowError):
    code = "UNKNOWN_CLIENT"
    fault = 24


class UnknownProgram(MirrorflowError):
    code = "UNKNOWN_PROGRAM"
    fault = 25


class UnknownHost(MirrorflowError):
    code = "UNKNOWN_HOST"
    fault = 26


class AlreadyRunning(MirrorflowError):
    code = "ALREADY_RUNNING"
    fault = 30


class NotRunning(MirrorflowError):
    code = "NOT_RUNNING"
    fault = 31


class StartFailed(MirrorflowError):
    code = "START_FAILED"
    fault = 32


class ChildDied(MirrorflowError):
    code = "CHILD_DIED"
    fault = 33


class Stopped(MirrorflowError):
    code = "STOPPED"
    fault = 34


class TimedOut(MirrorflowError):
    code = "TIMED_OUT"
    fault = 35


class Closed(MirrorflowError):
    code = "CLOSED"
    fault = 36


class SourceUnreachable(MirrorflowError):
    code = "SOURCE_UNREACHABLE"
    fault = 50


class SourceProtocol(MirrorflowError):
    code = "SOURCE_PROTOCOL"
    fault = 51


class SourceRefused(MirrorflowError):
    code = "SOURCE_REFUSED"
    fault = 52


class TooLarge(MirrorflowError):
    code = "TOO_LARGE"
    fault = 60


class NoSpace(MirrorflowError):
    code = "NO_SPACE"
    fault = 61


class LimitReached(MirrorflowError):
    code = "LIMIT_REACHED"
    fault = 62


class FileCorrupt(MirrorflowError):
    code = "FILE_CORRUPT"
    fault = 63


class FileOwned(MirrorflowError):
    code = "FILE_OWNED"
    fault = 64


class VersionMismatch(MirrorflowError):
    code = "VERSION_MISMATCH"
    fault = 65


class NotPermitted(MirrorflowError):
    code = "NOT_PERMITTED"
    fault = 66


class AddressInUse(MirrorflowError):
    code = "ADDRESS_IN_USE"
    fault = 67


class BadMessage(MirrorflowError):
    code = "BAD_MESSAGE"
    fault = 68


class SystemError_(MirrorflowError):
    code = "SYSTEM_ERROR"
    fault = 69


#: Error classes by the number of their XML-RPC fault.
_ALL: list[type[MirrorflowError]] = [MirrorflowError, *MirrorflowError.__subclasses__()]
BY_FAULT: dict[int, type[MirrorflowError]] = {kind.fault: kind for kind in _ALL}
#: Error classes by their code.
BY_CODE: dict[str, type[MirrorflowError]] = {kind.code: kind for kind in BY_FAULT.values()}


def error_of_fault(fault: int, message: str, facts: Mapping[str, object]) -> MirrorflowError:
    """The error that a fault represents; an unknown number is kept as the fact `faultCode`."""
    kind = BY_FAULT.get(fault)
    if kind is None:
        return MirrorflowError(message, {**facts, "faultCode": fault})
    return kind(message, facts)
