"""The ring of a flow file for its provider: claims, clears, completes and publishes slots.

Used by Output, which holds its lock meanwhile. The order of the stores is that of docs/flow-file.md.
x86 keeps the order of stores, and of loads; the one fence that is needed, between a store and a later
load, is taking and releasing an uncontended lock: an atomic read-modify-write. Other processors
need fences that Python does not have, so that providing is refused there.
"""

from __future__ import annotations

import platform
import threading

from . import _flow_file as layout
from ._flow_file import FlowFile
from .errors import NotPermitted

_CLAIM_SLOTS_MAX = 64
_CLAIM_SHARE = 64
_GENERATION_SHIFT = 16
_ORDERED = ("x86_64", "amd64", "i686", "i386")
_fence_lock = threading.Lock()


def fence() -> None:
    """Keeps loads that follow behind the stores before: a locked instruction on x86."""
    _fence_lock.acquire()
    _fence_lock.release()


def check_processor() -> None:
    """Raises NOT_PERMITTED where this package cannot order its stores."""
    machine = platform.machine()
    if machine.lower() in _ORDERED:
        return
    raise NotPermitted(
        f"flows cannot be provided from Python on {machine}: its processor may reorder stores, and Python "
        "has no fence for them. Provide the flow from the C or TypeScript library",
        {"machine": machine},
    )


class Ring:
    """One attachment of a provider. `next`: the sequence of the next buffer."""

    def __init__(self, file: FlowFile, generation: int) -> None:
        self.file = file
        self.words = file.words
        self.generation = generation
        self.quarter = max(1, file.slot_count // 4)
        self.next = file.published
        self._flags = (generation & 0xFFFF) << _GENERATION_SHIFT
        self._claimed = self.next
        self._claim_together = max(1, min(_CLAIM_SLOTS_MAX, file.slot_count // _CLAIM_SHARE))
        self._bytes = self.words[layout.PUBLISHED_BYTES]
        self._begun = False

    @property
    def published(self) -> int:
        return self.words[layout.PUBLISHED]

    def begin(self) -> memoryview | None:
        """Clears the next slot and returns its payload; None without credit."""
        slot = self._slot()
        if not self._begun:
            if self.next >= self._claimed and not self._claim():
                return None
            self.words[slot] = 0
            self._begun = True
        at = slot * 8 + layout.PAYLOAD_BYTE
        return self.file.bytes[at : at + self.file.capacity]

    def commit(self, size: int, timestamp_ns: int, flags: int) -> int:
        """Completes and publishes the slot that was begun. Returns the published count."""
        words, slot = self.words, self._slot()
        words[slot + layout.TIMESTAMP] = timestamp_ns
        words[slot + layout.SIZE_AND_FLAGS] = size | (self._flags | flags) << 32
        words[slot] = self.next + 1
        self.next += 1
        self._begun = False
        self._bytes += size
        words[layout.PUBLISHED_BYTES] = self._bytes
        words[layout.PUBLISHED] = self.next
        return self.next

    def published_from(self, sequence: int) -> list[tuple[bytes, int, int]]:
        """Content, time and flags of the published buffers from `sequence` on, copied."""
        words, file = self.words, self.file
        found: list[tuple[bytes, int, int]] = []
        for at in range(max(sequence, self.next - file.slot_count), self.next):
            slot = file.first_slot + at % file.slot_count * file.slot_words
            if words[slot] != at + 1:
                continue
            size_and_flags = words[slot + layout.SIZE_AND_FLAGS]
            start = slot * 8 + layout.PAYLOAD_BYTE
            content = bytes(file.bytes[start : start + (size_and_flags & 0xFFFFFFFF)])
            found.append((content, words[slot + layout.TIMESTAMP], size_and_flags >> 32 & 0xFFFF))
        return found

    def _slot(self) -> int:
        return self.file.first_slot + self.next % self.file.slot_count * self.file.slot_words

    def _claim(self) -> bool:
        """Claims the next slots as far as there is credit: stores the claim, then loads the credit."""
        words = self.words
        wanted = min(words[layout.GRANTED], self.next + self._claim_together)
        if wanted <= self.next:
            return False
        before = words[layout.CLAIMED]
        if wanted > before:
            words[layout.CLAIMED] = wanted
        fence()
        credit = words[layout.GRANTED]
        self._claimed = min(wanted, credit)
        if credit < wanted and wanted > before:
            words[layout.CLAIMED] = max(before, credit)
        return self._claimed > self.next
