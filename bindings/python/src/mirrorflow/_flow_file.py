"""The flow file: header fields and slots of a mapped ring. Used by inputs, outputs and mirrors.

Every word is read and written as one aligned native u64, which memoryview.cast('Q') does with one
load or store: so the halves of a word never come apart. The layout is that of docs/flow-file.md.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
from typing import Any

from .errors import Closed, FileCorrupt, NotPermitted, SystemError_, UnknownFlow, VersionMismatch

MAGIC = int.from_bytes(b"MIRRFLOW", "little")
VERSION = 2
HEADER_BYTES = 8192
IDENTITY_END = 4096

# Header words, as indices of 8 bytes.
MAGIC_WORD, VERSION_WORD, RING_WORD, CAPACITY_WORD = 0, 1, 2, 3
OWNER_PID_WORD, OWNER_START_WORD = 5, 6
EPOCH, PROVIDER_FIRST = 8, 9
PUBLISHED, CLAIMED = 16, 17
IMAGE_GENERATION, IMAGE_APPLIED, SOURCE_STATE = 24, 25, 26
GRANTED, HEARD = 28, 31
COUNTERS = 32
IDENTITY_BYTE = 1024
#: Index of the counter `publishedBytes`, which the provider writes.
PUBLISHED_BYTES = COUNTERS + 1

# Slot words, from the start of the slot.
SEQUENCE, TIMESTAMP, SIZE_AND_FLAGS = 0, 1, 2
PAYLOAD_BYTE = 64
SLOT_ALIGNMENT = 64

#: Names of the source states by their code.
STATES = ("starting", "live", "stale", "ended")

_LOW = 0xFFFFFFFF


class FlowFile:
    """A mapped flow file. The map stays valid as long as a view of it exists; nothing unmaps earlier."""

    __slots__ = (
        "path", "words", "bytes", "slot_count", "slot_words", "capacity", "identity", "is_mirror", "_inode",
        "owner_pid", "owner_start", "first_slot",
    )  # fmt: skip

    def __init__(self, path: str, *, write: bool = False, header_only: bool = False) -> None:
        """Maps the file. Raises UNKNOWN_FLOW, NOT_PERMITTED, VERSION_MISMATCH, FILE_CORRUPT."""
        if sys.byteorder != "little":
            raise NotPermitted("flow files are little-endian; this machine is not")
        self.path = path
        self._inode = _inode_of(path)
        mapped, size = map_file(path, write=write, length=HEADER_BYTES if header_only else 0)
        self.bytes = memoryview(mapped)
        if len(self.bytes) < HEADER_BYTES or len(self.bytes) % 8 != 0:
            raise FileCorrupt(f"{path} has {size} bytes; a flow file has {HEADER_BYTES} at least", {"path": path})
        self.words = self.bytes.cast("Q")
        self._read_header(size)

    def _read_header(self, size: int) -> None:
        words, path = self.words, self.path
        version, header_bytes = words[VERSION_WORD] & _LOW, words[VERSION_WORD] >> 32
        if words[MAGIC_WORD] != MAGIC or version == 0:
            raise FileCorrupt(f"{path} is no complete flow file", {"path": path})
        if version != VERSION:
            raise VersionMismatch(
                f"{path} has layout version {version}; this program reads version {VERSION}", {"path": path}
            )
        self.slot_count, stride = words[RING_WORD] & _LOW, words[RING_WORD] >> 32
        self.capacity = words[CAPACITY_WORD] & _LOW
        needed = (PAYLOAD_BYTE + self.capacity + SLOT_ALIGNMENT - 1) // SLOT_ALIGNMENT * SLOT_ALIGNMENT
        fits = HEADER_BYTES + self.slot_count * stride <= size
        if header_bytes != HEADER_BYTES or self.slot_count < 2 or stride != needed or not fits:
            raise FileCorrupt(
                f"{path} has {size} bytes, and its header states {self.slot_count} slots of {stride} bytes",
                {"path": path},
            )
        self.is_mirror = bool(words[CAPACITY_WORD] >> 32 & 1)
        self.slot_words = stride // 8
        self.first_slot = HEADER_BYTES // 8
        self.owner_pid = words[OWNER_PID_WORD] & _LOW
        self.owner_start = words[OWNER_START_WORD]
        self.identity = self._identity()

    def _identity(self) -> dict[str, Any]:
        length = int.from_bytes(self.bytes[IDENTITY_BYTE : IDENTITY_BYTE + 4], "little")
        start = IDENTITY_BYTE + 4
        try:
            identity = json.loads(bytes(self.bytes[start : min(start + length, IDENTITY_END)]))
        except ValueError:
            identity = None
        if not isinstance(identity, dict) or not isinstance(identity.get("properties"), dict):
            raise FileCorrupt(f"{self.path} has no valid identity", {"path": self.path})
        return identity

    def check_served(self, epoch: int) -> None:
        """Raises CLOSED unless this is the file of the duplicator that has answered with `epoch`."""
        if self.epoch != epoch or _inode_of(self.path) != self._inode:
            raise Closed(f"{self.path} was replaced while a client attached", {"path": self.path})

    @property
    def epoch(self) -> int:
        return self.words[EPOCH]

    @property
    def published(self) -> int:
        return self.words[PUBLISHED]

    @property
    def state(self) -> str:
        code = self.words[SOURCE_STATE] & _LOW
        return STATES[code] if code < len(STATES) else "stale"

    def shares_process_ids(self) -> bool:
        """Whether the owner's process id means the same process here: not across containers."""
        return self.owner_start != 0 and _start_ticks(self.owner_pid) == self.owner_start


def _inode_of(path: str) -> int:
    """0 where there is no file."""
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def map_file(path: str, *, write: bool = False, length: int = 0) -> tuple[mmap.mmap, int]:
    """Maps a file, or its first `length` bytes. Raises UNKNOWN_FLOW, NOT_PERMITTED, SYSTEM_ERROR."""
    try:
        descriptor = os.open(path, (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UnknownFlow(f"{path} does not exist", {"path": path}) from error
    except PermissionError as error:
        raise NotPermitted(f"this user may not open {path}", {"path": path}) from error
    except OSError as error:
        raise SystemError_(f"{path} cannot be opened: {error}", {"path": path}) from error
    try:
        size = os.fstat(descriptor).st_size
        if size < max(length, 1):
            raise FileCorrupt(f"{path} has {size} bytes", {"path": path})
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if write else 0)
        return mmap.mmap(descriptor, length or size, flags=mmap.MAP_SHARED, prot=protection), size
    except OSError as error:
        raise SystemError_(f"{path} cannot be mapped: {error}", {"path": path}) from error
    finally:
        os.close(descriptor)


def _start_ticks(pid: int) -> int:
    """Field 22 of /proc/pid/stat; 0 when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            text = stat.read()
        return int(text[text.rindex(b")") + 2 :].split()[19])
    except (OSError, ValueError, IndexError):
        return 0
