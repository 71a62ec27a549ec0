"""Buffers that are ready for the program: what History and RemoteInput fill on a thread of their own. No I/O.

Policies for a full queue: `block`: nothing more is read until the program takes a buffer; `overwrite`: the
newest ready buffer is replaced; `drop`: the new buffer is left out; `grow`: the queue grows up to a
limit, then blocks; `oldest`: the oldest ready buffer is left out, as a lossy reader loses it.
"""

from __future__ import annotations

import collections
import threading
import time
from typing import Any, Callable, NamedTuple

from ._marks import MarkWatch
from .buffer import Buffer
from .errors import BadOption, MirrorflowError

POLICIES = ("block", "overwrite", "drop", "grow")
_BUFFERS_MAX = 1 << 20


class ReadyRules(NamedTuple):
    """`history`: buffers of the queue. `watermarks`: at the high one filling stops, below the low one it continues."""

    history: int
    when_full: str = "block"
    max_history: int = 0
    watermarks: tuple[int, int] | None = None


def check_rules(
    history: int, when_full: str, max_history: int | None, watermarks: tuple[int, int] | None
) -> ReadyRules:
    """The rules that the options state. Raises BAD_OPTION with the value and what is allowed."""
    _check_buffers("history", history, 1, _BUFFERS_MAX)
    if when_full not in POLICIES:
        raise BadOption(f"when_full is {when_full!r}; it must be one of {', '.join(POLICIES)}")
    if when_full == "grow":
        _check_buffers("max_history", max_history, history, _BUFFERS_MAX)
    elif max_history is not None:
        raise BadOption(
            f"max_history is {max_history} and when_full is {when_full!r}: only a history that grows has it"
        )
    if watermarks is not None:
        if not isinstance(watermarks, tuple) or len(watermarks) != 2:
            raise BadOption(f"watermarks are {watermarks!r}; they must be a tuple (high, low)")
        _check_buffers("the high watermark", watermarks[0], 2, history)
        _check_buffers("the low watermark", watermarks[1], 1, watermarks[0] - 1)
    return ReadyRules(history, when_full, max_history or history, watermarks)


class ReadyBuffers:
    """`room`: called, without a lock, when a full queue has room again."""

    def __init__(
        self, rules: ReadyRules, room: Callable[[], Any] | None = None, marks: MarkWatch | None = None
    ) -> None:
        self.policy = rules.when_full
        self._most = rules.max_history if rules.when_full == "grow" else rules.history
        self._high, self._low = rules.watermarks or (self._most + 1, 0)
        self._stopped = False
        self._room = room
        self._marks = marks
        self._buffers: collections.deque[Buffer] = collections.deque()
        self._changed = threading.Condition()
        self._error: MirrorflowError | None = None
        self._ended = False
        #: Buffers that the policy has left out.
        self.lost = 0

    def __len__(self) -> int:
        return len(self._buffers)

    def has_room(self) -> bool:
        """Whether `put` would keep a buffer, or the policy knows what to do without room."""
        with self._changed:
            return self._free() or self.policy in ("overwrite", "drop", "oldest")

    def put(self, buffer: Buffer) -> None:
        """Adds a buffer by the policy. With `block` and `grow` only while `has_room`."""
        with self._changed:
            if self._free() or self.policy in ("block", "grow"):
                self._buffers.append(buffer)
            elif self.policy == "oldest":
                self._buffers.popleft()
                self._buffers.append(buffer)
                self.lost += 1
            else:
                if self.policy == "overwrite" and self._buffers:
                    self._buffers[-1] = buffer
                self.lost += 1
            if self._marks is not None:
                self._marks.update(len(self._buffers))
            self._changed.notify_all()

    def take(self, timeout: float | None, check: Callable[[], None]) -> Buffer | None:
        """The next buffer; None when there is none for `timeout` seconds.

        Raises what `check` raises, and the cause of the end.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._buffers:
                check()
                if self._error is not None:
                    raise self._error
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._changed.wait(left)
            check()
            was_full = not self._free()
            buffer = self._buffers.popleft()
            if self._marks is not None:
                self._marks.update(len(self._buffers))
            self._changed.notify_all()
            has_room = was_full and self._free()
        if has_room and self._room is not None:
            self._room()
        return buffer

    def wait_for_room(self) -> None:
        """Until a buffer was taken, or the end."""
        with self._changed:
            while not self._free() and not self._ended:
                self._changed.wait()

    def fail(self, error: MirrorflowError) -> None:
        """`take` raises it behind the ready buffers."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more is taken or added: waits end."""
        with self._changed:
            self._ended = True
            self._buffers.clear()
            self._changed.notify_all()

    def _free(self) -> bool:
        """Whether there is a place; behind the high watermark none until the low one is reached."""
        count = len(self._buffers)
        if count >= self._high:
            self._stopped = True
        elif count < self._low or self._low == 0:
            self._stopped = False
        return not self._stopped and count < self._most


def _check_buffers(option: str, value: object, least: int, most: int) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return
    raise BadOption(f"{option} is {value!r}; it must be a whole number of buffers from {least} to {most}")
