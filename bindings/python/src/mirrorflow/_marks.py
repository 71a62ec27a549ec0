"""Flow-control marks of a history: when a mark is reached, and the calls that report it. Used by History.

The fill is the number of ready buffers. An XOFF mark is reached when the fill rises to it, once until
an XON mark is reached; an XON mark when, after an XOFF, the fill falls to it, once until the next XOFF.
MarkSender makes calls on a thread of its own, so that a slow app server delays no buffer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, Callable

from .errors import BadOption, MirrorflowError

_MARKS_MAX = 64
_RETRY_S = 0.1
_ARMED, _BEYOND, _REACHED = range(3)

Reached = Callable[[str, int, int], None]


def check_marks(marks: dict[str, Any], history: int, watermarks: tuple[int, int] | None) -> tuple[list[int], list[int]]:
    """XOFF and XON in ascending order, each once. Raises BAD_OPTION naming the numbers."""
    if not isinstance(marks, dict) or set(marks) != {"xoff", "xon"}:
        raise BadOption(f"flow_control is {marks!r}; it must be {{'xoff': [...], 'xon': [...]}}")
    xoff = _ascending("xoff", marks["xoff"], 1, history)
    xon = _ascending("xon", marks["xon"], 0, history - 1)
    if not xoff or not xon or xon[0] >= xoff[0]:
        raise BadOption(f"flow_control has xoff {xoff} and xon {xon}; some xon must be below every xoff")
    if watermarks is not None and xoff[-1] > watermarks[0]:
        raise BadOption(
            f"xoff {xoff[-1]} is above the high watermark {watermarks[0]}: the history is not filled so far"
        )
    return xoff, xon


class MarkWatch:
    """`update` with each fill calls `reached` with kind, mark and fill. Used under the queue's lock."""

    def __init__(self, xoff: list[int], xon: list[int], reached: Reached) -> None:
        self._xoff = [[mark, _ARMED] for mark in xoff]
        self._xon = [[mark, _REACHED] for mark in reversed(xon)]
        self._reached = reached

    def update(self, fill: int) -> None:
        for watched in self._xoff:
            mark, state = watched
            if state == _BEYOND and fill < mark:
                watched[1] = _ARMED
            if watched[1] == _ARMED and fill >= mark:
                watched[1] = _REACHED
                for other in self._xon:
                    if other[1] == _REACHED:
                        other[1] = _BEYOND
                self._reached("xoff", mark, fill)
        for watched in self._xon:
            mark, state = watched
            if state == _BEYOND and fill > mark:
                watched[1] = _ARMED
            if watched[1] == _ARMED and fill <= mark:
                watched[1] = _REACHED
                for other in self._xoff:
                    if other[1] == _REACHED:
                        other[1] = _ARMED if fill < other[0] else _BEYOND
                self._reached("xon", mark, fill)


class MarkSender:
    """Reports marks in their order; of those that wait, an XOFF and its XON stay a pair."""

    def __init__(self, call: Callable[[dict[str, Any]], object], total: int, flow: str) -> None:
        self._call = call
        self._total = total
        self._waiting: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"mirrorflow-marks-{flow}", daemon=True)
        self._thread.start()

    def reached(self, kind: str, mark: int, fill: int) -> None:
        with self._changed:
            if len(self._waiting) >= _MARKS_MAX:
                del self._waiting[:-1]  # only the newest state counts for a provider
            self._waiting.append({"kind": kind, "mark": mark, "total": self._total, "fill": fill})
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(5.0)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                mark = self._waiting.pop(0)
            try:
                self._call(mark)
            except MirrorflowError:
                with self._changed:
                    # The app server restarts: a newer mark replaces this one.
                    if not self._waiting:
                        self._waiting.insert(0, mark)
                    if not self._closed:
                        self._changed.wait(_RETRY_S)


def _ascending(kind: str, marks: object, least: int, most: int) -> list[int]:
    if not isinstance(marks, Iterable) or isinstance(marks, str):
        raise BadOption(f"flow_control {kind} is {marks!r}; it must be a list of numbers of buffers")
    found = list(marks)
    for mark in found:
        if not isinstance(mark, int) or isinstance(mark, bool) or not least <= mark <= most:
            raise BadOption(f"flow_control {kind} has {mark!r}; its numbers must be from {least} to {most}")
    if len(found) > _MARKS_MAX:
        raise BadOption(f"flow_control {kind} has {len(found)} numbers; at most {_MARKS_MAX} are allowed")
    return sorted(set(found))
