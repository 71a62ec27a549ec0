"""The signal link: the connection of a client to a flow's duplicator. Used by inputs, outputs, mirrors.

It carries counts and states in messages of 16 bytes (docs/signal-link.md); its end is the end of the
other process. Owns its socket.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import NamedTuple

from ._session import connect_unix
from .errors import BY_FAULT, BadMessage, MirrorflowError, NotRunning, TimedOut

HELLO, START, WELCOME, BEGIN, REFUSED, PUBLISHED, ACK, CREDIT, STATUS = range(1, 10)
DELIVERY, STALL = 12, 13
#: Details of PUBLISHED.
LAST, UNANSWERED = 1, 2
#: Roles and starts of HELLO.
CONSUMER, PROVIDER, OBSERVER = 0, 1, 2
OLDEST, NEXT, AT_SEQUENCE = 0, 1, 2

_MESSAGE = struct.Struct("<IIQ")
_VERSION = 2
_PID_SHIFT = 2**31
_HANDSHAKE_S = 1.0

Message = tuple[int, int, int]


class Joined(NamedTuple):
    epoch: int
    first: int
    #: To a provider: its generation.
    generation: int


class Link:
    def __init__(self, path: str) -> None:
        """Connects. Raises NOT_RUNNING, NOT_PERMITTED, SYSTEM_ERROR."""
        self.path = path
        self._socket = connect_unix(path, _HANDSHAKE_S)
        self._rest = b""
        self.ended = False

    def join(
        self,
        client: int,
        role: int,
        *,
        lossy: bool = False,
        start: int = OLDEST,
        at: tuple[int, int] | None = None,
        pid: int = 0,
    ) -> Joined:
        """Sends HELLO and waits until the duplicator admits this client. `at`: sequence and epoch.

        Raises the duplicator's refusal, NOT_RUNNING, TIMED_OUT; the link is closed then.
        """
        try:
            self.send(HELLO, client + pid * _PID_SHIFT, role | lossy << 8 | start << 16 | _VERSION << 24)
            if at is not None:
                self.send(START, at[0], at[1] & 0xFFFFFFFF)
            return self._admission()
        except BaseException:
            self.close()
            raise

    def _admission(self) -> Joined:
        deadline = time.monotonic() + _HANDSHAKE_S
        epoch: int | None = None
        pending: list[Message] = []
        while True:
            messages = self.receive(deadline - time.monotonic())
            if self.ended and not messages:
                raise NotRunning(f"the duplicator at {self.path} closed the link before it admitted this client")
            if not messages:
                raise TimedOut(f"the duplicator at {self.path} did not answer in {_HANDSHAKE_S:g} s")
            for index, (kind, detail, value) in enumerate(messages):
                if kind == WELCOME:
                    epoch = value
                elif kind == BEGIN and epoch is not None:
                    pending = messages[index + 1 :]
                    self._rest = b"".join(_MESSAGE.pack(*each) for each in pending) + self._rest
                    return Joined(epoch, value, detail)
                elif kind == REFUSED:
                    raise self._refusal(detail)
                else:
                    raise BadMessage(f"the duplicator at {self.path} sent kind {kind} before WELCOME and BEGIN")

    def _refusal(self, detail: int) -> MirrorflowError:
        number = detail - 2**32 if detail >= 2**31 else detail
        kind = BY_FAULT.get(number, MirrorflowError)
        return kind(f"the duplicator at {self.path} refused this client: {kind.code}", {"path": self.path})

    def send(self, kind: int, value: int, detail: int = 0) -> None:
        """Sends a message; a link that has ended is noticed by `receive`."""
        try:
            self._socket.sendall(_MESSAGE.pack(kind, detail, value))
        except OSError:
            self.ended = True

    def receive(self, timeout: float | None) -> list[Message]:
        """The messages that have arrived: at least one, or none after `timeout` or the end.

        None waits without limit; 0 does not wait.
        """
        taken = self._take()
        if taken or self.ended:
            return taken
        try:
            self._socket.settimeout(None if timeout is None else max(timeout, 0.0))
            while not taken:
                part = self._socket.recv(4096)
                if not part:
                    self.ended = True
                    return []
                self._rest += part
                taken = self._take()
        except (BlockingIOError, socket.timeout):
            pass
        except OSError:
            self.ended = True
        finally:
            if self._socket.fileno() >= 0:
                self._socket.settimeout(None)
        return taken

    def _take(self) -> list[Message]:
        whole = len(self._rest) // _MESSAGE.size * _MESSAGE.size
        if whole == 0:
            return []
        messages = list(_MESSAGE.iter_unpack(self._rest[:whole]))
        self._rest = self._rest[whole:]
        return messages

    def finish(self) -> None:
        """Sends nothing more: the duplicator reads what was sent, then the end."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def shut(self) -> None:
        """Ends the connection; a thread that waits in `receive` returns."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self.ended = True
        self.shut()
        self._socket.close()
