"""People: who may be asked, and who did something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person does here."""

    SECURITY = "security"
    ADMINISTRATOR = "administrator"
    MAINTENANCE = "maintenance"
    OFFICIAL = "official"


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `site` is the part of the tree they care for, empty for all of it; who left is not `active`."""

    id: int
    name: str
    role: Role
    phone: str = ""
    site: str = ""
    active: bool = True
    version: int = 1


@dataclass(frozen=True, slots=True)
class By:
    """Who asks for a change, and from where: a network address, or `command line`."""

    person: str
    address: str
