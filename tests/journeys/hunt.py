"""A hunt for secrets: every byte of files and answers is looked through for each, in every form it may take."""

from __future__ import annotations

import base64
import gzip
import re
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LEAST = 12
"""A form shorter than this would be found by chance."""
_LINK = re.compile(r"""(?:href|src|action|hx-get|data-src|sse-connect)=["']([^"']+)["']""")


def forms(secret: bytes) -> list[bytes]:
    """The secret itself, in hex, as in an address, and in base64 wherever in a longer text it stands."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    found.add(urllib.parse.quote_from_bytes(secret, safe="").encode())
    for before in range(3):
        coded = base64.b64encode(bytes(before) + secret)
        inner = coded[
            -(-before * 4 // 3) : len(coded) // 4 * 4 - 4
        ]  # the ends depend on what stands beside it
        found |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return [form for form in found if len(form) >= LEAST]


class Hunt:
    """Secrets by their names, and the files that are meant to hold one: (name of the secret, name of the file)."""

    def __init__(self) -> None:
        self._forms: dict[str, list[bytes]] = {}
        self.meant: set[tuple[str, str]] = set()

    def knows(self, name: str, secret: str, *files: str) -> None:
        """One more secret."""
        text = secret.strip()
        self._forms[name] = forms(text.encode())
        try:
            if len(raw := base64.urlsafe_b64decode(text)) >= LEAST:
                self._forms[name] += [raw, raw.hex().encode()]
        except ValueError:  # it is no base64, only itself
            pass
        self.meant |= {(name, file) for file in files}

    def among(self, where: str, content: bytes) -> list[str]:
        """What is found there, as sentences."""
        return [
            f"{name} stands in {where}"
            for name, wanted in self._forms.items()
            if any(form in content for form in wanted)
        ]

    def in_folder(self, folder: Path) -> list[str]:
        """What is found in files where it is not meant to be."""
        return [
            told
            for path in sorted(folder.rglob("*"))
            if path.is_file()
            for where, content in _contents(path)
            for told in self.among(f"{where} of {folder.name}", content)
            if not any(told.startswith(f"{name} stands") and path.name == file for name, file in self.meant)
        ]


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file as it is, and what is packed in it."""
    yield path.name, path.read_bytes()
    if path.suffix == ".parquet":
        with closing(duckdb.connect()) as db:
            rows = db.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        yield f"rows of {path.name}", repr(rows).encode()
    elif path.name.endswith(".tar.gz"):
        with tarfile.open(path) as tar:
            for one in tar:
                file = tar.extractfile(one)
                if file is not None:
                    yield f"{one.name} in {path.name}", file.read()
    elif path.suffix == ".gz":
        yield f"unpacked {path.name}", gzip.decompress(path.read_bytes())


class Crawl:
    """Every page and every answer of the API that can be reached by links or is named in the API's schema."""

    def __init__(self, url: str, *, never: Iterable[str] = ()) -> None:
        self._url, self._never = url, tuple(never)
        self.seen: dict[str, bytes] = {}
        self.refused: dict[str, int] = {}

    def follow(self, first: Iterable[str]) -> dict[str, bytes]:
        """Address -> body."""
        waiting = list(first)
        while waiting:
            address = _plain(waiting.pop())
            if address in self.seen or address.startswith(self._never):
                continue
            body = self.seen[address] = self._get(address)
            base = urllib.parse.urljoin(self._url, address)
            for link in _LINK.findall(body.decode("utf-8", "replace")):
                there = urllib.parse.urljoin(base, link.replace("&amp;", "&"))
                if there.startswith(self._url + "/"):
                    waiting.append(there.removeprefix(self._url))
        return self.seen

    def _get(self, address: str) -> bytes:
        try:
            with urllib.request.urlopen(self._url + address, timeout=20) as answer:  # noqa: S310 - our own
                head = str(answer.headers).encode()
                if answer.headers.get_content_type() == "text/event-stream":
                    return head + bytes(answer.read1(65536))
                return head + bytes(answer.read())
        except urllib.error.HTTPError as e:
            self.refused[address] = e.code
            return bytes(e.read())


def _plain(address: str) -> str:
    """Without fragment, and without what only changes how a page looks, or which week of the calendar it shows."""
    parts = urllib.parse.urlsplit(address)
    kept = [(k, v) for k, v in urllib.parse.parse_qsl(parts.query) if k not in ("lang", "theme", "v", "day")]
    return urllib.parse.urlunsplit(("", "", parts.path, urllib.parse.urlencode(kept), ""))
