"""A session: one Unix socket on which both sides make XML-RPC calls. Used by App. Owns its socket.

A thread reads frames, completes waiting calls and answers those of the other side. When the
connection ends, every waiting call raises CLOSED and `on_end` runs once, on that thread.

Frames: u32 length, u32 kind (1 call, 2 response), u32 call id, document; little-endian.
"""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any, Callable

from . import _rpc_values as values
from .errors import BadMessage, Closed, MirrorflowError, NotPermitted, NotRunning, SystemError_, TimedOut, TooLarge

_HEADER = struct.Struct("<III")
_CALL, _RESPONSE = 1, 2
_BODY_MAX_BYTES = 4 * 1024 * 1024
_CONNECT_TIMEOUT_S = 1.0
CALL_TIMEOUT_S = 10.0

Answer = Callable[[str, list[Any]], Any]


class _Waiting:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.document: bytes | None = None


class Session:
    def __init__(self, path: str, answer: Answer, on_end: Callable[[], None]) -> None:
        """Connects. Raises NOT_RUNNING, NOT_PERMITTED, SYSTEM_ERROR."""
        self.path = path
        self._socket = connect_unix(path, _CONNECT_TIMEOUT_S)
        self._answer = answer
        self._on_end = on_end
        self._sending = threading.Lock()
        self._calls: dict[int, _Waiting] = {}
        self._last_id = 0
        self._open = True
        self._thread = threading.Thread(target=self._read, name="mirrorflow-session", daemon=True)
        self._thread.start()

    @property
    def open(self) -> bool:
        return self._open

    def call(self, method: str, *params: Any, timeout: float = CALL_TIMEOUT_S) -> Any:
        """The result of a call. Raises the error of the other side, TIMED_OUT, CLOSED."""
        document = values.encode_call(method, params)
        waiting = _Waiting()
        with self._sending:
            self._last_id += 1
            call_id = self._last_id
            self._calls[call_id] = waiting
        try:
            self._send(_CALL, call_id, document)
            # The thread sets `done` for all calls after it has closed the session.
            if not self._open:
                raise Closed(f"{method}: the connection to {self.path} has ended")
            if not waiting.done.wait(timeout):
                raise TimedOut(f"{method} was not answered in {timeout:g} s")
        finally:
            self._calls.pop(call_id, None)
        if waiting.document is None:
            raise Closed(f"{method}: the connection to {self.path} has ended")
        return values.decode_response(waiting.document)

    def close(self) -> None:
        """Closes the connection; `on_end` runs as for every other end."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if threading.current_thread() is not self._thread:
            self._thread.join(CALL_TIMEOUT_S)

    def _send(self, kind: int, call_id: int, document: bytes) -> None:
        if len(document) > _BODY_MAX_BYTES:
            raise TooLarge(f"a message of {len(document)} bytes is too large; at most {_BODY_MAX_BYTES} are sent")
        try:
            with self._sending:
                self._socket.sendall(_HEADER.pack(len(document), kind, call_id) + document)
        except OSError as error:
            raise Closed(f"the connection to {self.path} has ended: {error}") from error

    def _read(self) -> None:
        try:
            while True:
                length, kind, call_id = _HEADER.unpack(self._exactly(_HEADER.size))
                if kind not in (_CALL, _RESPONSE) or not 0 < length <= _BODY_MAX_BYTES:
                    raise BadMessage(f"not a session frame: kind {kind} with {length} bytes")
                document = self._exactly(length)
                if kind == _CALL:
                    self._serve(call_id, document)
                    continue
                waiting = self._calls.get(call_id)
                if waiting is not None:
                    waiting.document = document
                    waiting.done.set()
        except (OSError, EOFError, MirrorflowError):
            pass
        finally:
            self._open = False
            self._socket.close()
            for waiting in list(self._calls.values()):
                waiting.done.set()
            self._on_end()

    def _serve(self, call_id: int, document: bytes) -> None:
        try:
            answer = values.encode_result(self._answer(*values.decode_call(document)))
        except Exception as error:  # whatever a handler raises goes to the caller
            answer = values.encode_error(error)
        self._send(_RESPONSE, call_id, answer)

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self._socket.recv(min(count - len(parts), 1 << 16))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)


def connect_unix(path: str, timeout: float) -> socket.socket:
    """A connected, blocking stream socket. Raises NOT_RUNNING, NOT_PERMITTED, SYSTEM_ERROR."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(path)
        connection.settimeout(None)
        return connection
    except OSError as error:
        connection.close()
        raise _connect_error(path, error) from error


def _connect_error(path: str, error: OSError) -> MirrorflowError:
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError, NotADirectoryError)):
        return NotRunning(f"nothing listens on {path}", {"path": path})
    if isinstance(error, PermissionError):
        return NotPermitted(f"this user may not connect to {path}", {"path": path})
    return SystemError_(f"{path} cannot be connected to: {error}", {"path": path})
