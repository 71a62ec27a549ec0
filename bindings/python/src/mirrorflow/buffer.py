"""A buffer that was taken from a flow: data, time and sequence. Input returns it."""

from __future__ import annotations

from typing import Any

from . import _flow_file as layout
from ._flow_file import FlowFile
from .errors import Closed
from .flow_types import FlowType


class Buffer:
    """Bytes of a flow. Of a lossless input they are the shared memory itself, until `release`."""

    __slots__ = ("sequence", "epoch", "timestamp_ns", "flags", "_data", "_type", "_file", "_slot")

    def __init__(
        self,
        sequence: int,
        epoch: int,
        timestamp_ns: int,
        flags: int,
        data: memoryview,
        flow_type: FlowType[Any] | None,
        file: FlowFile | None,
        slot: int,
    ) -> None:
        """`file` and `slot`: where `data` lies; None for memory of its own."""
        #: Counts the buffers of the flow from 0 within an epoch.
        self.sequence = sequence
        self.epoch = epoch
        #: Nanoseconds since 1970, to 256 ns.
        self.timestamp_ns = timestamp_ns
        #: Flags of the flow type, 0 to 65,535.
        self.flags = flags
        self._data: memoryview | None = data
        self._type = flow_type
        self._file = file
        self._slot = slot

    @property
    def data(self) -> memoryview:
        """The bytes, to be read only. Raises CLOSED after the release: `bytes(buffer.data)` keeps them."""
        if self._data is None:
            raise Closed(f"buffer {self.sequence} was released: copy what is needed longer")
        return self._data

    @property
    def timestamp(self) -> float:
        """Seconds since 1970."""
        return self.timestamp_ns / 1e9

    @property
    def value(self) -> Any:
        """The value by the flow's type; the bytes of an untyped flow. Valid as long as `data`."""
        return self.data if self._type is None else self._type.decode(self.data)

    @property
    def intact(self) -> bool:
        """False when the writer has overwritten the shared memory: only after a stall timeout."""
        if self._file is None:
            return True
        words = self._file.words
        return words[self._slot] == self.sequence + 1 and words[layout.EPOCH] == self.epoch

    def keep(self) -> None:
        """Copies the bytes, so that the buffer stays valid when the next one is taken."""
        copied = memoryview(bytes(self.data))
        self.release()
        self._data = copied

    def release(self) -> None:
        """Gives the memory back; `data` raises from now on."""
        data, self._data = self._data, None
        if data is None:
            return
        try:
            data.release()
        except BufferError:
            pass  # an array over it is alive: it stays readable, and may change

    def __len__(self) -> int:
        return len(self.data)
