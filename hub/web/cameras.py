"""A camera's own panel: six lights with their reasons, its pictures side by side, and what can be asked of it."""

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.responses import Response

from devices.camera import FAULT_CODES, LIGHTS, SECURITY
from devices.device import Kind
from devices.health import Health
from hub.cameras import Options, Picture
from hub.views import Core, DeviceDetail, Refused
from hub.web.answers import Answer, Ms, ProblemAnswer
from hub.web.language import Language, mark
from hub.web.pages import ByDep, CoreDep, Fragments, Missing, ReaderDep, draw

router = APIRouter(tags=["cameras"])

_REFUSALS: dict[int | str, dict[str, object]] = {404: {"model": ProblemAnswer}, 409: {"model": ProblemAnswer}}

LIGHT: dict[str, str] = {
    "reachable": mark("Reachable"),
    "logged_in": mark("Logged in"),
    "picture_fresh": mark("Picture fresh"),
    "picture_good": mark("Picture good"),
    "clock_right": mark("Clock right"),
    "recording": mark("Recording"),
}
WHAT: dict[str, str] = {
    "reference": mark("Reference view"),
    "last": mark("Last good one"),
    "fault": mark("When it was found"),
    "proof": mark("Proof of a notice"),
}
_CODES: dict[str, tuple[str, ...]] = {
    "reachable": ("answersSlow", "answersGarbled", "answersTooLarge", "sendsElsewhere", "notOnvif"),
    "logged_in": ("loginRefused", "loginLocked", "loginFull"),
    "picture_fresh": ("pictureFrozen", "noPicture", "picturePlain", "streamRefused"),
    "picture_good": (
        "pictureGarbled",
        "pictureBlack",
        "lensCovered",
        "pictureBlurred",
        "pictureOverexposed",
        "viewTurned",
        "sceneChanged",
        "tooDark",
        "tooBlurry",
        "tooBright",
        "signalLost",
    ),
    "clock_right": ("clockWrong",),
    "recording": ("notRecording",),
}
"""Which codes speak of which light."""


class LightAnswer(Answer):
    """One light: `ok`, `bad` or `unknown`, with the reason in words."""

    name: str
    state: str
    text: str


class PictureAnswer(Answer):
    """A picture that is kept; its address is /devices/{device}/pictures/{id}."""

    id: int
    what: str
    at: Ms
    codes: list[str]
    by: str

    @classmethod
    def of(cls, p: Picture) -> "PictureAnswer":
        return cls(id=p.id, what=p.what, at=p.at, codes=list(p.codes), by=p.by)


class CameraAnswer(Answer):
    """What is known of a camera that is asked."""

    lights: list[LightAnswer]
    security: list[str]
    """Codes of what is not safe about it."""
    agent: str
    """The gateway that asks it; empty where the hub itself does."""
    tried_at: Ms | None
    tried: str
    """How the last visit failed; empty where it answered."""
    picture_next_at: Ms | None
    """When the next picture is fetched, about."""
    requests_h: int
    traffic_kb: int
    has_password: bool
    events: bool
    """Its own alarms are subscribed to."""
    pictures: list[PictureAnswer]


def lights(detail: DeviceDetail, lang: Language, *, learnt: bool = True) -> list[LightAnswer]:
    """The six lights in the order in which one hangs on the other. `learnt`: it is known how its view looks."""
    values = detail.values
    good, bad = _list(values.get("lights_ok")), _list(values.get("lights_bad"))
    faults = _list(values.get("faults"))
    away = detail.view.health in (Health.OFFLINE, Health.UNKNOWN)
    found = []
    for name in LIGHTS:
        if name == "reachable":
            state = "bad" if detail.view.health is Health.OFFLINE else "unknown" if away else "ok"
        else:
            state = "unknown" if away else "ok" if name in good else "bad" if name in bad else "unknown"
        said = _words(_CODES[name], faults, lang)
        text = "; ".join(said) if said and not away else _text(name, state, detail, lang)
        if not said and not away and (perhaps := _words(_CODES[name], values.get("suspected"), lang)):
            text = lang.text(mark("perhaps: %(what)s; looked at again soon")) % {"what": "; ".join(perhaps)}
        elif name == "picture_good" and state == "unknown" and not (away or said or learnt):
            text = lang.text(mark("cannot tell yet: its view is being learnt"))
        found.append(LightAnswer(name=name, state=state, text=text))
    return found


def _text(name: str, state: str, detail: DeviceDetail, lang: Language) -> str:  # noqa: PLR0911 - one a light
    v = detail.values
    match name, state:
        case "reachable", "ok" if "answer_ms" in v:
            return lang.text(mark("answers in %(ms)s ms")) % {"ms": lang.number(float(v["answer_ms"]), 0)}  # type: ignore[arg-type]
        case "reachable", "bad":
            return lang.text(mark("does not answer"))
        case "picture_fresh", "ok" if "picture_age_s" in v:
            age = lang.duration(round(float(v["picture_age_s"]) * 1000))  # type: ignore[arg-type]
            if "picture_every_s" not in v:
                return lang.text(mark("%(age)s old")) % {"age": age}
            every = lang.duration(round(float(v["picture_every_s"]) * 1000))  # type: ignore[arg-type]
            return lang.text(mark("%(age)s old; the one before it %(every)s older")) % {
                "age": age,
                "every": every,
            }
        case "clock_right", "ok" if "clock_off_s" in v:
            off = float(v["clock_off_s"])  # type: ignore[arg-type]
            if abs(off) < 0.05:  # noqa: PLR2004 - what is shown has one decimal
                return lang.text(mark("yes"))
            words = mark("%(s)s s ahead") if off > 0 else mark("%(s)s s behind")
            return lang.text(words) % {"s": lang.number(abs(off), 1)}
        case "recording", "unknown":
            return lang.text(mark("cannot tell: the camera does not say"))
        case _, "ok":
            return lang.text(mark("yes"))
        case _, "bad":
            return lang.text(mark("no"))
    return lang.text(mark("cannot tell"))


def _words(codes: tuple[str, ...], there: object, lang: Language) -> list[str]:
    """Those of `codes` that are there."""
    return [FAULT_CODES[c].get(lang.code, FAULT_CODES[c]["vi"]) for c in codes if c in _list(there)]


def _list(value: object) -> list[str]:
    return value if isinstance(value, list) else []


async def read(core: Core, name: str, lang: Language) -> CameraAnswer | None:
    """None for what is not asked. Raises Missing."""
    detail = core.device(name)
    if detail is None:
        raise Missing("unknown_device")
    device = detail.view.device
    if device.kind is not Kind.CAMERA or not device.is_asked:
        return None
    tried = core.cameras.tried(name)
    values = detail.values
    pictures = await core.cameras.pictures(name)
    return CameraAnswer(
        lights=lights(detail, lang, learnt=any(p.what == "reference" for p in pictures)),
        security=[c for c in SECURITY if c in _list(values.get("faults"))],
        agent=core.agents.of(name) or "",
        tried_at=None if tried is None else tried.at,
        tried="" if tried is None else tried.code,
        picture_next_at=_next_at(detail),
        requests_h=int(values.get("requests_h", 0)),  # type: ignore[arg-type]
        traffic_kb=int(values.get("traffic_kb", 0)),  # type: ignore[arg-type]
        has_password=core.cameras.has_password(name),
        events=core.cameras.options(name).events,
        pictures=[PictureAnswer.of(p) for p in pictures],
    )


def _next_at(detail: DeviceDetail) -> int | None:
    wait = detail.values.get("picture_next_s")
    if not isinstance(wait, float | int) or detail.values_at is None or detail.view.health is Health.OFFLINE:
        return None
    return detail.values_at + round(wait * 1000)


async def fragment(core: Core, lang: Language, name: str) -> Fragments:
    """The panel, which streams; empty for what is not asked."""
    camera = await read(core, name, lang)
    detail = core.device(name)
    shown = _shown(camera.pictures) if camera is not None else []
    about = {
        "camera": camera,
        "name": name,
        "shown": shown,
        "LIGHT": LIGHT,
        "WHAT": WHAT,
        "FAULTS": FAULT_CODES,
    }
    return {"device-camera": draw("parts/device_camera.html", core, lang, detail=detail, **about)}


def _shown(pictures: list[PictureAnswer]) -> list[PictureAnswer]:
    """One of each, the newest."""
    found: dict[str, PictureAnswer] = {}
    for p in pictures:
        found.setdefault(p.what, p)
    return [found[what] for what in WHAT if what in found]


# --- buttons and addresses ----------------------------------------------------------------------------------------


class Password(BaseModel):
    """The password of its login; empty takes it away."""

    password: Annotated[str, Field(max_length=200)] = ""


@router.get("/devices/{name}/pictures/{number}", include_in_schema=False)
async def picture(reader: ReaderDep, name: str, number: int) -> Response:
    """A picture's JPEG, for somebody whom the hub knows; the look is told to the audit."""
    if not reader.by.person:
        raise Refused("who_are_you")
    jpeg = await reader.core.cameras.look(name, number, reader.by)
    return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=300"})


@router.get("/devices/{name}/pictures", include_in_schema=False)
async def pictures_page(reader: ReaderDep, name: str) -> Response:
    """The pictures side by side; asks who looks."""
    camera = await read(reader.core, name, reader.lang)
    if camera is None:
        raise Missing("unknown_device")
    if not reader.by.person:
        return reader.go(f"/who?back=/devices/{name}/pictures")
    device = reader.core.device_view(name)
    return reader.page(
        "pictures.html", camera=camera, shown=_shown(camera.pictures), device=device, name=name, WHAT=WHAT,
        FAULTS=FAULT_CODES,
    )  # fmt: skip


@router.post("/devices/{name}/camera/password", include_in_schema=False)
async def password_by_form(reader: ReaderDep, name: str, said: Annotated[Password, Form()]) -> Response:
    """The form."""
    await reader.core.cameras.set_password(name, said.password, reader.by)
    return reader.go(f"/devices/{name}")


@router.post("/devices/{name}/camera/events", include_in_schema=False)
async def events_by_form(reader: ReaderDep, name: str) -> Response:
    """The button that switches its own alarms on or off."""
    before = reader.core.cameras.options(name)
    wanted = before.model_copy(update={"events": not before.events})
    await reader.core.cameras.set_options(name, wanted, reader.by)
    return reader.go(f"/devices/{name}")


@router.post("/devices/{name}/camera/{what}", include_in_schema=False)
async def asked_by_form(reader: ReaderDep, name: str, what: str) -> Response:
    """The buttons."""
    await asked_by_api(reader.core, reader.by, name, what)
    return reader.go(f"/devices/{name}")


@router.get("/api/cameras/{name}", responses=_REFUSALS)
async def camera_by_api(reader: ReaderDep, name: str) -> CameraAnswer:
    """Its lights with their reasons, what it costs to ask it, and the pictures that are kept of it."""
    found = await read(reader.core, name, reader.lang)
    if found is None:
        raise Refused("not_asked", name=name)
    return found


@router.post("/api/cameras/{name}/password", responses=_REFUSALS, status_code=204)
async def password_by_api(core: CoreDep, by: ByDep, name: str, said: Password) -> None:
    """The password of its login, sealed; empty takes it away."""
    await core.cameras.set_password(name, said.password, by)


@router.get("/api/cameras/{name}/options", responses=_REFUSALS)
async def options_by_api(core: CoreDep, name: str) -> Options:
    """How it is treated."""
    return core.cameras.options(name)


@router.post("/api/cameras/{name}/options", responses=_REFUSALS, status_code=204)
async def set_options_by_api(core: CoreDep, by: ByDep, name: str, said: Options) -> None:
    """Treat it so: its own alarms, and what is painted over on its pictures."""
    await core.cameras.set_options(name, said, by)


class Purge(BaseModel):
    """`before`: pictures taken before this instant (ms since 1970) go."""

    before: Annotated[int, Field(ge=0, le=4_102_444_800_000)]


class PurgedAnswer(Answer):
    """How many pictures went."""

    pictures: int


@router.post("/api/cameras/{name}/purge", responses=_REFUSALS)
async def purge_by_api(core: CoreDep, by: ByDep, name: str, said: Purge) -> PurgedAnswer:
    """Take pictures of a camera away; told to the audit."""
    return PurgedAnswer(pictures=await core.cameras.purge(name, said.before, by))


@router.post("/api/cameras/{name}/{what}", responses=_REFUSALS, status_code=204)
async def asked_by_api(core: CoreDep, by: ByDep, name: str, what: str) -> None:
    """`visit`: ask it now; `clock`: set its clock; `reference`: the next picture shows how it should look."""
    match what:
        case "visit":
            await core.cameras.visit(name, by)
        case "clock":
            await core.cameras.set_clock(name, by)
        case "reference":
            await core.cameras.set_reference(name, by)
        case _:
            raise Missing("unknown_device")
