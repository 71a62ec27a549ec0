"""An input with a history: a thread copies buffers ahead of the program. `open_input` returns it.

So the writer is held back only when the history is full, and a buffer that was taken stays valid. What
happens when it is full is the policy of ReadyBuffers.
"""

from __future__ import annotations

import threading
from typing import Any

from ._marks import MarkSender, MarkWatch
from ._reads import Reads
from ._ready import ReadyBuffers, ReadyRules
from .buffer import Buffer
from .errors import MirrorflowError
from .input import Input


class History(Reads):
    """As Input; `ready` is the number of buffers that are copied and not taken."""

    def __init__(self, source: Input, rules: ReadyRules, marks: tuple[list[int], list[int]] | None = None) -> None:
        super().__init__(f"the input flow {source.flow}")
        self.flow = source.flow
        self._opening = source._opening
        self._source = source
        self._marks: MarkSender | None = None
        watch = None
        if marks is not None:
            self._marks = MarkSender(self._opening.report_mark, rules.history, source.flow)
            watch = MarkWatch(*marks, self._marks.reached)
        self._ready = ReadyBuffers(rules, marks=watch)
        self._thread = threading.Thread(target=self._fill, name=f"mirrorflow-{source.flow}", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> int:
        return len(self._ready)

    @property
    def missed(self) -> int:
        """Buffers that this reader was too slow for, those that the policy has left out among them."""
        return self._source.missed + self._ready.lost

    @property
    def state(self) -> str:
        return self._source.state

    @property
    def properties(self) -> dict[str, Any]:
        return self._source.properties

    def take(self, timeout: float | None = None) -> Buffer | None:
        """The next buffer, a copy; None when there is none for `timeout` seconds. Raises CLOSED."""
        return self._ready.take(timeout, self._check)

    def close(self) -> None:
        if not self._end("it was closed"):
            return
        self._ready.end()
        self._opening.stop()
        self._source._link.shut()
        self._thread.join(5.0)
        if self._marks is not None:
            self._marks.close()
        self._source.close()

    def _fill(self) -> None:
        try:
            while not self.closed:
                if not self._ready.has_room():
                    self._ready.wait_for_room()
                    continue
                buffer = self._source.take_copy()
                if buffer is not None:
                    self._ready.put(buffer)
        except MirrorflowError as error:
            self._ready.fail(error)
