"""Handles: objects that own memory maps, sockets or threads. Base of App, flows and mirrors.

Such an object works in the process that made it, until it is closed. Using it later raises CLOSED;
a forked child and pickle are refused, since a child would share the parent's sockets.
"""

from __future__ import annotations

import os
import weakref
from typing import NoReturn

from .errors import Closed, MirrorflowError, NotPermitted

_LIVE: weakref.WeakSet[Handle] = weakref.WeakSet()


class Handle:
    """An object of one process that can be closed. `_check` costs one comparison."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._refusal: str | None = None
        self._refusal_type: type[MirrorflowError] = Closed
        _LIVE.add(self)

    @property
    def closed(self) -> bool:
        return self._refusal is not None

    def _check(self) -> None:
        if self._refusal is not None:
            raise self._refusal_type(self._refusal)

    def _end(self, why: str) -> bool:
        """Marks the object as closed. False when it was closed before."""
        if self._refusal is not None:
            return False
        self._refusal = f"{self._title} cannot be used: {why}"
        return True

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self._title} cannot be pickled: connect again in the other process")

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce__()


def _refuse_in_child() -> None:
    for handle in list(_LIVE):
        if handle._refusal is None:
            handle._refusal_type = NotPermitted
            handle._refusal = f"{handle._title} was opened before this process was forked; connect in the child"


os.register_at_fork(after_in_child=_refuse_in_child)
