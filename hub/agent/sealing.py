"""What only one agent can open: passwords sealed to its key (HPKE, RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305).

What they belong to is part of what is sealed: a box beside other targets does not open, so that nobody who can write
`desired` has a password sent to another address.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

if TYPE_CHECKING:
    from pathlib import Path

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_ABOUT = b"village-hub agent 1\0"
_GROUPS = 5


class BadKey(ValueError):  # noqa: N818 - what it is
    """A key that is none; the sentence says which file, and what to do."""


def fingerprint(public: str) -> str:
    """Of a public key in base64: 80 bits of its SHA-256, in groups of four, as people compare it."""
    digest = hashlib.sha256(public.encode()).hexdigest()
    return "-".join(digest[4 * i : 4 * i + 4] for i in range(_GROUPS))


def is_key(public: str) -> bool:
    """True for a public key in base64."""
    return _public(public) is not None


def seal(text: bytes, public: str, about: bytes) -> str:
    """`text` in base64, for the owner of a key and beside `about` only. Raises BadKey."""
    key = _public(public)
    if key is None:
        raise BadKey("not a public key")
    return base64.b64encode(_SUITE.encrypt(text, key, _ABOUT + about)).decode()


class OwnKey:
    """An agent's key pair; the private half lies in a file that only the agent reads."""

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private
        self.public = base64.b64encode(private.public_key().public_bytes_raw()).decode()

    @property
    def fingerprint(self) -> str:
        """By which people know it."""
        return fingerprint(self.public)

    def open(self, box: str, about: bytes) -> bytes | None:
        """What was sealed; None where it was for another key, beside something else, or damaged."""
        try:
            return _SUITE.decrypt(base64.b64decode(box, validate=True), self._private, _ABOUT + about)
        except (InvalidTag, ValueError):
            return None


def own_key(path: Path) -> OwnKey:
    """The key in that file; made where there is none, and on disk before anybody is told of it.

    Raises OSError; BadKey where the file holds none.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return OwnKey(_make(path))
    try:
        return OwnKey(X25519PrivateKey.from_private_bytes(base64.b64decode(text.strip(), validate=True)))
    except ValueError as e:
        raise BadKey(
            f"{path} holds no key; move it away, and accept the new one on the gateway's page"
        ) from e


def _make(path: Path) -> X25519PrivateKey:
    private = X25519PrivateKey.generate()
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as f:
        f.write(base64.b64encode(private.private_bytes_raw()) + b"\n")
        f.flush()
        os.fsync(f.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return private


def _public(text: str) -> X25519PublicKey | None:
    try:
        return X25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except ValueError:
        return None
