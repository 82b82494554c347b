"""Makers of simulated cameras: one visible table of how each reads the specification.

The names are invented; each quirk has been seen in cameras that are sold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from simulators.chance import dice

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Maker:
    """How a maker's cameras behave; the defaults are what the specification asks for.

    `ways` of logging in to services; `refusal` the HTTP status of a SOAP fault "not authorized"; `window_s` how far a
    signature's time may be from the camera's own clock (None: it does not look); `picture_login` of its snapshots;
    `full` what is said beyond `limit` connections: 401 to everything, even where no login is needed; 503; words in a
    SOAP fault; or 401 with words. `dates`: UTC and local, UTC all zeros, or local only. `events`: there, announced
    but not there, or neither. `spaces`: prefixes that stand for wrong namespaces. `inner`: announces its address in
    its own network, though it is asked through a router. `hollow`: its first profile has no picture.
    """

    name: str
    models: tuple[str, ...]
    ways: frozenset[str] = frozenset({"token", "digest"})
    refusal: Literal[200, 400, 401] = 401
    window_s: float | None = 300.0
    picture_login: Literal["digest", "basic", "none"] = "digest"
    picture_path: str = "/onvif/snapshot?channel=1"
    picture_kb: int = 0
    """Snapshots are at least so large."""
    limit: int = 20
    full: Literal["all", "busy", "words", "text"] = "all"
    dates: Literal["both", "zero", "local"] = "both"
    zone: str = "ICT-7"
    events: Literal["yes", "ghost", "no"] = "yes"
    late_s: float = 0.0
    """So long after its own timeout comes an empty answer to PullMessages."""
    services: bool = True
    """Knows GetServices."""
    capabilities_login: bool = False
    hostname: bool = True
    hollow: bool = False
    media2: bool = False
    https: bool | None = False
    """Offers HTTPS, by its list of protocols; None: has no such list. (Nothing listens there.)"""
    ntp: bool = False
    """Its clock follows a time server until somebody sets it."""
    dated: bool = False
    """Its firmware's name has the day on which it was made."""
    inner: bool = False
    stream_path: str = "/Streaming/Channels/101"
    public: bool = True
    """RTSP OPTIONS lists its methods."""
    recorders: float = 0.6
    """Share of cameras with a memory card and a recording service."""
    spaces: Mapping[str, str] = field(default_factory=dict)


MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        m.name: m
        for m in (
            Maker("Thanh Long", ("TL-D20", "TL-B40"), dates="both", dated=True),
            Maker(
                "Lam Son",
                ("LS-IPC2", "LS-IPC4Z"),
                ways=frozenset({"token"}),
                refusal=400,
                window_s=60.0,
                picture_path="/cgi-bin/snapshot.cgi?channel=0",
                picture_kb=1000,
                limit=10,
                full="words",
                dates="local",
                events="ghost",
                hostname=False,
                stream_path="/cam/realmonitor?channel=1&subtype=0",
            ),
            Maker(
                "Hong Ha",
                ("HH-960", "HH-1080"),
                ways=frozenset({"token"}),
                refusal=200,
                window_s=None,
                picture_login="basic",
                picture_path="/snap.jpg",
                limit=10,
                full="busy",
                dates="zero",
                zone="GMT+07:00",
                events="no",
                services=False,
                inner=True,
                stream_path="/live/ch0",
                public=False,
                https=None,
                recorders=0.0,
                spaces=MappingProxyType({"trt": "http://www.onvif.org/ver20/media/wsdl"}),
            ),
            Maker(
                "Sao Bac",
                ("SB-P32", "SB-M10"),
                ways=frozenset({"digest"}),
                limit=20,
                full="text",
                late_s=1.0,
                capabilities_login=True,
                hollow=True,
                https=True,
                picture_path="/jpg/image.cgi",
                stream_path="/media.amp?profile=1",
                public=False,
            ),
            Maker(
                "Nam Viet",
                ("NV-T4K", "NV-T2"),
                full="text",
                media2=True,
                https=True,
                ntp=True,
                picture_path="/onvif-http/snapshot?Profile_1",
                stream_path="/profile1/media.smp",
            ),
        )
    }
)


NEWER = "Nam Viet"
NEWER_SHARE = 0.08
"""Cameras that know media ver20 only are few."""


def maker_of(seed: int) -> Maker:
    """Who made the camera of a seed."""
    if dice(seed, 815) < NEWER_SHARE:
        return MAKERS[NEWER]
    makers = tuple(m for m in MAKERS.values() if m.name != NEWER)
    return makers[int(dice(seed, 800) * len(makers))]
