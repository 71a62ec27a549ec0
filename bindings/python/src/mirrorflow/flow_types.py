"""Flow types: what the bytes of a flow mean. Programs give one to open_input and open_output.

`json_values()`, `arrays(kind, shape)` and `deflated(inner)` read and write what the TypeScript
library's types `json`, `array` and `compressed` do (docs/typed-flows.md). Pure.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from .errors import BadMessage, BadOption, WrongFlowType

V = TypeVar("V")

_KINDS = {
    "f64": "<f8", "f32": "<f4", "i8": "<i1", "u8": "<u1", "i16": "<i2",
    "u16": "<u2", "i32": "<i4", "u32": "<u4", "i64": "<i8", "u64": "<u8",
}  # fmt: skip
_RANK_MAX = 7
_SHAPE = struct.Struct("<8I")
_DEFLATED = struct.Struct("<II")
_RAW_MAX_BYTES = 16 * 1024 * 1024
#: Best ratio of deflate (RFC 1951): 258 bytes in two bits.
_RATIO_MAX = 1032


class FlowType(Generic[V]):
    """A layer: its name and properties in the flow's identity, its bytes, and the layer inside."""

    name: str = ""
    metadata_bytes = 0
    inner: FlowType[Any] | None = None

    @property
    def properties(self) -> dict[str, Any]:
        return {}

    #: Largest payload in bytes, where the type defines it.
    payload_bytes: int | None = None

    def encode(self, value: V) -> bytes:
        raise NotImplementedError

    def decode(self, data: memoryview) -> V:
        raise NotImplementedError

    def accepts(self, provided: Mapping[str, Any]) -> bool:
        """Whether a flow whose provider stated these properties can be read."""
        return dict(provided) == self.properties

    @property
    def stack_name(self) -> str:
        return self.name if self.inner is None else f"{self.name}/{self.inner.stack_name}"

    @property
    def stack_properties(self) -> dict[str, Any]:
        own = {self.name: self.properties} if self.properties else {}
        return own if self.inner is None else {**own, **self.inner.stack_properties}

    def encoded_bytes(self, payload: int) -> int:
        """Most bytes of a buffer with such a payload: with the metadata of all layers."""
        return self.metadata_bytes + (payload if self.inner is None else self.inner.encoded_bytes(payload))

    def check(self, identity: Mapping[str, Any], *, providing: bool = False) -> None:
        """Raises WRONG_FLOW_TYPE when this type cannot read, or provide, the flow."""
        provided = identity["properties"]
        fits = identity["type"] == self.stack_name and (
            provided == self.stack_properties if providing else self._accepts_all(provided)
        )
        if not fits:
            found = f"{identity['type']} {json.dumps(provided)}"
            wanted = f"{self.stack_name} {json.dumps(self.stack_properties)}"
            raise WrongFlowType(
                f"flow {identity['flow']} has type {found}, and was to be opened as {wanted}",
                {"found": found, "expected": wanted},
            )

    def _accepts_all(self, provided: Mapping[str, Any]) -> bool:
        own = provided.get(self.name, {})
        inside = self.inner is None or self.inner._accepts_all(provided)
        return isinstance(own, dict) and self.accepts(own) and inside


class _Json(FlowType[Any]):
    name = "json"

    def encode(self, value: Any) -> bytes:
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError) as error:
            raise BadOption(f"the value cannot be written as JSON: {error}") from error

    def decode(self, data: memoryview) -> Any:
        try:
            return json.loads(bytes(data))
        except ValueError as error:
            raise BadMessage(f"the buffer is no JSON: {error}") from error


class _Arrays(FlowType["npt.NDArray[Any]"]):
    name = "array"
    metadata_bytes = _SHAPE.size

    def __init__(self, kind: str, shape: Sequence[int] | None) -> None:
        if kind not in _KINDS:
            raise BadOption(f"the element kind is {kind!r}; it must be one of {', '.join(_KINDS)}")
        self._kind = kind
        self._dtype = np.dtype(_KINDS[kind])
        self._shape = None if shape is None else tuple(int(length) for length in shape)
        if self._shape is not None:
            _check_shape(self._shape)
            self.payload_bytes = math.prod(self._shape) * self._dtype.itemsize

    @property
    def properties(self) -> dict[str, Any]:
        return {"kind": self._kind} if self._shape is None else {"kind": self._kind, "shape": list(self._shape)}

    def accepts(self, provided: Mapping[str, Any]) -> bool:
        shape = provided.get("shape")
        fits = self._shape is None or shape is None or (isinstance(shape, list) and self._fits(tuple(shape)))
        return provided.get("kind") == self._kind and fits

    def encode(self, value: npt.NDArray[Any]) -> bytes:
        array = np.asarray(value)
        if array.dtype.newbyteorder("<") != self._dtype:
            raise BadOption(f"the array is of {array.dtype}; a flow of {self._kind} is written with {self._dtype}")
        shape = array.shape or (1,)
        if self._shape is not None and len(shape) == 1 and math.prod(self._shape) == array.size:
            shape = self._shape
        _check_shape(shape)
        if self._shape is not None and not self._fits(shape):
            raise BadOption(f"the shape {shape} is beyond the declared {self._shape}")
        lengths = (*shape, *([0] * (_RANK_MAX - len(shape))))
        return _SHAPE.pack(len(shape), *lengths) + array.astype(self._dtype, copy=False).tobytes()

    def decode(self, data: memoryview) -> npt.NDArray[Any]:
        """An array over the bytes of the buffer; copy it to keep it."""
        if len(data) < _SHAPE.size:
            raise BadMessage(f"{len(data)} bytes are too few for a shape")
        rank, *lengths = _SHAPE.unpack_from(data)
        if not 1 <= rank <= _RANK_MAX:
            raise BadMessage(f"the shape has {rank} dimensions, not 1 to {_RANK_MAX}")
        shape = tuple(lengths[:rank])
        if self._shape is not None and not self._fits(shape):
            raise BadMessage(f"the shape is {shape}; at most {self._shape} was declared")
        if math.prod(shape) * self._dtype.itemsize != len(data) - _SHAPE.size:
            raise BadMessage(f"the shape {shape} of {self._kind} does not need {len(data) - _SHAPE.size} bytes")
        return np.frombuffer(data, self._dtype, offset=_SHAPE.size).reshape(shape)

    def _fits(self, shape: tuple[int, ...]) -> bool:
        most = self._shape or ()
        return len(shape) == len(most) and all(length <= limit for length, limit in zip(shape, most))


class _Deflated(FlowType[V]):
    name = "deflate"
    metadata_bytes = _DEFLATED.size

    def __init__(self, inner: FlowType[V], level: int, max_bytes: int | None) -> None:
        if not 0 <= level <= 9:
            raise BadOption(f"level is {level}; it must be 0 to 9")
        self.inner: FlowType[V] = inner
        self._level = level
        self.payload_bytes = inner.payload_bytes
        known = inner.payload_bytes
        self._max = max_bytes or (_RAW_MAX_BYTES if known is None else inner.encoded_bytes(known))

    @property
    def properties(self) -> dict[str, Any]:
        return {"maxBytes": self._max}

    def accepts(self, provided: Mapping[str, Any]) -> bool:
        most = provided.get("maxBytes")
        return isinstance(most, (int, float)) and most <= self._max

    def encode(self, value: V) -> bytes:
        raw = self.inner.encode(value)
        if len(raw) > self._max:
            raise BadOption(f"the value takes {len(raw)} bytes before compression; at most {self._max} are allowed")
        worker = zlib.compressobj(self._level, zlib.DEFLATED, -15)
        packed = worker.compress(raw) + worker.flush()
        smaller = len(packed) < len(raw)
        return _DEFLATED.pack(len(raw), int(smaller)) + (packed if smaller else raw)

    def decode(self, data: memoryview) -> V:
        if len(data) < _DEFLATED.size:
            raise BadMessage(f"{len(data)} bytes are too few for a compressed buffer")
        size, form = _DEFLATED.unpack_from(data)
        stored = data[_DEFLATED.size :]
        if size > self._max or form not in (0, 1) or size > max(1, len(stored)) * _RATIO_MAX:
            raise BadMessage(f"form {form} of {size} bytes in {len(stored)}; at most {self._max} are allowed")
        raw = stored if form == 0 else self._inflate(stored, size)
        if len(raw) != size:
            raise BadMessage(f"the buffer has {len(raw)} bytes uncompressed, and its raw length is {size}")
        return self.inner.decode(memoryview(raw))

    @staticmethod
    def _inflate(stored: memoryview, size: int) -> bytes:
        try:
            return zlib.decompressobj(-15).decompress(stored, size + 1)
        except zlib.error as error:
            raise BadMessage(f"the buffer cannot be inflated: {error}") from error


def json_values() -> FlowType[Any]:
    """One JSON value per buffer."""
    return _Json()


def arrays(kind: str, shape: Sequence[int] | None = None) -> FlowType[npt.NDArray[Any]]:
    """One numpy array per buffer: `kind` f64, f32, i8 … u64; `shape`: the largest one. Raises BAD_OPTION."""
    return _Arrays(kind, shape)


def deflated(inner: FlowType[V], level: int = 1, max_bytes: int | None = None) -> FlowType[V]:
    """The values of `inner`, compressed where that makes them smaller. Raises BAD_OPTION."""
    return _Deflated(inner, level, max_bytes)


def _check_shape(shape: tuple[int, ...]) -> None:
    if not 1 <= len(shape) <= _RANK_MAX or any(not 0 <= length < 2**32 for length in shape):
        raise BadOption(f"the shape is {shape}; it must be 1 to {_RANK_MAX} whole numbers from 0")
