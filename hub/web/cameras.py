"""A camera's own panel: six lights with their reasons, its pictures side by side, and what can be asked of it."""

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.responses import Response

from devices.camera import FAULT_CODES
from devices.device import Kind
from devices.health import Health
from hub.cameras import Options, Picture
from hub.views import Core, DeviceDetail, Refused
from hub.web.answers import Answer, Ms, ProblemAnswer
from hub.web.camera_lights import LIGHT, LightAnswer, lights, summary
from hub.web.language import Language, mark
from hub.web.pages import ByDep, CoreDep, Fragments, Missing, ReaderDep, draw
from hub.web.security import POINT, PointAnswer, TryAnswer, points

router = APIRouter(tags=["cameras"])

_REFUSALS: dict[int | str, dict[str, object]] = {404: {"model": ProblemAnswer}, 409: {"model": ProblemAnswer}}

WHAT: dict[str, str] = {
    "reference": mark("Reference view"),
    "last": mark("Last good one"),
    "fault": mark("When it was found"),
    "proof": mark("Proof of a notice"),
}


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

    summary: str
    """The chain of reasons in one sentence."""
    lights: list[LightAnswer]
    security: list[PointAnswer]
    """What of QCVN 135:2024/BTTTT can be seen over the network."""
    default_login: TryAnswer | None
    """The last try of its maker's default login; nobody but a person switches one on."""
    clock_ntp: bool | None
    """Its clock follows a time server: setting it by hand would end that."""
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


async def read(core: Core, name: str, lang: Language) -> CameraAnswer | None:
    """None for what is not asked. Raises Missing."""
    detail = core.device(name)
    if detail is None:
        raise Missing("unknown_device")
    device = detail.view.device
    if device.kind is not Kind.CAMERA or not device.is_asked:
        return None
    tried = core.cameras.tried(name)
    values, now = detail.values, core.now()
    pictures = [PictureAnswer.of(p) for p in await core.cameras.pictures(name)]
    shown, default = (
        lights(detail, lang, now, learnt=any(p.what == "reference" for p in pictures)),
        core.cameras.default_logins.of(name),
    )
    return CameraAnswer(
        summary=summary(shown, _good_at(detail, pictures), now, lang),
        lights=shown,
        security=points(detail, default, now, lang),
        default_login=None if default is None else TryAnswer(**default._asdict()),
        clock_ntp=_flag(values.get("clock_ntp")),
        agent=core.agents.of(name) or "",
        tried_at=None if tried is None else tried.at,
        tried="" if tried is None else tried.code,
        picture_next_at=_next_at(detail),
        requests_h=int(values.get("requests_h", 0)),  # type: ignore[arg-type]
        traffic_kb=int(values.get("traffic_kb", 0)),  # type: ignore[arg-type]
        has_password=core.cameras.has_password(name),
        events=core.cameras.options(name).events,
        pictures=pictures,
    )


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _good_at(detail: DeviceDetail, pictures: list[PictureAnswer]) -> int | None:
    """When the last good picture was taken, as it is kept or as it was told."""
    kept = max((p.at for p in pictures if p.what == "last"), default=None)
    age = detail.values.get("picture_age_s")
    if isinstance(age, float | int) and detail.values_at is not None:
        return max(kept or 0, detail.values_at - round(age * 1000))
    return kept


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
        "POINT": POINT,
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


class ClockSet(BaseModel):
    """`manually`: set it though it follows a time server, which then ends."""

    manually: bool = False


@router.post("/devices/{name}/camera/clock", include_in_schema=False)
async def clock_by_form(reader: ReaderDep, name: str, said: Annotated[ClockSet, Form()]) -> Response:
    """The button."""
    await reader.core.cameras.set_clock(name, reader.by, manually=said.manually)
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


@router.post("/api/cameras/{name}/clock", responses=_REFUSALS, status_code=204)
async def clock_by_api(core: CoreDep, by: ByDep, name: str, said: ClockSet | None = None) -> None:
    """Set its clock to the hub's; refused (`follows_ntp`) where it follows a time server, unless `manually`."""
    await core.cameras.set_clock(name, by, manually=said is not None and said.manually)


@router.post("/api/cameras/{name}/{what}", responses=_REFUSALS, status_code=204)
async def asked_by_api(core: CoreDep, by: ByDep, name: str, what: str) -> None:
    """`visit`: ask it now; `reference`: the next picture shows how it should look."""
    match what:
        case "visit":
            await core.cameras.visit(name, by)
        case "reference":
            await core.cameras.set_reference(name, by)
        case _:
            raise Missing("unknown_device")
