"""ONVIF's own description of its services, read once for all cameras; the only door to zeep.

The files are those that come with the distribution onvif-zeep, and one that it lacks. Its code is not used: it reads
them anew for each camera (5 to 10 MB each), and changes the process's logging and environment.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib.metadata
import logging
import threading
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lxml import etree
from zeep.settings import Settings
from zeep.transports import Transport
from zeep.wsa import WsAddressingPlugin
from zeep.wsdl import Document
from zeep.wsse.username import UsernameToken as UsernameToken  # noqa: PLC0414 - others name its type

from drivers.onvif.errors import CameraError, Code

if TYPE_CHECKING:
    import datetime as dt

logging.getLogger("zeep").setLevel(logging.CRITICAL)  # it logs a camera's every bad number with a traceback

# Cameras use wrong namespaces, orders and additions; zeep then goes by local names. The XML itself must be whole:
# replies are parsed by `parse`, never by zeep.
_SETTINGS = Settings(strict=False, xsd_ignore_sequence_order=True, forbid_dtd=True, forbid_external=True)
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_SOAP = "{http://www.w3.org/2003/05/soap-envelope}"
TAGS = 60_000
"""Tags of a reply; a recorder's 192 profiles need a third. Reading time grows with them: half a second at most."""
ATTRIBUTES = 12_000
"""Equals signs of a reply; zeep's time grows with their square."""
PARTS = 1_000
"""Things listed in one reply."""
_lock = threading.Lock()


class Service(Enum):
    """A service: the file that describes it, its binding, its namespace."""

    DEVICE = ("devicemgmt", "DeviceBinding", "http://www.onvif.org/ver10/device/wsdl")
    MEDIA = ("media", "MediaBinding", "http://www.onvif.org/ver10/media/wsdl")
    MEDIA2 = ("media2", "Media2Binding", "http://www.onvif.org/ver20/media/wsdl")
    EVENTS = ("events", "EventBinding", "http://www.onvif.org/ver10/events/wsdl")
    PULLPOINT = ("events", "PullPointSubscriptionBinding", "http://www.onvif.org/ver10/events/wsdl")
    SUBSCRIPTION = ("events", "SubscriptionManagerBinding", "http://www.onvif.org/ver10/events/wsdl")
    RECORDING = ("recording", "RecordingBinding", "http://www.onvif.org/ver10/recording/wsdl")
    SEARCH = ("search", "SearchBinding", "http://www.onvif.org/ver10/search/wsdl")

    @property
    def namespace(self) -> str:
        """How GetServices calls it."""
        return self.value[2]


class _NoNetwork(Transport):
    """Reads files only."""

    def _load_remote_data(self, url: str) -> bytes:
        raise OSError(f"{url} is not one of our files")


@functools.cache
def _document(file: str) -> Document:
    folder = Path(str(importlib.metadata.distribution("onvif-zeep").locate_file("wsdl")))
    transport, beside = cast("Any", _NoNetwork)(), folder / f"{file}.wsdl"
    if beside.exists():
        return Document(str(beside), transport, settings=_SETTINGS)
    with (Path(__file__).parent / beside.name).open("rb") as ours:  # read as if it lay beside theirs
        return Document(ours, transport, base=str(beside), settings=_SETTINGS)


@functools.cache
def _operation(service: Service, name: str) -> Any:
    file, binding, namespace = service.value
    with _lock:
        return _document(file).bindings[f"{{{namespace}}}{binding}"].get(name)


def load(*services: Service) -> None:
    """Read what describes these services (0.1 s and 5 MB a file); else the first call of each does."""
    for service in services:
        with _lock:
            _document(service.value[0])


def request(
    service: Service,
    name: str,
    arguments: dict[str, Any],
    *,
    token: UsernameToken | None = None,
    address: str = "",
    headers: list[etree._Element] | None = None,
) -> bytes:
    """An envelope. `token` signs it, `address` adds WS-Addressing (events), `headers` a subscription's own."""
    operation = _operation(service, name)
    envelope = operation.create(**arguments).content
    if address:
        envelope, _ = WsAddressingPlugin().egress(envelope, {}, operation, {"address": address})
    if token is not None:
        envelope, _ = token.apply(envelope, {})
    if headers:
        header = envelope.find(f"{_SOAP}Header")
        header.extend(headers)
    return bytes(etree.tostring(envelope, encoding="utf-8", xml_declaration=True))


def action(service: Service, name: str) -> str:
    """The operation's SOAP action, for the header Content-Type."""
    return str(_operation(service, name).soapaction or "")


def token(user: str, password: str, created: dt.datetime, *, text: bool) -> UsernameToken:
    """A signature for one envelope: a nonce of its own, made at `created` by the camera's clock."""
    return UsernameToken(
        user, password, use_digest=not text, created=created.replace(tzinfo=None), zulu_timestamp=True
    )


def parse(body: bytes) -> etree._Element:
    """XML from a camera. Raises CameraError where it is not whole, has a DOCTYPE, or is nested absurdly."""
    parser = etree.XMLParser(
        remove_comments=True, remove_pis=True, resolve_entities=False, no_network=True, load_dtd=False
    )
    for sign, most in ((b"<", TAGS), (b"=", ATTRIBUTES)):
        if body.count(sign) > most:
            raise CameraError(Code.TOO_LARGE, f"the answer has more than {most:,} {sign.decode()}")
    start = body[:2000].lstrip(b"\xef\xbb\xbf\r\n\t \0")
    if b"<!DOCTYPE" in body[:20_000].upper():
        raise CameraError(Code.GARBLED, "the answer is XML with a DOCTYPE, which SOAP forbids")
    if not start.startswith(b"<"):
        raise CameraError(Code.GARBLED, "the answer is not XML")
    try:
        root = etree.fromstring(body.lstrip(b"\xef\xbb\xbf\r\n\t \0"), parser)
    except etree.XMLSyntaxError as e:
        # libxml2's words, without what it quotes from the answer
        raise CameraError(
            Code.GARBLED, f"the answer is no whole XML (error {e.code} in line {e.lineno})"
        ) from None
    except ValueError:
        raise CameraError(Code.GARBLED, "the answer is no whole XML") from None
    if root.getroottree().docinfo.doctype:
        raise CameraError(Code.GARBLED, "the answer is XML with a DOCTYPE, which SOAP forbids")
    return root


def local(element: etree._Element) -> str:
    """An element's name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _name(element: Any) -> str:
    """A schema element's own name; xs:any has none."""
    return str(getattr(getattr(element, "qname", None), "localname", ""))


def child(element: etree._Element | None, *names: str) -> etree._Element | None:
    """The first descendant along these local names, whatever their namespaces."""
    for name in names:
        if element is None:
            return None
        element = next((e for e in element if local(e) == name), None)
    return element


def read(service: Service, name: str, body: etree._Element) -> Any:
    """What the Body of a reply says, as zeep's values: attributes by name, None where nothing was said.

    Parts that cannot be read at all (one broken profile among good ones) are left out. Raises CameraError where
    nothing is left.
    """
    operation = _operation(service, name)
    answer = next(iter(body), None)
    if answer is None or local(answer) != f"{name}Response":
        raise CameraError(Code.GARBLED, f"the answer to {name} is another one")
    if len(answer) > PARTS:
        raise CameraError(Code.TOO_LARGE, f"the answer lists more than {PARTS:,} things")
    known = {_name(e) for _, e in operation.output.body.type.elements}
    for part in list(answer):
        if local(part) not in known:
            answer.remove(part)  # a maker's addition; zeep would wrap the answer in another shape for it
    with contextlib.suppress(Exception):  # zeep raises whatever its parts raise
        return _read(operation, answer)
    for element in answer.iter(etree.Element):
        element.attrib.pop(_XSI_TYPE, None)  # makers' own types, which no schema here knows
    for part in list(answer):
        alone = etree.Element(answer.tag)
        alone.append(copy.deepcopy(part))
        try:
            _read(operation, alone)
        except Exception:  # noqa: BLE001 - as above
            answer.remove(part)
    try:
        return _read(operation, answer)
    except Exception:  # noqa: BLE001 - as above
        raise CameraError(Code.GARBLED, f"the answer to {name} does not follow the standard") from None


def _read(operation: Any, answer: etree._Element) -> Any:
    envelope = etree.Element(f"{_SOAP}Envelope")
    etree.SubElement(envelope, f"{_SOAP}Body").append(answer)
    return operation.process_reply(envelope)
