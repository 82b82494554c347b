"""Lịch chiếu sáng: light programs, what they mean tonight, who follows them, and "on until dawn"."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response

from devices import program as programs
from devices.person import By
from devices.program import Edge, Order, Program, Saving, Step
from hub import typed
from hub.programs import Count, Following, Kept, UntilDawn
from hub.views import Core, Refused
from hub.web import curve
from hub.web.answers import Answer, Ms, ProblemAnswer, names_of
from hub.web.language import ZONE, local
from hub.web.pages import ByDep, CoreDep, Missing, Reader, ReaderDep

router = APIRouter(tags=["programs"])

_REFUSALS: dict[int | str, dict[str, object]] = {409: {"model": ProblemAnswer}}
_MISSING: dict[int | str, dict[str, object]] = {404: {"model": ProblemAnswer}}
_WRONG = {
    "steps are all by time or all by share": "program_mixed",
    "steps stand in the order of the night, from noon to noon": "program_order",
    "savings stand from the highest charge to the lowest, each dimmer": "program_savings",
    "`until_pct` is higher than `below_pct`": "program_until",
    "`off` comes after `on`, within a night from noon to noon": "program_off",
}
LAGGING = 30
NEW = "new"
"""The address of the empty form, so no program may be called that."""


class ChangeAnswer(Answer):
    """From this instant this level."""

    at: Ms
    level_pct: int


class NightAnswer(Answer):
    """One night at one site."""

    site: str
    dusk: Ms
    dawn: Ms
    changes: list[ChangeAnswer]
    """Empty where the lamp stays dark; the last level is 0."""


class ProgramAnswer(Answer):
    """A light program and who follows it."""

    name: str
    target: str
    """`site:<slug>`, `tag:<tag>` or `device:<name>`."""
    version: int
    program: Program
    asked: int
    """Lights of which it is asked."""
    applied: int
    late: int
    """Lights that did not apply it after three of their intervals."""
    cannot_tell: int
    """Lights that never say what they applied."""
    tonight: NightAnswer | None
    lagging: tuple[str, ...] = ()
    """Names of the lights that are late (at most 30), where one program is asked for."""


class UntilDawnAnswer(Answer):
    """Lights that burn until dawn, and until when that holds."""

    target: str
    until: Ms

    @classmethod
    def of(cls, burning: UntilDawn) -> "UntilDawnAnswer":
        return cls(target=burning.target, until=burning.until)


class ProgramsAnswer(Answer):
    """All programs, and what burns until dawn."""

    now: Ms
    programs: list[ProgramAnswer]
    until_dawn: list[UntilDawnAnswer]


class FollowingAnswer(Answer):
    """What is asked of one light, and what it follows."""

    program: str
    """The program that counts for it, empty for none."""
    state: str
    """applied, waiting, late, cannot_tell, or nothing (is asked)."""
    asked: Order | None
    asked_at: Ms | None
    applied: str | None
    """The id that it reports; null where it never said."""
    applied_at: Ms | None
    why: str
    """Its own word on why it cannot."""
    until_dawn: UntilDawnAnswer | None

    @classmethod
    def of(cls, f: Following) -> "FollowingAnswer":
        fields = {name: getattr(f, name) for name in cls.model_fields}
        burning = UntilDawnAnswer.of(f.until_dawn) if f.until_dawn is not None else None
        return cls.model_construct(**fields | {"until_dawn": burning})


class VersionAnswer(Answer):
    """The version of a program after a change."""

    version: int


class Change(BaseModel):
    """A program to keep. `version` is the one that was edited, 0 for a new one."""

    target: Annotated[str, Field(max_length=140)]
    program: Program
    version: Annotated[int, Field(ge=0)] = 0


class Burn(BaseModel):
    """On until dawn, for all nights that begin before `until`."""

    target: Annotated[str, Field(max_length=140)]
    until: Annotated[Ms, Field(ge=0)]


class Written(BaseModel):
    """The form of a program. Empty is left out; a fixed time counts before an offset."""

    name: str = ""
    target: str = ""
    device: str = ""
    version: int = 0
    on_offset: str = "0"
    on_at: str = ""
    off_offset: str = "0"
    off_at: str = ""
    level: str = "100"
    step_from: list[str] = []
    step_level: list[str] = []
    below: list[str] = []
    until: list[str] = []
    most: list[str] = []

    @classmethod
    def of(cls, kept: Kept) -> "Written":
        p = kept.program
        sort, _, aim = kept.target.partition(":")
        return cls(
            name=kept.name, target="" if sort == "device" else kept.target, device=aim if sort == "device" else "",
            version=kept.version, on_offset=str(p.on.offset_min or 0), on_at=p.on.at or "",
            off_offset=str(p.off.offset_min or 0), off_at=p.off.at or "", level=str(p.level_pct),
            step_from=[s.at or f"{s.share_pct}%" for s in p.steps], step_level=[str(s.level_pct) for s in p.steps],
            below=[str(s.below_pct) for s in p.saving], until=[str(s.until_pct) for s in p.saving],
            most=[str(s.level_pct) for s in p.saving],
        )  # fmt: skip

    def aim(self) -> str:
        """Its target."""
        return f"device:{self.device.strip()}" if self.device.strip() else self.target

    def program(self) -> Program:
        """What was written. Raises Refused."""
        try:
            steps = [
                Step(level_pct=_whole(level), share_pct=_whole(at[:-1]))
                if at.endswith("%")
                else Step(level_pct=_whole(level), at=at.zfill(5))
                for at, level in _rows(self.step_from, self.step_level)
            ]
            saving = [
                Saving(below_pct=_whole(b), until_pct=_whole(u), level_pct=_whole(m))
                for b, u, m in _rows(self.below, self.until, self.most)
            ]
            return Program(
                on=_edge(self.on_at, self.on_offset), off=_edge(self.off_at, self.off_offset),
                level_pct=_whole(self.level), steps=tuple(steps), saving=tuple(saving),
            )  # fmt: skip
        except ValidationError as e:
            said = str(e.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
            raise Refused(_WRONG.get(said, "program_numbers")) from None


def _rows(*columns: list[str]) -> list[tuple[str, ...]]:
    """The rows of which something is written."""
    rows = zip(*([c.strip().replace(" %", "%") for c in column] for column in columns), strict=False)
    return [row for row in rows if any(row)]


def _whole(text: str) -> int:
    try:
        return int(text.strip().removesuffix("%") or "0")
    except ValueError:
        raise Refused("program_numbers") from None


def _edge(at: str, offset: str) -> Edge:
    return Edge(at=at.strip().zfill(5)) if at.strip() else Edge(offset_min=_whole(offset))


# --- reading ------------------------------------------------------------------------------------------------------


def tonight(core: Core, program: Program, site: str) -> NightAnswer | None:
    """The night that is, or the next one, at a site."""
    place = core.lights.place(site)
    if place is None:
        return None
    order = programs.read(programs.order(program, None, *place)[1])
    night = programs.night_of(core.now() / 1000)
    sun, changes = programs.dusk_and_dawn(night, *place), programs.changes(order, night)
    if sun is None or changes is None:
        return None
    said = [ChangeAnswer(at=c.at * 1000, level_pct=c.level_pct) for c in changes]
    return NightAnswer(site=site, dusk=sun[0] * 1000, dawn=sun[1] * 1000, changes=said)


def _site_of(core: Core, target: str) -> str:
    """Where a program's night is drawn unless somebody chooses."""
    sort, _, name = target.partition(":")
    if sort == "site":
        return name
    if sort == "device" and (view := core.device_view(name)) is not None:
        return view.device.site
    return next((slug for slug, _ in core.site_names()), "")


def _answer(core: Core, kept: Kept, counts: Mapping[str, Count], site: str = "") -> ProgramAnswer:
    count = counts.get(kept.name, Count())
    return ProgramAnswer.model_construct(
        name=kept.name, target=kept.target, version=kept.version, program=kept.program, asked=count.asked,
        applied=count.applied, late=count.late, cannot_tell=count.cannot_tell,
        tonight=tonight(core, kept.program, site or _site_of(core, kept.target)),
    )  # fmt: skip


async def read(core: Core) -> ProgramsAnswer:
    """The list and its JSON twin."""
    counts = await core.lights.counts()
    return ProgramsAnswer.model_construct(
        now=core.now(),
        programs=[_answer(core, kept, counts) for kept in core.lights.all()],
        until_dawn=[UntilDawnAnswer.of(b) for b in core.lights.until_dawn()],
    )


async def read_one(core: Core, name: str, site: str) -> ProgramAnswer:
    """One program and its JSON twin. Raises Missing."""
    kept = next((k for k in core.lights.all() if k.name == name), None)
    if kept is None:
        raise Missing("unknown_program")
    found = _answer(core, kept, await core.lights.counts(), site)
    return found.model_copy(update={"lagging": tuple(await core.lights.lagging(name, LAGGING))})


def following(core: Core, device: str) -> FollowingAnswer | None:
    """What one light follows; None for what is no light."""
    found = core.lights.following(device)
    return None if found is None else FollowingAnswer.of(found)


async def save(core: Core, name: str, said: Change, by: By) -> VersionAnswer:
    """Keep a program. Raises Refused."""
    clean = typed.line(name)
    if not clean or clean == NEW or "/" in clean:
        raise Refused("program_name")
    return VersionAnswer(version=await core.lights.save(clean, said.target, said.program, said.version, by))


# --- pages --------------------------------------------------------------------------------------------------------


def _aims(core: Core) -> dict[str, str]:
    """Target -> what people call it, of sites."""
    return {f"site:{slug}": name for slug, name in core.site_names()}


async def _form(
    reader: Reader, said: Written, *, kept: ProgramAnswer | None, error: Refused | None = None
) -> Response:
    return reader.page(
        "program.html", status=409 if error else 200, said=said, kept=kept, error=error, sites=reader.core.site_names(),
        tags=reader.core.lights.tags(), curve=curve, names=names_of(reader.core),
    )  # fmt: skip


def morrow(core: Core) -> str:
    """Noon of the next day, as a form wants it: a night from now until dawn."""
    now = local(core.now())
    day = now.date() + timedelta(days=1 if now.hour >= 12 else 0)  # noqa: PLR2004 - noon
    return f"{day.isoformat()}T12:00"


def about_lights(core: Core, site: str) -> dict[str, Any]:
    """What a site's page shows of its lights: the program that counts, and "on until dawn"."""
    kept = core.lights.counting_at(site)
    view = core.site(site)
    above = {f"site:{slug}" for slug in (site, *(up for up, _ in (view.path if view is not None else ())))}
    burning = [b for b in core.lights.until_dawn() if b.target in above]
    here = max(burning, key=lambda b: b.until, default=None)
    night = tonight(core, kept.program, site) if kept is not None else None
    return {"kept": kept, "night": night, "burning": here, "morrow": morrow(core), "target": f"site:{site}"}


@router.get("/programs", include_in_schema=False)
async def page(reader: ReaderDep) -> Response:
    """The page."""
    names = _aims(reader.core)
    return reader.page(
        "programs.html", answer=await read(reader.core), aims=names, curve=curve, error=None,
        tags=reader.core.lights.tags(), morrow=morrow(reader.core),
    )  # fmt: skip


@router.get("/programs/{name}", include_in_schema=False)
async def page_of_one(
    reader: ReaderDep, name: str, site: Annotated[str, Query(max_length=80)] = ""
) -> Response:
    """One program: its night, who follows it, its form; `new` is the empty form."""
    if name == NEW:
        return await _form(reader, Written(), kept=None)
    kept = await read_one(reader.core, name, site)
    said = Written.of(Kept(kept.name, kept.target, kept.program, kept.version))
    return await _form(reader, said, kept=kept)


@router.post("/programs", include_in_schema=False)
async def save_by_form(reader: ReaderDep, said: Annotated[Written, Form()]) -> Response:
    """The form; what was written stays when it is refused."""
    try:
        change = Change(target=said.aim(), program=said.program(), version=said.version)
        await save(reader.core, said.name, change, reader.by)
    except Refused as error:
        kept = await read_one(reader.core, said.name, "") if said.version else None
        return await _form(reader, said, kept=kept, error=error)
    return reader.go("/programs")


@router.post("/programs/{name}/remove", include_in_schema=False)
async def remove_by_form(reader: ReaderDep, name: str, version: Annotated[int, Form()]) -> Response:
    """The button on its page."""
    await reader.core.lights.remove(name, version, reader.by)
    return reader.go("/programs")


@router.post("/until-dawn", include_in_schema=False)
async def burn_by_form(
    reader: ReaderDep,
    target: Annotated[str, Form(max_length=140)],
    until: Annotated[str, Form(max_length=40)],
) -> Response:
    """The form on a site's or a light's page, or that of all programs for a tag; `until` is local time."""
    try:
        at = datetime.fromisoformat(until).replace(tzinfo=ZONE)
    except ValueError:
        raise Refused("bad_until") from None
    await reader.core.lights.burn(target, round(at.timestamp() * 1000), reader.by)
    return reader.go(_page_of(target))


@router.post("/until-dawn/end", include_in_schema=False)
async def burn_no_more_by_form(reader: ReaderDep, target: Annotated[str, Form(max_length=140)]) -> Response:
    """The button that ends it."""
    await reader.core.lights.burn_no_more(target, reader.by)
    return reader.go(_page_of(target))


def _page_of(target: str) -> str:
    sort, _, name = target.partition(":")
    return {"site": f"/sites/{name}", "device": f"/devices/{name}"}.get(sort, "/programs")


# --- the API ------------------------------------------------------------------------------------------------------


@router.get("/api/programs")
async def all_programs(core: CoreDep) -> ProgramsAnswer:
    """All light programs with their night at their site, and what burns until dawn."""
    return await read(core)


@router.get("/api/programs/{name}", responses=_MISSING)
async def program(core: CoreDep, name: str, site: Annotated[str, Query(max_length=80)] = "") -> ProgramAnswer:
    """One program; `site` is where its night is reckoned."""
    return await read_one(core, name, site)


@router.put("/api/programs/{name}", responses=_REFUSALS)
async def save_by_api(core: CoreDep, by: ByDep, name: str, said: Change) -> VersionAnswer:
    """Make a program (version 0) or change it."""
    return await save(core, name, said, by)


@router.delete("/api/programs/{name}", responses=_REFUSALS, status_code=204)
async def remove_by_api(core: CoreDep, by: ByDep, name: str, version: Annotated[int, Query(ge=1)]) -> None:
    """Forget a program; the next one that aims at its lights counts for them."""
    await core.lights.remove(name, version, by)


@router.put("/api/until-dawn", responses=_REFUSALS, status_code=204)
async def burn_by_api(core: CoreDep, by: ByDep, said: Burn) -> None:
    """On until dawn, for a site with all below it, a tag or one light."""
    await core.lights.burn(said.target, said.until, by)


@router.delete("/api/until-dawn", responses=_REFUSALS, status_code=204)
async def burn_no_more_by_api(
    core: CoreDep, by: ByDep, target: Annotated[str, Query(max_length=140)]
) -> None:
    """The programs count again."""
    await core.lights.burn_no_more(target, by)


@router.get("/api/devices/{name}/program", responses=_MISSING)
async def program_of_device(core: CoreDep, name: str) -> FollowingAnswer:
    """What is asked of one light, and what it follows."""
    found = following(core, name)
    if found is None:
        raise Missing("unknown_device")
    return found
