"""Which camera, who we are to it, and which addresses it may send us to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit, urlunsplit

from drivers.onvif.errors import CameraError, Code, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
_URL = 1000
_INNER = tuple(
    ipaddress.ip_network(n)
    for n in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
        "0.0.0.0/32", "fc00::/7", "fe80::/10", "::1/128", "::/128",
    )
)  # fmt: skip
"""Addresses that mean something else at the camera than here."""


@dataclass(frozen=True, slots=True)
class Target:
    """One camera, as it is registered.

    `path` is its device service. `plain_password` allows sending the password unencrypted where a camera can do
    nothing better (HTTP Basic, PasswordText). `verify` checks its certificate: off, since nearly all cameras sign
    their own; then TLS keeps out listeners, not an impostor. `profile` is a media profile's token, or else the
    first profile with a picture counts, or the first of channel `channel` (1 = first video source).
    """

    name: str
    host: str
    port: int = 80
    path: str = "/onvif/device_service"
    username: str = ""
    password: str = field(default="", repr=False)
    use_tls: bool = False
    verify: bool = False
    plain_password: bool = False
    profile: str = ""
    channel: int = 1
    rtsp_port: int = 0
    """Where RTSP is to be found, for a camera behind NAT; 0: where the camera says."""
    allowed: tuple[Network, ...] = ()

    @property
    def url(self) -> str:
        """The device service."""
        return join("https" if self.use_tls else "http", self.host, self.port, self.path)


@dataclass(slots=True)
class Cost:
    """What a camera was asked for so far: requests, bytes from it and to it (without TCP's, IP's and TLS's own).

    `carried` is told of every piece when it is carried.
    """

    requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    carried: Callable[[int], None] = lambda _size: None

    def asked(self, size: int) -> None:
        """A request of so many bytes was sent."""
        self.requests += 1
        self.bytes_out += size
        self.carried(size)

    def came(self, size: int) -> None:
        """So many bytes came."""
        self.bytes_in += size
        self.carried(size)


def join(scheme: str, host: str, port: int, path: str) -> str:
    """An address from its parts; an IPv6 address gets its brackets."""
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}{'' if port == _PORTS[scheme] else f':{port}'}{path}"


def split(url: str, schemes: tuple[str, ...] = ("http", "https")) -> tuple[SplitResult, str, int]:
    """An address's parts, its host and port. Raises CameraError where it is none."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, host, port = urlsplit(""), "", 0
    if (
        parts.scheme not in schemes
        or not host
        or len(url) > _URL
        or not url.isascii()
        or not url.isprintable()
    ):
        said = quoted(url.partition("@")[2] or url)
        raise CameraError(Code.GARBLED, f"this is no address: {said or 'nothing'}", permanent=True)
    return parts, host.lower(), port


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


class Allowed:
    """Where a camera may send us: its registered host, and networks that settings name.

    A name other than the registered one is never looked up, so that nobody can turn it into an address later.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._name = target.host.lower().rstrip(".")
        self._met = ""

    def met(self, address: str) -> None:
        """The registered name turned out to be this address (the last one counts)."""
        if _ip(address):
            self._met = address.lower()

    def own(self, host: str) -> bool:
        """Whether this is the registered host itself."""
        host = host.lower()
        if host in (self._name, self._met):
            return True
        ip = _ip(host)
        return ip is not None and ip in (_ip(self._name), _ip(self._met))

    def permits(self, host: str) -> bool:
        """Whether this host may be contacted."""
        ip = _ip(host)
        return self.own(host) or (ip is not None and any(ip in n for n in self._target.allowed))

    def check(self, url: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
        """The address, without a user name in it. Raises CameraError where it may not be contacted."""
        parts, host, port = split(url, schemes)
        if not self.permits(host):
            raise _forbidden(host)
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        return join(parts.scheme, host, port, path)

    def settle(self, url: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
        """The address under which something announced by the camera can be reached.

        A private address that is not the registered one is the camera's own behind NAT: path and query stay, host
        and port become the registered ones (for RTSP `rtsp_port`, or else the port announced). Any other foreign
        address raises CameraError.
        """
        if url.startswith("/"):
            url = join(schemes[0], self._target.host, self._target.port, url)
        parts, host, port = split(url, schemes)
        rtsp = parts.scheme.startswith("rtsp")
        if self.permits(host):
            if not (rtsp and self._target.rtsp_port and self.own(host)):
                return self.check(url, schemes)
        elif not _inner(host):
            raise _forbidden(host)
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if rtsp:
            return join(parts.scheme, self._target.host, self._target.rtsp_port or port, path)
        return join("https" if self._target.use_tls else "http", self._target.host, self._target.port, path)


def _inner(host: str) -> bool:
    ip = _ip(host)
    return ip is not None and any(ip in network for network in _INNER)


def _forbidden(host: str) -> CameraError:
    return CameraError(
        Code.FORBIDDEN_ADDRESS,
        f"the camera sends us to {quoted(host)}, which is not its own address nor in an allowed network",
        permanent=True,
    )
