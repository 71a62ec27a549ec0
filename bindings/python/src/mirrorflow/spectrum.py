"""Spectra by name over SpecTcl's display memory. Mirror and `Mirror.read` return them.

The layout: arrays of 10,000 slots each without padding, little-endian; then channel storage.
dimensions u32[2] | titles char[128] | info char[128] | offsets u32 | types i32 |
maps f32[4], char[128], char[128] | statistics u32[4]. Offsets count channels of the spectrum's size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Callable, NamedTuple

import numpy as np
import numpy.typing as npt

from ._notebook import svg_of_counts
from ._source_bins import AxisBins
from .errors import SourceProtocol, UnknownSpectrum

SLOTS = 10_000
TEXT_BYTES = 128
TITLES = SLOTS * 8
INFO = TITLES + SLOTS * TEXT_BYTES
OFFSETS = INFO + SLOTS * TEXT_BYTES
TYPES = OFFSETS + SLOTS * 4
MAPS = TYPES + SLOTS * 4
MAP_BYTES = 16 + 2 * TEXT_BYTES
STATISTICS = MAPS + SLOTS * MAP_BYTES
HEADER_BYTES = STATISTICS + SLOTS * 16

_DIMENSIONS = struct.Struct("<II")
_U32 = struct.Struct("<I")
_RANGE = struct.Struct("<4f")
_COUNTS = struct.Struct("<4I")
_NAMES_SHOWN = 10


class _Kind(NamedTuple):
    name: str
    dimensions: int
    dtype: Any
    bytes: int


_KINDS = {
    1: _Kind("2D byte", 2, np.dtype("<u1"), 1),
    2: _Kind("1D word", 1, np.dtype("<u2"), 2),
    3: _Kind("2D word", 2, np.dtype("<u2"), 2),
    4: _Kind("1D long", 1, np.dtype("<u4"), 4),
    5: _Kind("2D long", 2, np.dtype("<u4"), 4),
}


class Axis(NamedTuple):
    """An axis: `bins` channels from `low` to `high`, without under- and overflow channels."""

    low: float
    high: float
    bins: int
    label: str


class Spectrum:
    """A spectrum. `counts` is a view of the display memory, which changes with it."""

    __slots__ = ("name", "slot", "_memory", "_kind", "_shape", "_at", "_check", "_bins")

    def __init__(
        self, memory: memoryview, slot: int, name: str, check: Callable[[], None], bins: AxisBins | None = None
    ) -> None:
        """Raises SOURCE_PROTOCOL for a definition that does not fit the memory."""
        self.name = name
        self.slot = slot
        self._memory = memory
        self._check = check
        self._bins = bins
        kind = _KINDS.get(_U32.unpack_from(memory, TYPES + slot * 4)[0])
        if kind is None:
            raise SourceProtocol(f"slot {slot} of the display memory has no spectrum of a known type")
        self._kind = kind
        xchans, ychans = _DIMENSIONS.unpack_from(memory, slot * 8)
        self._shape = (xchans,) if kind.dimensions == 1 else (ychans, xchans)
        self._at = HEADER_BYTES + _U32.unpack_from(memory, OFFSETS + slot * 4)[0] * kind.bytes
        size = xchans * (1 if kind.dimensions == 1 else ychans) * kind.bytes
        if self._at + size > len(memory):
            raise SourceProtocol(
                f"spectrum {name!r} occupies bytes {self._at} to {self._at + size} of a display memory of {len(memory)}"
            )

    @property
    def counts(self) -> npt.NDArray[Any]:
        """Counts of all stored channels, 1-D or 2-D [y, x]: a view; `.copy()` keeps them.

        Where SpecTcl stores under- and overflow channels, they are the first and the last: see
        `counts_in_range`. Raises CLOSED when the mirror is closed or has other memory.
        """
        self._check()
        count = self._shape[0] if len(self._shape) == 1 else self._shape[0] * self._shape[1]
        flat = np.frombuffer(self._memory, self._kind.dtype, count, self._at)
        return flat if len(self._shape) == 1 else flat.reshape(self._shape)

    @property
    def counts_in_range(self) -> npt.NDArray[Any]:
        """`counts` without under- and overflow channels: a view."""
        inner = tuple(slice(1, -1) if outside else slice(None) for outside in reversed(self._outside()))
        return self.counts[inner]

    @property
    def type(self) -> str:
        """`1D long`, `1D word`, `2D long`, `2D word` or `2D byte`."""
        return self._kind.name

    @property
    def title(self) -> str:
        """SpecTcl's text about the spectrum."""
        return self._text(INFO + self.slot * TEXT_BYTES) or self.name

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes: x, and y of a 2-D spectrum, with their channels in range."""
        self._check()
        outside = self._outside()
        at = MAPS + self.slot * MAP_BYTES
        xmin, xmax, ymin, ymax = _RANGE.unpack_from(self._memory, at)
        x = Axis(xmin, xmax, self._shape[-1] - 2 * outside[0], self._text(at + 16))
        if len(self._shape) == 1:
            return (x,)
        return (x, Axis(ymin, ymax, self._shape[0] - 2 * outside[1], self._text(at + 16 + TEXT_BYTES)))

    @property
    def edges(self) -> tuple[npt.NDArray[np.float64], ...]:
        """Edges of the stored channels of each axis: one more than `counts` has.

        Under- and overflow channels, where there are some, lie beyond `low` and `high`.
        """
        edges = []
        for axis, outside in zip(self.axes, self._outside()):
            width = (axis.high - axis.low) / axis.bins
            beyond = outside * width
            edges.append(np.linspace(axis.low - beyond, axis.high + beyond, axis.bins + 2 * outside + 1))
        return tuple(edges)

    @property
    def sum(self) -> int:
        """Sum of the counts of all stored channels, under- and overflow included."""
        return int(self.counts.sum(dtype=np.uint64))

    @property
    def overflow(self) -> tuple[int, ...]:
        """Counts above the range of each axis."""
        return self._statistics()[: len(self._shape)]

    @property
    def underflow(self) -> tuple[int, ...]:
        """Counts below the range of each axis."""
        return self._statistics()[2 : 2 + len(self._shape)]

    def _outside(self) -> tuple[int, ...]:
        """For each axis 1 where the first and last channel are under- and overflow, else 0."""
        stored = tuple(reversed(self._shape))
        bins = (self._bins(self.name) if self._bins is not None else None) or ()
        return tuple(
            int(at < len(bins) and channels > 2 and bins[at] == channels - 2) for at, channels in enumerate(stored)
        )

    def _statistics(self) -> tuple[int, ...]:
        self._check()
        return _COUNTS.unpack_from(self._memory, STATISTICS + self.slot * 16)

    def _text(self, at: int) -> str:
        self._check()
        return decode_text(self._memory, at)

    def __repr__(self) -> str:
        return f"<Spectrum {self.name!r} {self.type} {' x '.join(map(str, reversed(self._shape)))}>"

    def _repr_html_(self) -> str:
        return svg_of_counts(self.name, self.counts_in_range, self.axes)


class Spectra(Mapping[str, Spectrum]):
    """The spectra of a display memory by name, in the order of their slots."""

    def __init__(self, memory: memoryview, check: Callable[[], None], bins: AxisBins | None = None) -> None:
        if len(memory) < HEADER_BYTES:
            raise SourceProtocol(f"a display memory has {HEADER_BYTES} bytes at least; this one has {len(memory)}")
        self._memory = memory
        self._check_open = check
        self._bins = bins
        self._slots: dict[str, tuple[int, bytes]] = {}

    def __getitem__(self, name: str) -> Spectrum:
        """The spectrum of a name. Raises UNKNOWN_SPECTRUM, naming some that exist, and CLOSED."""
        found = self._find(name)
        if found is not None:
            return found
        names = list(self)
        shown = ", ".join(names[:_NAMES_SHOWN]) + (" …" if len(names) > _NAMES_SHOWN else "")
        raise UnknownSpectrum(f"there is no spectrum {name!r}; there are {shown or 'none'}", {"name": name})

    def get(self, name: str, default: Any = None) -> Any:
        found = self._find(name)
        return default if found is None else found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def __iter__(self) -> Iterator[str]:
        self._read_names()
        return iter(list(self._slots))

    def __len__(self) -> int:
        self._read_names()
        return len(self._slots)

    def _find(self, name: str) -> Spectrum | None:
        """SpecTcl may have given a known slot to another spectrum, so its name is compared."""
        self._check_open()
        for refreshed in (False, True):
            known = self._slots.get(name)
            if known is not None:
                slot, field = known
                at = TITLES + slot * TEXT_BYTES
                is_defined = self._memory[TYPES + slot * 4] != 0
                if is_defined and self._memory[at : at + len(field)] == field:
                    return Spectrum(self._memory, slot, name, self._check_open, self._bins)
            if not refreshed:
                self._read_names()
        return None

    def _read_names(self) -> None:
        self._check_open()
        types = np.frombuffer(self._memory, "<i4", SLOTS, TYPES)
        slots: dict[str, tuple[int, bytes]] = {}
        defined: list[int] = np.flatnonzero((types >= 1) & (types <= 5)).tolist()
        for slot in defined:
            field = _field(self._memory, TITLES + slot * TEXT_BYTES)
            slots.setdefault(_decode(field), (slot, field + b"\0" if len(field) < TEXT_BYTES else field))
        self._slots = slots


def decode_text(memory: memoryview, at: int) -> str:
    """SpecTcl's text: UTF-8 where it is valid, Latin-1 otherwise."""
    return _decode(_field(memory, at))


def _field(memory: memoryview, at: int) -> bytes:
    return bytes(memory[at : at + TEXT_BYTES]).split(b"\0", 1)[0]


def _decode(field: bytes) -> str:
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError:
        return field.decode("latin-1")
