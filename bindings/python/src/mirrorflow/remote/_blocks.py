"""The delta codec of mirrors: what a BLOCKS frame changes in a display memory. Used by RemoteMirror. Pure.

The payload is `detail` ranges of u32 first block and u32 number of blocks, then their bytes: perhaps
deflated, perhaps XORed with the receiver's last publication (docs/wire.md).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from ..errors import SourceProtocol
from ._wire import DEFLATED, DIFFERENCE, Frame

BLOCK_BYTES = 4096
_BLOCKS_MAX = 64
_RANGE = struct.Struct("<II")

Range = tuple[int, int]


def apply_blocks(frame: Frame, memory: memoryview) -> list[Range]:
    """Decodes a frame into `memory`; returns the changed ranges [start, end).

    Raises SOURCE_PROTOCOL for an invalid frame, and changes nothing then.
    """
    size = frame.value
    if size > len(memory):
        raise SourceProtocol(f"blocks belong to a memory of {size} bytes; there is room for {len(memory)}")
    ranges = _ranges(frame, size)
    expected = sum(end - start for start, end in ranges)
    data = frame.payload[frame.detail * _RANGE.size :]
    if frame.bits & DEFLATED:
        data = _inflated(data, expected)
    if len(data) != expected:
        raise SourceProtocol(f"blocks have {len(data)} bytes; their ranges need {expected}")
    at = 0
    for start, end in ranges:
        piece = data[at : at + end - start]
        if frame.bits & DIFFERENCE:
            np.bitwise_xor(
                np.frombuffer(memory[start:end], np.uint8),
                np.frombuffer(piece, np.uint8),
                out=np.frombuffer(memory[start:end], np.uint8),
            )
        else:
            memory[start:end] = piece
        at += end - start
    return ranges


def _ranges(frame: Frame, size: int) -> list[Range]:
    count = frame.detail
    if not 1 <= count <= _BLOCKS_MAX or len(frame.payload) < count * _RANGE.size:
        raise SourceProtocol(
            f"blocks come in {count} ranges in {len(frame.payload)} bytes; 1 to {_BLOCKS_MAX} are allowed"
        )
    ranges: list[Range] = []
    previous = total = 0
    for index in range(count):
        first, blocks = _RANGE.unpack_from(frame.payload, index * _RANGE.size)
        total += blocks
        start, last = first * BLOCK_BYTES, (first + blocks - 1) * BLOCK_BYTES
        if blocks < 1 or total > _BLOCKS_MAX or start < previous or last >= size:
            raise SourceProtocol(
                f"blocks {first} to {first + blocks} exceed {size} bytes, or are not in ascending order"
            )
        ranges.append((start, min(last + BLOCK_BYTES, size)))
        previous = last + BLOCK_BYTES
    return ranges


def _inflated(data: bytes, expected: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, expected + 1)
    except zlib.error as error:
        raise SourceProtocol(f"blocks cannot be inflated: {error}") from error
    if not inflater.eof:
        raise SourceProtocol(f"blocks inflate to more than the {expected} bytes of their ranges")
    return inflated
