"""How many channels of each axis are in range, which SpecTcl's REST service alone reports.

SpecTcl 5 stores under- and overflow as the first and last channel of an axis: it then has two bins
fewer than stored channels. App and its remote counterpart make one for their mirrors. Opens a
connection for one request, and asks again at most every few seconds.
"""

from __future__ import annotations

import getpass
import json
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

#: Bins of the axes of a spectrum by its name; None where they are not known.
AxisBins = Callable[[str], Optional[Sequence[int]]]

_TIMEOUT_S = 3.0
_ASKED_AGAIN_S = 10.0
_PORT_MANAGER = 30_000
_ANSWER_BYTES_MAX = 64 << 20


class SourceBins:
    """`source` gives the address of the SpecTcl, or None; it may raise."""

    def __init__(self, source: Callable[[], str | None]) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._bins: dict[str, tuple[int, ...]] = {}
        self._asked = float("-inf")

    def __call__(self, name: str) -> Sequence[int] | None:
        with self._lock:
            if name not in self._bins and time.monotonic() - self._asked >= _ASKED_AGAIN_S:
                self._asked = time.monotonic()
                self._bins.update(_ask(self._source))
            return self._bins.get(name)


def bins_in(spectra: Any) -> dict[str, tuple[int, ...]]:
    """The bins in an answer of `spectrum/list`; empty for anything else."""
    found: dict[str, tuple[int, ...]] = {}
    for each in spectra if isinstance(spectra, list) else ():
        axes = each.get("axes") if isinstance(each, Mapping) else None
        name = each.get("name") if isinstance(each, Mapping) else None
        if not isinstance(name, str) or not isinstance(axes, list):
            continue
        bins = [axis.get("bins") for axis in axes if isinstance(axis, Mapping)]
        if all(isinstance(count, int) and count > 0 for count in bins):
            found[name] = tuple(bins)
    return found


def _ask(source: Callable[[], str | None]) -> dict[str, tuple[int, ...]]:
    """Empty without an answer: then all stored channels count as in range."""
    try:
        address = urllib.parse.urlsplit(source() or "")
        if address.scheme != "spectcl" or address.hostname is None:
            return {}
        words = urllib.parse.parse_qs(address.query)
        rest = words.get("rest", ["SpecTcl_REST"])[0]
        user = words.get("user", [getpass.getuser()])[0]
        port = int(rest) if rest.isdigit() else _port_of(address.hostname, rest, user)
        host = f"[{address.hostname}]" if ":" in address.hostname else address.hostname
        url = f"http://{host}:{port}/spectcl/spectrum/list?filter=*"
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            return bins_in(json.loads(answer.read(_ANSWER_BYTES_MAX)).get("detail"))
    except Exception:  # of the network, of the server, of its JSON
        return {}


def _port_of(host: str, service: str, user: str) -> int:
    with socket.create_connection((host, _PORT_MANAGER), _TIMEOUT_S) as connection:
        connection.sendall(b"LIST\n")
        with connection.makefile("r", encoding="latin-1") as lines:
            count = int(lines.readline().split()[1])
            for _ in range(min(count, 10_000)):
                port, name, owner = lines.readline().replace("{", "").replace("}", "").split()[:3]
                if (name, owner) == (service, user):
                    return int(port)
    raise LookupError(service)
