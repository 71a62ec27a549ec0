"""Messages of the handshake and frames between a flow's sender and this receiver. Used by the link. Pure.

The layouts are those of docs/wire.md. What the other end sends is checked here: lengths, kinds, texts.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

from ..errors import BY_FAULT, MirrorflowError, SourceProtocol, VersionMismatch

MAGIC = b"MIRRWIRE"
VERSION = 2
HELLO, CHALLENGE, PROOF, WELCOME, REFUSED = range(1, 6)
BUFFER, BLOCKS, PUBLICATION, STATE, DELIVERY, ACK, ALIVE, BYE = range(1, 9)
#: Bits of a frame.
CRC, DEFLATED, DIFFERENCE = 1, 2, 4
LOSSLESS, LOSSY = 0, 1

#: Longest content of a record with several frames, and of the record of an answer.
BATCH_BYTES = 262_144
ANSWER_BYTES = 7_176
BLOCKS_BYTES = 262_656
_LIMITS = {CHALLENGE: 64, WELCOME: 7_160, REFUSED: 2_052}
_HEAD = struct.Struct("<8sHHI")
_FRAME = struct.Struct("<IHHQQII")
FRAME_BYTES = _FRAME.size
_FAULT = struct.Struct("<i")
_SEQUENCE_MAX = 2**53 - 1
_BUFFERS_MAX = 1 << 20
_BYTES_MAX = 2**31 - 1
_STATES = ("starting", "live", "stale", "ended")


class Frame(NamedTuple):
    kind: int
    bits: int
    sequence: int
    value: int
    detail: int
    payload: bytes


class Welcome(NamedTuple):
    """The flow as its sender has it."""

    epoch: int
    first: int
    lossy: bool
    integrity: bool
    type: str
    properties: dict[str, Any]
    buffers: int
    buffer_size: int
    mirror: bool
    state: str


def message(kind: int, body: bytes) -> bytes:
    return _HEAD.pack(MAGIC, VERSION, kind, len(body)) + body


def take_message(received: bytearray, expected: int) -> bytes | None:
    """Removes the next message, of the `expected` kind, and returns its body; None while incomplete.

    Raises VERSION_MISMATCH, SOURCE_PROTOCOL, and the reason of a REFUSED.
    """
    if not MAGIC.startswith(bytes(received[: len(MAGIC)])):
        raise SourceProtocol("what answers is no duplicator of mirrorflow")
    if len(received) < _HEAD.size:
        return None
    _, version, kind, length = _HEAD.unpack_from(received)
    if version != VERSION:
        raise VersionMismatch(
            f"the sender uses wire version {version}, this package version {VERSION}: install the same mirrorflow",
            {"found": version, "known": VERSION},
        )
    if kind not in (expected, REFUSED) or length > _LIMITS[kind]:
        raise SourceProtocol(f"message {kind} with {length} bytes is not expected here")
    end = _HEAD.size + length
    if len(received) < end:
        return None
    body = bytes(received[_HEAD.size : end])
    del received[:end]
    if kind == REFUSED:
        raise _refusal(body)
    return body


def read_welcome(body: bytes) -> Welcome:
    """Raises SOURCE_PROTOCOL for a body that is no WELCOME."""
    try:
        text = json.loads(body)
        properties = json.loads(text["properties"])
        welcome = Welcome(
            _whole(text["epoch"], _SEQUENCE_MAX),
            _whole(text["first"], _SEQUENCE_MAX),
            {"lossless": False, "lossy": True}[text["delivery"]],
            {"on": True, "off": False}[text["integrity"]],
            str(text["type"]),
            properties,
            _whole(text["buffers"], _BUFFERS_MAX),
            _whole(text["bufferSize"], _BYTES_MAX),
            bool(text["mirror"]),
            _STATES[_STATES.index(text["state"])],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SourceProtocol(f"the sender sent an invalid WELCOME: {error!r}") from error
    if not isinstance(properties, dict) or welcome.buffers < 1 or welcome.buffer_size < 1:
        raise SourceProtocol("the sender sent an invalid WELCOME: properties, buffers or bufferSize")
    return welcome


def state_name(detail: int) -> str:
    """The state in the detail of a STATE frame. Raises SOURCE_PROTOCOL."""
    code = detail % 8
    if code >= len(_STATES):
        raise SourceProtocol(f"the source has the unknown state {code}")
    return _STATES[code]


def control_frame(kind: int, sequence: int = 0, detail: int = 0) -> bytes:
    return _FRAME.pack(0, kind, 0, sequence, 0, detail, 0)


def take_frames(received: bytearray, limit: Callable[[int], int]) -> Iterator[Frame]:
    """Removes the whole frames of the bytes that were received.

    `limit`: longest payload of a kind. Raises SOURCE_PROTOCOL for anything else than a frame.
    """
    at = 0
    try:
        view = memoryview(received)
        while len(view) - at >= FRAME_BYTES:
            length, kind, bits, sequence, value, detail, crc = _FRAME.unpack_from(view, at)
            if not BUFFER <= kind <= BYE or bits & ~7 or sequence > _SEQUENCE_MAX:
                raise SourceProtocol(f"not a frame: kind {kind}, bits {bits}, sequence {sequence}")
            if length > limit(kind):
                raise SourceProtocol(f"a frame of kind {kind} claims {length} bytes; at most {limit(kind)} are allowed")
            end = at + FRAME_BYTES + length
            if end > len(view):
                break
            payload = bytes(view[at + FRAME_BYTES : end])
            if bits & CRC and zlib.crc32(payload) != crc:
                raise SourceProtocol(f"frame {sequence} has another checksum than its header states")
            at = end
            yield Frame(kind, bits, sequence, value, detail, payload)
    finally:
        view.release()
        del received[:at]


def _refusal(body: bytes) -> MirrorflowError:
    number = _FAULT.unpack_from(body)[0] if len(body) >= _FAULT.size else MirrorflowError.fault
    text = body[_FAULT.size :].decode("utf-8", "replace") or "no reason was given"
    return BY_FAULT.get(number, MirrorflowError)(f"the sender refused: {text}")


def _whole(value: object, most: int) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value) and 0 <= value <= most:
        return int(value)
    raise ValueError(f"{value!r} is no number from 0 to {most}")
