"""Reads an MCAP file as mirrorflow records it: chunks, channels and metadata, with the standard library.

`recording.py` uses it. Reads one file; a file without a summary, because it is being written or its recorder
was killed, is read from record to record. docs/recording.md describes the contents.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from .errors import BadOption, FileCorrupt

MAGIC = b"\x89MCAP0\r\n"
_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _INDEX, _METADATA = 3, 4, 5, 6, 7, 0x0C
_FOOTER, _CHUNK_INDEX, _METADATA_INDEX, _DATA_END = 2, 8, 0x0D, 0x0F
_HEAD = struct.Struct("<BQ")
_FOOTER_BYTES = _HEAD.size + 20 + len(MAGIC)


class Channel(NamedTuple):
    id: int
    topic: str
    encoding: str
    metadata: dict[str, str]


class ChunkPlace(NamedTuple):
    offset: int
    size: int
    start_ns: int
    end_ns: int
    # Channels with messages in it; None when that is unknown.
    channels: frozenset[int] | None


class Message(NamedTuple):
    channel: Channel
    sequence: int
    time_ns: int
    data: memoryview


class McapFile:
    """One file. `close` it; messages are views that stay valid."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.channels: dict[int, Channel] = {}
        self.chunks: list[ChunkPlace] = []
        self.metadata: list[tuple[str, dict[str, str]]] = []
        self._cached: tuple[int, memoryview] | None = None
        self._file = open(self.path, "rb")
        try:
            if self._file.read(len(MAGIC)) != MAGIC:
                raise FileCorrupt(f"{self.path} does not begin as an MCAP file", {"path": self.path})
            if not self._read_summary():
                self._scan()
        except struct.error as error:
            self._file.close()
            raise FileCorrupt(f"{self.path} is damaged: {error}", {"path": self.path}) from error
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    def messages(self, channels: frozenset[int], start_ns: int, end_ns: float) -> Iterator[Message]:
        """The messages of these channels from one time to another, both inclusive, as they were recorded."""
        for chunk in self.chunks:
            if chunk.end_ns < start_ns or chunk.start_ns > end_ns or not _may_have(chunk, channels):
                continue
            for message in self._messages_in(chunk):
                if message.channel.id in channels and start_ns <= message.time_ns <= end_ns:
                    yield message

    def last_up_to(self, channels: frozenset[int], at_ns: float) -> Message | None:
        """The message of these channels with the latest time up to `at_ns`."""
        best: Message | None = None
        for chunk in reversed(self.chunks):
            if chunk.start_ns > at_ns or not _may_have(chunk, channels):
                continue
            if best is not None and chunk.end_ns <= best.time_ns:
                continue
            for message in self._messages_in(chunk):
                if message.channel.id not in channels or message.time_ns > at_ns:
                    continue
                if best is None or message.time_ns >= best.time_ns:
                    best = message
        return best

    def _messages_in(self, chunk: ChunkPlace) -> Iterator[Message]:
        records = self._records(chunk)
        at = 0
        while at < len(records):
            opcode, length = _HEAD.unpack_from(records, at)
            begin, at = at + _HEAD.size, at + _HEAD.size + length
            if at > len(records):
                raise self._corrupt(f"a record exceeds the chunk at byte {chunk.offset}")
            if opcode != _MESSAGE:
                continue
            channel, sequence, time_ns = struct.unpack_from("<HIQ", records, begin)
            if channel not in self.channels:
                raise self._corrupt(f"channel {channel} is not defined")
            yield Message(self.channels[channel], sequence, time_ns, records[begin + 22 : at])

    def _records(self, chunk: ChunkPlace) -> memoryview:
        if self._cached is not None and self._cached[0] == chunk.offset:
            return self._cached[1]
        body = self._read(chunk.offset, chunk.size)[_HEAD.size :]
        _start, _end, size, crc, characters = struct.unpack_from("<QQQII", body)
        compression = bytes(body[32 : 32 + characters]).decode("latin-1")
        records = body[32 + characters + 8 :]
        if compression:
            records = memoryview(_decompress(compression, records))
        if len(records) != size or (crc != 0 and zlib.crc32(records) != crc):
            raise self._corrupt(f"the checksum of the chunk at byte {chunk.offset} is wrong")
        self._cached = (chunk.offset, records)
        return records

    def _read_summary(self) -> bool:
        size = os.fstat(self._file.fileno()).st_size
        if size < len(MAGIC) + _FOOTER_BYTES:
            return False
        footer = self._read(size - _FOOTER_BYTES, _FOOTER_BYTES)
        if footer[0] != _FOOTER or footer[-len(MAGIC) :] != MAGIC:
            return False
        start, _offsets, crc = struct.unpack_from("<QQI", footer, _HEAD.size)
        summary = self._read(start, size - _FOOTER_BYTES - start)
        if crc != 0 and zlib.crc32(footer[: _HEAD.size + 16], zlib.crc32(summary)) != crc:
            raise self._corrupt("the checksum of its summary is wrong")
        at = 0
        while at < len(summary):
            opcode, length = _HEAD.unpack_from(summary, at)
            self._summary_record(opcode, summary[at + _HEAD.size : at + _HEAD.size + length])
            at += _HEAD.size + length
        return True

    def _summary_record(self, opcode: int, body: memoryview) -> None:
        if opcode == _CHANNEL:
            self._add_channel(body)
        elif opcode == _CHUNK_INDEX:
            start, end, offset, size, length = struct.unpack_from("<QQQQI", body)
            ids = [struct.unpack_from("<H", body, 36 + at)[0] for at in range(0, length, 10)]
            self.chunks.append(ChunkPlace(offset, size, start, end, frozenset(ids)))
        elif opcode == _METADATA_INDEX:
            offset, size = struct.unpack_from("<QQ", body)
            self._add_metadata(self._read(offset, size)[_HEAD.size :])

    def _scan(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        at = len(MAGIC)
        while at + _HEAD.size <= size:
            opcode, length = _HEAD.unpack(self._read(at, _HEAD.size))
            end = at + _HEAD.size + length
            if opcode in (0, _DATA_END, _FOOTER) or end > size:
                break
            if opcode == _CHUNK:
                start_ns, end_ns = struct.unpack("<QQ", self._read(at + _HEAD.size, 16))
                self.chunks.append(ChunkPlace(at, end - at, start_ns, end_ns, None))
            elif opcode == _CHANNEL:
                self._add_channel(self._read(at + _HEAD.size, length))
            elif opcode == _METADATA:
                self._add_metadata(self._read(at + _HEAD.size, length))
            at = end
        if self.chunks:
            try:
                self._records(self.chunks[-1])
            except FileCorrupt:
                # The bytes of the last chunk had not reached the disk.
                self.chunks.pop()

    def _add_channel(self, body: memoryview) -> None:
        (number,) = struct.unpack_from("<H", body)
        topic, at = _text(body, 4)
        encoding, at = _text(body, at)
        self.channels[number] = Channel(number, topic, encoding, _map(body, at))

    def _add_metadata(self, body: memoryview) -> None:
        name, at = _text(body, 0)
        self.metadata.append((name, _map(body, at)))

    def _read(self, at: int, length: int) -> memoryview:
        self._file.seek(at)
        return memoryview(self._file.read(length))

    def _corrupt(self, defect: str) -> FileCorrupt:
        return FileCorrupt(f"{self.path} is damaged: {defect}", {"path": self.path})


def _may_have(chunk: ChunkPlace, channels: frozenset[int]) -> bool:
    return chunk.channels is None or not chunk.channels.isdisjoint(channels)


def _text(body: memoryview, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", body, at)
    return bytes(body[at + 4 : at + 4 + length]).decode(), at + 4 + length


def _map(body: memoryview, at: int) -> dict[str, str]:
    (length,) = struct.unpack_from("<I", body, at)
    values: dict[str, str] = {}
    at, end = at + 4, at + 4 + length
    while at < end:
        key, at = _text(body, at)
        values[key], at = _text(body, at)
    return values


def _decompress(name: str, records: memoryview) -> bytes:
    """Raises BAD_OPTION for a compression that this Python lacks; it has zstd since 3.14."""
    if name == "zstd":
        try:
            from compression import zstd  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            raise BadOption("the chunks are compressed by zstd, which needs Python 3.14 to be read") from None
        decompressed: Any = zstd.decompress(bytes(records))
        return bytes(decompressed)
    raise BadOption(f"the chunks are compressed by {name}; only zstd and none are read")
