"""What is secret in the database: encrypted with a key that lies in a file outside it.

AES-256-GCM; whose a secret is and what it is are part of what is sealed, so that a box moved to another row does not
open. The table `secret` holds a box of our own, by which a wrong key is known. The same key signs (HMAC-SHA256, by a
key derived from it).
"""

from __future__ import annotations

import base64
import hmac
import logging
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.views import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from hub.store.writer import Writes

log = logging.getLogger(__name__)

OWN = ("", "check")
"""Owner and name of the box by which the key is known."""

_KEY_BYTES, _NONCE_BYTES = 32, 12
_FORMAT = b"\x01"
_PUT = "INSERT OR REPLACE INTO secret (owner, what, box, expires_at) VALUES (?,?,?,?)"


class Secrets:
    """Seals and opens. `trouble`: empty, or `lost`, `wrong`, `unreadable`, where the key does not fit what is stored.

    `sealed` is our own box as stored, None where nothing was ever sealed. The key is made at the first need.
    """

    def __init__(self, key_file: Path, sealed: bytes | None) -> None:
        self.key_file = key_file
        self._sealed = sealed
        self._cipher: AESGCM | None = None
        self._signing = b""
        self.trouble = self._read()
        if self.trouble:
            log.error("the key of the stored secrets is %s: %s", self.trouble, key_file)

    def _read(self) -> str:
        try:
            key = base64.urlsafe_b64decode(self.key_file.read_text().strip())
        except FileNotFoundError:
            return "lost" if self._sealed is not None else ""
        except (OSError, ValueError):
            return "unreadable"
        if len(key) != _KEY_BYTES:
            return "unreadable"
        if self._sealed is not None and _opened(AESGCM(key), self._sealed, *OWN) is None:
            return "wrong"
        self._take(key)
        return ""

    def _take(self, key: bytes) -> AESGCM:
        self._cipher, self._signing = AESGCM(key), hmac.digest(key, b"village-hub signs", "sha256")
        return self._cipher

    def put(self, writes: Writes, owner: str, what: str, text: str, *, expires_at: int | None = None) -> None:
        """Store `text` with the batch, until `expires_at` (ms) where given. Raises Refused: no_secret_key."""
        writes.add(_PUT, owner, what, _box(self._needed(writes), text, owner, what), expires_at)

    def sign(self, text: bytes, writes: Writes) -> bytes:
        """A signature, 32 bytes; with the batch it becomes known that the key is needed.

        Raises Refused: no_secret_key.
        """
        self._needed(writes)
        return self.signature(text)

    def signature(self, text: bytes) -> bytes:
        """What `sign` gives; empty where there is no key."""
        return hmac.digest(self._signing, text, "sha256") if self._signing else b""

    def _needed(self, writes: Writes) -> AESGCM:
        cipher = self._key()
        if self._sealed is None:
            self._sealed = _box(cipher, "", *OWN)
            writes.add(_PUT, *OWN, self._sealed, None)
        return cipher

    def open(self, box: bytes, owner: str, what: str) -> str:
        """What was stored. Raises Refused: no_secret_key; secret_damaged."""
        found = _opened(self._key(), box, owner, what)
        if found is None:
            raise Refused("secret_damaged")
        return found

    def _key(self) -> AESGCM:
        if self.trouble:
            raise Refused("no_secret_key")
        if self._cipher is None:
            try:
                return self._take(_make_key(self.key_file))
            except OSError as e:
                log.exception("the key file %s cannot be made", self.key_file)
                raise Refused("no_secret_key") from e
        return self._cipher


def forget(writes: Writes, owner: str, what: str) -> None:
    """A secret is gone with the batch."""
    writes.add("DELETE FROM secret WHERE owner=? AND what=?", owner, what)


def _make_key(path: Path) -> bytes:
    """A new key in a new file that only we can read, on disk before anything is sealed with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(_KEY_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as f:
        f.write(base64.urlsafe_b64encode(key) + b"\n")
        f.flush()
        os.fsync(f.fileno())
    log.warning("made the key of stored secrets: %s; keep a copy apart from the database", path)
    return key


def _about(owner: str, what: str) -> bytes:
    return f"{owner}\0{what}".encode()


def _box(cipher: AESGCM, text: str, owner: str, what: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _FORMAT + nonce + cipher.encrypt(nonce, text.encode(), _about(owner, what))


def _opened(cipher: AESGCM, box: bytes, owner: str, what: str) -> str | None:
    if box[:1] != _FORMAT:
        return None
    try:
        return cipher.decrypt(
            box[1 : 1 + _NONCE_BYTES], box[1 + _NONCE_BYTES :], _about(owner, what)
        ).decode()
    except (InvalidTag, ValueError):
        return None
