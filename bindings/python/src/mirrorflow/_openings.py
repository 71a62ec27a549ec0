"""The flows that a client has open at its app server. Used by App and by the flows.

An opening keeps its flow through restarts: it is opened again at a restarted app server, and again
when the flow's duplicator has ended, which starts another one.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, NamedTuple, TypeVar

from .errors import (
    Closed,
    FileCorrupt,
    FlowBusy,
    MirrorflowError,
    NotAMirror,
    NotRunning,
    Refused,
    Stopped,
    TooLarge,
    TransportError,
    UnknownFlow,
    UnknownSession,
    WrongFlowType,
)

_OPEN_TIMEOUT_S = 16.0
_RESTART_S = 10.0
_BACKOFF_FIRST_S, _BACKOFF_LAST_S = 0.02, 0.5
#: Attempts, about half a minute, that may fail because the flow has changed; then it has ended.
_REFUSALS_MAX = 60
_RESTARTS = (Closed, TransportError, UnknownSession, Stopped, NotRunning, FileCorrupt)
_REFUSALS = (UnknownFlow, WrongFlowType, NotAMirror, TooLarge, Refused, FlowBusy)

T = TypeVar("T")
Call = Callable[..., Any]


class Opened(NamedTuple):
    """What `flow.open` returns."""

    handle: int
    flow: str
    type: str
    file: str
    link: str
    image: str | None


class Opening:
    """One flow of one client. `request`: that of flow.open."""

    def __init__(self, call: Call, token: Callable[[], str], request: dict[str, Any]) -> None:
        self._call = call
        self._token = token
        self.request = request
        self.handle: int | None = None
        self.link: int | None = None
        self.detached = True
        self.counts: Callable[[], dict[str, Any]] = dict
        self._closed = threading.Event()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    @property
    def flow(self) -> str:
        return str(self.request["flow"])

    def attach(self, attach: Callable[[Opened], T]) -> T:
        """Opens the flow and attaches it; again, for a bounded time, while a server restarts."""
        return self._repeat(attach, recovers=False)

    def recover(self, attach: Callable[[Opened], T]) -> T:
        """The link has ended: opens the flow again until it is attached. Raises when it has ended."""
        self.detached = True
        return self._repeat(attach, recovers=True)

    def _repeat(self, attach: Callable[[Opened], T], recovers: bool) -> T:
        pause = _BACKOFF_FIRST_S
        refusals = 0
        deadline = time.monotonic() + _RESTART_S
        while not self._closed.is_set():
            try:
                attached = attach(self._open())
                self.detached = False
                if self._closed.is_set():
                    break  # `stop` may have ended the link before this one
                return attached
            except MirrorflowError as error:
                if self._closed.is_set():
                    raise Closed(f"the flow {self.flow} was closed") from error
                if recovers:
                    refusals += isinstance(error, _REFUSALS)
                    if refusals > _REFUSALS_MAX or error.facts.get("reopen") is True:
                        raise
                elif not _is_restart(error) or time.monotonic() > deadline:
                    self.close()
                    raise
            self._closed.wait(pause)
            pause = min(pause * 2, _BACKOFF_LAST_S)
        raise Closed(f"the flow {self.flow} was closed")

    def _open(self) -> Opened:
        request = dict(self.request) if self.handle is None else {**self.request, "handle": self.handle}
        opened = self._opened(self._call("flow.open", self._token(), request, timeout=_OPEN_TIMEOUT_S))
        self.handle = opened.handle
        self.link = opened.handle
        return opened

    def reopen(self, call: Call, token: str) -> None:
        """Another app server runs: it learns of the flow, whose data move on over the old link."""
        if self.detached:
            return
        answer = call("flow.open", token, {**self.request, "link": self.link}, timeout=_OPEN_TIMEOUT_S)
        self.handle = self._opened(answer).handle

    def report_mark(self, mark: dict[str, Any]) -> None:
        """The history of this flow has reached a flow-control mark."""
        if self.handle is not None:
            self._call("flow.control", self._token(), self.handle, mark)

    def stop(self) -> None:
        """Ends a recovery; `close` follows."""
        self._closed.set()

    def close(self) -> None:
        self._closed.set()
        handle, self.handle = self.handle, None
        if handle is None:
            return
        try:
            self._call("flow.close", self._token(), handle, timeout=1.0)
        except MirrorflowError:
            pass  # without a session the app server has closed it

    @staticmethod
    def _opened(answer: dict[str, Any]) -> Opened:
        return Opened(
            answer["handle"], answer["flow"], answer["type"], answer["file"], answer["link"], answer.get("image")
        )


def _is_restart(error: MirrorflowError) -> bool:
    missing = isinstance(error, (UnknownFlow, NotAMirror)) and "path" in error.facts
    return missing or isinstance(error, _RESTARTS)
