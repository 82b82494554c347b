"""A gateway that falls silent over MQTT, or returns, tells of what hangs on it: cameras behind it are asked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.device import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from devices.device import Device
    from hub.track import Track


class Nudges:
    """On the event loop. `nudge` asks cameras, by name, within a few seconds; `tracks` is how all were at the start."""

    def __init__(
        self,
        devices: Mapping[str, Device],
        tracks: Iterable[Track],
        nudge: Callable[[list[str]], None],
    ) -> None:
        self._devices, self._nudge = devices, nudge
        self._down = {t.device.name for t in tracks if _leads(t) and _down(t)}

    def changed(self, tracks: Iterable[Track]) -> None:
        """These changed: where a link fell or stands again, the cameras behind it are asked."""
        found: dict[str, None] = {}
        for t in tracks:
            name = t.device.name
            if not _leads(t) or (down := _down(t)) is (name in self._down):
                continue
            (self._down.add if down else self._down.discard)(name)
            found |= dict.fromkeys(self._behind(t.device))
        if found:
            self._nudge(list(found))

    def _behind(self, leads: Device) -> list[str]:
        """Cameras that are asked through it: those that hang on it, and of a gateway all of its realm."""
        realm = leads.realm if leads.kind is Kind.GATEWAY else None
        return [
            d.name
            for d in self._devices.values()
            if d.is_asked and (d.realm == realm or self._hangs_on(d, leads.name))
        ]

    def _hangs_on(self, device: Device, name: str) -> bool:
        above = device.uplink_by
        for _ in range(len(self._devices)):
            if above is None or above == name:
                return above == name
            found = self._devices.get(above)
            above = None if found is None else found.uplink_by
        return False


def _leads(t: Track) -> bool:
    """Others hang on it, or may: it is looked at for every change, so this is cheap."""
    return t.device.kind is Kind.GATEWAY or bool(t.children)


def _down(t: Track) -> bool:
    return t.gone_at is not None or t.silent
