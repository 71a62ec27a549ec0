"""Connections to other hosts over TCP or TLS 1.3. Used by the control and the data connection.

Opens sockets. A connection does not block: `receive` and `send` wait with a limit, and `receive` also
returns when its Wake is set by another thread.
"""

from __future__ import annotations

import hashlib
import re
import select
import socket
import ssl
import time
from typing import NamedTuple, Union

from ..errors import BadAddress, BadOption, Refused
from ._secret import Secret

#: A PEM file with certificate and key, or one of each.
Certificate = Union[str, tuple[str, str]]

_ADDRESS = re.compile(r"(tcp|tls)://(?:\[([0-9A-Fa-f:.%]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})\Z")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_NONE = b"none"
_CHUNK_BYTES = 256 * 1024
_SEND_S = 2.0
CONNECT_S = 5.0


class Address(NamedTuple):
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_address(text: object) -> Address:
    """`tcp://host:port` or `tls://host:port`. Raises BAD_ADDRESS."""
    match = _ADDRESS.match(text) if isinstance(text, str) else None
    if match is None or not 0 < int(match.group(4)) < 65536:
        raise BadAddress(f"{text!r} is no address of a host: it must be tcp://host:port or tls://host:port")
    return Address(match.group(1), match.group(2) or match.group(3), int(match.group(4)))


class Security:
    """What this program proves, and whom it trusts: secret, certificate and authorities."""

    def __init__(self, secret: Secret, certificate: Certificate | None, ca: str | None) -> None:
        """Raises BAD_OPTION for files that cannot be used."""
        self.secret = secret
        self.needs_tls = certificate is not None or ca is not None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        #: SHA-256 of this end's certificate, or the word `none`.
        self.own = _NONE
        try:
            if ca is None:
                self.context.load_default_certs()
            else:
                self.context.load_verify_locations(ca)
            if certificate is not None:
                cert, key = certificate if isinstance(certificate, tuple) else (certificate, certificate)
                self.context.load_cert_chain(cert, key)
                self.own = _fingerprint_of_file(cert)
        except (OSError, ValueError) as error:
            raise BadOption(f"certificate or ca cannot be used: {error}") from error


class Wake:
    """Ends a wait of one thread from another one, until `clear`. Owns two sockets."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        #: The thread is to end.
        self.closing = False

    def fileno(self) -> int:
        return self._read.fileno()

    def set(self) -> None:
        try:
            self._write.send(b"\0")
        except OSError:
            pass  # a full socket wakes too; a closed one has no thread

    def clear(self) -> None:
        try:
            self._read.recv(4096)
        except OSError:
            pass  # it was not set

    def wait(self, timeout: float) -> None:
        poll = select.poll()
        poll.register(self, select.POLLIN)
        poll.poll(timeout * 1000)

    def close(self) -> None:
        self._read.close()
        self._write.close()


class Connection:
    """A connected socket. Errors are OSError; its user knows what was asked."""

    def __init__(self, address: Address, security: Security) -> None:
        """Raises REFUSED for plain TCP where certificates are stated, and OSError."""
        if address.scheme == "tcp" and security.needs_tls:
            raise Refused(f"{address} is plain TCP, and certificate or ca are stated: connect to tls://", {})
        self.is_tls = address.scheme == "tls"
        plain = socket.create_connection((address.host, address.port), CONNECT_S)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket: socket.socket = plain
            #: What both ends see of the transport: certificates of listener and caller.
            self.bound = (_NONE, _NONE)
            if self.is_tls:
                wrapped = security.context.wrap_socket(plain, server_hostname=address.host)
                self.socket = wrapped
                found = wrapped.getpeercert(binary_form=True)
                self.bound = (_NONE if found is None else hashlib.sha256(found).digest(), security.own)
            self.socket.setblocking(False)
        except BaseException:
            plain.close()
            raise
        self._chunk = memoryview(bytearray(_CHUNK_BYTES))

    def receive(self, timeout: float, wake: Wake | None = None) -> memoryview:
        """Bytes that have arrived, valid until the next call; none after `timeout`, or when woken.

        Raises OSError, also at the end of the connection.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                count = self.socket.recv_into(self._chunk)
            except (BlockingIOError, ssl.SSLWantReadError):
                if not self._wait(select.POLLIN, deadline, wake):
                    return self._chunk[:0]
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT, deadline, None)
            else:
                if count == 0:
                    raise ConnectionResetError("the other side closed the connection")
                return self._chunk[:count]

    def send(self, data: bytes) -> None:
        """Raises OSError, also when the other side reads nothing for two seconds."""
        deadline = time.monotonic() + _SEND_S
        waiting = memoryview(data)
        while waiting:
            try:
                waiting = waiting[self.socket.send(waiting) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                if not self._wait(select.POLLOUT, deadline, None):
                    raise TimeoutError(f"the other side read nothing for {_SEND_S:g} s") from None
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN, deadline, None)

    def close(self) -> None:
        self.socket.close()

    def _wait(self, events: int, deadline: float, wake: Wake | None) -> bool:
        """Whether the socket is ready; false when the time is over, or `wake` has a byte."""
        poll = select.poll()
        poll.register(self.socket, events)
        if wake is not None:
            poll.register(wake, select.POLLIN)
        ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        return any(descriptor == self.socket.fileno() for descriptor, _ in ready)


def _fingerprint_of_file(path: str) -> bytes:
    with open(path, encoding="latin-1") as file:
        match = _PEM.search(file.read())
    if match is None:
        raise BadOption(f"{path} has no certificate in PEM form")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(match.group(0))).digest()
