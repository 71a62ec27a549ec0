"""An input flow: reads the buffers of a flow in order. `App.open_input` returns it.

A lossless input lends each buffer in place, without a copy, until the next one is taken; the writer
waits meanwhile. A lossy one never holds the writer back: its buffers are copies, and `missed` counts
those that it was too slow for. Used by one thread at a time.
"""

from __future__ import annotations

import os
import time
from typing import Any, Union

from . import _flow_file as layout
from . import _signal_link as link_kinds
from ._flow_file import FlowFile
from ._openings import Opened, Opening
from ._reads import Reads
from ._signal_link import Link
from .buffer import Buffer
from .errors import BadOption, Closed
from .flow_types import FlowType

Start = Union[str, int]
_PARTS = 4
_LOW = 0xFFFFFFFF
#: Detail of ACK: this consumer reads on and needs no signal; above it, the missed buffers.
_AWAKE = 1
_MISSED_MASK = 0x7FFFFFFF


class Input(Reads):
    """Reads a flow: `take`, or iterate. Close it, or use it in a `with` block."""

    def __init__(
        self,
        opening: Opening,
        *,
        lossy: bool,
        start: Start,
        flow_type: FlowType[Any] | None = None,
        metadata_only: bool = False,
    ) -> None:
        super().__init__(f"the input flow {opening.flow}")
        self.flow = opening.flow
        self.lossy = lossy
        #: Buffers that this reader was too slow for, or that were lost on the way.
        self.missed = 0
        self.taken = 0
        self.taken_bytes = 0
        self._opening = opening
        self._type = flow_type
        self._metadata_only = metadata_only
        self._borrowed: Buffer | None = None
        self._file: FlowFile
        self._link: Link
        self._epoch = self._next = self._published = self._due = 0
        self._acknowledged = -1
        #: The duplicator was asked for a signal.
        self._armed = False
        opening.counts = self._counts
        opening.attach(lambda opened: self._attach(opened, start))

    @property
    def state(self) -> str:
        """`starting`, `live`, `stale` or `ended`: that of the flow's source or provider."""
        return "stale" if self._link.ended else self._file.state

    @property
    def next(self) -> int:
        """The sequence that is read next."""
        return self._next

    @property
    def properties(self) -> dict[str, Any]:
        """Properties that the flow's provider stated."""
        return dict(self._file.identity["properties"])

    def take(self, timeout: float | None = None) -> Buffer | None:
        """The next buffer; None when there is none for `timeout` seconds. 0 does not wait.

        The buffer that was taken before is released. Raises CLOSED.
        """
        self._check()
        if self._borrowed is not None:
            self._borrowed.release()
            self._borrowed = None
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._next >= self._published:
                self._published = self._words[layout.PUBLISHED]
                if self._words[layout.EPOCH] != self._epoch:
                    self._restart()
                elif self._next >= self._published and not self._wait(deadline):
                    return None
                continue
            buffer = self._read()
            if buffer is not None:
                return buffer

    def take_copy(self, timeout: float | None = None) -> Buffer | None:
        """As `take`; the buffer is a copy, which stays valid."""
        buffer = self.take(timeout)
        if buffer is not None:
            self._borrowed = None
            buffer.keep()
        return buffer

    def close(self) -> None:
        """Stops reading; the buffer that was taken last is released."""
        if not self._end("it was closed"):
            return
        if self._borrowed is not None:
            self._borrowed.release()
        self._link.close()
        self._opening.close()

    def _read(self) -> Buffer | None:
        """The buffer at `_next`; None when the writer has lapped this reader."""
        sequence = self._next
        words = self._words
        slot = self._first + sequence % self._count * self._stride
        if words[slot] != sequence + 1:
            self._skip()
            return None
        timestamp = words[slot + 1]
        word = words[slot + 2]
        size = word & _LOW
        at = slot * 8 + layout.PAYLOAD_BYTE
        data = self._bytes[at : at + (0 if self._metadata_only else min(size, self._capacity))]
        if self.lossy:
            data = memoryview(bytes(data))
        if words[slot] != sequence + 1 or words[layout.EPOCH] != self._epoch:
            self._skip()
            return None
        self._next = sequence + 1
        self.taken += 1
        self.taken_bytes += size
        if sequence >= self._due:
            self._acknowledge(sequence, _AWAKE)
            self._hear(self._link.receive(0))
        buffer = Buffer(sequence, self._epoch, timestamp, word >> 32 & 0xFFFF, data, self._type, self._file, slot)
        if not self.lossy:
            self._borrowed = buffer
        return buffer

    def _skip(self) -> None:
        published = self._words[layout.PUBLISHED]
        if self._words[layout.EPOCH] != self._epoch:
            self._restart()
            return
        self._published = published
        if published <= self._next:
            return
        oldest = max(self._next + 1, published - self._count + 1)
        self.missed += oldest - self._next
        self._next = oldest

    def _restart(self) -> None:
        """Sequences have started again, in the same file."""
        self._epoch = self._words[layout.EPOCH]
        self._published = self._words[layout.PUBLISHED]
        self._next = max(0, self._published - self._count + 1)
        self._due = self._next + self._quarter
        self._acknowledged = -1

    def _wait(self, deadline: float | None) -> bool:
        """Asks the duplicator for a signal and waits for it. False when the time is over."""
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left < 0:
            left = 0
        if not (self._armed and self._acknowledged == self._next):
            self._armed = True
            self._acknowledge(self._next, 0)
            if self._words[layout.PUBLISHED] > self._next:
                return True
        self._hear(self._link.receive(left))
        if self._link.ended:
            self._check()
            self._recover()
            return True
        return self._words[layout.PUBLISHED] > self._next or not left == 0

    def _acknowledge(self, needed: int, awake: int) -> None:
        self._acknowledged = needed
        self._due = needed + self._quarter
        self._link.send(link_kinds.ACK, needed, awake | (self.missed & _MISSED_MASK) << 1)

    def _hear(self, messages: Any) -> None:
        for kind, detail, _value in messages:
            if kind == link_kinds.PUBLISHED:
                self._armed = False
            elif kind == link_kinds.DELIVERY and detail == 1:
                self.lossy = True

    def _recover(self) -> None:
        self._link.close()
        try:
            self._opening.recover(lambda opened: self._attach(opened, None))
        except Closed:
            self._check()
            raise

    def _attach(self, opened: Opened, start: Start | None) -> None:
        """Maps the file and joins the link; `start` None continues where this input stands."""
        file = FlowFile(opened.file)
        if self._type is not None:
            self._type.check(file.identity)
        if start is None:
            kind, at = link_kinds.AT_SEQUENCE, (self._next, self._epoch)
        else:
            kind, at = _start_point(file, start)
        link = Link(opened.link)
        joined = link.join(
            opened.handle,
            link_kinds.CONSUMER,
            lossy=self.lossy,
            start=kind,
            at=at if kind == link_kinds.AT_SEQUENCE else None,
            pid=os.getpid() if file.shares_process_ids() else 0,
        )
        try:
            file.check_served(joined.epoch)
        except Closed:
            link.close()
            raise
        same_epoch = kind == link_kinds.AT_SEQUENCE and at[1] in (0, joined.epoch)
        if same_epoch and start != "newest":
            self.missed += max(0, joined.first - at[0])
        self._link = link
        self._use(file, joined.epoch, joined.first)

    def _use(self, file: FlowFile, epoch: int, first: int) -> None:
        self._file = file
        self._words = file.words
        self._bytes = file.bytes.toreadonly()
        self._first, self._stride, self._count = file.first_slot, file.slot_words, file.slot_count
        self._capacity = file.capacity
        self._quarter = max(1, file.slot_count // _PARTS)
        self._epoch, self._next = epoch, first
        self._published = 0
        self._acknowledged = -1
        self._armed = False
        self._due = first + self._quarter

    def _counts(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "direction": "input",
            "buffers": self.taken,
            "bytes": self.taken_bytes,
            "lost": self.missed,
            "delivery": "lossy" if self.lossy else "lossless",
        }


def _start_point(file: FlowFile, start: Start) -> tuple[int, tuple[int, int]]:
    if start == "oldest":
        return link_kinds.OLDEST, (0, 0)
    if start == "next":
        return link_kinds.NEXT, (0, 0)
    if start == "newest":
        return link_kinds.AT_SEQUENCE, (max(0, file.published - 1), 0)
    if isinstance(start, int) and not isinstance(start, bool) and start >= 0:
        return link_kinds.AT_SEQUENCE, (start, 0)
    raise BadOption(f"start is {start!r}; it must be 'oldest', 'newest', 'next' or a sequence from 0")
