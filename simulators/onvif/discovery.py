"""WS-Discovery as cameras answer it: to a search on this machine (multicast on its loopback), or to one address.

One socket for all cameras of a process: the kernel tells which address was asked, and sends from the one that answers.
Nobody outside this machine is answered.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from simulators.errors import UserError
from simulators.onvif import soap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from simulators.onvif.camera import Camera

PORT = 3702
GROUP = "239.255.255.250"
LOOPBACK = "127.0.0.1"
MOST = 500
"""Cameras that answer one search; in a real network it would be a village's."""
_ONVIF = "onvif://www.onvif.org"
_IP_PKTINFO = 8
"""Of linux/in.h, which Python 3.11 does not name."""
_INFO = struct.Struct("=I4s4s")
_MATCH = (
    '<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><env:Header><wsa:MessageID>urn:uuid:{id}</wsa:MessageID>'
    "<wsa:RelatesTo>{to}</wsa:RelatesTo>"
    "<wsa:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To>"
    "<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action></env:Header>"
    "<env:Body><d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:{me}</wsa:Address>"
    "</wsa:EndpointReference><d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>{scopes}</d:Scopes>"
    "<d:XAddrs>{address}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches>"
    "</env:Body></env:Envelope>"
)


def answer(camera: Camera, probe: bytes) -> bytes | None:
    """What a camera says to a probe; None where it is none, or one for things of another type."""
    asked = soap.read(probe)
    if asked is None or asked.action != "Probe" or not (to := asked.value("MessageID")) or "<" in to:
        return None
    types = asked.value("Types").split()
    if not all(t.rpartition(":")[2] in ("NetworkVideoTransmitter", "Device") for t in types):
        return None
    said = {"name": camera.maker.name, "hardware": camera.model, "location": camera.place or camera.name}
    scopes = [f"{_ONVIF}/type/video_encoder", *(f"{_ONVIF}/{k}/{quote(v)}" for k, v in said.items())]
    return _MATCH.format(
        id=uuid.uuid4(),
        to=to,
        me=uuid.uuid5(uuid.NAMESPACE_DNS, camera.serial),
        scopes=" ".join(scopes),
        address=f"http://{camera.announced()}:{camera.port}/onvif/device_service",
    ).encode()


class Discovery:
    """`there` gives the cameras that are there now."""

    def __init__(self, there: Callable[[], Iterable[Camera]], port: int = PORT) -> None:
        self._there, self._port = there, port
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Raises UserError where another program answers searches here."""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            made.bind(("", self._port))
            made.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            joined = socket.inet_aton(GROUP) + socket.inet_aton(LOOPBACK)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        except OSError as e:
            made.close()
            raise UserError(
                f"Searches for cameras are not answered (UDP port {self._port}: {e.strerror})."
            ) from e
        made.setblocking(False)
        self._socket = made
        asyncio.get_running_loop().add_reader(made, self._heard, made)

    def stop(self) -> None:
        """No answers any more."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _heard(self, asked: socket.socket) -> None:
        try:
            data, extra, _, who = asked.recvmsg(8192, socket.CMSG_SPACE(_INFO.size))
        except OSError:
            return
        info = next((d for level, kind, d in extra if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO)), b"")
        if len(info) != _INFO.size or not who[0].startswith("127."):
            return
        wanted = socket.inet_ntoa(_INFO.unpack(info)[2])
        there = self._there()
        found = [c for c in there if wanted in (GROUP, c.host)][:MOST]
        for camera in found:
            said = answer(camera, data)
            if said is None:
                return
            sender = _INFO.pack(0, socket.inet_aton(camera.host), bytes(4))
            with suppress(OSError):  # a full buffer loses datagrams, as a network does
                asked.sendmsg([said], [(socket.IPPROTO_IP, _IP_PKTINFO, sender)], 0, who)
