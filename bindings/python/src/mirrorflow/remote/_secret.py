"""The shared secret of a laboratory's hosts, and proofs of it. Used by both handshakes. Reads the file.

docs/wire.md has the proofs, hints and keys. The secret itself is never sent, and never printed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
import struct
from collections.abc import Sequence

from ..errors import BadOption

NONCE_BYTES = 32
PROOF_BYTES = 32

_HINTED_BYTES = 24
_MIN_BYTES, _MAX_BYTES = 16, 1024
_FILE_MAX_BYTES = 4 * _MAX_BYTES
#: The present secret and its predecessor.
_ACCEPTED_MAX = 2
_KEY_BYTES = 32
_U32 = struct.Struct("<I")


class Secret:
    """The accepted secrets, the one that is proved first; a file is read at each handshake."""

    def __init__(self, secret: str | bytes | None, secret_file: str | None) -> None:
        """One of the two; without both, the file that MIRRORFLOW_SECRET_FILE names. Raises BAD_OPTION."""
        if secret is not None and secret_file is not None:
            raise BadOption("secret and secret_file are both stated: state one of them")
        self._file = secret_file
        self._keys: list[bytes] = []
        if secret is not None:
            self._keys = [_checked(secret.encode() if isinstance(secret, str) else bytes(secret), "the shared secret")]
            return
        self._file = secret_file or os.environ.get("MIRRORFLOW_SECRET_FILE") or None
        if self._file is None:
            raise BadOption(
                "another host demands the shared secret: state secret, secret_file or MIRRORFLOW_SECRET_FILE"
            )
        self.accepted()

    def accepted(self) -> list[bytes]:
        """Raises BAD_OPTION for a file that cannot be used."""
        if self._file is not None:
            self._keys = _read(self._file)
        return self._keys

    def __repr__(self) -> str:
        return "<Secret>"


def new_nonce(key: bytes, channel: bytes) -> bytes:
    """The nonce of a caller: random bytes, and a hint at which of two secrets it has."""
    random = os.urandom(_HINTED_BYTES)
    return random + _digest(key, [*map(_with_length, (b"mirrorflow", channel, b"hint")), random])[:8]


def proof(key: bytes, channel: bytes, side: bytes, nonces: tuple[bytes, bytes], bound: Sequence[bytes]) -> bytes:
    """`nonces`: the caller's, the listener's. `bound`: what else both ends must agree on."""
    parts = [*map(_with_length, (b"mirrorflow", channel, side)), *nonces, *map(_with_length, bound)]
    return _digest(key, parts)


def is_proof(found: bytes, expected: bytes) -> bool:
    return hmac.compare_digest(found, expected)


def direction_key(key: bytes, channel: bytes, side: bytes, nonces: tuple[bytes, bytes]) -> bytes:
    """HKDF-SHA-256 (RFC 5869) of one block: the key of the records that `side` sends."""
    extracted = _digest(key=b"".join(nonces), parts=[key])
    return _digest(extracted, [b"mirrorflow 2 " + channel + b" " + side, b"\x01"])[:_KEY_BYTES]


def _digest(key: bytes, parts: Sequence[bytes]) -> bytes:
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def _with_length(part: bytes) -> bytes:
    return _U32.pack(len(part)) + part


def _read(file: str) -> list[bytes]:
    try:
        info = os.stat(file)
        if info.st_mode & stat.S_IRWXO:
            raise BadOption(f"the secret file {file} may be used by all users of this machine: run chmod 640 {file}")
        if info.st_size > _FILE_MAX_BYTES:
            raise BadOption(f"the secret file {file} has {info.st_size} bytes; at most {_FILE_MAX_BYTES} are read")
        with open(file, "rb") as opened:
            lines = [line.strip() for line in opened.read().split(b"\n") if line.strip()]
    except OSError as error:
        raise BadOption(f"the secret file {file} cannot be read: {error}", {"file": file}) from error
    if not 1 <= len(lines) <= _ACCEPTED_MAX:
        raise BadOption(f"the secret file {file} has {len(lines)} secrets; it must have 1, or 2 while one is exchanged")
    return [_checked(line, f"the secret in {file}") for line in lines]


def _checked(key: bytes, title: str) -> bytes:
    if _MIN_BYTES <= len(key) <= _MAX_BYTES:
        return key
    raise BadOption(f"{title} has {len(key)} bytes; it must have {_MIN_BYTES} to {_MAX_BYTES}")
