"""SOAP 1.2 as text: what is asked, and envelopes around what is answered. Nothing here parses XML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE = "application/soap+xml; charset=utf-8"

SPACES: Mapping[str, str] = {
    "env": "http://www.w3.org/2003/05/soap-envelope",
    "ter": "http://www.onvif.org/ver10/error",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "trc": "http://www.onvif.org/ver10/recording/wsdl",
    "tse": "http://www.onvif.org/ver10/search/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tns1": "http://www.onvif.org/ver10/topics",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wsa5": "http://www.w3.org/2005/08/addressing",
}

_ACTION = re.compile(rb"<(?:[\w.-]+:)?Body\b[^>]*>\s*<(?:[\w.-]+:)?(\w+)")
_USED = re.compile(r"[</> \"](\w+):")


class Ask(NamedTuple):
    """A request's action and its whole text."""

    action: str
    text: str

    def value(self, name: str, default: str = "") -> str:
        """The text in the first element of that name."""
        found = re.search(rf"<(?:[\w.-]+:)?{name}\b[^>]*>\s*([^<]*?)\s*<", self.text)
        return found[1] if found else default

    def attribute(self, element: str, name: str) -> str:
        """An attribute of the first element of that name."""
        found = re.search(rf"<(?:[\w.-]+:)?{element}\b[^>]*\b{name}=[\"']([^\"']*)", self.text)
        return found[1] if found else ""


def read(body: bytes) -> Ask | None:
    """What is asked; None where it is no SOAP, or brings a document type, which SOAP forbids."""
    found = _ACTION.search(body)
    if not found or b"<!DOCTYPE" in body:
        return None
    return Ask(found[1].decode(), body.decode("utf-8", "replace"))


def envelope(inside: str, wrong: Mapping[str, str] | None = None) -> bytes:
    """A reply; only prefixes that it uses are declared, `wrong` ones as that maker declares them."""
    used = ["env", *sorted(set(_USED.findall(inside)) & SPACES.keys() - {"env"})]
    known = SPACES if not wrong else {**SPACES, **wrong}
    spaces = " ".join(f'xmlns:{p}="{known[p]}"' for p in used)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<env:Envelope {spaces}>'
        f"<env:Body>{inside}</env:Body></env:Envelope>"
    ).encode()


def fault(code: str, subcode: str, reason: str) -> str:
    """A fault: `Sender` or `Receiver`, ONVIF's own subcode, words."""
    return (
        f"<env:Fault><env:Code><env:Value>env:{code}</env:Value><env:Subcode><env:Value>ter:{subcode}</env:Value>"
        f'</env:Subcode></env:Code><env:Reason><env:Text xml:lang="en">{reason}</env:Text></env:Reason></env:Fault>'
    )
