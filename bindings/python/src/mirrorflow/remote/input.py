"""An input flow of another machine: `RemoteApp.open_input` returns it.

It behaves as Input. Its buffers are received ahead of the program into memory of their own, as many as
the sender's ring has, so that a buffer that was taken stays valid. A lossless one holds the writer back
when this memory is full; a lossy one then loses its oldest buffers.
"""

from __future__ import annotations

import json
from typing import Any, Callable

from .._reads import Reads
from .._ready import ReadyBuffers, ReadyRules
from ..buffer import Buffer
from ..errors import BadOption, Closed, MirrorflowError, NotAMirror, SourceProtocol
from ..flow_types import FlowType
from ..input import Start
from . import _wire as wire
from ._receiver import Located, Receiver
from ._transport import Security

#: A resume point beyond all buffers: the sender begins with the next one.
_BEYOND = 2**53 - 1


class RemoteInput(Reads):
    """Reads a flow over the network: `take`, or iterate."""

    def __init__(
        self,
        app: str,
        flow: str,
        security: Security,
        locate: Callable[[], Located],
        *,
        lossy: bool,
        start: Start,
        rules: ReadyRules | None,
        flow_type: FlowType[Any] | None,
        metadata_only: bool,
    ) -> None:
        """Returns when the sender has welcomed this reader. Raises as `open_input`."""
        super().__init__(f"the input flow {flow} of another host")
        self.flow = flow
        self.lossy = lossy
        self.taken = 0
        self.taken_bytes = 0
        self.properties: dict[str, Any] = {}
        #: Why the link was lost last.
        self.cause: MirrorflowError | None = None
        self.next = 0
        self._start: Start | None = _checked_start(start)
        self._rules = rules
        self._type = flow_type
        self._metadata_only = metadata_only
        self._state = "starting"
        self._epoch: int | None = None
        self._missed = 0
        self._ready: ReadyBuffers | None = None
        self._receiver = Receiver(app, flow, security, locate, self)
        self._receiver.start()

    @property
    def missed(self) -> int:
        """Buffers that this reader was too slow for, or that were lost on the way."""
        return self._missed + (0 if self._ready is None else self._ready.lost)

    @property
    def ready(self) -> int:
        """Buffers that have arrived and are not taken."""
        return 0 if self._ready is None else len(self._ready)

    @property
    def state(self) -> str:
        """`starting`, `live`, `stale` or `ended`: that of the flow's source; `stale` without a link."""
        return self._state

    def take(self, timeout: float | None = None) -> Buffer | None:
        """The next buffer; None when there is none for `timeout` seconds. Raises CLOSED, and the cause of the end."""
        self._check()
        if self._ready is None:
            raise Closed(f"the flow {self.flow} was not opened")
        buffer = self._ready.take(timeout, self._check)
        if buffer is not None:
            self.taken += 1
            self.taken_bytes += len(buffer)
        return buffer

    def take_copy(self, timeout: float | None = None) -> Buffer | None:
        """As `take`: each buffer has memory of its own."""
        return self.take(timeout)

    def close(self) -> None:
        """Stops reading."""
        if not self._end("it was closed"):
            return
        self._state = "ended"
        if self._ready is not None:
            self._ready.end()
        self._receiver.close()

    # What the receiver calls, on its thread.

    def request(self, epoch: int) -> dict[str, Any]:
        delivery = "lossy" if self.lossy else "lossless"
        if self._epoch is not None:
            return {"delivery": delivery, "resume": {"epoch": self._epoch, "sequence": self.next}}
        if self._start == "oldest":
            return {"delivery": delivery}
        first = self._start if isinstance(self._start, int) else _BEYOND
        return {"delivery": delivery, "resume": {"epoch": epoch, "sequence": first}}

    def welcomed(self, welcome: wire.Welcome) -> bool:
        if welcome.mirror:
            raise NotAMirror(f"the flow {self.flow} is a mirror, which is sent in blocks: open it with mirror()")
        if self._epoch is None and self._start == "newest":
            # The sender states the next sequence: the newest buffer is the one before.
            self._start = max(0, welcome.first - 1)
            return False
        if self._type is not None:
            self._type.check({"flow": self.flow, "type": welcome.type, "properties": welcome.properties})
        if self._epoch == welcome.epoch:
            self._missed += max(0, welcome.first - self.next)
        elif self._epoch is None and isinstance(self._start, int):
            self._missed += max(0, welcome.first - self._start)
        self._epoch, self.next, self.lossy = welcome.epoch, welcome.first, welcome.lossy
        self.properties = welcome.properties
        if self._ready is None:
            rules = self._rules or ReadyRules(welcome.buffers, "oldest" if self.lossy else "block")
            self._ready = ReadyBuffers(rules, self._receiver.wake)
        return True

    def admits(self, frame: wire.Frame) -> bool:
        return frame.kind != wire.BUFFER or self._ready is None or self._ready.has_room()

    def frame(self, frame: wire.Frame) -> None:
        if frame.kind == wire.DELIVERY:
            self.lossy = frame.detail == wire.LOSSY
            if self._ready is not None and self.lossy and self._ready.policy == "block":
                self._ready.policy = "oldest"
            return
        if frame.kind != wire.BUFFER or self._ready is None or self._epoch is None:
            raise SourceProtocol(f"the flow {self.flow} is no mirror, and a frame of kind {frame.kind} arrived")
        if frame.sequence < self.next:
            raise SourceProtocol(f"buffer {frame.sequence} of {self.flow} arrived where {self.next} was expected")
        self._missed += frame.sequence - self.next
        self.next = frame.sequence + 1
        data = memoryview(b"" if self._metadata_only else frame.payload)
        flags = frame.detail & 0xFFFF
        self._ready.put(Buffer(frame.sequence, self._epoch, frame.value, flags, data, self._type, None, 0))

    def state_changed(self, state: str) -> None:
        if not self.closed:
            self._state = state

    def lost(self, cause: MirrorflowError) -> None:
        self.cause = cause
        if self._state != "ended":
            self._state = "stale"

    def ended(self, cause: MirrorflowError) -> None:
        self.cause = cause
        self._state = "ended"
        if self._ready is not None:
            self._ready.fail(cause)

    def __repr__(self) -> str:
        return f"<RemoteInput {self.flow} {self.state} {json.dumps({'next': self.next, 'missed': self.missed})}>"


def _checked_start(start: Start) -> Start:
    if start in ("oldest", "newest", "next") or (isinstance(start, int) and not isinstance(start, bool) and start >= 0):
        return start
    raise BadOption(f"start is {start!r}; it must be 'oldest', 'newest', 'next' or a sequence from 0")
