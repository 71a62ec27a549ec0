"""Finds the app server of an application, or has the host server start it, and presents the client."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, Callable, overload

from ._paths import RIGHTS, app_sockets, check_name, directories, host_sockets, is_usable
from ._session import Session
from .app import App
from .errors import ApplicationUnreachable, BadOption, MethodNotFound, NotPermitted, NotRunning, UnknownApplication
from .remote._secret import Secret
from .remote._transport import Certificate, Security, parse_address
from .remote.app import RemoteApp

_START_TIMEOUT_S = 12.0
_NAME_CHARACTERS = 64

Answer = Callable[..., Any]


@overload
def connect(
    app: str,
    *,
    name: str | None = ...,
    directory: str | None = ...,
    start: bool = ...,
    right: str | None = ...,
    host: None = ...,
) -> App: ...


@overload
def connect(
    app: str,
    *,
    host: str,
    start: bool = ...,
    secret: str | bytes | None = ...,
    secret_file: str | None = ...,
    certificate: Certificate | None = ...,
    ca: str | None = ...,
) -> RemoteApp: ...


def connect(
    app: str,
    *,
    name: str | None = None,
    directory: str | None = None,
    start: bool = True,
    right: str | None = None,
    host: str | None = None,
    secret: str | bytes | None = None,
    secret_file: str | None = None,
    certificate: Certificate | None = None,
    ca: str | None = None,
) -> App | RemoteApp:
    """Connects to an application on this host; with `host`, to one of another machine.

    `host`: `tls://daq:7390` or `tcp://daq:7390`, the host server there. It returns a RemoteApp, which
    receives flows and mirrors. `secret` or `secret_file`: the shared secret of the laboratory; default: the
    file that MIRRORFLOW_SECRET_FILE names. `ca`: PEM file of the certificates that are trusted; default:
    those of this machine. `certificate`: PEM file of this program's certificate and key, or a tuple of two.

    `name`: the client's name in lists; default: the program's. `directory`: runtime directory of the
    servers; default: MIRRORFLOW_DIR, else the user's, then the machine's. `start`: have the host
    server start a configured application that does not run. `right`: `read`, `provide` or `control`;
    default: the greatest that this user has.

    Raises BAD_NAME, BAD_OPTION, NOT_RUNNING, NOT_PERMITTED, UNKNOWN_APPLICATION; with `host` also
    TRANSPORT_ERROR, REFUSED for a wrong secret, VERSION_MISMATCH.
    """
    check_name("application", app)
    if host is not None:
        if not (directory is None and right is None and name is None):
            raise BadOption("name, directory and right are for an application of this machine: state none of them")
        security = Security(Secret(secret, secret_file), certificate, ca)
        return RemoteApp(app, parse_address(host), security, start=start)
    if any(each is not None for each in (secret, secret_file, certificate, ca)):
        raise BadOption("secret, secret_file, certificate and ca are for another machine: state host too")
    if right is not None and right not in RIGHTS:
        raise BadOption(f"right is {right!r}; it must be one of {', '.join(RIGHTS)}")
    client = check_name("client", name if name is not None else _program_name())
    places = [each for each in directories(directory) if is_usable(each)]

    def paths(where: str) -> list[str]:
        return app_sockets(where, app, right)

    def find(answer: Answer, on_end: Callable[[], None]) -> Session:
        found = _first(places, paths, answer, on_end)
        if found is None and start:
            _start(app, places)
            found = _first(places, paths, answer, on_end)
        if found is None:
            where = ", ".join(places) or "none that exists"
            raise NotRunning(f"the application {app} does not run (searched {where}): `mirrorflow run {app}` starts it")
        return found

    return App(app, client, find)


def _start(app: str, places: list[str]) -> None:
    host = _first(places, host_sockets, _no_answer, lambda: None)
    if host is None:
        return
    try:
        names = [each["name"] for each in host.call("host.applications")]
        if app not in names:
            known = ", ".join(names) or "none"
            raise UnknownApplication(f"this host has no application {app} (it has {known})", {"app": app})
        if host.path.endswith("host.read.sock"):
            host.call("host.open", app, timeout=_START_TIMEOUT_S)
        elif "socket" not in host.call("host.run", {"name": app}, timeout=_START_TIMEOUT_S):
            raise ApplicationUnreachable(f"the app server of {app} reported no socket path", {"app": app})
    finally:
        host.close()


def _first(
    places: list[str], paths: Callable[[str], list[str]], answer: Answer, on_end: Callable[[], None]
) -> Session | None:
    """A session over the socket of the greatest right of this user, where a server runs."""
    refused: NotPermitted | None = None
    for place in places:
        for path in paths(place):
            try:
                return Session(path, answer, on_end)
            except NotRunning:
                # A server that starts has not all its sockets yet: a smaller right would be too small later.
                break
            except NotPermitted as error:
                refused = error
    if refused is not None:
        raise refused
    return None


def _no_answer(method: str, _params: list[Any]) -> Any:
    raise MethodNotFound(f"this client has no method {method}")


def _program_name() -> str:
    name = re.sub(r"[^A-Za-z0-9._-]", "-", os.path.basename(sys.argv[0] or ""))[:_NAME_CHARACTERS]
    return name if re.match(r"[A-Za-z0-9]", name) else "python"
