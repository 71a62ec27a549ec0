"""XML-RPC documents of a session: calls and responses as bytes. Used by the session. Pure.

The standard library's codec, with three differences: integers beyond 32 bits travel as doubles, a
time may have fractions, and a fault may carry facts.
"""

from __future__ import annotations

import datetime
import re
import xmlrpc.client
from typing import Any

from .errors import BadMessage, InvalidParameters, MirrorflowError, ParseError, error_of_fault

_INT_MAX = 2**31 - 1
_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(?:\.(\d{1,9}))?Z?\Z")


def encode_call(method: str, params: tuple[Any, ...]) -> bytes:
    return _encode(tuple(map(_plain, params)), methodname=method)


def encode_result(value: Any) -> bytes:
    return _encode((_plain(value),), methodresponse=True)


def encode_error(error: BaseException) -> bytes:
    fault = error.fault if isinstance(error, MirrorflowError) else MirrorflowError.fault
    text = "".join(c if c.isprintable() else "?" for c in str(error))
    return xmlrpc.client.dumps(xmlrpc.client.Fault(fault, text), encoding="utf-8").encode()


def decode_call(document: bytes) -> tuple[str, list[Any]]:
    values, method = _decode(document)
    if method is None:
        raise ParseError("a call without a method name")
    return method, values


def decode_response(document: bytes) -> Any:
    """The result; raises the error of a fault."""
    values, _ = _decode(document)
    if len(values) != 1:
        raise BadMessage(f"a response with {len(values)} values")
    return values[0]


def _encode(params: tuple[Any, ...], **how: Any) -> bytes:
    try:
        document: str = xmlrpc.client.dumps(params, encoding="utf-8", **how)
        # A parser turns a carriage return that is not escaped into a line feed (XML 1.0, 2.11).
        return document.replace("\r", "&#xD;").encode()
    except (TypeError, OverflowError, UnicodeEncodeError) as error:
        raise InvalidParameters(f"a value cannot be sent over XML-RPC: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -_INT_MAX <= value <= _INT_MAX else _exact(value)
    if isinstance(value, float):
        if value - value != 0:
            raise InvalidParameters(f"{value} cannot be sent over XML-RPC: it is not a finite number")
        return value
    if isinstance(value, datetime.datetime):
        return _time_text(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    return value


def _exact(value: int) -> float:
    if abs(value) > 2**53:
        raise InvalidParameters(f"{value} cannot be sent over XML-RPC: integers are exact to 2^53 only")
    return float(value)


def _time_text(value: datetime.datetime) -> xmlrpc.client.DateTime:
    utc = value.astimezone(datetime.timezone.utc)
    fraction = f".{utc.microsecond // 1000:03d}" if utc.microsecond >= 1000 else ""
    return xmlrpc.client.DateTime(f"{utc:%Y%m%dT%H:%M:%S}{fraction}")


def _decode(document: bytes) -> tuple[list[Any], Any]:
    reader = _Reader()
    parser = xmlrpc.client.ExpatParser(reader)
    try:
        parser.feed(document)
        parser.close()
        return reader.values()
    except MirrorflowError:
        raise
    except Exception as error:
        raise ParseError(f"not an XML-RPC document: {error}") from error


class _Reader(xmlrpc.client.Unmarshaller):
    """The standard reader with times of any precision and faults with facts."""

    def __init__(self) -> None:
        super().__init__(use_builtin_types=True)
        self.dispatch = {**self.dispatch, "dateTime.iso8601": _Reader.end_date_time}  # type: ignore[dict-item]

    def end_date_time(self, data: str) -> None:
        match = _TIME.match(data.strip())
        if match is None:
            raise ParseError(f"not a time: {data!r}")
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        micros = int((match.group(7) or "0").ljust(6, "0")[:6])
        self.append(datetime.datetime(year, month, day, hour, minute, second, micros, tzinfo=datetime.timezone.utc))
        self._value = False

    def values(self) -> tuple[list[Any], Any]:
        stack: list[Any] = self._stack
        if self._type == "fault":
            fault = stack[0]
            facts = fault.get("facts")
            raise error_of_fault(
                fault["faultCode"], str(fault["faultString"]), facts if isinstance(facts, dict) else {}
            )
        return list(stack), self._methodname
