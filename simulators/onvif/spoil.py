"""What a broken camera makes of a good reply: one visible table."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from simulators.chance import dice
from simulators.onvif import soap
from simulators.onvif.message import Manner, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulators.onvif.message import Request

LATE_S = 12.0
_ENTITIES = b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 10))
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE bomb [<!ENTITY a0 "village">%s]>'
    b'<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body>&a9;</env:Body></env:Envelope>'
) % _ENTITIES
"""Ten entities, each ten times the one before: 7 GB where somebody writes it out."""
_PAGE = b"<html><head><title>Login</title></head><body><form action=/login><input name=user></form></body>"


def _slow(reply: Reply, request: Request, seed: int) -> Reply:  # noqa: ARG001 - all are alike
    """Late, or a few bytes at a time."""
    if dice(seed, 810) < 0.5:  # noqa: PLR2004 - one half
        return replace(reply, after_s=reply.after_s + LATE_S)
    return replace(reply, manner=Manner.DRIP)


def _garbled(reply: Reply, request: Request, seed: int) -> Reply:  # noqa: ARG001
    """No XML, in one of the ways in which firmware has been seen to break. Pictures are not XML."""
    if reply.type != soap.TYPE:
        return reply
    body = (
        reply.body[: len(reply.body) // 2],
        reply.body.replace(b"</env:Body>", b"</env:Bod>"),
        b"\x00\xff\xfe" + reply.body[60:].replace(b"<", b"\x03"),
        _PAGE,
    )[int(dice(seed, 811) * 4)]
    return replace(reply, body=body)


def _huge(reply: Reply, request: Request, seed: int) -> Reply:  # noqa: ARG001
    """Without end, or small on the wire and large when it is unpacked."""
    if dice(seed, 812) < 0.5:  # noqa: PLR2004
        return replace(reply, body=b"<!-- nothing -->" * 4096, manner=Manner.ENDLESS)
    return replace(reply, body=_packed(), headers=(*reply.headers, "Content-Encoding: gzip"))


@lru_cache(maxsize=1)
def _packed() -> bytes:
    pack = zlib.compressobj(9, wbits=31)
    return b"".join(pack.compress(bytes(1 << 20)) for _ in range(100)) + pack.flush()


def _loop(reply: Reply, request: Request, seed: int) -> Reply:  # noqa: ARG001
    """To itself, by another address each time."""
    path, _, count = request.path.partition("again=")
    start = path if count else path + ("&" if "?" in path else "?")
    where = f"Location: http://{request.headers.get('host', '')}{start}again={int(count or 0) + 1}"
    return Reply(302, headers=(where,))


SPOILERS: Mapping[str, Callable[[Reply, Request, int], Reply]] = MappingProxyType(
    {
        "redirect_loop": _loop,
        "garbled": _garbled,
        "xml_garbled": _garbled,
        "xml_bomb": lambda reply, _, __: replace(reply, body=BOMB) if reply.type == soap.TYPE else reply,
        "reply_huge": _huge,
        "reply_truncated": lambda reply, _, __: replace(reply, manner=Manner.HALF),
        "reset": lambda reply, _, __: replace(reply, manner=Manner.RESET),
        "slow_answers": _slow,
    }
)


def spoilt(reply: Reply, request: Request, faults: set[str], seed: int) -> Reply:
    """The reply as it leaves a camera with these faults."""
    for fault, spoil in SPOILERS.items():
        if fault in faults:
            reply = spoil(reply, request, seed)
    return reply
