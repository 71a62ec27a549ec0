"""One link to the duplicator that sends a flow: handshake, then frames. Made again and again by Receiver.

Owns its connection. Used by one thread. The sender proves the secret first; without TLS everything
behind the proof travels in records (docs/wire.md).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from ..errors import Closed, MirrorflowError, Refused, SourceProtocol, SourceUnreachable
from . import _wire as wire
from ._records import RecordReader, Sealer
from ._secret import NONCE_BYTES, direction_key, is_proof, new_nonce, proof
from ._transport import Address, Connection, Security, Wake

_CHANNEL = b"data"
_HANDSHAKE_S = 5.0
#: A sign of life is due so long after the last frame of this end; the other's silence ends the link.
ALIVE_S, SILENCE_S = 0.5, 2.0


class Link:
    def __init__(self, address: Address, security: Security, hello: dict[str, Any], wake: Wake) -> None:
        """Connects; `welcome` has the answer.

        Raises SOURCE_UNREACHABLE, SOURCE_PROTOCOL, REFUSED, VERSION_MISMATCH, UNKNOWN_FLOW, CLOSED when
        woken meanwhile.
        """
        self.address = address
        self._wake = wake
        self._received = bytearray()
        self._sealer: Sealer | None = None
        self._records: RecordReader | None = None
        try:
            self._connection = Connection(address, security)
        except OSError as error:
            raise self._unreachable(error) from error
        try:
            self.welcome = self._handshake(security, hello)
        except BaseException as error:
            self._connection.close()
            if isinstance(error, OSError):
                raise self._unreachable(error) from error
            if isinstance(error, MirrorflowError):
                error.args = (f"the duplicator at {address}: {error}",)
            raise
        self._heard = self._sent = time.monotonic()
        self._limits = {
            wire.BUFFER: 0 if self.welcome.mirror else self.welcome.buffer_size,
            wire.BLOCKS: wire.BLOCKS_BYTES if self.welcome.mirror else 0,
            wire.PUBLICATION: 4 if self.welcome.mirror else 0,
        }
        largest = max(self._limits[wire.BUFFER], self._limits[wire.BLOCKS]) + wire.FRAME_BYTES
        if self._records is not None:
            self._records.limit = max(wire.BATCH_BYTES, largest)

    def frames(self, timeout: float) -> Iterator[wire.Frame]:
        """Frames that arrive within `timeout`. Raises SOURCE_UNREACHABLE, also after a long silence."""
        self.sign_of_life()
        until = self._sent + ALIVE_S - time.monotonic()
        try:
            part = self._connection.receive(min(timeout, max(until, 0.0)), self._wake)
        except OSError as error:
            raise self._unreachable(error) from error
        now = time.monotonic()
        if part:
            self._heard = now
            yield from self._taken(part)
        elif now - self._heard >= SILENCE_S:
            raise self._unreachable(TimeoutError(f"nothing was received for {SILENCE_S:g} s"))

    def first_frames(self) -> Iterator[wire.Frame]:
        """Frames that have arrived together with the answer."""
        yield from self._taken(b"")

    def send(self, frame: bytes) -> None:
        """Raises SOURCE_UNREACHABLE."""
        try:
            self._connection.send(frame if self._sealer is None else self._sealer.seal(frame))
        except OSError as error:
            raise self._unreachable(error) from error
        self._sent = time.monotonic()

    def sign_of_life(self) -> None:
        if time.monotonic() - self._sent >= ALIVE_S:
            self.send(wire.control_frame(wire.ALIVE))

    def suspended(self) -> None:
        """This end reads nothing on purpose, so that silence means nothing."""
        self._heard = time.monotonic()
        self.sign_of_life()

    def close(self, *, in_order: bool) -> None:
        """`in_order`: the sender does not keep this receiver's place."""
        try:
            if in_order:
                self.send(wire.control_frame(wire.BYE))
        except SourceUnreachable:
            pass  # then the sender forgets the place after its own time
        finally:
            self._connection.close()

    def _taken(self, part: bytes | memoryview) -> Iterator[wire.Frame]:
        def limit(kind: int) -> int:
            return self._limits.get(kind, 0)

        if self._records is None:
            self._received += part
            yield from wire.take_frames(self._received, limit)
            return
        self._records.push(part)
        while (content := self._records.next()) is not None:
            frames = bytearray(content)
            yield from wire.take_frames(frames, limit)
            if frames:
                raise SourceProtocol(f"the duplicator at {self.address}: a record ends inside a frame")

    def _handshake(self, security: Security, hello: dict[str, Any]) -> wire.Welcome:
        connection, deadline = self._connection, time.monotonic() + _HANDSHAKE_S
        keys = security.secret.accepted()
        nonce = new_nonce(keys[0], _CHANNEL)
        body = nonce + json.dumps(hello).encode()
        connection.send(wire.message(wire.HELLO, body))
        while (challenge := wire.take_message(self._received, wire.CHALLENGE)) is None:
            self._more(deadline)
        nonces = (nonce, challenge[:NONCE_BYTES])
        bound = [body, *connection.bound]
        found = challenge[NONCE_BYTES:]
        key = next((each for each in keys if is_proof(found, proof(each, _CHANNEL, b"listener", nonces, bound))), None)
        if key is None:
            raise Refused("it does not have this secret, or a program stands between")
        connection.send(wire.message(wire.PROOF, proof(key, _CHANNEL, b"caller", nonces, bound)))
        if not connection.is_tls:
            listener = direction_key(key, _CHANNEL, b"listener", nonces)
            self._records = RecordReader(listener, wire.ANSWER_BYTES, SourceProtocol)
        welcome = wire.read_welcome(self._answer(deadline))
        if not welcome.integrity:
            raise SourceProtocol("it leaves off the integrity that this program demands")
        if not connection.is_tls:
            self._sealer = Sealer(direction_key(key, _CHANNEL, b"caller", nonces))
        return welcome

    def _answer(self, deadline: float) -> bytes:
        """The body of WELCOME: without TLS in the first record; a refused proof is answered in the clear."""
        records = self._records
        while True:
            if records is None or self._received.startswith(wire.MAGIC):
                body = wire.take_message(self._received, wire.REFUSED if records else wire.WELCOME)
                if body is not None:
                    return body
            elif len(self._received) >= len(wire.MAGIC):
                records.push(self._received)
                self._received = bytearray()
                while (content := records.next()) is None:
                    records.push(self._part(deadline))
                answer = wire.take_message(bytearray(content), wire.WELCOME)
                if answer is None:
                    raise SourceProtocol("its answer is not a whole message")
                return answer
            self._more(deadline)

    def _more(self, deadline: float) -> None:
        self._received += self._part(deadline)

    def _part(self, deadline: float) -> bytes:
        while time.monotonic() < deadline:
            part = bytes(self._connection.receive(deadline - time.monotonic(), self._wake))
            if part:
                return part
            self._wake.clear()
            if self._wake.closing:
                raise Closed("the link was closed during its handshake")
        raise TimeoutError(f"no welcome arrived within {_HANDSHAKE_S:g} s")

    def _unreachable(self, error: OSError) -> SourceUnreachable:
        return SourceUnreachable(f"the duplicator at {self.address}: {error}", {"address": str(self.address)})
