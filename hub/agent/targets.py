"""Targets: what an agent is to ask, as the `desired` of its gateway (docs/mqtt.md). Pure.

Where and how each camera is asked is plain; passwords lie together in one box that only the agent's key opens.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from devices import wire
from hub.agent.sealing import OwnKey, fingerprint, seal
from hub.poll.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SECRET = frozenset({"password", "realm"})
_SPARE = 600
"""Bytes for what stands around the cameras and the box."""


class _Targets(BaseModel):
    model_config = ConfigDict(strict=False, extra="ignore", frozen=True)
    id: wire.Code
    interval_s: Annotated[float, Field(ge=1, le=86400)] = 60.0
    cameras: list[dict[str, Any]]
    key: wire.Text = ""
    box: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One `desired`: its id, its bytes, and the cameras that did not fit into 256 kB."""

    id: str
    payload: bytes
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Targets:
    """As an agent reads it. `locked`: there are logins, and the passwords are not for its key, or not there yet."""

    id: str
    interval_s: float
    rows: dict[str, Row]
    locked: bool


class BadTargets(ValueError):  # noqa: N818 - what it is
    """A `desired` that cannot be read; why, in a line."""


def order_of(
    rows: Mapping[str, Row], interval_s: float, public: str, sign: Callable[[bytes], bytes]
) -> Order:
    """What an agent of the key `public` is to ask; without a key (not accepted) there are no passwords in it.

    `sign` makes the id: it changes with every row and password and tells nothing of them. The boot of a camera that
    the hub knows is told, and changes no id.
    """
    cameras, passwords, left_out = _fitting(rows)
    plain = [{k: v for k, v in c.items() if k != "boot"} for c in cameras]
    meant = _canonical([plain, passwords, public, interval_s])
    number = hashlib.sha256(sign(meant)).hexdigest()[:16]
    said: dict[str, Any] = {"id": number, "interval_s": interval_s, "cameras": cameras}
    if public:
        about = _canonical(cameras)
        said |= {"key": fingerprint(public), "box": seal(_canonical(passwords), public, about)}
    return Order(number, _canonical(said), tuple(left_out))


def read(payload: bytes, realm: str, own: OwnKey) -> Targets:
    """What an agent is to ask. A camera whose password is withheld is asked without a login. Raises BadTargets."""
    try:
        said = _Targets.model_validate_json(payload)
        opened = own.open(said.box, _canonical(said.cameras)) if said.box else None
        passwords: dict[str, str] = {} if opened is None else json.loads(opened)
        rows = {}
        for c in said.cameras:
            row = Row.from_json({k: v for k, v in c.items() if k in _KNOWN} | {"realm": realm})
            login = row.username if opened is not None else ""
            told = {"username": login, "password": passwords.get(row.name, "")}
            rows[row.name] = Row.from_json(row.to_json() | told)
    except (ValidationError, ValueError, TypeError, KeyError) as e:
        raise BadTargets(str(e).splitlines()[0][:200]) from e
    locked = opened is None and any(c.get("username") for c in said.cameras)
    return Targets(said.id, said.interval_s, rows, locked)


_KNOWN = frozenset(Row.__slots__) - _SECRET
_DEFAULT = {k: v for k, v in Row("", "", 0, "").to_json().items() if k not in ("name", "interval_s", "url")}


def _fitting(rows: Mapping[str, Row]) -> tuple[list[dict[str, Any]], dict[str, str], list[str]]:
    """Cameras by name as long as they fit, their passwords, and the names of the rest."""
    cameras: list[dict[str, Any]] = []
    passwords: dict[str, str] = {}
    left_out: list[str] = []
    room = wire.MAX_PAYLOAD - _SPARE
    for name in sorted(rows):
        row = rows[name]
        camera = {k: v for k, v in row.to_json().items() if k not in _SECRET and v != _DEFAULT.get(k)}
        pair = len(_canonical({name: row.password})) if row.password else 0
        room -= len(_canonical(camera)) + 1 + (pair * 4 + 8) // 3
        if room < 0 or left_out:
            left_out.append(name)
            continue
        cameras.append(camera)
        if row.password:
            passwords[name] = row.password
    return cameras, passwords, left_out


def _canonical(value: object) -> bytes:
    """The same bytes for the same value, on both sides."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
