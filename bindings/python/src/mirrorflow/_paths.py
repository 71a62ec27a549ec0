"""Names and paths of mirrorflow's sockets. Used by connect. Reads the environment and directories.

A client looks for servers in the configured runtime directory alone, else in the user's, then in the
machine's. A server has a socket for each right; the permissions of the file decide who has it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat

from .errors import BadName, BadOption

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_SOCKET_PATH_BYTES = 107
_HASH_DIGITS = 16

#: Rights, greatest first.
RIGHTS = ("control", "provide", "read")


def check_name(kind: str, name: object) -> str:
    """The name, or BAD_NAME: names become paths."""
    if isinstance(name, str) and _NAME.match(name):
        return name
    raise BadName(
        f"{name!r} is no name of a {kind}: 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
    )


def directories(directory: str | None) -> list[str]:
    """The runtime directories in which servers are searched, in order."""
    configured = directory if directory is not None else os.environ.get("MIRRORFLOW_DIR") or None
    if configured is not None:
        if not os.path.isabs(configured):
            raise BadOption(f"the runtime directory is {configured!r}; it must be an absolute path")
        return [os.path.normpath(configured)]
    found = []
    login = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(login):
        found.append(os.path.join(login, "mirrorflow"))
    return [*found, f"/tmp/mirrorflow-{os.geteuid()}", "/run/mirrorflow"]


def is_usable(directory: str) -> bool:
    """Whether servers in this directory are trusted: in /tmp any user can create one of this name."""
    try:
        info = os.lstat(directory)
    except OSError:
        return False
    if not stat.S_ISDIR(info.st_mode):
        return False
    return not directory.startswith("/tmp/") or info.st_uid in (0, os.geteuid())


def host_sockets(directory: str) -> list[str]:
    """Sockets of the host server, that of the greatest right first."""
    return [os.path.join(directory, name) for name in ("host.control.sock", "host.read.sock")]


def app_sockets(directory: str, app: str, right: str | None) -> list[str]:
    """Sockets of an application's app server, that of the greatest right first."""
    folder = os.path.join(directory, "apps")
    rights = RIGHTS if right is None else (right,)
    return [_socket(folder, check_name("application", app), f".{each}.sock") for each in rights]


def _socket(folder: str, name: str, suffix: str) -> str:
    readable = os.path.join(folder, name + suffix)
    if len(os.fsencode(readable)) <= _SOCKET_PATH_BYTES:
        return readable
    return os.path.join(folder, hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS] + suffix)
