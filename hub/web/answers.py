"""Answers: what the API says, as typed models. A page draws the very answer that its JSON twin sends.

Times are ms since 1970 in hub time; texts are given in every language.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from devices.device import Kind
from devices.health import Health, Reason, Shown
from devices.lifecycle import Lifecycle
from hub.views import (
    Core,
    DeviceView,
    IncidentView,
    SiteView,
)

Ms = Annotated[int, Field(description="ms since 1970, hub time")]
HIGHEST = 2**63 - 1
"""The largest number that the database knows."""
Before = Annotated[int | None, Query(ge=1, le=HIGHEST, description="only what is older than this number")]
Said = float | int | bool | list[str] | str
Texts = Annotated[dict[str, str], Field(description="one text in every language, by its code")]
Counts = Annotated[dict[Kind, dict[Shown, int]], Field(description="devices by kind and state")]


class Answer(BaseModel):
    """What every answer shares: it does not change once made."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class ReasonAnswer(Answer):
    """Why a health holds."""

    code: str
    """`never_seen`, `silent`, `link_lost`, `unreachable`, `gateway_silent`, or a rule's id."""
    about: dict[str, str | int | float | bool | None]

    @classmethod
    def of(cls, reason: Reason) -> "ReasonAnswer":
        return cls.model_construct(code=reason.code, about=dict(reason.about))


class DeviceAnswer(Answer):
    """One device as lists show it."""

    name: str
    title: str
    kind: Kind
    realm: str
    site: str
    site_name: str
    place: str
    lifecycle: Lifecycle
    shown: Shown
    """What a page shows: one word for lifecycle, health and the flag `unstable` together."""
    health: Health
    unstable: bool
    since: Ms | None
    reasons: list[ReasonAnswer]

    @property
    def called(self) -> str:
        """What people call it."""
        return self.title or self.name

    @classmethod
    def of(cls, view: DeviceView, names: Mapping[str, str]) -> "DeviceAnswer":
        return cls.model_construct(**device_fields(view, names))


class IncidentAnswer(Answer):
    """One incident: alerts with one cause."""

    id: int
    state: str
    """forming, open, recovering or closed."""
    severity: Shown
    devices: list[str]
    site: str
    site_name: str
    rule: str
    title: Texts
    detail: Texts
    opened_at: Ms
    recovering_at: Ms | None
    closed_at: Ms | None
    accepted_by: str
    accepted_at: Ms | None

    @classmethod
    def of(cls, view: IncidentView) -> "IncidentAnswer":
        fields = {name: getattr(view, name) for name in cls.model_fields}
        return cls.model_construct(**fields | {"devices": list(view.devices)})


class PlaceAnswer(Answer):
    """A site by name."""

    slug: str
    name: str


class SiteAnswer(Answer):
    """One site with everything below it."""

    slug: str
    name: str
    tier: str
    path: list[PlaceAnswer]
    """Its ancestors, topmost first."""
    lat: float | None
    lon: float | None
    total: int
    counts: Counts
    worst: Shown
    incidents: int
    """Open incidents here and below."""
    sunset: Ms | None
    sunrise: Ms | None

    @classmethod
    def of(cls, view: SiteView) -> "SiteAnswer":
        fields = {name: getattr(view, name) for name in cls.model_fields}
        path = [PlaceAnswer.model_construct(slug=slug, name=name) for slug, name in view.path]
        return cls.model_construct(**fields | {"path": path})


class ProblemAnswer(Answer):
    """Why a request was not carried out."""

    code: str
    message: str
    """A sentence in the reader's language."""


class BadValue(Answer):
    """One value that does not fit."""

    where: str
    what: str


class BadValueAnswer(ProblemAnswer):
    """A request with values that do not fit."""

    detail: list[BadValue]


def names_of(core: Core) -> dict[str, str]:
    """Site slug -> name."""
    return dict(core.site_names())


def devices_of(views: Iterable[DeviceView], names: Mapping[str, str]) -> list[DeviceAnswer]:
    """Answers for a list of devices."""
    return [DeviceAnswer.of(view, names) for view in views]


def device_fields(view: DeviceView, names: Mapping[str, str]) -> dict[str, Any]:
    """What a DeviceAnswer holds, to be made without validating what the hub itself says."""
    device = view.device
    return {
        "name": device.name,
        "title": device.title,
        "kind": device.kind,
        "realm": device.realm,
        "site": device.site,
        "site_name": names.get(device.site, device.site),
        "place": device.place,
        "lifecycle": view.lifecycle,
        "shown": view.shown,
        "health": view.health,
        "unstable": view.unstable,
        "since": view.since,
        "reasons": [ReasonAnswer.of(r) for r in view.reasons],
    }
