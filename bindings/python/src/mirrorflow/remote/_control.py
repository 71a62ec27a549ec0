"""The control connection: XML-RPC calls to a host server on another machine. Used by RemoteApp.

docs/control-connection.md has its handshake. A connection is made for each call, so that nothing
is kept open; data links do not need it once they are made.
"""

from __future__ import annotations

import struct
import time
from typing import Any

from .. import _rpc_values as values
from ..errors import BadMessage, MirrorflowError, Refused, TimedOut, TransportError, VersionMismatch
from ._records import RecordReader, Sealer
from ._secret import NONCE_BYTES, PROOF_BYTES, direction_key, is_proof, new_nonce, proof
from ._transport import Address, Connection, Security

VERSION = 2
CALL_S = 12.0

_MAGIC = b"\x89MFC"
_CHANNEL = b"control"
_HANDSHAKE_S = 5.0
_ANSWER_BYTES = 12 + NONCE_BYTES + PROOF_BYTES
_FRAME = struct.Struct("<III")
_CALL, _RESPONSE = 1, 2
_BODY_MAX_BYTES = 4 * 1024 * 1024
_U32 = struct.Struct("<I")
_NO_SECRET = 3


def call(address: Address, security: Security, method: str, *params: Any, timeout: float = CALL_S) -> Any:
    """The result of one call. Raises its fault, TRANSPORT_ERROR, REFUSED, VERSION_MISMATCH, TIMED_OUT."""
    deadline = time.monotonic() + timeout
    try:
        connection = Connection(address, security)
    except OSError as error:
        raise _unreachable(address, error) from error
    try:
        session = _Session(connection, security)
        return session.call(method, params, deadline)
    except OSError as error:
        raise _unreachable(address, error) from error
    except (Refused, VersionMismatch, BadMessage) as error:
        raise type(error)(f"{address}: {error}", {**error.facts, "address": str(address)}) from error
    finally:
        connection.close()


class _Session:
    def __init__(self, connection: Connection, security: Security) -> None:
        """Runs the handshake: the other end proves the secret first."""
        self._connection = connection
        self._received = bytearray()
        self._sealer: Sealer | None = None
        self._records: RecordReader | None = None
        keys = security.secret.accepted()
        nonce = new_nonce(keys[0], _CHANNEL)
        deadline = time.monotonic() + _HANDSHAKE_S
        connection.send(_MAGIC + _U32.pack(VERSION) + nonce)
        answer = self._answer(deadline)
        nonces = (nonce, answer[12 : 12 + NONCE_BYTES])
        bound = [struct.pack("<II", VERSION, VERSION), *connection.bound]
        found = answer[12 + NONCE_BYTES :]
        key = next((each for each in keys if is_proof(found, proof(each, _CHANNEL, b"listener", nonces, bound))), None)
        if key is None:
            raise Refused("the host does not have this secret, or a program stands between")
        connection.send(proof(key, _CHANNEL, b"caller", nonces, bound))
        if _U32.unpack(self._exactly(4, deadline))[0] != 0:
            raise Refused("the host refused the proof: its shared secret is a different one")
        if not connection.is_tls:
            self._sealer = Sealer(direction_key(key, _CHANNEL, b"caller", nonces))
            listener = direction_key(key, _CHANNEL, b"listener", nonces)
            self._records = RecordReader(listener, _FRAME.size + _BODY_MAX_BYTES, BadMessage)
            self._records.push(self._received)
            self._received = bytearray()

    def call(self, method: str, params: tuple[Any, ...], deadline: float) -> Any:
        document = values.encode_call(method, params)
        frame = _FRAME.pack(len(document), _CALL, 1) + document
        self._connection.send(frame if self._sealer is None else self._sealer.seal(frame))
        while True:
            length, kind, _ = _FRAME.unpack(self._content(_FRAME.size, method, deadline))
            if kind not in (_CALL, _RESPONSE) or not 0 < length <= _BODY_MAX_BYTES:
                raise BadMessage(f"not a session frame: kind {kind} with {length} bytes")
            body = self._content(length, method, deadline)
            if kind == _RESPONSE:
                return values.decode_response(body)

    def _answer(self, deadline: float) -> bytes:
        start = self._exactly(12, deadline)
        if start[:4] != _MAGIC:
            raise BadMessage("what answers is no host server of mirrorflow")
        version, status = struct.unpack_from("<II", start, 4)
        if version != VERSION:
            raise VersionMismatch(
                f"the host uses version {version}, this package version {VERSION}: install the same mirrorflow",
                {"found": version, "known": VERSION},
            )
        if status == _NO_SECRET:
            raise Refused("the host has no shared secret; start its host server with --secret-file")
        return start + self._exactly(_ANSWER_BYTES - 12, deadline)

    def _exactly(self, count: int, deadline: float) -> bytes:
        while len(self._received) < count:
            part = self._connection.receive(deadline - time.monotonic())
            if not part:
                raise TimeoutError("the handshake was not completed in time")
            self._received += part
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def _content(self, count: int, method: str, deadline: float) -> bytes:
        """The next bytes of the session, which travel in records without TLS."""
        while len(self._received) < count:
            content = None if self._records is None else self._records.next()
            if content is not None:
                self._received += content
                continue
            part = self._connection.receive(deadline - time.monotonic())
            if not part:
                raise TimedOut(f"{method} was not answered in time")
            if self._records is None:
                self._received += part
            else:
                self._records.push(part)
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken


def _unreachable(address: Address, error: OSError) -> MirrorflowError:
    return TransportError(f"cannot connect to {address}: {error}", {"address": str(address)})
