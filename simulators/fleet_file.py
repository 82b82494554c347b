"""The fleet file: the hub's import format, which is also what the simulators read. It holds passwords: mode 0600."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from devices.device import Device, Kind
from devices.site import Placing, Site
from simulators.errors import UserError
from simulators.fleet import Fleet, is_asked, speaks_itself

if TYPE_CHECKING:
    from pathlib import Path


def with_passwords(fleet: Fleet, old: Fleet | None) -> Fleet:
    """`fleet` with a password for each device that speaks itself or is asked: the old one, or a new one by chance."""
    known, logins = (old.passwords, old.logins) if old else ({}, {})
    speak = [d.name for d in fleet.devices if speaks_itself(d)]
    asked = [d.name for d in fleet.devices if is_asked(d)]
    return replace(
        fleet,
        passwords={name: known.get(name) or secrets.token_urlsafe(18) for name in speak},
        logins={name: logins.get(name) or secrets.token_urlsafe(12) for name in asked},
    )


LOGIN_PASSWORD = "login_password"  # noqa: S105 - the name of a field
"""The field of a device that is asked which holds what the hub logs in with."""


PEOPLE = (
    {"name": "Nguyễn Thị Hạnh", "role": "security"},
    {"name": "Đỗ Văn Kỳ", "role": "maintenance"},
    {"name": "Trần Quốc Bảo", "role": "official"},
)
"""Who is there in a pretend village, so that a first user has somebody to be."""


def write(fleet: Fleet, path: Path) -> None:
    """Writes the whole file or nothing, readable by its owner only."""
    data = {
        "sites": [_site(s) for s in fleet.sites],
        "placings": [_placing(p) for p in fleet.placings],
        "devices": [_device(d, fleet) for d in fleet.devices],
        "people": list(PEOPLE),
    }
    write_private(path, json.dumps(data, ensure_ascii=False, indent=1))


def write_private(path: Path, text: str) -> None:
    """Writes `text` whole or not at all; only the owner may read it."""
    half = path.with_name(path.name + ".new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def read(path: Path) -> Fleet:
    """The fleet of a file; raises UserError, and OSError where it cannot be read at all."""
    try:
        data = json.loads(path.read_text("utf-8"))
        return Fleet(
            sites=tuple(Site(**_dated(s)) for s in data["sites"]),
            placings=tuple(Placing(**_dated(p)) for p in data["placings"]),
            devices=tuple(_read_device(d) for d in data["devices"]),
            passwords={d["name"]: d["password"] for d in data["devices"] if "password" in d},
            logins={d["name"]: d[LOGIN_PASSWORD] for d in data["devices"] if LOGIN_PASSWORD in d},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is not a fleet file ({type(error).__name__}: {error}).") from error


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    return {k: date.fromisoformat(v) if k in ("since", "until") and v else v for k, v in row.items()}


def _read_device(row: dict[str, Any]) -> Device:
    known = {k: v for k, v in row.items() if k not in ("password", LOGIN_PASSWORD)}
    return Device(**known | {"kind": Kind(row["kind"]), "tags": tuple(row.get("tags", ()))})


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _site(s: Site) -> dict[str, Any]:
    place = {"lat": s.lat, "lon": s.lon}
    return {
        "slug": s.slug,
        "name": s.name,
        "tier": s.tier,
        **place,
        "since": _iso(s.since),
        "until": _iso(s.until),
    }


def _placing(p: Placing) -> dict[str, Any]:
    return {"site": p.site, "parent": p.parent, "since": _iso(p.since), "until": _iso(p.until)}


def _device(d: Device, fleet: Fleet) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": d.name,
        "kind": d.kind.value,
        "realm": d.realm,
        "site": d.site,
        "title": d.title,
        "interval_s": d.interval_s,
        "uplink_by": d.uplink_by,
        "power_from": d.power_from,
        "lat": d.lat,
        "lon": d.lon,
        "place": d.place,
        "tags": list(d.tags),
        "password": fleet.passwords.get(d.name),
        "driver": None if d.driver == "native" else d.driver,
        "address": d.address,
        "login": d.login,
        "profile": d.profile,
        LOGIN_PASSWORD: fleet.logins.get(d.name),
    }
    return {k: v for k, v in row.items() if v not in (None, [], "")}
