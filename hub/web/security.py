"""Security of cameras: four points of each, in the words of QCVN 135:2024/BTTTT; a list for administrators.

The regulation binds makers and importers. Here it is the yardstick for what a network shows of a camera; nothing is
certified by it.
"""

import datetime as dt
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, Field
from starlette.responses import Response

from devices.device import Kind
from devices.firmware import built_on
from hub.default_login import Try
from hub.views import Core, DeviceDetail, DeviceQuery
from hub.web.answers import Answer, Ms, ProblemAnswer
from hub.web.language import Language, mark
from hub.web.pages import ByDep, CoreDep, ReaderDep

router = APIRouter(tags=["cameras"])

_REFUSALS: dict[int | str, dict[str, object]] = {404: {"model": ProblemAnswer}, 409: {"model": ProblemAnswer}}
DAY_MS = 86_400_000
OLD_DAYS = 730
"""Firmware older than two years is old. The number is ours: the regulation asks makers for updates and names none."""
PAGE = 50
ALL = 1_000_000
_VIETNAM = dt.timezone(dt.timedelta(hours=7))

POINT: dict[str, tuple[str, str]] = {
    "defaultPassword": (mark("Unique password"), mark("QCVN 135:2024, group 1: unique initial password")),
    "streamOpen": (mark("Pictures protected"), mark("QCVN 135:2024, group 7: protection of users' data")),
    "plainHttp": (mark("Encrypted channel"), mark("QCVN 135:2024, group 5: secure channels")),
    "firmwareOld": (mark("Firmware kept up"), mark("QCVN 135:2024, group 3: updates")),
}
"""A point -> its name, and the group of requirements that it is taken from."""
STATES: dict[str, str] = {"bad": mark("not met"), "unknown": mark("cannot tell"), "ok": mark("met")}
TRIED: dict[str, str] = {
    "accepted": mark("the maker's default login was accepted (%(who)s had it tried once, %(day)s)"),
    "refused": mark("the maker's default login was refused (%(who)s had it tried once, %(day)s)"),
    "locked": mark(
        "the camera locked the login at the one try (%(who)s, %(day)s); no other before a password is stored"
    ),
    "full": mark("the camera was full or busy at the one try (%(who)s, %(day)s)"),
    "away": mark("the camera did not answer; no login was shown (%(who)s, %(day)s)"),
    "unknown_make": mark("no default login of its maker is known; none was shown (%(who)s, %(day)s)"),
}
_UNTOLD = mark("what came of the one try cannot be told (%(who)s, %(day)s)")


class PointAnswer(Answer):
    """One point: `ok`, `bad` or `unknown`, with the reason in words."""

    point: str
    """`defaultPassword`, `streamOpen`, `plainHttp` or `firmwareOld`: what it would be if it is bad."""
    state: str
    text: str


class SecuredAnswer(Answer):
    """One camera that is asked."""

    device: str
    title: str
    site: str
    model: str
    firmware: str
    points: list[PointAnswer]


class SecurityAnswer(Answer):
    """Cameras that are asked, those with the most to mend first, 50 a page."""

    now: Ms
    total: int
    page: int
    pages: int
    counts: dict[str, dict[str, int]]
    """Of all that the search found, before `point` and `state`: point -> state -> cameras."""
    cameras: list[SecuredAnswer]


class TryAnswer(Answer):
    """A default login that was shown once: when, who switched that on, whose it was, and what came of it."""

    at: Ms
    by: str
    maker: str
    login: str
    result: str


class DefaultLoginAnswer(Answer):
    """A maker's default login, as the table in the source has it."""

    make: str
    user: str
    password: str
    source: str


def points(detail: DeviceDetail, tried: Try | None, now: int, lang: Language) -> list[PointAnswer]:
    """The four points of a camera, in the order of POINT."""
    found = {
        "defaultPassword": _password(detail, tried, lang),
        "streamOpen": _pictures(detail, lang),
        "plainHttp": _channel(detail, lang),
        "firmwareOld": _firmware(detail, now, lang),
    }
    return [PointAnswer(point=p, state=found[p][0], text=found[p][1]) for p in POINT]


def _told(detail: DeviceDetail, code: str) -> str:
    """What the last visits said of a code: bad, ok or unknown."""
    faults, safe = (detail.values.get(name) for name in ("faults", "safe"))
    if isinstance(faults, list) and code in faults:
        return "bad"
    return "ok" if isinstance(safe, list) and code in safe else "unknown"


def _password(detail: DeviceDetail, tried: Try | None, lang: Language) -> tuple[str, str]:
    if _told(detail, "defaultPassword") == "bad":
        return "bad", lang.text(mark("the hub itself logs in with the maker's default password"))
    if tried is None:
        return "unknown", lang.text(mark("not tried: only somebody can switch a try on, for one camera"))
    state = {"accepted": "bad", "refused": "ok"}.get(tried.result, "unknown")
    words = lang.text(TRIED.get(tried.result, _UNTOLD))
    return state, words % {"who": tried.by, "day": lang.moment(tried.at)}


def _pictures(detail: DeviceDetail, lang: Language) -> tuple[str, str]:
    """Its stream and its single pictures: one that is open to anybody is enough."""
    stream, picture = _told(detail, "streamOpen"), _told(detail, "pictureOpen")
    if "bad" in (stream, picture):
        bad = (
            (stream, mark("anybody can watch its stream without a password (RTSP)")),
            (picture, mark("anybody can fetch its pictures without a password")),
        )
        return "bad", "; ".join(lang.text(words) for state, words in bad if state == "bad")
    if stream == "ok":
        return "ok", lang.text(mark("its stream wants a password (RTSP)"))
    return "unknown", lang.text(mark("cannot tell: its stream was not answered yet"))


def _channel(detail: DeviceDetail, lang: Language) -> tuple[str, str]:
    state = _told(detail, "plainHttp")
    words = {
        "bad": mark("takes plain HTTP only: HTTPS is not offered"),
        "ok": mark("the hub asks it by HTTPS"),
        "unknown": mark("cannot tell: it does not list its protocols"),
    }
    if state == "ok" and not detail.view.device.address.startswith("https:"):
        words["ok"] = mark("HTTPS is offered; the hub asks by plain HTTP: register its address with https")
    return state, lang.text(words[state])


def _firmware(detail: DeviceDetail, now: int, lang: Language) -> tuple[str, str]:
    if not detail.firmware:
        return "unknown", lang.text(mark("cannot tell: it did not say which firmware it runs"))
    made = built_on(detail.firmware, dt.datetime.fromtimestamp(now / 1000, _VIETNAM).date())
    if made is not None:
        at = round(dt.datetime.combine(made, dt.time(), _VIETNAM).timestamp() * 1000)
        old = now - at > OLD_DAYS * DAY_MS
        words = mark("firmware of %(day)s, more than two years old") if old else mark("firmware of %(day)s")
        return ("bad" if old else "ok"), lang.text(words) % {"day": _day(made)}
    since = detail.firmware_since
    if since is None:
        return "unknown", lang.text(mark("cannot tell: its firmware's name has no date"))
    day = _day(dt.datetime.fromtimestamp(since / 1000, _VIETNAM).date())
    if now - since > OLD_DAYS * DAY_MS:
        words = mark("the same firmware since %(day)s, for more than two years")
        return "bad", lang.text(words) % {"day": day}
    words = mark("cannot tell: its firmware's name has no date; the hub has seen the same since %(day)s")
    return "unknown", lang.text(words) % {"day": day}


def _day(day: dt.date) -> str:
    return f"{day.day}/{day.month}/{day.year}"


# --- the list -------------------------------------------------------------------------------------------------


def _chosen(value: object) -> object:
    return value or None  # a form sends an untouched choice empty


class Filters(BaseModel):
    """Filters of the list, as the address gives them; empty means any."""

    q: Annotated[
        str, Field(max_length=100, description="found in name, title, place; diacritics may be left out")
    ] = ""
    site: Annotated[str, Field(max_length=80, description="a site and all below it")] = ""
    point: Annotated[
        str | None, BeforeValidator(_chosen), Field(pattern=f"^({'|'.join(POINT)})$", description="of POINT")
    ] = None
    state: Annotated[str | None, BeforeValidator(_chosen), Field(pattern=f"^({'|'.join(STATES)})$")] = None
    page: Annotated[int, Field(ge=1, le=100_000)] = 1

    def address(self, page: int) -> str:
        """The address of another page of the same list."""
        kept = {**self.model_dump(), "page": page if page > 1 else ""}
        query = urlencode({k: str(v) for k, v in kept.items() if v})
        return f"/security?{query}" if query else "/security"

    def wants(self, found: list[PointAnswer]) -> bool:
        """Whether a camera belongs into the list: one point at least is so."""
        return any(
            (self.point is None or p.point == self.point) and (self.state is None or p.state == self.state)
            for p in found
        )


def read(core: Core, filters: Filters, lang: Language) -> SecurityAnswer:
    """The list and its JSON twin."""
    query = DeviceQuery(" ".join(filters.q.split()), Kind.CAMERA, filters.site, "", 1, ALL)
    counts = {point: dict.fromkeys(STATES, 0) for point in POINT}
    found: list[tuple[int, SecuredAnswer]] = []
    now = core.now()
    for view in core.devices(query).devices:
        if not view.device.is_asked or (one := _one(core, view.device.name, now, lang)) is None:
            continue
        for p in one.points:
            counts[p.point][p.state] += 1
        if filters.wants(one.points):
            found.append((-sum(p.state == "bad" for p in one.points), one))
    found.sort(key=lambda row: (row[0], row[1].device))
    pages = max(1, -(-len(found) // PAGE))
    page = min(filters.page, pages)
    rows = [one for _, one in found[(page - 1) * PAGE : page * PAGE]]
    return SecurityAnswer.model_construct(
        now=now, total=len(found), page=page, pages=pages, counts=counts, cameras=rows
    )


def _one(core: Core, name: str, now: int, lang: Language) -> SecuredAnswer | None:
    detail = core.device(name)
    if detail is None:
        return None
    device = detail.view.device
    return SecuredAnswer.model_construct(
        device=name,
        title=device.title,
        site=device.site,
        model=detail.model,
        firmware=detail.firmware,
        points=points(detail, core.cameras.default_logins.of(name), now, lang),
    )


@router.get("/security", include_in_schema=False)
async def page(reader: ReaderDep, filters: Annotated[Filters, Query()]) -> Response:
    """The page."""
    answer = read(reader.core, filters, reader.lang)
    return reader.page(
        "security.html", answer=answer, filters=filters, POINT=POINT, STATES=STATES,
        sites=reader.core.site_names(), names=dict(reader.core.site_names()),
    )  # fmt: skip


@router.get("/security/default-logins", include_in_schema=False)
async def page_of_logins(reader: ReaderDep) -> Response:
    """The table of makers' default logins, with its sources."""
    return reader.page("default_logins.html", logins=default_logins())


@router.get("/api/security")
async def security(reader: ReaderDep, filters: Annotated[Filters, Query()]) -> SecurityAnswer:
    """Security of the cameras that are asked, in four points; the same filters as the page."""
    return read(reader.core, filters, reader.lang)


@router.get("/api/security/default-logins")
async def default_logins_by_api() -> list[DefaultLoginAnswer]:
    """Makers' default logins, of which one may be shown to a camera once, and where each is written."""
    return default_logins()


def default_logins() -> list[DefaultLoginAnswer]:
    """The visible table."""
    from drivers.onvif.default import DEFAULT_LOGINS  # noqa: PLC0415 - 0.3 s at import, needed only here

    return [DefaultLoginAnswer(**d._asdict()) for d in DEFAULT_LOGINS]


@router.post("/api/security/{name}/default-login", responses=_REFUSALS)
async def try_by_api(core: CoreDep, by: ByDep, name: str) -> TryAnswer:
    """Switch on one try of its maker's default login; told to the audit with who did, and never repeated by itself."""
    return TryAnswer(**(await core.cameras.try_default_login(name, by))._asdict())


@router.post("/devices/{name}/default-login", include_in_schema=False)
async def try_by_form(reader: ReaderDep, name: str) -> Response:
    """The button."""
    if not reader.by.person:
        return reader.go(f"/who?back=/devices/{name}")
    await reader.core.cameras.try_default_login(name, reader.by)
    return reader.go(f"/devices/{name}")
