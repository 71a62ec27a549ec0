"""A client of an application: mirrors, flows, messages, statistics. `connect` returns it.

Owns the session with the app server, and everything that it opened: closing it closes them. When the
app server is restarted, it connects again and opens its flows again, whose data move on meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any, Callable, TypeVar, Union

from . import messages
from ._handles import Handle
from ._marks import check_marks
from ._openings import Opening
from ._paths import check_name
from ._ready import check_rules
from ._session import CALL_TIMEOUT_S, Session
from ._source_bins import SourceBins
from .errors import BadOption, Closed, MethodNotFound, MirrorflowError
from .flow_types import FlowType
from .history import History
from .input import Input, Start
from .mirror import Mirror
from .output import Output, check_policy

M = TypeVar("M")

PROTOCOL_VERSION = 2
SPECTRA = "spectra"
_PROGRAM_CHARACTERS = 256
_BACKOFF_FIRST_S, _BACKOFF_LAST_S = 0.02, 0.5
_DELIVERIES = ("flowControl", "demoted", "quit")


class App(Handle):
    """A connected client. Use it in a `with` block, or close it."""

    def __init__(self, app: str, name: str, find: Callable[[Callable[..., Any], Callable[[], None]], Session]) -> None:
        super().__init__(f"this client of {app}")
        self.app = app
        self.name = name
        self._find = find
        self._inbox = messages.Inbox()
        self._open: set[Union[Mirror, Input, Output, History]] = set()
        self._openings: list[Opening] = []
        self._lock = threading.Lock()
        self._connected = threading.Event()
        self._closing = threading.Event()
        self._listeners: list[Any] = []
        self._session: Session
        self._token = ""
        self._reconnecting: threading.Thread | None = None
        self._mirrors: dict[str, Mirror] = {}
        self._connect()

    @property
    def connected(self) -> bool:
        """Whether there is a session with the app server now; flows move on without one."""
        return self._connected.is_set()

    def mirror(self, flow: str = SPECTRA) -> Mirror:
        """The mirror of a flow; the same one for each call until it is closed.

        Raises UNKNOWN_FLOW, NOT_A_MIRROR, TIMED_OUT, or the cause why it could not be started.
        """
        self._check()
        known = self._mirrors.get(flow)
        if known is not None and not known.closed:
            return known
        opening = self._opening({"flow": check_name("flow", flow), "direction": "input"})
        mirror = Mirror(opening, self.open_input, SourceBins(lambda: self.call("app.info").get("source")))
        self._mirrors[flow] = mirror
        self._keep(mirror)
        return mirror

    def open_input(
        self,
        flow: str,
        *,
        delivery: str | None = None,
        start: Start = "oldest",
        history: int = 0,
        when_full: str = "block",
        max_history: int | None = None,
        watermarks: tuple[int, int] | None = None,
        flow_control: dict[str, Any] | None = None,
        type: FlowType[Any] | None = None,
        metadata_only: bool = False,
    ) -> Any:
        """Opens a flow for reading.

        `delivery`: `lossless` (default; of mirrors `lossy`) holds the writer back. `start`: `oldest`,
        `newest`, `next` or a sequence. `history`: a thread copies so many buffers ahead, so that a slow
        program does not hold the writer back earlier; 0 reads in place. A full history does what
        `when_full` states: `block`, `overwrite` the newest, `drop`, or `grow` up to `max_history`.
        `watermarks`: (high, low): filled up to high, again from below low. `flow_control`: numbers of
        ready buffers `{"xoff": [...], "xon": [...]}` that the provider gets. `type`: a flow type.
        `metadata_only`: buffers without data. Raises UNKNOWN_FLOW, WRONG_FLOW_TYPE, BAD_OPTION.
        """
        self._check()
        request: dict[str, Any] = {"flow": check_name("flow", flow), "direction": "input"}
        if type is not None:
            request["type"] = type.stack_name
        if delivery not in (None, "lossless", "lossy"):
            raise BadOption(f"delivery is {delivery!r}; it must be 'lossless' or 'lossy'")
        stated = (when_full, max_history, watermarks, flow_control)
        if history == 0 and stated != ("block", None, None, None):
            raise BadOption("when_full, max_history, watermarks and flow_control are of a history: state history too")
        rules = check_rules(history, when_full, max_history, watermarks) if history != 0 else None
        marks = check_marks(flow_control, history, watermarks) if flow_control is not None else None
        opening = self._opening(request)
        lossy = delivery == "lossy" or (delivery is None and flow == SPECTRA)
        source = Input(opening, lossy=lossy, start=start, flow_type=type, metadata_only=metadata_only)
        return self._keep(source if rules is None else History(source, rules, marks))

    def open_output(
        self,
        flow: str,
        *,
        buffer_size: int | None = None,
        buffers: int = 16,
        type: FlowType[Any] | None = None,
        max_bytes: int | None = None,
        properties: dict[str, Any] | None = None,
        stall_timeout: float | None = None,
        when_full: str = "block",
        queue: int | None = None,
    ) -> Output:
        """Opens a flow for writing; this client is its only provider then.

        `buffer_size`: most bytes of a buffer; with a `type` also `max_bytes`, most bytes of its payload.
        `buffers`: buffers of the ring. `stall_timeout`: a lossless consumer that holds the ring for so
        many seconds becomes lossy. `when_full`: what `write` does while the ring is full: `block`,
        `overwrite` the newest of `queue` (2) waiting buffers, `drop`, or `grow`: up to `queue` buffers
        wait. Raises FLOW_BUSY, TOO_LARGE, NO_SPACE, WRONG_FLOW_TYPE.
        """
        self._check()
        request: dict[str, Any] = {"flow": check_name("flow", flow), "direction": "output"}
        if type is not None:
            payload = max_bytes if max_bytes is not None else type.payload_bytes
            if buffer_size is None and payload is not None:
                buffer_size = type.encoded_bytes(payload)
            request["type"] = type.stack_name
            properties = type.stack_properties
        if buffer_size is None:
            raise BadOption(f"the buffer size of the flow {flow} is not known: state buffer_size or max_bytes")
        most = check_policy(when_full, queue)
        request["bufferSize"] = buffer_size
        request["buffers"] = buffers
        if properties:
            request["properties"] = json.dumps(properties)
        output = Output(
            self._opening(request), stall_timeout=stall_timeout, flow_type=type, when_full=when_full, queue=most
        )
        self._keep(output)
        return output

    def send(
        self, message: object, *, client: str | None = None, provider: str | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Sends a message to the clients of a name, or to the provider of a flow; default: to all others.

        Returns `received`, a list of `client` and, on another host, `host`; and `missed`, a list of
        those with the `code` and `message` of the reason. Received means queued in the program of the
        client. Raises UNKNOWN_CLIENT, UNKNOWN_FLOW, INVALID_PARAMETERS, and the reason when none
        received a message to named clients.
        """
        if client is not None and provider is not None:
            raise BadOption("a message goes to clients of a name or to a provider: state one of them")
        to: dict[str, Any] = {"application": True}
        if client is not None:
            to = {"client": client}
        if provider is not None:
            to = {"provider": provider}
        answer: dict[str, list[dict[str, Any]]] = self.call("client.send", self._token, to, messages.to_wire(message))
        return answer

    def on(self, cls: Union[type, str], handler: Callable[[Any], object]) -> None:
        """Calls `handler` with each message of a class, one at a time, on a thread of its own.

        With the text `quit`, `flowControl` or `demoted`: with the app server's notes of that kind.
        """
        self._check()
        if isinstance(cls, str):
            if cls not in _DELIVERIES:
                raise BadOption(f"there are no notes of kind {cls!r}; there are {', '.join(_DELIVERIES)}")
            self._listeners.append((cls, handler))
        else:
            self._inbox.on(cls, handler)

    def wait_for(self, cls: type[M], timeout: float | None = None) -> M:
        """The next message of a class. Raises TIMED_OUT after `timeout` seconds, CLOSED."""
        self._check()
        return self._inbox.wait_for(cls, timeout)

    def flows(self) -> list[dict[str, Any]]:
        """All flows of the application, with their state."""
        return list(self.call("flow.list"))

    def clients(self) -> list[dict[str, Any]]:
        return list(self.call("client.list"))

    def info(self) -> dict[str, Any]:
        """The app server: application, version, port, source."""
        return dict(self.call("app.info"))

    def statistics(self, flow: str | None = None, *, everywhere: bool = False) -> dict[str, Any]:
        """Counters and rates of a flow; without one, those of all clients and flows."""
        if flow is not None:
            return dict(self.call("flow.statistics", flow))
        return dict(self.call("app.statistics", everywhere))

    def network(self, *, everywhere: bool = False) -> dict[str, Any]:
        """Providers and consumers of all flows, and the consumers that hold a provider back."""
        return dict(self.call("app.network", everywhere))

    def programs(self) -> list[dict[str, Any]]:
        return list(self.call("app.programs"))

    def run_program(self, program: str, host: str | None = None) -> int:
        """Starts a registered program; returns its process id."""
        return int(self.call("app.run", program, *([] if host is None else [host])))

    def request_quit(self, client: str) -> int:
        """Requests all clients of a name to quit; returns their number."""
        return int(self.call("client.request", client, "quit"))

    def call(self, method: str, *params: Any, timeout: float = CALL_TIMEOUT_S) -> Any:
        """Any method of docs/xml-rpc-methods.md. Raises its fault, TIMED_OUT, CLOSED."""
        self._check()
        return self._call(method, *params, timeout=timeout)

    def close(self) -> None:
        """Closes the flows and mirrors, then the session. May be repeated."""
        if self.closed or self._closing.is_set():
            return
        self._closing.set()
        for each in list(self._open):
            each.close()
        self._end("it was closed")
        self._inbox.close()
        self._session.close()
        if self._reconnecting is not None:
            self._reconnecting.join(5.0)

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: str, *params: Any, timeout: float = CALL_TIMEOUT_S) -> Any:
        """As `call`; while the app server is restarted it waits for the new one."""
        if not self._connected.wait(timeout):
            raise Closed(f"{method}: the app server of {self.app} is not connected")
        return self._session.call(method, *params, timeout=timeout)

    def _opening(self, request: dict[str, Any]) -> Opening:
        opening = Opening(self._call, lambda: self._token, request)
        with self._lock:
            self._openings.append(opening)
        return opening

    def _keep(self, flow: Any) -> Any:
        with self._lock:
            self._open = {each for each in self._open if not each.closed}
            self._open.add(flow)
            # Those that another thread is about to attach stay.
            self._openings = [each for each in self._openings if not each.closed]
        return flow

    def _connect(self) -> None:
        session = self._find(self._answer, self._lost)
        program = (sys.argv[0] or "python")[:_PROGRAM_CHARACTERS]
        presentation = {"name": self.name, "program": program, "pid": os.getpid(), "version": PROTOCOL_VERSION}
        try:
            token = session.call("client.present", presentation)["session"]
            with self._lock:
                openings = list(self._openings)
            for opening in openings:
                try:
                    opening.reopen(session.call, token)
                except MirrorflowError:
                    if not session.open:
                        raise
            self._session, self._token = session, token
            self._connected.set()
        except BaseException:
            session.close()
            raise

    def _lost(self) -> None:
        """The session has ended; on its thread."""
        if self._closing.is_set() or not self._connected.is_set() or self._session.open:
            return
        self._connected.clear()
        self._reconnecting = threading.Thread(target=self._reconnect, name="mirrorflow-reconnect", daemon=True)
        self._reconnecting.start()

    def _reconnect(self) -> None:
        pause = _BACKOFF_FIRST_S
        while not self._closing.is_set():
            try:
                self._connect()
                return
            except MirrorflowError:
                self._closing.wait(pause)
                pause = min(2 * pause, _BACKOFF_LAST_S)

    def _answer(self, method: str, params: list[Any]) -> Any:
        """Answers the calls of the app server."""
        if method == "client.deliver":
            delivery = params[0]
            if delivery["kind"] == "message":
                self._inbox.deliver(delivery["message"])
            for kind, handler in self._listeners:
                if kind == delivery["kind"]:
                    threading.Thread(target=handler, args=(delivery,), daemon=True).start()
            return True
        if method == "client.report":
            with self._lock:
                openings = [each for each in self._openings if each.handle is not None]
            return {"flows": [{"handle": each.handle, **each.counts()} for each in openings if each.counts()]}
        raise MethodNotFound(f"this client has no method {method}")
