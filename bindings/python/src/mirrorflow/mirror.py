"""A mirror of SpecTcl's display memory. `App.mirror` returns it; it is a mapping of spectra by name.

The image is the newest memory, mapped read-only, brought up to date in place. `read` runs a function
over one publication, never a mixture of two. A thread of its own reads the signal link and attaches
the mirror again when its duplicator has ended.
"""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Callable, TypeVar

from . import _flow_file as layout
from . import _signal_link as link_kinds
from ._flow_file import FlowFile, map_file
from ._handles import Handle
from ._openings import Opened, Opening
from ._signal_link import Link
from ._source_bins import AxisBins
from .errors import Closed, MirrorflowError, NotAMirror, TimedOut
from .input import Input
from .spectrum import Spectra, Spectrum

T = TypeVar("T")
M = TypeVar("M", bound="MirrorMapping")

_READS_IN_PLACE = 2
_COPY_ATTEMPTS = 100


class Publication(Spectra):
    """The spectra of one publication, for the time of a `read`."""

    def __init__(
        self,
        memory: memoryview,
        check: Callable[[], None],
        sequence: int,
        timestamp_ns: int,
        bins: AxisBins | None = None,
    ) -> None:
        super().__init__(memory, check, bins)
        self.sequence = sequence
        self.timestamp_ns = timestamp_ns


class MirrorMapping(Handle, Mapping[str, Spectrum]):
    """What a mirror is wherever its memory comes from: a mapping of spectra by name that can be closed."""

    flow: str

    @property
    def spectra(self) -> Spectra:
        raise NotImplementedError

    @property
    def state(self) -> str:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __getitem__(self, name: str) -> Spectrum:
        return self._with_spectra(lambda spectra: spectra[name])

    # A mapping compares its items; a mirror is one object, whatever its spectra.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __iter__(self) -> Iterator[str]:
        return iter(self._with_spectra(list))

    def __len__(self) -> int:
        return self._with_spectra(len)

    def __contains__(self, name: object) -> bool:
        return self._with_spectra(lambda spectra: name in spectra)

    def _with_spectra(self, use: Callable[[Spectra], T]) -> T:
        """What `use` returns, with the new spectra where the memory is replaced meanwhile."""
        while True:
            spectra = self.spectra
            try:
                return use(spectra)
            except Closed:
                if spectra is self.spectra:
                    raise

    def __enter__(self: M) -> M:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.flow} {self.state}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{each.type}</td>"
            f"<td>{' × '.join(map(str, reversed(each.shape)))}</td><td>{each.sum:,}</td></tr>"
            for name, each in self.items()
        )
        head = "<tr><th>spectrum</th><th>type</th><th>channels</th><th>sum</th></tr>"
        return f"<table>{head}{rows}</table><p>{html.escape(self.flow)}: {self.state}</p>"


class Mirror(MirrorMapping):
    """Spectra by name: `mirror["tof"].counts`. Close it, or use it in a `with` block."""

    def __init__(self, opening: Opening, open_input: Callable[..., Input], bins: AxisBins | None = None) -> None:
        super().__init__(f"the mirror {opening.flow}")
        self.flow = opening.flow
        self._opening = opening
        self._open_input = open_input
        self._bins = bins
        self._changed = threading.Condition()
        self._file: FlowFile
        self._link: Link
        self._spectra: Spectra
        self._ring: FlowFile | None = None
        self._ended: MirrorflowError | None = None
        opening.counts = lambda: {
            "flow": self.flow, "direction": "input", "buffers": 0, "bytes": 0, "lost": 0,
        }  # fmt: skip
        opening.attach(self._attach)
        self._thread = threading.Thread(target=self._listen, name=f"mirrorflow-{self.flow}", daemon=True)
        self._thread.start()

    @property
    def spectra(self) -> Spectra:
        """Spectra over the image: views that change with each publication. Raises CLOSED."""
        self._check()
        return self._spectra

    @property
    def state(self) -> str:
        """`live`, `stale` while the source is unreachable, `starting`, or `ended`."""
        if self.closed or self._ended is not None:
            return "ended"
        return "stale" if self._link.ended else self._file.state

    @property
    def published(self) -> int:
        """Number of publications."""
        self._check()
        return self._file.published

    def read(self, use: Callable[[Publication], T]) -> T:
        """Runs `use` over one publication, and again when the writer was faster.

        So `use` has no side effects, and keeps copies only. Raises TIMED_OUT when the writer is faster
        than a copy, and CLOSED.
        """
        self._check()
        file = self._whole()
        words = file.words
        for attempt in range(_READS_IN_PLACE + _COPY_ATTEMPTS):
            epoch, published = words[layout.EPOCH], words[layout.PUBLISHED]
            if published == 0:
                raise TimedOut(f"the mirror {self.flow} has no publication yet")
            sequence = published - 1
            slot = file.first_slot + sequence % file.slot_count * file.slot_words
            if words[slot] != sequence + 1:
                continue
            size = min(words[slot + layout.SIZE_AND_FLAGS] & 0xFFFFFFFF, file.capacity)
            timestamp = words[slot + layout.TIMESTAMP]
            at = slot * 8 + layout.PAYLOAD_BYTE
            memory = file.bytes[at : at + size].toreadonly()
            in_place = attempt < _READS_IN_PLACE
            if not in_place:
                memory = memoryview(bytes(memory))
                if words[slot] != sequence + 1 or words[layout.EPOCH] != epoch:
                    continue
            borrowed = Borrowed()
            try:
                result = use(Publication(memory, borrowed.check, sequence, timestamp, self._bins))
            except Exception:
                # A torn header may make `use` fail: only a whole publication's errors are its own.
                if not in_place or (words[slot] == sequence + 1 and words[layout.EPOCH] == epoch):
                    raise
                continue
            finally:
                borrowed.over = True
            if not in_place or (words[slot] == sequence + 1 and words[layout.EPOCH] == epoch):
                return result
        raise TimedOut(f"no publication of {self.flow} could be read whole: the writer is faster than a copy")

    def updates(self, timeout: float | None = None) -> Iterator[int]:
        """Sequences of new publications, the newest only; ends when none arrives for `timeout` seconds.

        Waits on the signal link. The next publication after the call is the first.
        """
        self._check()
        with self._open_input(self.flow, delivery="lossy", start="next", metadata_only=True) as news:
            while not self.closed:
                buffer = news.take(timeout)
                if buffer is None:
                    return
                newer: Any | None = buffer
                while newer is not None:
                    buffer = newer
                    newer = news.take(0)
                yield buffer.sequence

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
        """Detaches. Spectra of this mirror raise from now on; arrays that exist stay readable."""
        if not self._end("it was closed"):
            return
        self._link.shut()
        self._opening.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)
        self._link.close()

    def _whole(self) -> FlowFile:
        """The whole flow file, mapped by the first `read` of an attachment."""
        if self._ring is None or self._ring.path != self._file.path:
            self._ring = FlowFile(self._file.path)
        return self._ring

    def _attach(self, opened: Opened) -> None:
        if opened.image is None:
            raise NotAMirror(f"the flow {opened.flow} is of type {opened.type} and has no image to map")
        header = FlowFile(opened.file, header_only=True)
        image = memoryview(map_file(opened.image)[0])
        link = Link(opened.link)
        joined = link.join(opened.handle, link_kinds.OBSERVER, lossy=True)
        try:
            header.check_served(joined.epoch)
        except Closed:
            link.close()
            raise
        attachment = Borrowed()
        spectra = Spectra(image, lambda: self._check_attachment(attachment), self._bins)
        with self._changed:
            previous: Borrowed | None = getattr(self, "_attachment", None)
            self._attachment = attachment
            self._file, self._link, self._spectra, self._ring = header, link, spectra, None
            if previous is not None:
                previous.over = True  # last: a reader that meets it finds the new spectra
            self._changed.notify_all()

    def _check_attachment(self, attachment: Borrowed) -> None:
        self._check()
        attachment.check()

    def _listen(self) -> None:
        while True:
            self._link.receive(None)
            with self._changed:
                self._changed.notify_all()
            if not self._link.ended:
                continue
            if self.closed:
                return
            self._link.close()
            try:
                self._opening.recover(self._attach)
            except MirrorflowError as error:
                self._ended = error
                with self._changed:
                    self._changed.notify_all()
                return


class Borrowed:
    """Whether memory may still be used: no longer after its `read`, or once the image is replaced."""

    __slots__ = ("over",)

    def __init__(self) -> None:
        self.over = False

    def check(self) -> None:
        if self.over:
            raise Closed("this spectrum's memory was given back: ask the mirror for it again, or copy counts")
