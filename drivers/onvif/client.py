"""One camera over ONVIF: what it is, what it shows, whether its clock is right and whether it records.

Every method is bounded in time and bytes, may be cancelled, and raises CameraError only. Calls of one Camera wait
for each other: it has one connection.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from drivers.onvif import keyframe, snapshot, wsdl
from drivers.onvif import recording as recordings
from drivers.onvif.caller import CALL_S, UNREACHABLE, Call, Caller
from drivers.onvif.errors import CameraError, Code, quoted
from drivers.onvif.profile import Profile, choose, profiles_of
from drivers.onvif.rtsp import Rtsp, Stream
from drivers.onvif.wsdl import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.onvif.clock import Clock
    from drivers.onvif.http import Room
    from drivers.onvif.recording import Recording
    from drivers.onvif.target import Target

KEY_FRAME_S = 15.0
"""Seconds for a key frame: cameras send one every 1 to 10 s."""
_TEXT = 64


class Information(NamedTuple):
    """Who made it, what it is; what it does not say is empty. At most 64 characters each."""

    make: str
    model: str
    firmware: str
    serial: str


class Camera(Caller):
    """A camera. Cheap to make and to keep (a few kB): it opens its connection with its first call.

    `now` is our clock, in seconds since 1970. What was learnt (way of logging in, services, drift) stays until
    `forget`; `rest` only gives the connection back.
    """

    def __init__(
        self, target: Target, *, now: Callable[[], float] = time.time, call_s: float = CALL_S
    ) -> None:
        super().__init__(target, now=now, call_s=call_s)
        self.picture_open: bool | None = None
        """Whether its last snapshot came without a login."""
        self._services: dict[Service, str] = {}
        self._snapshot_url = self._stream_url = self._profile = ""

    def __repr__(self) -> str:
        return f"<Camera {self.target.name} {self.target.host}:{self.target.port}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.rest()

    def rest(self) -> None:
        """Give the connection back; what was learnt stays."""
        self.http.close()

    def forget(self) -> None:
        """Learn everything anew: settings, firmware or password changed."""
        self.rest()
        self.login.forgive()
        self.last_clock, self._services = None, {}
        self._snapshot_url = self._stream_url = self._profile = ""

    # --- what can be asked ------------------------------------------------------------------------------------

    async def information(self) -> Information:
        """GetDeviceInformation. It needs a login: the proof that ours is accepted."""
        said = await self.call(Service.DEVICE, "GetDeviceInformation")
        names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber")
        texts = (quoted(str(getattr(said, name, None) or ""))[:_TEXT] for name in names)
        return Information(*texts)

    async def services(self) -> Mapping[Service, str]:
        """What it offers, with addresses that can be reached. Asked once; addresses not allowed are left out."""
        if not self._services:
            try:
                said = await self.call(Service.DEVICE, "GetServices", IncludeCapability=False)
                found = [(s.Namespace, s.XAddr) for s in said or () if s is not None]
            except CameraError as e:
                if e.code in UNREACHABLE or e.code.startswith("login"):
                    raise
                found = []
            if not found:
                said = await self.call(Service.DEVICE, "GetCapabilities", Category=["All"])
                found = _capabilities(said)
            self._services = self._settled(found)
        return self._services

    async def profiles(self) -> tuple[Profile, ...]:
        """GetProfiles; broken ones are left out, the list may be empty."""
        media = await self._media()
        more: dict[str, Any] = {"Type": ["VideoSource", "VideoEncoder"]} if media is Service.MEDIA2 else {}
        return profiles_of(await self.call(media, "GetProfiles", **more))

    async def profile(self) -> Profile:
        """The profile meant by the target. Raises CameraError where there is none."""
        return choose(await self.profiles(), self.target)

    async def snapshot_uri(self) -> str:
        """Where a JPEG can be fetched, as an address that can be reached."""
        said = await self.call(await self._media(), "GetSnapshotUri", ProfileToken=await self._token())
        return self.allowed.settle(_uri(said))

    async def stream_uri(self) -> str:
        """The RTSP address of the profile, as an address that can be reached, without user name."""
        media = await self._media()
        how: dict[str, Any] = {"StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}}
        if media is Service.MEDIA2:
            how = {"Protocol": "RTSP"}  # over TCP, in its words
        said = await self.call(media, "GetStreamUri", **how, ProfileToken=await self._token())
        return self.allowed.settle(_uri(said), ("rtsp", "rtsps"))

    async def snapshot(self, room: Room | None = None) -> bytes:
        """A JPEG from the snapshot address (asked once). At most 4 MB, whole by its markers.

        `room` waits until more of it may be carried.
        """
        self.login.picture.closed()
        if not self._snapshot_url:
            self._snapshot_url = await self.snapshot_uri()
        try:
            picture, self.picture_open = await snapshot.fetch(
                self.http, self._snapshot_url, self.login.picture, self.target.password, self.call_s, room
            )
        except CameraError as e:
            if e.code in (Code.NO_SUCH_SERVICE, Code.FAILED, Code.LOGIN_REFUSED):
                self._snapshot_url = ""  # it may have moved
            raise
        return picture

    async def stream(self) -> Stream:
        """DESCRIBE of its stream: what it is, and whether it is open to anybody."""
        async with await self._rtsp() as session:
            return await session.describe()

    async def key_frame(self, room: Room | None = None, seconds: float = KEY_FRAME_S) -> bytes:
        """One key frame of its stream as a JPEG, for a camera without snapshots. At most 1,920 points wide.

        `room` as in `snapshot`.
        """
        async with await self._rtsp(seconds) as session:
            encoding, data = await session.key_frame(room)
        return await keyframe.jpeg(encoding, data)

    async def recording(self) -> Recording:
        """Whether it records, as far as the standard lets it say."""
        await self.know_clock()
        return await recordings.ask(self)

    async def set_clock(self, now: float | None = None) -> Clock:
        """Set its clock to ours (or to `now`, seconds since 1970), and ask it again: the clock as it is then.

        Its zone stays. It takes its time by hand from then on: where `sync` says NTP, that should be mended first.
        """
        before = await self.clock()
        at = dt.datetime.fromtimestamp(self.now() if now is None else now, dt.UTC)
        moment = {
            "Time": {"Hour": at.hour, "Minute": at.minute, "Second": at.second},
            "Date": {"Year": at.year, "Month": at.month, "Day": at.day},
        }
        zone: dict[str, Any] = {"TimeZone": {"TZ": before.zone}} if before.zone else {}
        await self.call(
            Service.DEVICE,
            "SetSystemDateAndTime",
            DateTimeType="Manual",
            DaylightSavings=False,
            UTCDateTime=moment,
            **zone,
        )
        return await self.clock()

    async def time_servers(self) -> tuple[str, ...]:
        """GetNTP: the servers by which it sets its clock, at most 4; `DHCP` for those that its network names."""
        said = await self.call(Service.DEVICE, "GetNTP")
        named = ["DHCP"] if getattr(said, "FromDHCP", None) else []
        for host in (getattr(said, "NTPManual", None) or ())[:4]:
            texts = (getattr(host, n, None) for n in ("DNSname", "IPv4Address", "IPv6Address"))
            named += [quoted(str(t))[:_TEXT] for t in texts if t][:1]
        return tuple(named[:4])

    async def offers_tls(self) -> bool | None:
        """GetNetworkProtocols: whether it answers HTTPS; None where its list does not even name HTTP."""
        said = await self.call(Service.DEVICE, "GetNetworkProtocols")
        on = {str(getattr(p, "Name", "")).upper(): bool(getattr(p, "Enabled", False)) for p in said or ()}
        return on.get("HTTPS", False) if "HTTP" in on or "HTTPS" in on else None

    async def reboot(self) -> None:
        """SystemReboot."""
        await self.call(Service.DEVICE, "SystemReboot")
        self.rest()

    async def _rtsp(self, seconds: float = 0.0) -> Rtsp:
        if not self._stream_url:
            self._stream_url = await self.stream_uri()
        return Rtsp(self._stream_url, self.allowed, self.login, self.cost, seconds=seconds or self.call_s)

    # --- one call ---------------------------------------------------------------------------------------------

    async def address(self, service: Service) -> str:
        """Where a service is. Raises CameraError NO_SUCH_SERVICE where the camera has none."""
        if service is Service.DEVICE:
            return self.target.url
        found = (await self.services()).get(service)
        if not found:
            raise CameraError(
                Code.NO_SUCH_SERVICE, f"the camera offers no service {service.value[0]}", permanent=True
            )
        return found

    async def call(self, service: Service, name: str, **arguments: Any) -> Any:
        """One operation with our login; zeep's value of its answer."""
        address = await self.address(service)
        await self.know_clock()
        body = await self.signed(Call(service, name, arguments), address)
        return wsdl.read(service, name, body)

    # --- the rest ---------------------------------------------------------------------------------------------

    async def _media(self) -> Service:
        """The media service that it offers: ver10, or ver20 where that is the only one."""
        offered = await self.services()
        return Service.MEDIA2 if Service.MEDIA2 in offered and Service.MEDIA not in offered else Service.MEDIA

    async def _token(self) -> str:
        if not self._profile:
            self._profile = self.target.profile or (await self.profile()).token
        return self._profile

    def _settled(self, found: list[tuple[Any, Any]]) -> dict[Service, str]:
        by_name = {s.namespace: s for s in reversed(Service)}
        services: dict[Service, str] = {Service.DEVICE: self.target.url}
        for namespace, address in found:
            service = by_name.get(str(namespace or "").strip().rstrip("/"))
            if service is None or service is Service.DEVICE:
                continue
            try:
                services[service] = self.allowed.settle(str(address or "").strip())
            except CameraError:
                continue
        return services


def _capabilities(said: Any) -> list[tuple[str, str]]:
    """The addresses in GetCapabilities' answer."""
    more = getattr(said, "Extension", None)
    places = ((said, "Media", Service.MEDIA), (said, "Events", Service.EVENTS))
    extra = ((more, "Recording", Service.RECORDING), (more, "Search", Service.SEARCH))
    found = [(service.namespace, _xaddr(where, name)) for where, name, service in places + extra]
    return [(namespace, address) for namespace, address in found if address]


def _xaddr(where: Any, name: str) -> str:
    """A capability's address; in an extension zeep takes the first element for something unknown."""
    said = getattr(getattr(where, name, None), "XAddr", None)
    if said:
        return str(said)
    unknown = (e for e in getattr(where, "_value_1", None) or () if wsdl.local(e) == name)
    address = wsdl.child(next(unknown, None), "XAddr")
    return (address.text or "") if address is not None else ""


def _uri(said: Any) -> str:
    """Of ver10's MediaUri, or ver20's only element, which zeep gives as it is."""
    return str((said if isinstance(said, str) else getattr(said, "Uri", None)) or "").strip()
