"""One camera over ONVIF: what it is, what it shows, whether its clock is right and whether it records.

Every method is bounded in time and bytes, may be cancelled, and raises CameraError only. Calls of one Camera wait
for each other: it has one connection.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from drivers.onvif import clock as clocks
from drivers.onvif import digest, snapshot, soap, wsdl
from drivers.onvif.errors import CameraError, Code, quoted
from drivers.onvif.http import Http, uri_of
from drivers.onvif.login import Login, Way
from drivers.onvif.profile import Profile, choose, profiles_of
from drivers.onvif.soap import Refused
from drivers.onvif.target import Allowed, Cost, Target
from drivers.onvif.wsdl import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lxml import etree

    from drivers.onvif.clock import Clock
    from drivers.onvif.http import Reply
    from drivers.onvif.wsdl import UsernameToken

CALL_S = 8.0
"""Seconds a call may take, connection included."""
_PRE_AUTH = {
    "GetSystemDateAndTime",
    "GetServices",
    "GetCapabilities",
    "GetServiceCapabilities",
    "GetHostname",
}
_MOVED_S = 2.0
_HARD = {Code.REFUSED, Code.NO_ROUTE, Code.NO_SUCH_HOST, Code.TIMEOUT, Code.RESET, Code.TLS}
_TEXT = 64


class Information(NamedTuple):
    """Who made it, what it is; what it does not say is empty. At most 64 characters each."""

    make: str
    model: str
    firmware: str
    serial: str


class Camera:
    """A camera. Cheap to make and to keep (a few kB): it opens its connection with its first call.

    `now` is our clock, in seconds since 1970. What was learnt (way of logging in, services, drift) stays until
    `forget`; `rest` only gives the connection back.
    """

    def __init__(
        self, target: Target, *, now: Callable[[], float] = time.time, call_s: float = CALL_S
    ) -> None:
        self.target = target
        self.cost = Cost()
        self.login = Login(target)
        self.allowed = Allowed(target)
        self.last_clock: Clock | None = None
        self.picture_open: bool | None = None
        """Whether its last snapshot came without a login."""
        self.now = now
        self.call_s = call_s
        self._http = Http(target, self.allowed, self.cost)
        self._services: dict[Service, str] = {}
        self._snapshot_url = ""
        self._profile = ""

    def __repr__(self) -> str:
        return f"<Camera {self.target.name} {self.target.host}:{self.target.port}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.rest()

    def rest(self) -> None:
        """Give the connection back; what was learnt stays."""
        self._http.close()

    def forget(self) -> None:
        """Learn everything anew: settings, firmware or password changed."""
        self.rest()
        self.login.forgive()
        self.last_clock, self._services = None, {}
        self._snapshot_url = self._profile = ""

    # --- what can be asked ------------------------------------------------------------------------------------

    async def clock(self) -> Clock:
        """GetSystemDateAndTime, without a login where the camera allows that, as the standard demands."""
        try:
            said, at = await self._plain_clock()
        except Refused as refused:
            if not self.login.given:
                raise self.login.explain(refused) from None
            sent = self.now()
            said = await self.call(Service.DEVICE, "GetSystemDateAndTime", clock_known=True)
            at = (sent + self.now()) / 2
        self.last_clock = clocks.read(said, at)
        return self.last_clock

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
                found = [(s.Namespace, s.XAddr) for s in said or ()]
            except CameraError as e:
                if e.code in _HARD or e.code.startswith("login"):
                    raise
                found = []
            if not found:
                said = await self.call(Service.DEVICE, "GetCapabilities", Category=["All"])
                found = _capabilities(said)
            self._services = self._settled(found)
        return self._services

    async def profiles(self) -> tuple[Profile, ...]:
        """GetProfiles; broken ones are left out, the list may be empty."""
        said = await self._media("GetProfiles")
        return profiles_of(said)

    async def profile(self) -> Profile:
        """The profile meant by the target. Raises CameraError where there is none."""
        return choose(await self.profiles(), self.target)

    async def snapshot_uri(self) -> str:
        """Where a JPEG can be fetched, as an address that can be reached."""
        said = await self._media("GetSnapshotUri", ProfileToken=await self._token())
        return self.allowed.settle(_uri(said))

    async def stream_uri(self) -> str:
        """The RTSP address of the profile, as an address that can be reached, without user name."""
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        said = await self._media("GetStreamUri", StreamSetup=setup, ProfileToken=await self._token())
        return self.allowed.settle(_uri(said), ("rtsp", "rtsps"))

    async def snapshot(self) -> bytes:
        """A JPEG from the snapshot address (asked once). At most 4 MB, whole by its markers."""
        if not self._snapshot_url:
            self._snapshot_url = await self.snapshot_uri()
        try:
            picture, self.picture_open = await snapshot.fetch(
                self._http, self._snapshot_url, self.target, self.login, self.call_s
            )
        except CameraError as e:
            if e.code in (Code.NO_SUCH_SERVICE, Code.FAILED):
                self._snapshot_url = ""  # it may have moved
            raise
        return picture

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

    async def reboot(self) -> None:
        """SystemReboot."""
        await self.call(Service.DEVICE, "SystemReboot")
        self.rest()

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

    async def call(self, service: Service, name: str, *, clock_known: bool = False, **arguments: Any) -> Any:
        """One operation with our login; zeep's value of its answer."""
        address = await self.address(service)
        if not clock_known:
            await self._know_clock()
        body = await self.signed(service, name, arguments, address)
        return wsdl.read(service, name, body)

    async def signed(
        self,
        service: Service,
        name: str,
        arguments: dict[str, Any],
        address: str,
        *,
        http: Http | None = None,
        addressing: list[etree._Element] | None = None,
        seconds: float | None = None,
    ) -> etree._Element:
        """The Body of an answer to a call with our login, by the way that the camera accepts.

        `addressing` (maybe empty) adds WS-Addressing and a subscription's own headers.
        """
        way: Way | None = self.login.begin()
        moved = False
        while way:
            try:
                reply = await self._post(
                    http or self._http, service, name, arguments, address, way, addressing, seconds
                )
                body = soap.body_of(reply, name, self.target.password)
            except Refused as refused:
                if way is Way.TOKEN and self.login.way is way and not moved:
                    moved = True
                    if await self._clock_moved():
                        continue
                following = self.login.next(way, refused) if self.login.given else None
                if following is None:
                    raise self.login.explain(
                        refused, clock_refused=await self._clock_refused(refused)
                    ) from None
                way = following
            except CameraError as e:
                full = self.login.busy() if e.code is Code.BUSY else None
                if full:
                    raise full from None
                raise
            else:
                if name not in _PRE_AUTH and self.login.given:
                    self.login.accepted(way)
                return body
        raise AssertionError

    async def _post(  # noqa: PLR0913, PLR0917 - one call's parts
        self,
        http: Http,
        service: Service,
        name: str,
        arguments: dict[str, Any],
        address: str,
        way: Way | None,
        addressing: list[etree._Element] | None,
        seconds: float | None,
    ) -> Reply:
        kind = f'application/soap+xml; charset=utf-8; action="{wsdl.action(service, name)}"'

        def make(url: str) -> tuple[dict[str, str], bytes]:
            token, shown = self._show(way, url)
            to = address if addressing is not None else ""
            body = wsdl.request(service, name, arguments, token=token, address=to, headers=addressing)
            return {"Content-Type": kind, **shown}, body

        return await http.ask("POST", address, make, seconds=seconds or self.call_s)

    def _show(self, way: Way | None, url: str) -> tuple[UsernameToken | None, dict[str, str]]:
        """Our login for one request: a token for its envelope, or a line for its header."""
        user, password = self.target.username, self.target.password
        if way is None or not user:
            return None, {}
        if way is Way.TOKEN or (way is Way.PLAIN and not self.login.basic):
            drift = self.last_clock.sign_s if self.last_clock else 0.0
            created = dt.datetime.fromtimestamp(self.now() + drift, dt.UTC)
            return wsdl.token(user, password, created, text=way is Way.PLAIN), {}
        if way is Way.PLAIN:
            return None, {"Authorization": digest.basic(user, password)}
        if self.login.challenge is None:
            return None, {}
        return None, {"Authorization": self.login.challenge.answer("POST", uri_of(url), user, password)}

    async def _plain_clock(self) -> tuple[Any, float]:
        sent = self.now()
        name = "GetSystemDateAndTime"
        reply = await self._post(self._http, Service.DEVICE, name, {}, self.target.url, None, None, None)
        at = (sent + self.now()) / 2
        return wsdl.read(Service.DEVICE, name, soap.body_of(reply, name, self.target.password)), at

    async def _know_clock(self) -> None:
        """Before the first signature: what time the camera believes it is."""
        if self.last_clock is None and self.login.given:
            try:
                await self.clock()
            except CameraError as e:
                if e.code in _HARD or e.code.startswith("login") or e.code is Code.NOT_ONVIF:
                    raise

    async def _clock_moved(self) -> bool:
        """Whether its clock has jumped since we asked for it (a reboot to 1970): then our signature was wrong."""
        if self.last_clock is None:
            return False
        before = self.last_clock.sign_s
        try:
            said, at = await self._plain_clock()
        except (CameraError, Refused):
            return False
        self.last_clock = clocks.read(said, at)
        return abs(self.last_clock.sign_s - before) > _MOVED_S

    async def _clock_refused(self, refused: Refused) -> bool:
        """Whether what needs no login, and was answered without one before, is refused as well."""
        if self.login.way is None or self.last_clock is None or refused.words:
            return False
        try:
            await self._plain_clock()
        except Refused:
            return True
        except CameraError as e:
            return e.code is Code.BUSY
        return False

    # --- the rest ---------------------------------------------------------------------------------------------

    async def _media(self, name: str, **arguments: Any) -> Any:
        return await self.call(Service.MEDIA, name, **arguments)

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
    return str(getattr(said, "Uri", None) or "").strip()
