"""Bản tin: the pages on which notices are written, previewed, published and proved, and the wall of boards."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, UploadFile
from pydantic import BaseModel
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from devices.device import Kind
from devices.health import Health
from devices.notice import Level
from hub import typed
from hub.notices.views import WITHOUT, Draft, Notice, NotRight, Proved, State
from hub.views import Core, DeviceQuery, Refused
from hub.web import notice_words
from hub.web.answers import names_of
from hub.web.language import ZONE, Language, local, mark
from hub.web.notice_answers import composed_answer
from hub.web.notices import Number, found_or_missing
from hub.web.pages import Fragments, Reader, ReaderDep, draw

router = APIRouter(tags=["notices"])

DIGITS = 10
DAYS = 7
"""Days that the calendar shows."""
HOUR_MS = 3_600_000
LASTS_DAYS = 7
"""A notice ends so many days from now, unless somebody says otherwise."""
REPEATS = ("", "DAILY", "WEEKLY", "MONTHLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NOT_ON = mark("(but not on %(boards)s)")
FIELD = "field:"
"""What a template's fields are called in the form."""


# --- what is written in the form ----------------------------------------------------------------------------------


class Written(BaseModel):
    """The composer's form, as it stands on the page: all of it text."""

    level: str = Level.ROUTINE
    priority: str = "5"
    title: str = ""
    text: str = ""
    link: str = ""
    picture: str = ""
    template: str = ""
    fields: dict[str, str] = {}
    targets: list[str] = []
    start: str = ""
    end: str = ""
    repeat: str = ""
    days: list[str] = []
    rule: str = ""
    minutes: str = ""
    drill: bool = False
    number: int = 0
    version: int = 0

    @classmethod
    def read(cls, form: FormData) -> "Written":
        """What a browser sent; what is no field of ours is passed over."""
        texts = {k: str(v)[:20_000] for k, v in form.items() if k in cls.model_fields and isinstance(v, str)}
        fields = {k.removeprefix(FIELD): str(v) for k, v in form.items() if k.startswith(FIELD)}
        lists = {k: [str(v) for v in form.getlist(k)] for k in ("targets", "days")}
        whole = {
            k: int(texts[k]) if texts.get(k, "").isdecimal() and len(texts[k]) < DIGITS else 0
            for k in ("number", "version")
        }
        return cls.model_validate({**texts, **lists, **whole, "fields": fields, "drill": "drill" in form})

    @classmethod
    def of(cls, notice: Notice) -> "Written":
        """A notice's newest text."""
        d = notice.newest.draft
        frequency, days = _plain(d.recurrence)
        return cls(
            level=d.level, priority=str(d.priority), title=d.title, text=d.text, link=d.link, picture=d.picture,
            template=d.template, fields=dict(d.fields), targets=list(d.targets), start=_shown(d.start),
            end=_shown(d.end), repeat=frequency, days=days, rule="" if frequency else d.recurrence,
            minutes=str(d.minutes or ""), drill=d.drill, number=notice.number, version=notice.version,
        )  # fmt: skip

    def draft(self, now: int) -> Draft:
        """What it says. Raises Refused for what is no time or number.

        What the form hides of an emergency (its start, its recurrence) does not count; it ends in 12 hours at most.
        """
        if self.level not in list(Level):
            raise Refused("bad_level")
        if self.level == Level.EMERGENCY:
            end = _instant(self.end)
            plain = {"start": "", "repeat": "", "rule": "", "minutes": "", "level": Level.ROUTINE}
            kept = self.model_copy(update=plain).draft(now)
            end = end if end is not None and end <= now + 12 * HOUR_MS else None
            return kept.model_copy(update={"level": Level.EMERGENCY, "end": end})
        rule = self.rule.strip() if not self.repeat else f"FREQ={self.repeat}"
        if self.repeat == "WEEKLY" and self.days:
            rule += f";BYDAY={','.join(d for d in WEEKDAYS if d in self.days)}"
        return Draft(
            level=Level(self.level), priority=_whole(self.priority, 5, 9), title=self.title, text=self.text,
            picture=self.picture, link=self.link, template=self.template,
            fields=self.fields if self.template else {}, start=_instant(self.start), end=_instant(self.end),
            recurrence=rule, minutes=_whole(self.minutes, None, 7 * 24 * 60),
            targets=tuple(dict.fromkeys(self.targets)), drill=self.drill,
        )  # fmt: skip


def _counted(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < DIGITS else 0


def _plain(rule: str) -> tuple[str, list[str]]:
    """A rule as the form's list says it: how often, and the days of a week; ("", []) where only words can."""
    parts = dict(p.split("=", 1) for p in rule.split(";") if "=" in p)
    frequency, days = parts.pop("FREQ", ""), parts.pop("BYDAY", "")
    listed = [d for d in days.split(",") if d]
    simple = (
        frequency in REPEATS
        and not parts
        and (not listed or frequency == "WEEKLY")
        and set(listed) <= set(WEEKDAYS)
    )
    return (frequency, listed) if simple else ("", [])


def _whole(text: str, otherwise: Any, most: int) -> Any:
    said = text.strip()
    if not said:
        return otherwise
    if not said.isdecimal() or int(said) > most:
        raise Refused("bad_number", what=said[:20])
    return int(said)


def _instant(text: str) -> int | None:
    """A local time of a form, as ms. Raises Refused."""
    if not text.strip():
        return None
    try:
        return round(datetime.fromisoformat(text.strip()).replace(tzinfo=ZONE).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Refused("bad_time", what=text[:30]) from None


def _shown(at: int | None) -> str:
    return f"{local(at):%Y-%m-%dT%H:%M}" if at is not None else ""


# --- what is shown ------------------------------------------------------------------------------------------------


def _titles(core: Core) -> dict[str, str]:
    """What people call each board."""
    return {b.name: b.title or b.name for b in core.notices.boards()}


def _aims(core: Core) -> dict[str, list[tuple[str, str]]]:
    """What a notice can be aimed at, by sort: sites, tags of boards, boards."""
    found = core.devices(DeviceQuery(kind=Kind.SIGNBOARD.value, size=2000)).devices
    tags = sorted({tag for v in found for tag in v.device.tags})
    return {
        "site": [(f"site:{slug}", name) for slug, name in core.site_names()],
        "tag": [(f"tag:{tag}", tag) for tag in tags],
        "device": sorted((f"device:{v.device.name}", v.device.title or v.device.name) for v in found),
    }


def _aimed(core: Core, lang: Language, targets: Iterable[str]) -> str:
    names, some = {key: name for group in _aims(core).values() for key, name in group}, list(targets)
    said = ", ".join(names.get(t, t.partition(":")[2]) for t in some if not t.startswith(WITHOUT))
    out = [names.get(f"device:{t.removeprefix(WITHOUT)}", t) for t in some if t.startswith(WITHOUT)]
    return said + (" " + lang.text(NOT_ON) % {"boards": ", ".join(out)} if out else "")


async def _composer(
    reader: Reader, said: Written, *, error: Refused | None = None, status: int = 200
) -> Response:
    core = reader.core
    titles = _titles(core)
    return reader.page(
        "notice_write.html", status=409 if error else status, said=said, error=error, aims=_aims(core),
        templates=core.notices.templates(), chosen=_template(core, said), levels=list(Level), N=notice_words,
        repeats=REPEATS, weekdays=WEEKDAYS, preview=await _preview(reader, said, error, composing=True), field=FIELD,
        without=[(t, titles.get(t.removeprefix(WITHOUT), t)) for t in said.targets if t.startswith(WITHOUT)],
    )  # fmt: skip


def _template(core: Core, said: Written) -> Any:
    return next((t for t in core.notices.templates() if t.name == said.template), None)


async def _preview(
    reader: Reader,
    said: Written,
    error: Refused | None = None,
    *,
    composing: bool = False,
    kept: Draft | None = None,
) -> str:
    """The right half of the composer: the very frames that would be sent, and everything that is wrong."""
    found, refusal = None, None if isinstance(error, NotRight) else error
    try:
        notices = reader.core.notices
        made = notices.composed(kept) if kept is not None else notices.compose(said.draft(reader.core.now()))
        found = composed_answer(await made, reader.lang)
    except Refused as e:
        refusal = e
    titles = _titles(reader.core)
    return draw(
        "parts/notice_preview.html", reader.core, reader.lang, found=found, error=refusal, N=notice_words,
        composing=composing, named=lambda boards: ", ".join(titles.get(b, b) for b in boards),
    )  # fmt: skip


def _days(core: Core, start: int) -> list[tuple[int, list[Any]]]:
    """The calendar: by day, what shows; alike on several boards once, with which they are."""
    slots = core.notices.calendar(start, start + DAYS * 24 * HOUR_MS)
    found: list[tuple[int, list[Any]]] = []
    for day in range(DAYS):
        begins, ends = start + day * 24 * HOUR_MS, start + (day + 1) * 24 * HOUR_MS
        here: dict[tuple[str, int, int], list[Any]] = {}
        for slot in slots:
            if slot.start < ends and slot.end > begins:
                here.setdefault((slot.item, max(slot.start, begins), min(slot.end, ends)), []).append(slot)
        lines = [
            {
                "slot": some[0], "start": a, "end": b, "boards": sorted({b for s in some for b in s.boards}),
                "hidden": sum(len(s.boards) for s in some if s.hidden),
                "whole": a == begins and b == ends,
            }
            for (_, a, b), some in here.items()
        ]  # fmt: skip
        found.append((begins, lines))
    return found


@router.get("/notices", include_in_schema=False)
async def page(reader: ReaderDep, day: Annotated[str, Query(max_length=10)] = "") -> Response:
    """What boards say, what is being written, and the calendar of a week."""
    core = reader.core
    try:
        first = datetime.fromisoformat(day).replace(tzinfo=ZONE) if day else local(core.now())
    except ValueError:
        raise Refused("bad_time", what=day) from None
    first = first.replace(hour=0, minute=0, second=0, microsecond=0)
    found = core.notices.all()
    return reader.page(
        "notices.html", notices=found, State=State, N=notice_words, aimed=lambda t: _aimed(core, reader.lang, t),
        called=_titles(core), days=_days(core, round(first.timestamp() * 1000)),
        before=f"{first - timedelta(days=DAYS):%Y-%m-%d}", after=f"{first + timedelta(days=DAYS):%Y-%m-%d}",
    )  # fmt: skip


@router.get("/notices/new", include_in_schema=False)
async def new(
    reader: ReaderDep,
    template: Annotated[str, Query(max_length=120)] = "",
    level: Annotated[Literal["routine", "priority", "emergency"] | None, Query()] = None,
    to: Annotated[str, Query(max_length=140)] = "",
    like: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Response:
    """The composer, empty, from a template, or like another notice."""
    now = local(reader.core.now())
    end = f"{(now + timedelta(days=LASTS_DAYS)).replace(hour=18, minute=0):%Y-%m-%dT%H:%M}"
    said = Written(template=template, level=level or Level.ROUTINE, targets=[to] if to else [], end=end)
    if like:
        said = Written.of(found_or_missing(reader.core, like))
        said = said.model_copy(update={"number": 0, "version": 0, "end": end})
    chosen = _template(reader.core, said)
    if chosen is not None and level is None:
        said = said.model_copy(update={"level": chosen.level})
    if said.level == Level.EMERGENCY:
        said = said.model_copy(update={"end": f"{now + timedelta(hours=12):%Y-%m-%dT%H:%M}"})
    return await _composer(reader, said)


@router.get("/notices/{number}/edit", include_in_schema=False)
async def edit(reader: ReaderDep, number: Number) -> Response:
    """The composer with what is written."""
    return await _composer(reader, Written.of(found_or_missing(reader.core, number)))


@router.post("/notices/preview", include_in_schema=False)
async def preview(reader: ReaderDep, request: Request) -> Response:
    """While one writes: the preview alone."""
    try:
        async with request.form() as form:
            said = Written.read(form)
    except ClientDisconnect:
        return Response(status_code=400)  # it was written on before this was drawn
    return Response(await _preview(reader, said, composing=True), media_type="text/html")


@router.post("/notices", include_in_schema=False)
async def write(reader: ReaderDep, request: Request) -> Response:
    """The composer's buttons: `do` is preview, save or publish (an emergency; asks for the count of boards first)."""
    said, do = Written(), ""
    try:
        async with request.form() as form:
            said, do = Written.read(form), str(form.get("do", "save"))
            if left_out := str(form.get("leave_out", "")).split():
                said, do = (
                    said.model_copy(update={"targets": [*said.targets, *(WITHOUT + b for b in left_out)]}),
                    "preview",
                )
            said = await _with_picture(reader, said, form)
        if do == "preview":
            return await _composer(reader, said)
        kept = await reader.core.notices.save(
            said.number or None, said.draft(reader.core.now()), said.version, reader.by
        )
    except Refused as error:
        found = reader.core.notices.get(said.number)
        if (
            error.code == "changed_meanwhile" and found is not None
        ):  # the next save is about what stands there now
            said = said.model_copy(update={"version": found.version})
        return await _composer(reader, said, error=error)
    if do != "publish":
        return reader.go(f"/notices/{kept.number}")
    return await _publish(reader, kept, None)


async def _with_picture(reader: Reader, said: Written, form: FormData) -> Written:
    """With the picture that came along, if one did. Raises Refused."""
    file = form.get("file")
    if form.get("no_picture"):
        said = said.model_copy(update={"picture": ""})
    if not isinstance(file, UploadFile) and not hasattr(file, "read"):
        return said
    data = await file.read()  # type: ignore[union-attr]
    if not data:
        return said
    return said.model_copy(update={"picture": await reader.core.notices.upload(data, reader.by)})


async def _publish(reader: Reader, notice: Notice, boards: int | None) -> Response:
    """Publish; an emergency is asked back with the count of boards, and what is wrong is told in the composer."""
    try:
        await reader.core.notices.publish(notice.number, notice.version, reader.by, boards)
    except NotRight as error:
        return await _composer(reader, Written.of(notice), error=error)
    except Refused as error:
        if error.code == "confirm_boards":
            return await _story(reader, notice, ask=int(str(error.about["count"])))
        return await _story(reader, notice, error=error)
    return reader.go(f"/notices/{notice.number}")


# --- one notice ---------------------------------------------------------------------------------------------------


STATES = ("sent", "stored", "shown", "ended")


def _worst_first(proved: Iterable[Proved]) -> list[Proved]:
    """What is wrong, then what is not proved, then what is."""
    return sorted(proved, key=lambda p: (not p.failed and p.right is not False, bool(p.right)))


async def _story(
    reader: Reader, notice: Notice, *, ask: int | None = None, error: Refused | None = None
) -> Response:
    core = reader.core
    told = notice.on_boards or next((r for r in reversed(notice.revisions) if r.published_at), None)
    now = local(core.now())
    return reader.page(
        "notice.html", status=409 if error or ask is not None else 200, notice=notice, newest=notice.newest, told=told,
        proved=_worst_first(await core.notices.proved(notice.number, told.number)) if told is not None else [],
        STATES=STATES, State=State, Level=Level,
        said=lambda targets: _aimed(core, reader.lang, targets), ask=ask, error=error,
        away=await _away(core, notice) if ask is not None else 0,
        ends=notice.newest.draft.end or core.now() + 12 * HOUR_MS,
        called=_titles(core), N=notice_words, aimed=_aimed(core, reader.lang, notice.newest.draft.targets),
        preview=await _waiting(reader, notice),
        pictures=await _pictures(core, notice) if told is not None else {},
        later=f"{now + timedelta(hours=12):%Y-%m-%dT%H:%M}", names=names_of(core),
    )  # fmt: skip


async def _waiting(reader: Reader, notice: Notice) -> str:
    """What would be published, where something waits to be."""
    if notice.state not in (State.DRAFT, State.APPROVED):
        return ""
    return await _preview(reader, Written.of(notice), kept=notice.newest.draft)


async def _away(core: Core, notice: Notice) -> int:
    """Boards that a draft goes to and that are not heard now."""
    found = await core.notices.composed(notice.newest.draft)
    views = (core.device_view(name) for preview in found.previews for name in preview.boards)
    return sum(v is not None and v.health is Health.OFFLINE for v in views)


@router.get("/notices/{number}", include_in_schema=False)
async def story(reader: ReaderDep, number: Number) -> Response:
    """What it says, who said so, what boards did with it, and what can be done now."""
    return await _story(reader, found_or_missing(reader.core, number))


@router.post("/notices/{number}/{do}", include_in_schema=False)
async def act(
    reader: ReaderDep,
    number: Number,
    do: Literal["approve", "publish", "end", "extend", "discard"],
    version: Annotated[int, Form(ge=1)],
    boards: Annotated[int | None, Form(ge=0)] = None,
    why: Annotated[str, Form(max_length=1000)] = "",
    until: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """The buttons of its page."""
    notice = found_or_missing(reader.core, number)
    try:
        if do == "publish":
            _same(notice, version)
            return await _publish(reader, notice, boards)
        await _do(reader, number, do, version, why, until)
    except NotRight as error:
        return await _composer(reader, Written.of(notice), error=error)
    except Refused as error:
        return await _story(reader, reader.core.notices.get(number) or notice, error=error)
    return reader.go("/notices" if do == "discard" else f"/notices/{number}")


def _same(notice: Notice, version: int) -> None:
    if notice.version != version:
        raise Refused("changed_meanwhile")


async def _do(reader: Reader, number: int, do: str, version: int, why: str, until: str) -> None:
    notices, by = reader.core.notices, reader.by
    match do:
        case "approve":
            await notices.approve(number, version, by)
        case "end":
            await notices.end(number, version, by, typed.lines(why))
        case "extend":
            at = _instant(until)
            if at is None:
                raise Refused("bad_emergency_until")
            await notices.extend(number, version, at, by)
        case "discard":
            await notices.discard(number, version, by)


async def _pictures(core: Core, notice: Notice) -> dict[str, tuple[str, int]]:
    """By board: (camera, picture) that was taken of it when a text of this notice began there, the newest."""
    found: dict[str, tuple[str, int]] = {}
    for board in core.notices.boards():
        if board.witness:
            for p in reversed(await core.cameras.pictures(board.witness)):
                if p.what == "proof" and p.by.startswith(f"{board.name} {notice.number}."):
                    found[board.name] = board.witness, p.id
    return found


@router.post("/boards/{name}/witness", include_in_schema=False)
async def set_witness(
    reader: ReaderDep, name: str, camera: Annotated[str, Form(max_length=40)] = ""
) -> Response:
    """The form on a board's page."""
    await reader.core.notices.set_witness(name, camera, reader.by)
    return reader.go(f"/devices/{name}")


# --- boards -------------------------------------------------------------------------------------------------------


@router.get("/boards", include_in_schema=False)
async def wall(reader: ReaderDep) -> Response:
    """Every board with the frame that it reports."""
    core = reader.core
    views = {b.name: core.device_view(b.name) for b in core.notices.boards()}
    return reader.page(
        "boards.html", boards=core.notices.boards(), views=views,
        knows=lambda found: core.notices.frame(found) is not None, N=notice_words,
        notices={n.number: n for n in core.notices.all()}, sites=dict(core.site_names()),
    )  # fmt: skip


def fragment(core: Core, lang: Language, name: str) -> Fragments:
    """What a device's page shows of a board."""
    view = core.device_view(name)
    is_board = view is not None and view.device.kind is Kind.SIGNBOARD
    found = core.notices.board(name) if is_board else None
    return {
        "device-board": draw(
            "parts/device_board.html", core, lang, board=found, view=view, N=notice_words,
            knows=lambda png: core.notices.frame(png) is not None,
            notices={n.number: n for n in core.notices.all()} if found is not None else {},
        )
    }  # fmt: skip
