"""Enrolment as pages and commands see it: who knocks, who is let in, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devices.device import Device, Kind
    from devices.person import By


@dataclass(frozen=True, slots=True)
class Admitted:
    """What is written into a device: its name and its realm as registered, and a password that is told once."""

    name: str
    realm: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fit:
    """A planned device that one which knocks may be. `sure`: of the same name or serial number."""

    device: Device
    site_name: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Access:
    """A device's door to the broker. `label`: its password can still be printed on a label."""

    password: bool
    label: bool


@dataclass(frozen=True, slots=True)
class Label:
    """What is printed for a device; without a password where it is not known any more."""

    name: str
    realm: str
    title: str
    kind: Kind
    site_name: str
    password: str = field(default="", repr=False)

    @property
    def code(self) -> str:
        """What its QR code holds (docs/mqtt.md)."""
        return ":".join(("vh", "1", self.realm, self.name, *([self.password] if self.password else [])))


class Enrolment(Protocol):
    """Every change is audited, stored and written for the broker when it returns. Raises Refused."""

    def fits(self) -> Mapping[str, Sequence[Fit]]:
        """Who knocks -> planned devices that it may be, the likeliest first, at most 50 each."""

    def access(self, name: str) -> Access: ...

    async def approve(
        self, name: str, *, site: str, title: str, interval_s: float, kind: str, by: By
    ) -> Admitted:
        """Register who knocks as a new device. Refused: unknown_device, unknown_site, unknown_kind, name_taken."""

    async def take(self, name: str, planned: str, by: By) -> Admitted:
        """Who knocks is the planned device `planned`, which keeps its name and gets the serial that was claimed.

        Refused: unknown_device (nobody of this name knocks), not_planned, other_kind.
        """

    async def refuse(self, name: str, by: By) -> None:
        """Forget who knocks. Refused: unknown_device."""

    async def password(self, name: str, by: By) -> Admitted:
        """A new password; the old one is over. Refused: unknown_device, retired."""

    async def revoke(self, name: str, by: By) -> None:
        """No password is any good. Refused: unknown_device."""

    async def labels(self, names: Sequence[str], site: str) -> Sequence[Label]:
        """Labels of these devices, or of all at a site and below; in order, at most 500, nobody retired."""

    async def printed(self, names: Sequence[str], by: By) -> None:
        """Forget the passwords that were kept for labels."""
