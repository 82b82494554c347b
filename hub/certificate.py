"""The certificate of the outside door: read, understood, and followed when its files are renewed."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from cryptography import x509

if TYPE_CHECKING:
    from pathlib import Path


class BadCertificate(ValueError):  # noqa: N818 - what it is
    """A certificate that cannot be used; one sentence that names the setting."""


class Certificate:
    """A certificate chain with its key. `expires_at`: seconds since 1970. Raises BadCertificate.

    One that is over is taken at start, and told: lights and cameras must not wait for it. It never replaces another.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        self._files = (cert, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._stamp = self._look()
        self.expires_at = self._load(self.context)

    def renewed(self, now: float) -> bool:
        """Take over what is in the files now, for new connections; False where they are the same.

        Raises BadCertificate, and stays with what it has.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return False
        expires = self._load(
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        )  # half a renewal must not touch what works
        if expires <= now:
            raise BadCertificate(f"outside.tls_cert: {self._files[0]} is over; renew it")
        self.expires_at = self._load(self.context)
        self._stamp = stamp
        return True

    def _look(self) -> list[tuple[int, int, int]]:
        found = []
        for name, file in zip(("tls_cert", "tls_key"), self._files, strict=True):
            try:
                is_ = file.stat()
                file.open("rb").close()
            except OSError as e:
                raise BadCertificate(f"outside.{name}: cannot read {file}: {e.strerror or e}") from e
            found.append((is_.st_ino, is_.st_mtime_ns, is_.st_size))
        return found

    def _load(self, context: ssl.SSLContext) -> float:
        cert, key = self._files
        try:
            leaf = x509.load_pem_x509_certificates(cert.read_bytes())[0]
        except (OSError, ValueError) as e:
            raise BadCertificate(f"outside.tls_cert: {cert} holds no certificate (PEM)") from e
        try:
            context.load_cert_chain(cert, key, password="")  # else a locked key asks the terminal
        except ssl.SSLError as e:
            foreign = "MISMATCH" in str(e)
            why = "does not fit the certificate" if foreign else "cannot be used as a key (PEM, no password)"
            raise BadCertificate(f"outside.tls_key: {key} {why}") from e
        except OSError as e:
            raise BadCertificate(f"outside.tls_key: cannot read {key}: {e.strerror or e}") from e
        return leaf.not_valid_after_utc.timestamp()
