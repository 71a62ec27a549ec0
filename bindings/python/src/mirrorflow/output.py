"""An output flow: writes the buffers of a flow. `App.open_output` returns it.

A thread of its own reads the signal link: it passes credit on to writers that wait, and attaches the
flow again when its duplicator has ended. `write` and `reserve` may be called from any thread.
"""

from __future__ import annotations

import collections
import threading
import time
from typing import Any

from . import _flow_file as layout
from . import _signal_link as link_kinds
from ._flow_file import FlowFile
from ._handles import Handle
from ._openings import Opened, Opening
from ._ring import Ring, check_processor, fence
from ._signal_link import Link
from .errors import BadOption, Closed, FlowBusy, MirrorflowError, TimedOut, TooLarge
from .flow_types import FlowType

#: A signal so long after the previous one asks for no answer.
_LOW_RATE_NS = 200_000
_CLAIM_ATTEMPTS, _CLAIM_RETRY_S = 50, 0.02
_FLAGS_MAX = 0xFFFF
_CLOSE_S = 5.0
_QUEUE_MAX = 1_000_000
POLICIES = ("block", "overwrite", "drop", "grow")


def check_policy(when_full: str, queue: int | None) -> int:
    """Most buffers that wait while the ring is full. Raises BAD_OPTION."""
    if when_full not in POLICIES:
        raise BadOption(f"when_full is {when_full!r}; it must be one of {', '.join(POLICIES)}")
    if when_full == "grow" and queue is None:
        raise BadOption("when_full is 'grow' and queue is not stated: the most buffers that may wait")
    if queue is not None and not (isinstance(queue, int) and 1 <= queue <= _QUEUE_MAX):
        raise BadOption(f"queue is {queue!r}; it must be a whole number from 1 to {_QUEUE_MAX}")
    return 2 if queue is None else queue


class Slot:
    """A reserved buffer of the ring: fill `data`, set `size`; the end of the `with` block writes it."""

    __slots__ = ("size", "flags", "timestamp_ns", "_data", "_output", "_ring")

    def __init__(self, output: Output, ring: Ring, data: memoryview) -> None:
        #: Bytes that are used.
        self.size = 0
        self.flags = 0
        self.timestamp_ns: int | None = None
        self._data: memoryview | None = data
        self._output = output
        self._ring = ring

    @property
    def data(self) -> memoryview:
        """The whole slot, with old bytes in it. Raises CLOSED after the end of the block."""
        if self._data is None:
            raise Closed("this slot was written or given back: reserve another one")
        return self._data

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        data, self._data = self._data, None
        if data is not None:
            self._output._finish(self, self._ring, data, write=kind is None)


class Output(Handle):
    """Writes a flow as its only provider. Close it, or use it in a `with` block."""

    def __init__(
        self,
        opening: Opening,
        *,
        stall_timeout: float | None,
        flow_type: FlowType[Any] | None,
        when_full: str = "block",
        queue: int = 2,
    ) -> None:
        check_processor()
        super().__init__(f"the output flow {opening.flow}")
        self.flow = opening.flow
        self.written = 0
        self.written_bytes = 0
        #: Buffers that `when_full` has left out.
        self.dropped = 0
        self._when_full = when_full
        self._queue_most = queue
        self._queue: collections.deque[tuple[bytes, int, int]] = collections.deque()
        self._opening = opening
        self._type = flow_type
        self._stall_timeout = stall_timeout
        self._changed = threading.Condition(threading.Lock())
        self._reserved = False
        self._attached = False
        self._ring: Ring
        self._link: Link
        self._signalled = self._signalled_ns = 0
        self._answered = True
        self._unanswered = False
        self._lost: MirrorflowError | None = None
        opening.counts = self._counts
        opening.attach(self._attach)
        self._thread = threading.Thread(target=self._listen, name=f"mirrorflow-{self.flow}", daemon=True)
        self._thread.start()

    @property
    def buffer_size(self) -> int:
        """Most bytes of a buffer."""
        return self._ring.file.capacity

    @property
    def next(self) -> int:
        """The sequence of the next buffer."""
        return self._ring.next

    @property
    def consumers(self) -> int:
        """Consumers attached now."""
        return self._ring.words[layout.COUNTERS + 12]

    def write(
        self,
        value: Any,
        *,
        flags: int = 0,
        timestamp_ns: int | None = None,
        timeout: float | None = None,
    ) -> bool:
        """Writes bytes, an array, or a value of the flow's type, and publishes it at once.

        While lossless consumers need the whole ring, it does what `when_full` states; False for a buffer
        that was dropped. `block` waits, and so does `grow` with a full queue: raises TIMED_OUT after
        `timeout` seconds. Raises TOO_LARGE for what does not fit, CLOSED. Nothing is published then.
        """
        content = memoryview(value if self._type is None else self._type.encode(value))
        if content.format != "B" or content.ndim != 1:
            content = content.cast("B")
        size = len(content)
        with self._changed:
            self._check_size(size, flags)
            target = self._room(timeout)
            if target is None:
                time_ns = time.time_ns() if timestamp_ns is None else timestamp_ns
                return self._keep(bytes(content), time_ns, flags)
            target[:size] = content
            self._publish(size, timestamp_ns, flags)
            return True

    def reserve(self, timeout: float | None = None) -> Slot:
        """The next slot, to be filled in place in a `with` block. Waits and raises as `write`."""
        with self._changed:
            target = self._begin(timeout)
            self._reserved = True
            return Slot(self, self._ring, target)

    def close(self) -> None:
        """Leaves the flow; what was written stays readable. Waits up to 5 s until what is queued is written."""
        deadline = time.monotonic() + _CLOSE_S
        with self._changed:
            while self._queue and not self.closed and self._lost is None and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
            self.dropped += len(self._queue)
            self._queue.clear()
        if self._end_locked():
            self._link.send(link_kinds.PUBLISHED, self._ring.published, link_kinds.LAST)
            # The duplicator reads the last count and the end, and closes its end.
            self._link.finish()
            self._thread.join(1.0)
            self._link.shut()
            self._opening.close()
            self._thread.join(5.0)
            self._link.close()

    def _end_locked(self) -> bool:
        with self._changed:
            self._changed.notify_all()
            return self._end("it was closed")

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _room(self, timeout: float | None) -> memoryview | None:
        """The next slot, cleared; None where the buffer is to be queued or dropped. The lock is held."""
        if self._when_full == "block":
            return self._begin(timeout)
        self._drain()
        if not self._queue and self._lost is None and not self.closed and self._attached and not self._reserved:
            target = self._ring.begin()
            if target is not None:
                return target
        if self._when_full == "grow" and len(self._queue) >= self._queue_most:
            return self._begin(timeout)
        self._check_open()
        return None

    def _keep(self, content: bytes, timestamp_ns: int, flags: int) -> bool:
        """Queues a buffer for which the ring has no slot, or drops one."""
        if self._when_full == "drop":
            self.dropped += 1
            return False
        if self._when_full == "overwrite" and len(self._queue) >= self._queue_most:
            self._queue.pop()
            self.dropped += 1
        self._queue.append((content, timestamp_ns, flags))
        return True

    def _drain(self) -> None:
        """Writes what is queued, as far as the ring has slots. The lock is held."""
        while self._queue and self._attached and not self._reserved:
            target = self._ring.begin()
            if target is None:
                return
            content, timestamp_ns, flags = self._queue.popleft()
            target[: len(content)] = content
            self._publish(len(content), timestamp_ns, flags)

    def _check_open(self) -> None:
        self._check()
        if self._lost is not None:
            raise Closed(f"the flow {self.flow} has ended: {self._lost}") from self._lost

    def _begin(self, timeout: float | None) -> memoryview:
        """The next slot, cleared. The lock is held; waiting gives it up."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self._check_open()
            self._drain()
            if not self._reserved and self._attached and not self._queue:
                target = self._ring.begin()
                if target is not None:
                    return target
            elif self._reserved and timeout is None:
                raise BadOption(f"a slot of {self.flow} is reserved already: write it first")
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimedOut(f"no buffer of {self.flow} was free for {timeout:g} s: a consumer needs the ring")
            self._changed.wait(left)

    def _check_size(self, size: int, flags: int) -> None:
        if size > self._ring.file.capacity:
            raise TooLarge(f"{size} bytes do not fit a buffer of {self._ring.file.capacity}", {"bytes": size})
        if not 0 <= flags <= _FLAGS_MAX:
            raise BadOption(f"flags is {flags}; it must be 0 to {_FLAGS_MAX}")

    def _finish(self, slot: Slot, ring: Ring, data: memoryview, write: bool) -> None:
        with self._changed:
            self._reserved = False
            self._changed.notify_all()
            if not write:
                return
            self._check()
            self._check_size(slot.size, slot.flags)
            if ring is not self._ring or not self._attached:
                # The duplicator was replaced meanwhile: the bytes go into a slot of the new attachment.
                kept = bytes(data[: slot.size])
                self._begin(None)[: slot.size] = kept
            self._publish(slot.size, slot.timestamp_ns, slot.flags)

    def _publish(self, size: int, timestamp_ns: int | None, flags: int) -> None:
        now = time.time_ns()
        published = self._ring.commit(size, now if timestamp_ns is None else timestamp_ns, flags)
        self.written += 1
        self.written_bytes += size
        if self._answered:
            self._signal(published, now)
            return
        if published - self._signalled >= self._ring.quarter:
            self._signal(published, now)
        elif self._unanswered:
            fence()
            if self._ring.words[layout.HEARD] >= self._signalled:
                self._signal(published, now)

    def _signal(self, published: int, now: int) -> None:
        self._signalled = published
        self._answered = False
        self._unanswered = now - self._signalled_ns > _LOW_RATE_NS
        self._signalled_ns = now
        detail = link_kinds.UNANSWERED if self._unanswered else 0
        self._link.send(link_kinds.PUBLISHED, published, detail)

    def _listen(self) -> None:
        while True:
            messages = self._link.receive(None)
            with self._changed:
                if any(kind == link_kinds.CREDIT for kind, _detail, _value in messages):
                    self._answered = True
                    if self._ring.published != self._signalled and not self.closed:
                        self._signal(self._ring.published, time.time_ns())
                    if not self.closed:
                        self._drain()
                    self._changed.notify_all()
                if not self._link.ended:
                    continue
                self._attached = False
                if self.closed:
                    return
            if not self._recover():
                return

    def _recover(self) -> bool:
        self._link.close()
        try:
            self._opening.recover(self._attach)
            return True
        except MirrorflowError as error:
            with self._changed:
                self._lost = error
                self._changed.notify_all()
            return False

    def _attach(self, opened: Opened) -> None:
        """Claims the provider role; one that reattaches continues its own buffers."""
        earlier: tuple[int, int] | None = None
        if hasattr(self, "_ring"):
            earlier = (self._ring.generation, self._ring.file.epoch)
        for attempt in range(1, _CLAIM_ATTEMPTS + 1):
            try:
                self._claim(opened, earlier)
                return
            except FlowBusy as error:
                if attempt == _CLAIM_ATTEMPTS:
                    raise FlowBusy(f"the flow {self.flow} has a provider already: close that one first") from error
                time.sleep(_CLAIM_RETRY_S)

    def _claim(self, opened: Opened, earlier: tuple[int, int] | None) -> None:
        link = Link(opened.link)
        start = link_kinds.NEXT if earlier is None else link_kinds.AT_SEQUENCE
        joined = link.join(opened.handle, link_kinds.PROVIDER, start=start, at=earlier)
        try:
            file = FlowFile(opened.file, write=True)
            if file.epoch != joined.epoch:
                raise Closed(f"the duplicator of {self.flow} was replaced while its provider attached")
            if self._type is not None:
                self._type.check(file.identity, providing=True)
            if hasattr(self, "_ring") and file.capacity < self._ring.file.capacity:
                raise TooLarge(f"the flow {self.flow} now has smaller buffers: open it again", {"reopen": True})
        except BaseException:
            link.close()
            raise
        if self._stall_timeout is not None:
            link.send(link_kinds.STALL, round(self._stall_timeout * 1000))
        with self._changed:
            self._link = link
            ring = Ring(file, joined.generation)
            if earlier is not None and earlier[1] == joined.epoch:
                self._repeat(self._ring.published_from(ring.next))
            self._ring = ring
            self._signalled, self._answered, self._unanswered = self._ring.published, True, False
            self._attached = True
            self._drain()
            self._changed.notify_all()

    def _repeat(self, buffers: list[tuple[bytes, int, int]]) -> None:
        """Queues what was published in a removed file that its duplicator had left already. The lock is held."""
        self._queue.extendleft(reversed(buffers))
        self.written -= len(buffers)
        self.written_bytes -= sum(len(content) for content, _, _ in buffers)

    def _counts(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "direction": "output",
            "buffers": self.written,
            "bytes": self.written_bytes,
            "lost": self.dropped,
        }
