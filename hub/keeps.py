"""Backup and restore: one file that holds what the hub knows, made while it runs.

A backup is a tar.gz of `hub.db`, the folder `history` where there is one, and with the key also `secret.key` and the
broker's `enrol.password`; `manifest.json` comes last, with size and SHA-256 of each. Settings are not in it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import time
import zlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import psutil

from hub.history import cursor
from hub.store.schema import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DB, HISTORY, KEY, ENROL, MANIFEST = "hub.db", "history", "secret.key", "enrol.password", "manifest.json"
PAGES = 2000
"""Database pages copied at a time."""
HELD = ".backup-"
"""Folder of links to the history while it is backed up, with the process's number."""
TRIES, PAUSE_S = 20, 0.5
_CHUNK = 1 << 20


class NoBackup(Exception):  # noqa: N818 - what happened
    """A backup or restore that cannot be; one sentence. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup holds. `position`: the journal's last row in it."""

    made_at: int
    version: str
    store: int
    position: int
    files: int
    size: int


# --- backup ---------------------------------------------------------------------------------------------------


def backup(
    data: Path,
    to: Path,
    *,
    version: str,
    now: int,
    secrets: tuple[tuple[str, Path], ...] = (),
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Kept:
    """Write a backup of the data folder into `to`, whole or not at all. `secrets`: (name in it, file). Raises NoBackup.

    The database is copied from one read transaction, with the history files that belong to it: what is committed and
    packed meanwhile is not in it, and nobody waits.
    """
    copy, part = to.with_name(f".{to.name}.db.part"), to.with_name(f".{to.name}.part")
    held = data / f"{HELD}{os.getpid()}"
    try:
        if not (data / DB).is_file():
            raise NoBackup(f"there is no {data / DB}")
        copy.unlink(missing_ok=True)
        _forget_held(data)
        store, position = _copy(data, copy, held, progress)
        said = {"village_hub": version, "made_at": now, "store": store, "position": position}
        files = _write(part, [(DB, copy), *_history(held), *secrets], said, progress)
        part.replace(to)
        _sync_folder(to.parent)
    except sqlite3.Error as e:
        raise NoBackup(f"cannot copy {data / DB}: {e}") from e
    except OSError as e:
        raise NoBackup(f"cannot write the backup {to}: {e.strerror or e}") from e
    finally:
        for left in (copy, part):
            left.unlink(missing_ok=True)
        shutil.rmtree(held, ignore_errors=True)
    return Kept(now, version, store, position, files, to.stat().st_size)


def _copy(data: Path, to: Path, held: Path, progress: Callable[[str, int, int], None]) -> tuple[int, int]:
    """Copy the database as it stands now, and hold its history; its store version and last position."""
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    uri = f"{(data / DB).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)) as old:
        # An open read transaction holds all steps at one state; without, each commit would start the copy anew
        for left in range(TRIES, 0, -1):
            old.execute("BEGIN")
            if _hold(data, held, _packed_up_to(old)):
                break
            old.execute("ROLLBACK")
            if left == 1:
                raise NoBackup(f"{data / HISTORY} did not stand still; try again")
            time.sleep(PAUSE_S)
        store = int(old.execute("PRAGMA user_version").fetchone()[0])
        position = int(old.execute("SELECT coalesce(max(pos), 0) FROM journal").fetchone()[0])
        with closing(sqlite3.connect(to)) as new:
            new.execute("PRAGMA synchronous=OFF")
            old.backup(new, pages=PAGES, progress=lambda _, left, total: progress(DB, total - left, total))
        old.execute("COMMIT")
    return store, position


def _packed_up_to(db: sqlite3.Connection) -> int:
    try:
        return cursor.in_transaction(db, cursor.HISTORY)
    except sqlite3.OperationalError:  # of a version that did not pack
        return 0


def _hold(data: Path, held: Path, at: int) -> bool:
    """Link the history files, which the packer takes away when it merges them; False where it did so meanwhile.

    A merged file reaches further than the cursor of the copied database, where it would not count.
    """
    shutil.rmtree(held, ignore_errors=True)
    held.mkdir(mode=0o700)
    names = [name for name, _ in _history(data)]
    for name in names:
        (held / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            try:
                os.link(data / name, held / name)
            except FileNotFoundError:
                raise
            except OSError:  # the file system has no links
                shutil.copyfile(data / name, held / name)
        except FileNotFoundError:
            return False
    with closing(sqlite3.connect(f"{(data / DB).absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as now:
        return _packed_up_to(now) == at and [name for name, _ in _history(data)] == names


def _forget_held(data: Path) -> None:
    """Links that a killed backup left."""
    for left in data.glob(f"{HELD}*"):
        number = left.name.removeprefix(HELD)
        if not number.isdigit() or not psutil.pid_exists(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _history(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted((folder / HISTORY).rglob("*")):
        if path.is_file() and path.suffix == ".parquet":
            yield path.relative_to(folder).as_posix(), path


def _write(
    part: Path,
    files: list[tuple[str, Path]],
    said: dict[str, Any],
    progress: Callable[[str, int, int], None],
) -> int:
    listed: list[dict[str, Any]] = []
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as tar:
            for i, (name, path) in enumerate(files):
                with path.open("rb") as f:
                    listed.append(_add(tar, name, f))
                progress("files", i + 1, len(files))
            body = json.dumps(said | {"files": listed}, indent=1).encode()
            info = _info(MANIFEST, len(body))
            tar.addfile(info, io.BytesIO(body))
        raw.flush()
        os.fsync(raw.fileno())
    return len(listed)


class _Hashing(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.sha = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, file: IO[bytes]) -> dict[str, Any]:
    size = os.fstat(file.fileno()).st_size
    hashing = _Hashing(file)
    tar.addfile(_info(name, size), hashing)
    return {"name": name, "size": size, "sha256": hashing.sha.hexdigest()}


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(time.time())
    return info


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- restore --------------------------------------------------------------------------------------------------


def restore(
    file: Path, data: Path, *, now: int, force: bool = False, key_file: Path | None = None,
    access_dir: Path | None = None,
) -> tuple[Kept, Path | None]:  # fmt: skip
    """Put a backup into the data folder, which no hub uses (hub.store.writer.lock). Raises NoBackup, nothing changed.

    The whole backup is read and compared with its manifest first. A folder that holds data is refused, or with
    `force` what it holds is moved aside; gives what was restored, and the folder with what was there.
    """
    there = [p for p in (data / DB, data / f"{DB}-wal", data / f"{DB}-shm", data / HISTORY) if p.exists()]
    if there and not force:
        raise NoBackup(f"{data} holds data already; --force moves it aside and restores")
    fresh = data / ".restoring"
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        kept = _unpack(file, fresh)
        places = {KEY: key_file or data / KEY, ENROL: (access_dir or data) / ENROL}
        moves = [(p, places.get(p.name, data / p.name)) for p in sorted(fresh.iterdir())]
        there += [to for p, to in moves if p.name in places and to.exists()]
        aside = _put_aside(there, data, now) if there else None
        for path, to in moves:
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, to)
        _sync_folder(data)
    except OSError as e:
        raise NoBackup(f"cannot restore into {data}: {e.strerror or e}") from e
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return kept, aside


def _put_aside(there: list[Path], data: Path, now: int) -> Path:
    aside = data / time.strftime("before-restore-%Y%m%d-%H%M%S", time.localtime(now / 1000))
    aside.mkdir(mode=0o700)
    for path in there:
        shutil.move(path, aside / path.name)
    return aside


def _unpack(file: Path, into: Path) -> Kept:
    """Every file of the backup, hashed on its way, all as the manifest says. Raises NoBackup."""
    found: dict[str, tuple[int, str]] = {}
    said: dict[str, Any] | None = None
    try:
        with gzip.open(file) as whole, tarfile.open(fileobj=whole, mode="r|") as tar:
            for info in tar:
                member = tar.extractfile(info) if info.isreg() else None
                if member is None or not _ours(info.name):
                    raise NoBackup(f"{file} is no backup of village-hub: it holds {info.name}")
                if info.name == MANIFEST:
                    said = json.loads(member.read(_CHUNK * 64))
                else:
                    found[info.name] = _store(member, into / info.name)
            while whole.read(_CHUNK):  # to its end, where its checksum is
                pass
    except FileNotFoundError as e:
        raise NoBackup(f"there is no file {file}") from e
    except (tarfile.ReadError, EOFError, zlib.error, ValueError, OSError) as e:
        if isinstance(e, OSError) and e.errno:  # of the disk, not of the file's content
            raise
        why = "it is not whole" if found or isinstance(e, EOFError) else "nothing in it can be read"
        raise NoBackup(f"{file} is no backup of village-hub, or {why}") from e
    if said is None:
        raise NoBackup(f"{file} is no backup of village-hub, or it is not whole: it has no manifest")
    return _compare(file, found, said)


def _ours(name: str) -> bool:
    path = PurePosixPath(name)
    return name in (DB, KEY, ENROL, MANIFEST) or (
        path.parts[0] == HISTORY and ".." not in path.parts and path.suffix == ".parquet"
    )


def _store(member: IO[bytes], to: Path) -> tuple[int, str]:
    to.parent.mkdir(parents=True, exist_ok=True)
    sha, size = hashlib.sha256(), 0
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
        while data := member.read(_CHUNK):
            sha.update(data)
            size += len(data)
            f.write(data)
        f.flush()
        os.fsync(f.fileno())
    return size, sha.hexdigest()


def _compare(file: Path, found: dict[str, tuple[int, str]], said: dict[str, Any]) -> Kept:
    try:
        listed = {f["name"]: (f["size"], f["sha256"]) for f in said["files"]}
        kept = Kept(
            said["made_at"], said["village_hub"], said["store"], said["position"], len(listed),
            file.stat().st_size,
        )  # fmt: skip
        newer = kept.store > VERSION
    except (KeyError, TypeError) as e:
        raise NoBackup(f"{file} is no backup of village-hub: its manifest is not readable") from e
    wrong = sorted(n for n in listed.keys() | found.keys() if listed.get(n) != found.get(n))
    if wrong or DB not in found:
        raise NoBackup(f"{file} is damaged: {wrong[0] if wrong else DB} is not what was backed up")
    if newer:
        raise NoBackup(
            f"{file} is of a newer version of village-hub ({kept.version}: store {kept.store}, "
            f"this one reads {VERSION})"
        )
    return kept
