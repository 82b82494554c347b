"""Who may speak to the broker: its password and ACL files, written atomically, and the word to read them anew."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import secrets
import signal
import string
from typing import TYPE_CHECKING

import psutil

from devices.device import AGENT, HUB, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from devices.device import Device

log = logging.getLogger(__name__)

ENROL = "enrol"
"""The user with which a device that is not registered may say hello."""

RESERVED = frozenset({HUB, ENROL})
"""Users that no device may be named as."""

UNREAD = "unread"
"""A file of this name beside the others: they changed, and the broker has not been told."""

_ITERATIONS = 101
"""As mosquitto's own default; the passwords are random, 100 bits, so stretching adds nothing."""

_ALPHABET = string.ascii_lowercase + string.digits

_HEADER = """# Written by village-hub; changes are overwritten.
user {hub}
topic read vh/1/#
topic write vh/1/+/+/desired
topic write vh/1/+/+/command
topic write vh/1/+/+/state
topic readwrite vh/1/hub/#
topic read $SYS/#

user {enrol}
topic write vh/1/+/+/hello

"""
_PATTERNS = "".join(
    f"pattern {verb} vh/1/+/%u/{channel}\n"
    for verb, channels in (
        ("write", ("hello", "state", "telemetry", "occurrence", "receipt")),
        ("read", ("desired", "command")),
    )
    for channel in channels
)


def new_password() -> str:
    """20 letters and digits: 103 bits, easy to type on a keypad."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))


def hash_password(password: str) -> str:
    """A password as mosquitto 2 stores it: $7$iterations$salt$PBKDF2-HMAC-SHA512, both in base64."""
    salt = secrets.token_bytes(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def verify(password: str, hashed: str) -> bool:
    """True where `hashed` was made of `password` (for the embedded broker)."""
    try:
        _, seven, iterations, salt, key = hashed.split("$")
        made = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(iterations))
        return seven == "7" and secrets.compare_digest(made, base64.b64decode(key))
    except ValueError:
        return False


def acl(devices: Iterable[Device], hub: str = HUB) -> str:
    """The ACL file: the hub, enrolment, gateways by their realm, everybody else by pattern (`%u` is the user)."""
    lines = [_HEADER.format(hub=hub, enrol=ENROL)]
    for d in devices:
        if d.kind is Kind.GATEWAY:
            lines.append(f"user {d.name}\n")
            says = (
                "state",
                "telemetry",
                "occurrence",
                "receipt",
                *(("picture",) if d.driver == AGENT else ()),
            )
            lines += [f"topic write vh/1/{d.realm}/+/{c}\n" for c in says]
            lines += [f"topic read vh/1/{d.realm}/+/{c}\n" for c in ("desired", "command")]
            lines.append("\n")
    return "".join(lines) + _PATTERNS


def _write(path: Path, text: str) -> None:
    """Replace a file whole; it keeps the owner of its folder, so that a broker with a user of its own can read it."""
    new = path.with_name(f".{path.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as f:
        f.write(text)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(new, owner.st_uid, owner.st_gid)
    new.replace(path)


def write(folder: Path, devices: Iterable[Device], hashes: Iterable[tuple[str, str]], hub: str = HUB) -> None:
    """Write `passwords` (name -> hash) and `acl` into `folder` where they differ, and mark them. Raises OSError.

    `hub` is the user that the hub logs in as.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {
        "passwords": "".join(f"{name}:{hashed}\n" for name, hashed in hashes if hashed),
        "acl": acl(devices, hub),
    }
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            _write(folder / UNREAD, "")
            _write(path, text)


def hash_of(folder: Path, user: str, password: str) -> str:
    """The user's hash: the one in the file where it fits, so that nothing changes without need. Raises OSError."""
    path = folder / "passwords"
    for line in path.read_text().splitlines() if path.exists() else ():
        name, _, hashed = line.partition(":")
        if name == user and verify(password, hashed):
            return hashed
    return hash_password(password)


def reload(pid_file: Path) -> bool:
    """Tell mosquitto to read its files anew; False where it does not run (then it reads them at its start).

    A pid file that a killed mosquitto left behind may name somebody else by now: only a mosquitto is told.
    """
    if not pid_file.exists():
        return False
    try:
        process = psutil.Process(int(pid_file.read_text()))
        if process.name() != "mosquitto":
            return False
        process.send_signal(signal.SIGHUP)
    except psutil.NoSuchProcess:
        return False
    except (OSError, ValueError, psutil.Error) as e:
        log.warning("the broker could not be told to read its users anew: %s", e)
        return False
    return True
