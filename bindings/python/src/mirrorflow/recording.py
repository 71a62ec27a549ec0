"""Recordings: the spectra, buffers and answers of any recorded moment. `mirrorflow.open_recording` opens one.

    with mirrorflow.open_recording("e1-20270301T120000Z.mcap") as recording:
        print(recording.at("2027-03-01T12:34:00Z")["tof"].counts.sum())

Reads MCAP files by the standard library and numpy; needs no server. docs/recording.md describes the files.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any, NamedTuple, Union

import numpy as np

from ._mcap import McapFile
from .errors import BadOption, FileCorrupt
from ._source_bins import AxisBins, bins_in
from .mirror import Publication

# An aware datetime, its ISO text, or seconds since 1970.
Time = Union[datetime, str, float, int]

_BLOCK_BYTES = 4096
_DEFLATED, _DIFFERENCE = 2, 4
_HEAD = struct.Struct("<QQIIII")


class RecordedBuffer(NamedTuple):
    sequence: int
    epoch: int
    timestamp_ns: int
    flags: int
    data: memoryview


class Recording:
    """One recording: the files of one application. Close it, or use it in a `with` block."""

    def __init__(self, paths: Iterable[str | os.PathLike[str]]) -> None:
        self._files: list[McapFile] = []
        try:
            for path in paths:
                self._files.append(McapFile(path))
            applications = {_application(file) for file in self._files}
            if len(applications) != 1:
                raise BadOption(f"give the files of one application; these are of {sorted(applications) or 'none'}")
        except BaseException:
            self.close()
            raise
        self.application: str = applications.pop()
        self._files.sort(key=lambda file: min((chunk.start_ns for chunk in file.chunks), default=0))

    @property
    def span(self) -> tuple[datetime, datetime]:
        """First and last time. Raises BAD_OPTION for a recording without messages."""
        chunks = [chunk for file in self._files for chunk in file.chunks]
        if not chunks:
            raise BadOption("the recording has no messages")
        return _datetime(min(c.start_ns for c in chunks)), _datetime(max(c.end_ns for c in chunks))

    @property
    def flows(self) -> list[str]:
        """Names of the recorded flows, mirrors included."""
        kinds = ("buffers", "key", "delta")
        channels = (channel for file in self._files for channel in file.channels.values())
        return sorted({channel.topic for channel in channels if channel.metadata.get("kind") in kinds})

    def at(self, time: Time, flow: str = "spectra") -> Publication:
        """The spectra of a mirror at a time, by name. Raises BAD_OPTION when nothing was recorded before it."""
        at_ns = _nanoseconds(time)
        for file in reversed(self._files):
            key = file.last_up_to(_channels(file, flow, ("key",)), at_ns)
            if key is not None:
                bins = bins_in(self.answer("spectrum/list", time))
                return _publication(file, flow, key.time_ns, at_ns, bins.get)
        raise BadOption(f"no publication of {flow} was recorded up to {_datetime(at_ns).isoformat()}")

    def times(self, flow: str = "spectra") -> list[datetime]:
        """The times of the publications of a mirror."""
        return [
            _datetime(message.time_ns)
            for file in self._files
            for message in file.messages(_channels(file, flow, ("key", "delta")), 0, float("inf"))
        ]

    def buffers(self, flow: str, start: Time = 0, end: Time = float("inf")) -> Iterator[RecordedBuffer]:
        """The buffers of a flow from one time to another, in the order of recording, each once."""
        last: dict[tuple[str, str], int] = {}
        start_ns, end_ns = _nanoseconds(start), _nanoseconds(end)
        for file in self._files:
            for message in file.messages(_channels(file, flow, ("buffers",)), int(start_ns), end_ns):
                of = message.channel.metadata
                sequence = int(of["sequenceHigh"]) * 2**32 + message.sequence
                provider = (of["epoch"], of["generation"])
                # A recorder that was killed and started again records again what the ring still has.
                if sequence <= last.get(provider, -1):
                    continue
                last[provider] = sequence
                yield RecordedBuffer(sequence, int(of["epoch"]), message.time_ns, int(of["flags"]), message.data)

    def answer(self, request: str, time: Time) -> Any:
        """What SpecTcl answered to a request such as `gate/list`, at a time; None when that was not recorded."""
        at_ns = _nanoseconds(time)
        for file in reversed(self._files):
            message = file.last_up_to(_channels(file, f"spectcl/{request}", ("answer",)), at_ns)
            if message is not None:
                return json.loads(bytes(message.data))["detail"]
        return None

    @property
    def runs(self) -> list[dict[str, str]]:
        """Changes of the run: `atNs`, `number`, `state`, `title`."""
        return [values for file in self._files for name, values in file.metadata if name == "run"]

    def close(self) -> None:
        for file in self._files:
            file.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_recording(*paths: str | os.PathLike[str]) -> Recording:
    """Opens the files of one recording, or all of a directory. Raises BAD_OPTION, FILE_CORRUPT, OSError."""
    files: list[str] = []
    for path in map(os.fspath, paths):
        if os.path.isdir(path):
            files += sorted(os.path.join(path, name) for name in os.listdir(path) if name.endswith(".mcap"))
        else:
            files.append(path)
    return Recording(files)


def _publication(file: McapFile, flow: str, key_ns: int, at_ns: float, bins: AxisBins) -> Publication:
    memory = bytearray()
    sequence: int | None = None
    time_ns, crc = 0, 0
    for message in file.messages(_channels(file, flow, ("key", "delta")), key_ns, at_ns):
        number, base, size, crc, pieces, _ = _HEAD.unpack_from(message.data)
        if number == base:
            memory = bytearray(size)
        elif base != sequence or size != len(memory):
            raise FileCorrupt(f"publication {number} of {flow} needs {base}, which is not there", {"path": file.path})
        _apply(message.data, pieces, memory)
        sequence, time_ns = number, message.time_ns
    if zlib.crc32(memory) != crc:
        raise FileCorrupt(f"the checksum of publication {sequence} of {flow} is wrong", {"path": file.path})
    return Publication(memoryview(memory).toreadonly(), lambda: None, sequence or 0, time_ns, bins)


def _apply(data: memoryview, pieces: int, memory: bytearray) -> None:
    target = np.frombuffer(memory, np.uint8)
    at = _HEAD.size
    for _ in range(pieces):
        length, ranges, bits = struct.unpack_from("<IHH", data, at)
        payload = data[at + 8 : at + 8 + length]
        at += 8 + length
        table = struct.unpack_from(f"<{2 * ranges}I", payload)
        encoded: bytes | memoryview = payload[8 * ranges :]
        if bits & _DEFLATED:
            encoded = zlib.decompress(encoded, -15)
        source = np.frombuffer(encoded, np.uint8)
        done = 0
        for first, blocks in zip(table[::2], table[1::2]):
            start = first * _BLOCK_BYTES
            end = min(start + blocks * _BLOCK_BYTES, len(memory))
            piece = source[done : done + end - start]
            if bits & _DIFFERENCE:
                target[start:end] ^= piece
            else:
                target[start:end] = piece
            done += end - start


def _channels(file: McapFile, topic: str, kinds: tuple[str, ...]) -> frozenset[int]:
    return frozenset(
        channel.id
        for channel in file.channels.values()
        if channel.topic == topic and channel.metadata.get("kind") in kinds
    )


def _application(file: McapFile) -> str:
    for name, values in file.metadata:
        if name == "recording":
            return values["application"]
    raise BadOption(f"{file.path} is an MCAP file, but no recording of mirrorflow", {"path": file.path})


def _nanoseconds(time: Time) -> float:
    if isinstance(time, str):
        time = datetime.fromisoformat(time.replace("Z", "+00:00"))
    if isinstance(time, datetime):
        if time.tzinfo is None:
            time = time.astimezone()
        delta = time - datetime(1970, 1, 1, tzinfo=timezone.utc)
        return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1_000
    return time * 1_000_000_000


def _datetime(ns: float) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, timezone.utc)
