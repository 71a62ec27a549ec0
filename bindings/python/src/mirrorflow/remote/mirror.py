"""A mirror of another machine's SpecTcl: `RemoteApp.mirror` returns it; it is a mapping of spectra by name.

Blocks are received into a copy of the last publication. When the publication is complete, its changes
are copied into the image, over which spectra are views. It behaves as Mirror.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable, TypeVar

from ..errors import MirrorflowError, NotAMirror, SourceProtocol, TimedOut
from ..mirror import Borrowed, MirrorMapping, Publication
from .._source_bins import AxisBins
from ..spectrum import STATISTICS, Spectra
from . import _wire as wire
from ._blocks import Range, apply_blocks
from ._receiver import Located, Receiver
from ._transport import Security

T = TypeVar("T")
#: Sequence of the publication that is shown, plus 1, and the memory in which it is.
Shown = tuple[int, memoryview]

_READS_IN_PLACE = 2
_FIRST_S = 10.0
_SIZE = struct.Struct("<I")


class RemoteMirror(MirrorMapping):
    """Spectra by name: `mirror["tof"].counts`. Close it, or use it in a `with` block."""

    def __init__(
        self, app: str, flow: str, security: Security, locate: Callable[[], Located], bins: AxisBins | None = None
    ) -> None:
        """Returns when the first publication has arrived. Raises as `mirror`, and TIMED_OUT."""
        super().__init__(f"the mirror {flow} of another host")
        self.flow = flow
        #: Why the link was lost last.
        self.cause: MirrorflowError | None = None
        self._changed = threading.Condition()
        self._ended: MirrorflowError | None = None
        self._state = "starting"
        self._epoch: int | None = None
        #: The next publication that the sender's epoch may have.
        self.next = 0
        #: Sequence of the publication in the image, plus 1.
        self._shown = 0
        #: The staging memory is of another epoch than the image, until its first publication.
        self._is_new = True
        self._timestamp = 0
        self._size = 0
        self._image = memoryview(bytearray())
        self._staging = memoryview(bytearray())
        self._ranges: list[Range] = []
        self._attachment = Borrowed()
        self._spectra: Spectra
        self._bins = bins
        self._receiver = Receiver(app, flow, security, locate, self)
        self._receiver.start()
        try:
            self._wait_for_first()
        except BaseException:
            self.close()
            raise

    @property
    def spectra(self) -> Spectra:
        """Spectra over the image: views that change with each publication. Raises CLOSED."""
        self._check()
        return self._spectra

    @property
    def state(self) -> str:
        """`live`, `stale` while the source or its host is unreachable, `starting`, or `ended`."""
        return "ended" if self.closed or self._ended is not None else self._state

    @property
    def published(self) -> int:
        """Number of publications, those that this mirror skipped among them."""
        self._check()
        return self._shown

    def read(self, use: Callable[[Publication], T]) -> T:
        """Runs `use` over one publication, and again when the next one has arrived meanwhile.

        So `use` has no side effects, and keeps copies only. Raises CLOSED.
        """
        for attempt in range(_READS_IN_PLACE + 1):
            self._check()
            is_last = attempt == _READS_IN_PLACE
            with self._changed:
                sequence, timestamp, image = self._shown - 1, self._timestamp, self._image
                memory = image[: self._size].toreadonly()
                if is_last:
                    memory = memoryview(bytes(memory))
            borrowed = Borrowed()
            try:
                result = use(Publication(memory, borrowed.check, sequence, timestamp, self._bins))
            except Exception:
                # A torn header may make `use` fail: only a whole publication's errors are its own.
                if is_last or self._shows(sequence, image):
                    raise
                continue
            finally:
                borrowed.over = True
            if is_last or self._shows(sequence, image):
                return result
        raise AssertionError("the last attempt returns or raises")

    def updates(self, timeout: float | None = None) -> Iterator[int]:
        """Sequences of new publications, the newest only; ends when none arrives for `timeout` seconds."""
        self._check()
        seen = self._shown, self._image
        while not self.closed:
            newest = self.wait_beyond(seen, timeout)
            if newest is None:
                return
            seen = newest
            yield seen[0] - 1

    @property
    def shown(self) -> Shown:
        """What the image has now."""
        with self._changed:
            return self._shown, self._image

    def wait_beyond(self, seen: Shown, timeout: float | None) -> Shown | None:
        """`shown`, once it is another than `seen`; None after `timeout` seconds, or when closed.

        Raises the cause of the end.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while self._shown == seen[0] and self._image is seen[1]:
                if self.closed:
                    return None
                if self._ended is not None:
                    raise self._ended
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._changed.wait(left)
            return self._shown, self._image

    def wait_until_live(self, timeout: float = 10.0) -> None:
        """Returns when the source is live. Raises TIMED_OUT."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self.state != "live":
                self._check()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimedOut(f"the mirror {self.flow} is {self.state} after {timeout:g} s")
                self._changed.wait(left)

    def close(self) -> None:
        """Ends the link. Spectra of this mirror raise from now on; arrays that exist stay readable."""
        if not self._end("it was closed"):
            return
        with self._changed:
            self._changed.notify_all()
        self._receiver.close()

    # What the receiver calls, on its thread.

    def request(self, _epoch: int) -> dict[str, Any]:
        """The image holds a whole publication: its sender continues with what has changed since."""
        if self._is_new:
            return {"delivery": "lossy"}
        return {"delivery": "lossy", "resume": {"epoch": self._epoch, "sequence": self.next}}

    def welcomed(self, welcome: wire.Welcome) -> bool:
        if not welcome.mirror:
            raise NotAMirror(f"the flow {self.flow} is of type {welcome.type} and no mirror: open it with open_input()")
        if not self._is_new and welcome.epoch == self._epoch and welcome.buffer_size == len(self._image):
            for start, end in self._ranges:  # blocks of a publication that has not arrived whole
                self._staging[start:end] = self._image[start:end]
        else:
            # Until its first publication the image stays that of the epoch before.
            self._staging = memoryview(bytearray(welcome.buffer_size))
            self._epoch, self.next, self._is_new = welcome.epoch, 0, True
        self._ranges = []
        return True

    def admits(self, _frame: wire.Frame) -> bool:
        return True

    def frame(self, frame: wire.Frame) -> None:
        if frame.kind == wire.BLOCKS:
            self._ranges += apply_blocks(frame, self._staging)
        elif frame.kind == wire.PUBLICATION:
            size = _SIZE.unpack(frame.payload)[0] if len(frame.payload) == _SIZE.size else -1
            if not 0 <= size <= len(self._staging) or frame.sequence < self.next:
                raise SourceProtocol(f"publication {frame.sequence} of {size} bytes arrived behind {self.next - 1}")
            self._publish(frame.sequence, size, frame.value)
        elif frame.kind != wire.DELIVERY:
            raise SourceProtocol(f"the flow {self.flow} is a mirror, and a frame of kind {frame.kind} arrived")

    def state_changed(self, state: str) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()

    def lost(self, cause: MirrorflowError) -> None:
        self.cause = cause
        if self._state != "ended":
            self.state_changed("stale")

    def ended(self, cause: MirrorflowError) -> None:
        with self._changed:
            self.cause = self._ended = cause
            self._changed.notify_all()

    def _publish(self, sequence: int, size: int, timestamp: int) -> None:
        with self._changed:
            if self._is_new:
                self._show_new_memory()
            elif any(start < STATISTICS for start, _ in self._ranges):
                # A definition has changed: one copy, in which no other thread of Python runs, so that no
                # spectrum is seen with the title, axes or position of another.
                self._image[:size] = self._staging[:size]
            else:
                for start, end in self._ranges:
                    self._image[start:end] = self._staging[start:end]
            self._ranges = []
            self._size, self._timestamp = size, timestamp
            self.next = self._shown = sequence + 1
            self._changed.notify_all()

    def _show_new_memory(self) -> None:
        """The image becomes another memory; spectra of the one before raise. The lock is held."""
        previous, attachment = self._attachment, Borrowed()
        self._attachment = attachment
        self._image = memoryview(bytearray(self._staging))
        self._spectra = Spectra(self._image.toreadonly(), lambda: self._check_attachment(attachment), self._bins)
        previous.over = True  # last: a reader that meets it finds the new spectra
        self._is_new = False

    def _check_attachment(self, attachment: Borrowed) -> None:
        self._check()
        attachment.check()

    def _shows(self, sequence: int, image: memoryview) -> bool:
        with self._changed:
            return self._shown - 1 == sequence and self._image is image

    def _wait_for_first(self) -> None:
        deadline = time.monotonic() + _FIRST_S
        with self._changed:
            while self._shown == 0:
                if self._ended is not None:
                    raise self._ended
                left = deadline - time.monotonic()
                if left <= 0:
                    why = "" if self.cause is None else f": {self.cause}"
                    raise TimedOut(f"no publication of {self.flow} arrived in {_FIRST_S:g} s{why}")
                self._changed.wait(left)
