"""What all inputs have in common: iteration and the `with` block. Base of Input, History and RemoteInput."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from ._handles import Handle
from .buffer import Buffer

R = TypeVar("R", bound="Reads")


class Reads(Handle):
    """A flow that is read: `take`, or iterate. Close it, or use it in a `with` block."""

    def take(self, timeout: float | None = None) -> Buffer | None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Buffer]:
        while not self.closed:
            buffer = self.take()
            if buffer is not None:
                yield buffer

    def __enter__(self: R) -> R:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
