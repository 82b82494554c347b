"""WS-Discovery: which cameras answer in this network.

Our own, since it is one datagram and its answers: the library that does it is LGPL, runs threads, and prints
tracebacks for interfaces with IPv6. What answers is unknown and unproved: it is listed, never contacted from here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import uuid
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from drivers.onvif.errors import CameraError, quoted
from drivers.onvif.http import network_error
from drivers.onvif.target import split
from drivers.onvif.wsdl import child, local, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree

GROUP, PORT = "239.255.255.250", 3702
REPLY_CAP = 16_384
"""Bytes of an answer; larger ones are dropped."""
REPLIES = 2_000
"""Answers read in one search; then no more."""
_FROM_ONE = 4
_ADDRESSES = 4
_SCOPES = 100
_AGAIN_S = 0.5
_TYPES = ("dn:NetworkVideoTransmitter", "tds:Device", "")
_PROBE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><s:Header>'
    '<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>'
    "<a:MessageID>{id}</a:MessageID><a:ReplyTo><a:Address>"
    "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"
    '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>'
    "<s:Body><d:Probe>{types}</d:Probe></s:Body></s:Envelope>"
)


class Found(NamedTuple):
    """A device that answered. `host` is where the answer came from; texts are empty where it does not say.

    `addresses` are its device services on that host; where it named only others, there are none (it stands behind
    something, or answers for another).
    """

    identity: str
    host: str
    addresses: tuple[str, ...]
    name: str
    hardware: str
    location: str


async def find(seconds: float = 4.0, interface: str = "", *, host: str = "", port: int = PORT) -> list[Found]:
    """Who answers within `seconds`, each once, sorted by address.

    `interface` is the IPv4 address of ours to ask from, empty: the system's choice. `host` asks that one alone, by
    unicast, since many networks carry no multicast. Raises CameraError where nothing can be sent.
    """
    loop = asyncio.get_running_loop()
    where = host or GROUP
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answers = _Answers()
    try:
        sock.setblocking(False)
        sock.bind((interface or "0.0.0.0", 0))  # noqa: S104 - answers come from anywhere
        if interface:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        transport, _ = await loop.create_datagram_endpoint(lambda: answers, sock=sock)
    except OSError as e:
        sock.close()
        raise network_error(e, interface or where) from None
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:  # datagrams get lost
                    answers.ask(transport, (where, port))
                    await asyncio.sleep(max(_AGAIN_S, seconds / 3))
    except OSError as e:
        raise network_error(e, where) from None
    finally:
        transport.close()
    if answers.error and not answers.found:
        raise network_error(answers.error, where)
    return sorted(answers.found.values(), key=lambda f: (_number(f.host), f.identity))


def _number(host: str) -> int:
    return int(ipaddress.ip_address(host))


class _Answers(asyncio.DatagramProtocol):
    """What came. Junk, answers to others and repetitions are dropped."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Found] = {}
        self.error: OSError | None = None
        self._asked: set[str] = set()
        self._read = 0
        self._of: dict[str, int] = {}

    def ask(self, transport: asyncio.DatagramTransport, to: tuple[str, int]) -> None:
        for types in _TYPES:
            asked = f"uuid:{uuid.uuid4()}"
            self._asked.add(asked)
            wanted = f"<d:Types>{types}</d:Types>" if types else ""
            transport.sendto(_PROBE.format(id=asked, types=wanted).encode(), to)

    def error_received(self, exc: Exception) -> None:
        self.error = exc if isinstance(exc, OSError) else None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._read >= REPLIES or len(data) > REPLY_CAP:
            return
        self._read += 1
        try:
            root = parse(data)
        except CameraError:
            return
        related = child(root, "Header", "RelatesTo")
        if related is None or (related.text or "").strip().removeprefix("urn:") not in self._asked:
            return
        for match in (e for e in root.iter() if local(e) == "ProbeMatch"):
            found = _found(match, addr[0])
            key = (found.host, found.identity)
            if key not in self.found and self._of.get(found.host, 0) < _FROM_ONE:
                self._of[found.host] = self._of.get(found.host, 0) + 1
                self.found[key] = found


def _found(match: etree._Element, host: str) -> Found:
    scopes = dict(reversed(list(_scopes(_text(match, "Scopes")))))
    identity = quoted(_text(match, "EndpointReference", "Address")).removeprefix("urn:").removeprefix("uuid:")
    return Found(
        identity or host,
        host,
        tuple(_own(_text(match, "XAddrs"), host))[:_ADDRESSES],
        scopes.get("name", ""),
        scopes.get("hardware", ""),
        scopes.get("location", ""),
    )


def _text(element: etree._Element, *path: str) -> str:
    found = child(element, *path)
    return (found.text or "").strip() if found is not None else ""


def _scopes(text: str) -> Iterator[tuple[str, str]]:
    for scope in text.split()[:_SCOPES]:
        kind, _, value = scope.partition("onvif.org/")[2].partition("/")
        if kind in ("name", "hardware", "location") and value:
            yield kind, quoted(unquote(value.replace("+", " "))).strip("/ ")


def _own(text: str, host: str) -> Iterator[str]:
    """The addresses on the host that answered, as they were written; link-local and foreign ones are left out."""
    for address in text.split()[:20]:
        try:
            _, named, _ = split(address)
        except CameraError:
            continue
        if named == host:
            yield address
