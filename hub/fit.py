"""Fit: whether a device can stand in the registry as it is given, beside all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.device import AGENT, HUB, Kind
from devices.land import on_land
from devices.lifecycle import Lifecycle
from drivers import ASKING, KNOWN, VISITING
from hub.access import RESERVED
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from devices.device import Device


class Fit:
    """Holds devices against each other. `devices` are all that will stand there, the ones to be checked among them."""

    def __init__(self, devices: Mapping[str, Device], sites: Container[str]) -> None:
        self._devices, self._sites = devices, sites
        self._channels: dict[tuple[str, int], str] | None = None

    def problems(self, d: Device) -> Iterator[Refused]:
        """Everything wrong with one device, each as the refusal it would get."""
        if d.name in RESERVED or d.realm == HUB or d.kind is Kind.HUB:
            yield Refused("name_reserved", name=d.name)
        if d.site not in self._sites:
            yield Refused("no_such_site", site=d.site)
        yield from self._driven(d)
        for by in {b for b in (d.power_from, d.uplink_by) if b is not None}:
            if by not in self._devices:
                yield Refused("no_such_device", name=by)
        if self._hangs_on_itself(d, "power_from") or self._hangs_on_itself(d, "uplink_by"):
            yield Refused("hangs_on_itself", name=d.name)
        yield from self._recorder(d)
        if (d.lat is None) != (d.lon is None):
            yield Refused("half_a_place")
        elif d.lat is not None and d.lon is not None and not on_land(d.lat, d.lon):
            yield Refused("in_the_sea", lat=str(d.lat), lon=str(d.lon))

    def _driven(self, d: Device) -> Iterator[Refused]:
        if d.driver in ASKING:
            yield from self._asked(d)
        elif d.driver in VISITING:
            if d.kind is not Kind.SIGNBOARD:
                yield Refused("not_a_board", driver=d.driver)
        elif d.driver == AGENT:
            yield from self._asks(d)
        elif d.driver not in KNOWN:
            yield Refused("no_such_driver", driver=d.driver, known=", ".join(sorted(KNOWN)))

    def _asked(self, d: Device) -> Iterator[Refused]:
        """What must be asked is a camera or a recorder, and somewhere."""
        if d.kind not in (Kind.CAMERA, Kind.NVR):
            yield Refused("driver_of_cameras", driver=d.driver)
        recorder = self._devices.get(d.nvr or "")
        if not d.address and (recorder is None or not recorder.address):
            yield Refused("address_missing", name=d.name)

    def _asks(self, d: Device) -> Iterator[Refused]:
        """An agent is a gateway, the only one of its realm."""
        if d.kind is not Kind.GATEWAY:
            yield Refused("driver_of_gateways", driver=d.driver)
        for other in self._devices.values():
            there = other.driver == AGENT and other.lifecycle is not Lifecycle.RETIRED
            if there and other.realm == d.realm and other.name != d.name:
                yield Refused("realm_has_agent", realm=d.realm, name=other.name)

    def _hangs_on_itself(self, d: Device, by: str) -> bool:
        seen: set[str] = set()
        above: str | None = getattr(d, by)
        while above is not None and above not in seen:
            if above == d.name:
                return True
            seen.add(above)
            other = self._devices.get(above)
            above = None if other is None else getattr(other, by)
        return False

    def _recorder(self, d: Device) -> Iterator[Refused]:
        if d.nvr is None:
            if d.channel is not None:
                yield Refused("channel_without_recorder")
            return
        recorder = self._devices.get(d.nvr)
        if d.kind is not Kind.CAMERA or recorder is None or recorder.kind is not Kind.NVR:
            yield Refused("not_a_recorder", name=d.nvr)
        elif d.channel is None:
            yield Refused("channel_missing", name=d.nvr)
        else:
            holder = self._held().get((d.nvr, d.channel), d.name)
            if holder != d.name:
                yield Refused("channel_taken", name=d.nvr, channel=d.channel, by=holder)

    def _held(self) -> dict[tuple[str, int], str]:
        if self._channels is None:
            self._channels = {}
            for other in self._devices.values():
                if other.nvr is not None and other.channel is not None:
                    self._channels.setdefault((other.nvr, other.channel), other.name)
        return self._channels
