"""An input with a history: a thread copies buffers ahead of the program. `open_input` returns it.

So the writer is held back only when the history is full, and a buffer that was taken stays valid.
"""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Iterator
from typing import Any

from ._handles import Handle
from .buffer import Buffer
from .errors import MirrorflowError
from .input import Input


class History(Handle):
    """As Input; `ready` is the number of buffers that are copied and not taken."""

    def __init__(self, source: Input, capacity: int) -> None:
        super().__init__(f"the input flow {source.flow}")
        self.flow = source.flow
        self._opening = source._opening
        self._source = source
        self._capacity = capacity
        self._buffers: collections.deque[Buffer] = collections.deque()
        self._changed = threading.Condition()
        self._error: MirrorflowError | None = None
        self._thread = threading.Thread(target=self._fill, name=f"mirrorflow-{source.flow}", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> int:
        return len(self._buffers)

    @property
    def missed(self) -> int:
        return self._source.missed

    @property
    def state(self) -> str:
        return self._source.state

    @property
    def properties(self) -> dict[str, Any]:
        return self._source.properties

    def take(self, timeout: float | None = None) -> Buffer | None:
        """The next buffer, a copy; None when there is none for `timeout` seconds. Raises CLOSED."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._buffers:
                self._check()
                if self._error is not None:
                    raise self._error
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._changed.wait(left)
            buffer = self._buffers.popleft()
            self._changed.notify_all()
            return buffer

    def __iter__(self) -> Iterator[Buffer]:
        while not self.closed:
            buffer = self.take()
            if buffer is not None:
                yield buffer

    def close(self) -> None:
        if not self._end("it was closed"):
            return
        with self._changed:
            self._buffers.clear()
            self._changed.notify_all()
        self._source._link.shut()
        self._opening.stop()
        self._thread.join(5.0)
        self._source.close()

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fill(self) -> None:
        try:
            while not self.closed:
                buffer = self._source.take_copy()
                if buffer is None:
                    continue
                with self._changed:
                    self._buffers.append(buffer)
                    self._changed.notify_all()
                    while len(self._buffers) >= self._capacity and not self.closed:
                        self._changed.wait()
        except MirrorflowError as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
