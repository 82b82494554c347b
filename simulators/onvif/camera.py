"""One simulated ONVIF camera: its build, its clock, and how it answers. No sockets; time is asked of `clock`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from simulators.chance import between, dice, seed_of
from simulators.onvif import login, soap, spoil
from simulators.onvif.events import PullPoint
from simulators.onvif.maker import maker_of
from simulators.onvif.message import Reply
from simulators.onvif.services import ACTIONS, FREE, paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.device import Device
    from simulators.onvif.maker import Maker
    from simulators.onvif.message import Request
    from simulators.onvif.picture import Pictures

BEHIND_S = 2 * 3600.0 + 7 * 60
"""How far `clock_behind` sets a clock back: not by a whole zone, which some could not tell from a right one."""
OPEN_STREAMS = 0.04
"""Share of cameras that show their stream to everybody."""


class Body(Protocol):
    """What the field knows of a camera: its faults, and since when it runs. A Unit is one."""

    faults: set[str]
    booted: float


class Camera:
    """An ONVIF camera. All of it runs in one thread; `reboot` is called where it is told to restart."""

    __slots__ = (
        "body", "carried", "clock", "clock_off", "events", "firmware", "gate", "has_recorder", "host", "inner", "lat",
        "lon", "maker", "model", "name", "ntp", "open_stream", "password", "pictures", "place", "port", "reboot",
        "rtsp_port", "seed", "serial", "since", "user",
    )  # fmt: skip

    def __init__(
        self, device: Device, password: str, rtsp_port: int, clock: Callable[[], float], pictures: Pictures
    ) -> None:
        self.name, self.place = device.name, device.place
        self.seed = seed = seed_of(device.name)
        parts = urlsplit(device.address)
        self.host, self.port, self.rtsp_port = parts.hostname or "", parts.port or 80, rtsp_port
        self.lat, self.lon = device.lat or 0.0, device.lon or 0.0
        self.user, self.password = device.login, password
        self.maker: Maker = maker_of(seed)
        self.model = self.maker.models[int(dice(seed, 801) * len(self.maker.models))]
        self.firmware = (
            f"V{2 + int(dice(seed, 802) * 3)}.{int(dice(seed, 803) * 9)}.{int(dice(seed, 804) * 9)}"
        )
        if self.maker.dated:
            year, month, day = (19 + int(dice(seed, 816) * 7), 1 + seed % 12, 1 + seed % 28)
            self.firmware += f" build {year:02}{month:02}{day:02}"
        self.ntp = self.maker.ntp
        self.serial = f"{self.model}{2019 + int(dice(seed, 805) * 6)}{seed:010d}"
        self.inner = f"192.168.1.{10 + seed % 200}"
        self.has_recorder = dice(seed, 806) < self.maker.recorders
        self.open_stream = dice(seed, 807) < OPEN_STREAMS
        self.gate = login.Gate(self.user, self.maker, f"{self.model}-{seed % 10_000:04d}")
        self.events = PullPoint(self)
        self.pictures = pictures
        self.carried = 0  # bytes, over connections that have ended
        self.clock = clock
        self.clock_off = between(seed, 808, -1.5, 1.5)
        self.body: Body | None = None
        self.since: dict[str, float] = {}  # when each fault was first noticed, in true time
        self.reboot: Callable[[], None] | None = None

    # ------------------------------------------------------------ how it is

    @property
    def faults(self) -> set[str]:
        """What is broken."""
        return self.body.faults if self.body else set()

    def now(self) -> float:
        """What its own clock says, in seconds since 1970."""
        now = self.clock()
        if "clock_1970" in self.faults:
            return now - (self.body.booted if self.body else 0.0)
        return now + self.clock_off - (BEHIND_S if "clock_behind" in self.faults else 0.0)

    def set_clock(self, to: float) -> None:
        """Somebody sets it, which mends it; it follows no time server any more."""
        self.ntp = False
        self.faults.difference_update(("clock_1970", "clock_behind"))
        self.clock_off = to - self.clock()

    def notice(self) -> None:
        """Something was broken or mended: remembers since when, and tells who waits for events."""
        now, faults = self.clock(), self.faults
        self.since = {fault: self.since.get(fault, now) for fault in faults}
        self.events.wake()

    def recording(self) -> bool:
        """Whether its recorder writes."""
        return self.has_recorder and "not_recording" not in self.faults

    def announced(self) -> str:
        """Host and port as it writes them into addresses."""
        hidden = self.maker.inner or "inner_xaddr" in self.faults
        return self.inner if hidden else self.host

    def login_password(self) -> str:
        """What one must know to come in now."""
        return self.password + "-changed" if "wrong_password" in self.faults else self.password

    # ------------------------------------------------------------ how it answers

    def answer(self, request: Request, *, beyond: bool = False) -> Reply:
        """The reply to an HTTP request; `beyond`: over a connection more than the camera has."""
        beyond = beyond or "connections_full" in self.faults
        reply = self._answer(request, beyond=beyond)
        if make := reply.make:  # it is not answered yet
            return replace(reply, make=lambda: spoil.spoilt(make(), request, self.faults, self.seed))
        return spoil.spoilt(reply, request, self.faults, self.seed)

    def _answer(self, request: Request, *, beyond: bool) -> Reply:
        if beyond and self.maker.full in ("all", "busy"):
            return self._full()
        if request.path.partition("?")[0] == self.maker.picture_path.partition("?")[0]:
            return self._picture(request, beyond=beyond)
        if request.path.partition("?")[0] not in paths(self):
            return Reply(404, b"not found")
        if request.method != "POST":
            return Reply(405, b"POST only")
        ask = soap.read(request.body)
        if ask is None:
            return self.fault(400, "Sender", "WellFormed", "Well-formed XML with a body, please")
        return self._service(ask, request, beyond=beyond)

    def _service(self, ask: soap.Ask, request: Request, *, beyond: bool) -> Reply:
        do = ACTIONS.get(ask.action)
        if do is None or (ask.action == "GetServices" and not self.maker.services):
            return self.fault(400, "Receiver", "ActionNotSupported", "Optional action not implemented")
        free = ask.action in FREE or (ask.action == "GetCapabilities" and not self.maker.capabilities_login)
        if not free:
            refused = self._full() if beyond else self._login(ask, request)
            if refused:
                return refused
        said = do(self, ask, request)
        return said if isinstance(said, Reply) else self.say(said)

    def say(self, inside: str) -> Reply:
        """What goes well."""
        wrong = self.maker.spaces if "<trt:" in inside else None
        return Reply(200, soap.envelope(inside, wrong), soap.TYPE)

    def fault(
        self, status: int, code: str, subcode: str, reason: str, headers: tuple[str, ...] = ()
    ) -> Reply:
        """A SOAP fault; makers that say 200 where a login is refused say 200 to all."""
        status = 200 if self.maker.refusal == 200 else status  # noqa: PLR2004 - HTTP's own number
        return Reply(status, soap.envelope(soap.fault(code, subcode, reason)), soap.TYPE, headers)

    def _login(self, ask: soap.Ask, request: Request) -> Reply | None:
        """The refusal, or None where one may come in."""
        now, password = self.now(), self.login_password()
        stale = False
        if "digest" in self.maker.ways and "authorization" in request.headers:
            header = request.headers["authorization"]
            right, stale = self.gate.digest(header, request.method, password, now)
            if right:
                return None
        if "token" in self.maker.ways and self.gate.token(ask, password, now):
            return None
        digest = "digest" in self.maker.ways
        headers = (f"WWW-Authenticate: {self.gate.challenge(now, stale=stale)}",) if digest else ()
        return self.fault(self.maker.refusal, "Sender", "NotAuthorized", "Sender not Authorized", headers)

    def _full(self) -> Reply:
        """Beyond the connections that it has, in its maker's manner."""
        match self.maker.full:
            case "busy":
                return Reply(503, b"busy", headers=("Retry-After: 30",))
            case "words":
                limit = f"Maximum number of connections is {self.maker.limit}"
                return self.fault(400, "Receiver", "Action", limit)
            case "text":
                challenge = f"WWW-Authenticate: {self.gate.challenge(self.now())}"
                return Reply(401, b"Too many users are logged in", headers=(challenge,))
            case _:
                return Reply(401, headers=(f"WWW-Authenticate: {self.gate.challenge(self.now())}",))

    def _picture(self, request: Request, *, beyond: bool) -> Reply:
        if "no_snapshot" in self.faults:
            return Reply(404, b"not found")
        if beyond:
            return self._full()
        header, way, now = request.headers.get("authorization", ""), self.maker.picture_login, self.now()
        if way == "basic" and not self.gate.basic(header, self.login_password()):
            return Reply(401, headers=(f'WWW-Authenticate: Basic realm="{self.gate.realm}"',))
        if way == "digest":
            right, stale = self.gate.digest(header, request.method, self.login_password(), now)
            if not right:
                return Reply(401, headers=(f"WWW-Authenticate: {self.gate.challenge(now, stale=stale)}",))
        return Reply(200, self.pictures.of(self), "image/jpeg")
