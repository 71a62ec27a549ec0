"""An application of another machine: its mirrors and flows. `mirrorflow.connect(app, host=...)` returns it.

It asks the host server there for the address of a flow's duplicator, and receives the flow from it. No
connection is kept but those of open flows, which need the host server only to be found again.
"""

from __future__ import annotations

import re
import threading
from typing import Any, TypeVar, Union

from .._handles import Handle
from .._paths import check_name
from .._ready import check_rules
from .._source_bins import SourceBins
from ..errors import BadOption, NotPermitted, NotRunning, SourceProtocol, UnknownApplication
from ..flow_types import FlowType
from ..input import Start
from . import _control as control
from ._receiver import Located
from ._transport import Address, Security, parse_address
from .input import RemoteInput
from .mirror import RemoteMirror

SPECTRA = "spectra"
F = TypeVar("F", bound=Union[RemoteInput, RemoteMirror])

#: Further hosts over which the flow may come.
_HOPS = 7
_START_S = 16.0


class RemoteApp(Handle):
    """Use it in a `with` block, or close it. It reads only: what writes raises NOT_PERMITTED."""

    def __init__(self, app: str, host: Address, security: Security, *, start: bool) -> None:
        """Raises TRANSPORT_ERROR, REFUSED, VERSION_MISMATCH, UNKNOWN_APPLICATION, NOT_RUNNING."""
        super().__init__(f"this reader of {app} at {host}")
        self.app = app
        self.host = host
        self._security = security
        self._lock = threading.Lock()
        self._open: set[Union[RemoteInput, RemoteMirror]] = set()
        self._mirrors: dict[str, RemoteMirror] = {}
        self._find(start)

    def mirror(self, flow: str = SPECTRA) -> RemoteMirror:
        """The mirror of a flow; the same one for each call until it is closed.

        Raises UNKNOWN_FLOW, NOT_A_MIRROR, TIMED_OUT, or the cause why it could not be started.
        """
        self._check()
        known = self._mirrors.get(flow)
        if known is not None and not known.closed:
            return known
        check_name("flow", flow)
        mirror = RemoteMirror(self.app, flow, self._security, lambda: self._locate(flow), SourceBins(self._source))
        self._mirrors[flow] = mirror
        return self._keep(mirror)

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
        type: FlowType[Any] | None = None,
        metadata_only: bool = False,
    ) -> RemoteInput:
        """Opens a flow for reading; options as of `App.open_input`.

        `history`: buffers that are received ahead of the program; 0: as many as the sender's ring has.
        Raises UNKNOWN_FLOW, WRONG_FLOW_TYPE, NOT_A_MIRROR, BAD_OPTION.
        """
        self._check()
        check_name("flow", flow)
        if delivery not in (None, "lossless", "lossy"):
            raise BadOption(f"delivery is {delivery!r}; it must be 'lossless' or 'lossy'")
        if history == 0 and (when_full, max_history, watermarks) != ("block", None, None):
            raise BadOption("when_full, max_history and watermarks are of a history: state history too")
        lossy = delivery == "lossy"
        rules = check_rules(history, when_full, max_history, watermarks) if history != 0 else None
        if rules is not None and lossy and rules.when_full == "block":
            rules = rules._replace(when_full="oldest")
        return self._keep(
            RemoteInput(
                self.app,
                flow,
                self._security,
                lambda: self._locate(flow),
                lossy=lossy,
                start=start,
                rules=rules,
                flow_type=type,
                metadata_only=metadata_only,
            )
        )

    def flows(self) -> list[dict[str, Any]]:
        """The flows of the application there: name, type, state, provider, consumers."""
        return list(self.network()["flows"])

    def network(self) -> dict[str, Any]:
        """Providers and consumers of all flows there."""
        return dict(self._forward("remote.network"))

    def statistics(self) -> dict[str, Any]:
        """Counters and rates of the clients and flows there."""
        return dict(self._forward("remote.statistics"))

    def open_output(self, flow: str, **_options: Any) -> Any:
        """Refused: a flow is written on the machine of its application."""
        raise _reads_only("written", flow)

    def send(self, message: object, **_to: Any) -> Any:
        """Refused: messages are exchanged by clients of an app server on their own machine."""
        raise _reads_only("sent messages", self.app)

    def close(self) -> None:
        """Closes the flows and mirrors. May be repeated."""
        if not self._end("it was closed"):
            return
        for each in list(self._open):
            each.close()

    def __enter__(self) -> RemoteApp:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<RemoteApp {self.app} at {self.host}>"

    def _find(self, start: bool) -> None:
        """Makes sure that the application runs."""
        applications = {each["name"]: each for each in self._call("host.applications")}
        found = applications.get(self.app)
        if found is None:
            known = ", ".join(applications) or "none"
            raise UnknownApplication(f"{self.host} has no application {self.app} (it has {known})", {"app": self.app})
        if found["state"] == "running":
            return
        if not start:
            raise NotRunning(f"the application {self.app} does not run at {self.host}", {"app": self.app})
        self._call("host.open", self.app, timeout=_START_S)

    def _source(self) -> str | None:
        """The address of the SpecTcl, as this machine reaches it."""
        for each in self._call("host.applications"):
            if each["name"] == self.app and isinstance(each.get("source"), str):
                host = f"[{self.host.host}]" if ":" in self.host.host else self.host.host
                return re.sub(r"^(spectcl://)(localhost|127\.[0-9.]+|\[::1\])", rf"\g<1>{host}", each["source"])
        return None

    def _locate(self, flow: str) -> Located:
        served = self._forward("remote.serve", flow, _HOPS, timeout=_START_S)
        if not isinstance(served, dict) or not isinstance(served.get("epoch"), (int, float)):
            raise SourceProtocol(f"{self.host} did not state where {flow} is sent")
        listening = parse_address(served.get("address"))
        # The duplicator may listen on all of its addresses; this program reaches the one of its host.
        return Located(listening._replace(host=self.host.host), int(served["epoch"]))

    def _forward(self, method: str, *params: Any, timeout: float = control.CALL_S) -> Any:
        self._check()
        return self._call("host.forward", self.app, {"method": method, "params": list(params)}, timeout=timeout)

    def _call(self, method: str, *params: Any, timeout: float = control.CALL_S) -> Any:
        return control.call(self.host, self._security, method, *params, timeout=timeout)

    def _keep(self, flow: F) -> F:
        with self._lock:
            self._open = {each for each in self._open if not each.closed}
            self._open.add(flow)
        return flow


def _reads_only(what: str, name: str) -> NotPermitted:
    return NotPermitted(f"{name} cannot be {what} from another machine: run the program there, or a host server here")
