"""Messages: dataclasses that programs send each other. Used by App.

The type of a message is the class's name, or its attribute `message_type`. Fields are str, int, float,
bool, bytes, datetime, lists of them, dataclasses, and Optional of each; the receiver gets an object in
the sender's state. Other languages declare the same attributes.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import threading
import time
import types
import typing
from typing import Any, Callable, TypeVar, Union

from .errors import BadOption, Closed, InvalidParameters, LimitReached, TimedOut

M = TypeVar("M")
Handler = Callable[[Any], object]

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}\Z")
_QUEUED_MAX = 1024
#: `Optional[int]`, and `int | None` from Python 3.10 on.
_UNIONS = (Union, getattr(types, "UnionType", Union))


def type_of(cls: type) -> str:
    """The type of a message class. Raises BAD_OPTION for a class that is none."""
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise BadOption(f"{cls!r} is no message class: it must be a dataclass")
    name = getattr(cls, "message_type", cls.__name__)
    if not isinstance(name, str) or not _TYPE.match(name):
        raise BadOption(f"the message type of {cls.__name__} is {name!r}; it must be 1 to 64 letters, digits, . _ -")
    return name


def to_wire(message: Any) -> dict[str, Any]:
    """Type and attributes of a message. Raises BAD_OPTION, INVALID_PARAMETERS."""
    return {"type": type_of(type(message)), "attributes": _record(message)}


def from_wire(cls: type[M], attributes: dict[str, Any]) -> M:
    """The message in the sender's state. Raises INVALID_PARAMETERS when the attributes do not fit."""
    name = cls.__name__
    hints = typing.get_type_hints(cls)
    known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = set(attributes) - known
    if unknown:
        raise InvalidParameters(f"message {name}: attribute {sorted(unknown)[0]} is not declared")
    message = object.__new__(cls)
    for attribute in known:
        value = _value(f"{name}.{attribute}", hints[attribute], attributes.get(attribute))
        object.__setattr__(message, attribute, value)
    return message


def _record(message: Any) -> dict[str, Any]:
    pairs = ((field.name, getattr(message, field.name)) for field in dataclasses.fields(message))
    return {name: _plain(name, value) for name, value in pairs if value is not None}


def _plain(name: str, value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _record(value)
    if isinstance(value, (list, tuple)):
        return [_plain(name, item) for item in value]
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (str, int, float, bool, bytes, datetime.datetime)):
        return value
    raise InvalidParameters(f"attribute {name} is {type(value).__name__}, which cannot be sent")


def _value(where: str, hint: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        if value is None:
            return None
        inner = [each for each in arguments if each is not type(None)]
        return _value(where, inner[0], value) if len(inner) == 1 else value
    if hint is Any:
        return value
    if origin in (list, list) and isinstance(value, list):
        return [_value(where, arguments[0], item) for item in value]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return from_wire(hint, value)
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = bytes if hint is bytes else hint
    if isinstance(expected, type) and isinstance(value, expected):
        if not (isinstance(value, bool) and hint is not bool):
            return value
    raise InvalidParameters(f"message attribute {where} must be {getattr(hint, '__name__', hint)}, and is {value!r}")


class Inbox:
    """Received messages: handlers run one at a time, in order, on a thread of their own."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._handlers: list[tuple[type, Handler]] = []
        self._waiters: list[tuple[type, list[Any]]] = []
        self._queue: list[dict[str, Any]] = []
        self._closed = False
        self._thread: threading.Thread | None = None
        #: Errors of handlers go here.
        self.on_error: Callable[[BaseException], object] | None = None

    def on(self, cls: type, handler: Handler) -> None:
        type_of(cls)
        with self._changed:
            self._handlers.append((cls, handler))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mirrorflow-messages", daemon=True)
                self._thread.start()

    def deliver(self, message: dict[str, Any]) -> None:
        """Queues a message. Raises LIMIT_REACHED, INVALID_PARAMETERS back to the sender."""
        with self._changed:
            for cls, box in self._waiters:
                if type_of(cls) == message["type"] and not box:
                    box.append(from_wire(cls, message["attributes"]))
            if any(type_of(cls) == message["type"] for cls, _ in self._handlers):
                if len(self._queue) >= _QUEUED_MAX:
                    raise LimitReached(f"{_QUEUED_MAX} messages wait for the handlers of this client")
                self._queue.append(message)
            self._changed.notify_all()

    def wait_for(self, cls: type[M], timeout: float | None) -> M:
        type_of(cls)
        box: list[Any] = []
        entry = (cls, box)
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._waiters.append(entry)
            try:
                while not box:
                    if self._closed:
                        raise Closed("the client was closed")
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        raise TimedOut(f"no {cls.__name__} has arrived in {timeout:g} s")
                    self._changed.wait(left)
                message: M = box[0]
                return message
            finally:
                self._waiters = [each for each in self._waiters if each is not entry]

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._thread.join(5.0)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                message = self._queue.pop(0)
                handlers = [pair for pair in self._handlers if type_of(pair[0]) == message["type"]]
            for cls, handler in handlers:
                try:
                    handler(from_wire(cls, message["attributes"]))
                except Exception as error:
                    if self.on_error is not None:
                        self.on_error(error)
