"""Receives a flow over link after link, on a thread of its own, into a sink. Used by RemoteInput and RemoteMirror.

| state      | event                                     | next                                             |
| ---------- | ----------------------------------------- | ------------------------------------------------ |
| connecting | welcomed                                  | receiving                                        |
| connecting | failed, and there was no link before      | ended: the first `start` raises the cause        |
| receiving  | lost, silent, damaged, left by the sender | connecting, at growing intervals                 |
| connecting | refused too often                         | ended: the sink gets the cause                   |
| any        | close                                     | ended, with BYE                                  |
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Callable, NamedTuple, Protocol

from ..errors import (
    LimitReached,
    MirrorflowError,
    NotAMirror,
    Refused,
    SourceProtocol,
    SourceUnreachable,
    TooLarge,
    UnknownFlow,
    VersionMismatch,
    WrongFlowType,
)
from . import _wire as wire
from ._link import ALIVE_S, Link
from ._transport import Address, Security, Wake

_BACKOFF_FIRST_S, _BACKOFF_LAST_S = 0.02, 1.0
_ACKNOWLEDGE_WITHIN_S = 0.02
#: Attempts in a row that may fail for the same kind of reason; one received frame starts the count again.
_PROOFS_MAX, _REFUSALS_MAX = 3, 60
_PROOFS = (Refused, VersionMismatch, SourceProtocol)
_REFUSALS = (UnknownFlow, WrongFlowType, NotAMirror, TooLarge, LimitReached)
_CLOSE_S = 5.0


class Located(NamedTuple):
    """Where a duplicator sends a flow, and the epoch of the flow there."""

    address: Address
    epoch: int


class Sink(Protocol):
    """What frames are received into; called on the receiver's thread."""

    #: The next sequence that this end needs: all below were received.
    next: int

    def request(self, epoch: int) -> dict[str, Any]:
        """`delivery`, and `resume` where the sink continues."""

    def welcomed(self, welcome: wire.Welcome) -> bool:
        """False for another link, with another request. Raises WRONG_FLOW_TYPE, NOT_A_MIRROR."""

    def admits(self, frame: wire.Frame) -> bool:
        """False while there is no room: nothing more is read until `Receiver.wake`."""

    def frame(self, frame: wire.Frame) -> None:
        """Takes a frame. Raises SOURCE_PROTOCOL."""

    def state_changed(self, state: str) -> None: ...

    def lost(self, cause: MirrorflowError) -> None:
        """The link has ended, another one follows."""

    def ended(self, cause: MirrorflowError) -> None:
        """No other link follows."""


class Receiver:
    def __init__(self, app: str, flow: str, security: Security, locate: Callable[[], Located], sink: Sink) -> None:
        self._request = {"application": app, "flow": flow, "crc": False, "integrity": "on"}
        self._security = security
        self._locate = locate
        self._sink = sink
        #: The sender keeps the place of this receiver over cuts by it.
        self._id = os.urandom(16).hex()
        self._closing = threading.Event()
        self._wake = Wake()
        self._joined = threading.Event()
        self._failure: MirrorflowError | None = None
        self._located: Located | None = None
        self._failures = {_PROOFS: 0, _REFUSALS: 0}
        self._thread = threading.Thread(target=self._run, name=f"mirrorflow-{flow}", daemon=True)

    def start(self) -> None:
        """Returns when the first link is welcomed. Raises the cause when it cannot be made, and TIMED_OUT."""
        self._thread.start()
        self._joined.wait()
        if self._failure is not None:
            self.close()
            raise self._failure

    def wake(self) -> None:
        """There may be room again."""
        self._wake.set()

    def close(self) -> None:
        """Ends the link in good order. May be repeated."""
        self._closing.set()
        self._wake.closing = True
        self._wake.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            self._follow_all()
        except Exception as error:  # a fault of this package must not look like a flow without buffers
            failure = MirrorflowError(f"receiving has failed: {error!r}")
            failure.__cause__ = error
            if not self._joined.is_set():
                self._failure = failure
            self._sink.ended(failure)
        finally:
            self._joined.set()
            self._wake.close()

    def _follow_all(self) -> None:
        pause, attempt = _BACKOFF_FIRST_S, 0
        while not self._closing.is_set():
            try:
                cause = self._follow(attempt)
                pause, attempt = _BACKOFF_FIRST_S, 0
                if cause is None:
                    continue
                self._sink.lost(cause)
            except MirrorflowError as error:
                if self._closing.is_set():
                    break
                if not self._joined.is_set():
                    self._failure = error
                    break
                if self._is_final(error):
                    self._sink.ended(error)
                    break
                self._sink.lost(error)
            attempt += 1
            self._closing.wait(pause)
            pause = min(2 * pause, _BACKOFF_LAST_S)

    def _is_final(self, error: MirrorflowError) -> bool:
        for kinds, most in ((_PROOFS, _PROOFS_MAX), (_REFUSALS, _REFUSALS_MAX)):
            if isinstance(error, kinds):
                self._failures[kinds] += 1
                return self._failures[kinds] >= most
        return False

    def _follow(self, attempt: int) -> MirrorflowError | None:
        """Makes a link and receives until its end in good order, which it returns; None: link again at once."""
        # A killed duplicator's successor may listen elsewhere; data need no host server otherwise.
        if self._located is None or attempt % 2 == 1:
            try:
                self._located = self._locate()
            except MirrorflowError:
                if self._located is None:
                    raise
        address, epoch = self._located
        request = self._sink.request(epoch)
        link = Link(address, self._security, {**self._request, "id": self._id, **request}, self._wake)
        in_order = True
        try:
            if not self._sink.welcomed(link.welcome):
                return None
            self._located = Located(address, link.welcome.epoch)
            self._sink.state_changed(link.welcome.state)
            self._joined.set()
            in_order = False
            self._receive(link)
            in_order = True
        finally:
            link.close(in_order=in_order)
        return SourceUnreachable(f"the duplicator at {address} closed the link")

    def _receive(self, link: Link) -> None:
        """Until `close`, or BYE. Raises SOURCE_UNREACHABLE, SOURCE_PROTOCOL."""
        quarter = 1 if link.welcome.mirror else max(1, link.welcome.buffers // 4)
        acknowledged = self._sink.next
        due: float | None = None
        frames = link.first_frames()
        while not self._closing.is_set():
            for frame in frames:
                while not self._sink.admits(frame):
                    acknowledged = self._acknowledge(link, acknowledged)
                    if self._closing.is_set():
                        return
                    self._wait_for_room(link)
                if not self._take(frame):
                    return
                if self._sink.next - acknowledged >= quarter:
                    acknowledged, due = self._acknowledge(link, acknowledged), None
            now = time.monotonic()
            if self._sink.next > acknowledged:
                due = now + _ACKNOWLEDGE_WITHIN_S if due is None else due
                if now >= due:
                    acknowledged, due = self._acknowledge(link, acknowledged), None
            frames = link.frames(ALIVE_S if due is None else max(0.0, due - now))
            self._wake.clear()

    def _take(self, frame: wire.Frame) -> bool:
        """False for BYE."""
        self._failures = dict.fromkeys(self._failures, 0)
        if frame.kind == wire.BYE:
            return False
        if frame.kind == wire.STATE:
            self._sink.state_changed(wire.state_name(frame.detail))
        elif frame.kind in (wire.BUFFER, wire.BLOCKS, wire.PUBLICATION, wire.DELIVERY):
            self._sink.frame(frame)
        elif frame.kind != wire.ALIVE:
            raise SourceProtocol(f"a frame of kind {frame.kind} is not expected from a sender")
        return True

    def _acknowledge(self, link: Link, acknowledged: int) -> int:
        needed = self._sink.next
        if needed > acknowledged:
            link.send(wire.control_frame(wire.ACK, needed))
        return max(needed, acknowledged)

    def _wait_for_room(self, link: Link) -> None:
        link.suspended()
        self._wake.wait(ALIVE_S)
        self._wake.clear()
