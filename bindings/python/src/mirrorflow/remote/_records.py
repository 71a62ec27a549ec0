"""Records: the pieces with a MAC in which everything travels between hosts without TLS. Pure.

u32 length | content | HMAC-SHA-256(key, direction u32, counter u64, length u32, content). A record that
a program on the line has changed, repeated, reordered or sent back has another MAC.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from ..errors import MirrorflowError

MAC_BYTES = 32
HEAD_BYTES = 4
CALLER, LISTENER = 1, 2

_U32 = struct.Struct("<I")
_PREFIX = struct.Struct("<IQ")


class Sealer:
    """Makes the records that this end sends, in their order."""

    def __init__(self, key: bytes, direction: int = CALLER) -> None:
        self._macs = _Macs(key, direction)

    def seal(self, content: bytes) -> bytes:
        head = _U32.pack(len(content))
        return head + content + self._macs.next(head, content)


class RecordReader:
    """Collects bytes and returns the contents of whole records."""

    def __init__(self, key: bytes, limit: int, error: type[MirrorflowError], direction: int = LISTENER) -> None:
        """`limit`: longest content. `error`: raised for a record that is not the other end's."""
        self.limit = limit
        self._macs = _Macs(key, direction)
        self._error = error
        self.rest = bytearray()

    def push(self, received: bytes | bytearray | memoryview) -> None:
        self.rest += received

    def next(self) -> bytes | None:
        """The content of the next record; None while it is incomplete."""
        rest = self.rest
        if len(rest) < HEAD_BYTES:
            return None
        length = _U32.unpack_from(rest)[0]
        if not 1 <= length <= self.limit:
            raise self._error(f"a record claims {length} bytes; 1 to {self.limit} are allowed")
        end = HEAD_BYTES + length
        if len(rest) < end + MAC_BYTES:
            return None
        content = bytes(memoryview(rest)[HEAD_BYTES:end])
        mac = bytes(memoryview(rest)[end : end + MAC_BYTES])
        if not hmac.compare_digest(mac, self._macs.next(_U32.pack(length), content)):
            raise self._error(
                "a record does not have the MAC of its place: it was changed, repeated or reordered on the line"
            )
        del rest[: end + MAC_BYTES]
        return content


class _Macs:
    """The MACs of one direction; its counter begins with 0 and is not sent."""

    def __init__(self, key: bytes, direction: int) -> None:
        self._key = hmac.new(key, digestmod=hashlib.sha256)
        self._direction = direction
        self._counter = 0

    def next(self, head: bytes, content: bytes) -> bytes:
        mac = self._key.copy()
        mac.update(_PREFIX.pack(self._direction, self._counter))
        mac.update(head)
        mac.update(content)
        self._counter += 1
        return mac.digest()
