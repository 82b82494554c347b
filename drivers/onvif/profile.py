"""Media profiles: which of a camera's pictures is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from drivers.onvif.errors import CameraError, Code, quoted

if TYPE_CHECKING:
    from drivers.onvif.target import Target

_PROFILES = 300


class Profile(NamedTuple):
    """A media profile. `encoding` is H264, JPEG or the like; what it does not say is empty or 0."""

    token: str
    name: str
    source: str
    encoding: str
    width: int
    height: int


def profiles_of(said: Any) -> tuple[Profile, ...]:
    """The usable ones of GetProfiles' answer: those with a token."""
    found = (_profile(p) for p in (said or ())[:_PROFILES])
    return tuple(p for p in found if p.token)


def _profile(said: Any) -> Profile:
    parts = getattr(said, "Configurations", None)  # media ver20 puts them a level deeper
    source = getattr(said, "VideoSourceConfiguration", None) or getattr(parts, "VideoSource", None)
    encoder = getattr(said, "VideoEncoderConfiguration", None) or getattr(parts, "VideoEncoder", None)
    size = getattr(encoder, "Resolution", None)
    token = str(getattr(said, "token", None) or "")
    return Profile(
        token if len(token) <= 100 and token.isprintable() else "",  # noqa: PLR2004 - the standard says 64
        quoted(str(getattr(said, "Name", None) or "")),
        quoted(str(getattr(source, "SourceToken", None) or "")),
        quoted(str(getattr(encoder, "Encoding", None) or "")),
        getattr(size, "Width", None) or 0,
        getattr(size, "Height", None) or 0,
    )


def choose(profiles: tuple[Profile, ...], target: Target) -> Profile:
    """The target's own by its token, else the first with a picture of its channel. Raises CameraError."""
    if target.profile:
        found = [p for p in profiles if p.token == target.profile]
    else:
        seen = [p for p in profiles if p.source] or list(profiles)
        sources = list(dict.fromkeys(p.source for p in seen))
        channel = sources[target.channel - 1 : target.channel] if target.channel > 0 else []
        found = [p for p in seen if p.source in channel]
        found = [p for p in found if p.encoding] or found
    if not found:
        what = (
            f"no media profile {quoted(target.profile)}"
            if target.profile
            else "no media profile for this channel"
        )
        raise CameraError(
            Code.NO_SUCH_SERVICE, f"the camera has {what} ({len(profiles)} in all)", permanent=True
        )
    return found[0]
