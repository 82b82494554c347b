"""The registry: devices and sites as people register, edit, replace and take them away; CSV; what firmware runs."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, UploadFile
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response, StreamingResponse

from devices.device import Kind
from devices.person import By
from devices.site import TIERS
from hub.registry import refusal
from hub.registry_csv import TOLD, Sheet
from hub.registry_ops import (
    AddDevice,
    AddSite,
    ChangeDevice,
    EndSite,
    LiveDevice,
    MergeSites,
    Operation,
    PlaceSite,
    RenameSite,
    ReplaceDevice,
)
from hub.views import Core, Refused
from hub.web import words
from hub.web.answers import Answer, Ms, ProblemAnswer
from hub.web.language import Language, wanted
from hub.web.pages import ByDep, CoreDep, Missing, Reader, ReaderDep

router = APIRouter(tags=["registry"])

_REFUSALS: dict[int | str, dict[str, object]] = {409: {"model": ProblemAnswer}, 404: {"model": ProblemAnswer}}
DEVICE_FIELDS = (
    "title", "kind", "realm", "site", "place", "lat", "lon", "interval_s", "timeout_s", "power_from", "uplink_by",
    "nvr", "channel", "serial", "driver", "tags",
)  # fmt: skip


class CsvResponse(StreamingResponse):
    """CSV in pieces."""

    media_type = "text/csv; charset=utf-8"


class DoneAnswer(BaseModel):
    """What came of a change."""

    done: dict[str, str | int]


class BranchAnswer(Answer):
    """A site in the tree of a day."""

    slug: str
    name: str
    tier: str
    depth: int
    devices: int
    """Devices that stand at it itself."""


class TreeAnswer(Answer):
    """The tree of a day, each site followed by those below it."""

    day: date
    sites: list[BranchAnswer]


class FirmwareAnswer(Answer):
    """Devices of one kind and model that run one firmware."""

    kind: Kind
    model: str
    firmware: str
    devices: int


class ChangeAnswer(Answer):
    """One change of a device or a site."""

    at: Ms
    person: str
    address: str
    action: str
    before: dict[str, Any]
    after: dict[str, Any]


class HungAnswer(Answer):
    """One piece of hardware at a device's place."""

    serial: str
    model: str
    firmware: str
    since: Ms | None
    until: Ms | None
    why: str


class RegisteredAnswer(Answer):
    """A device as it is registered, with its past."""

    version: int
    """Give it back with a change: who edits an older one is told."""
    fields: dict[str, Any]
    changes: list[ChangeAnswer]
    hardware: list[HungAnswer]


class SheetAnswer(Answer):
    """What came of a CSV file."""

    lines: int
    added: int
    changed: int
    bad_lines: int
    wrong: list[tuple[int, str]]
    """(line, sentence), at most 200."""
    registered: bool
    """False for a dry run, and where a line is bad: then nothing was changed."""


class SheetSaid(BaseModel):
    """A CSV file as text."""

    csv: Annotated[str, Field(max_length=20_000_000)]
    dry_run: bool = False


# --- reading --------------------------------------------------------------------------------------------------


async def read_device(core: Core, name: str) -> RegisteredAnswer:
    """One device and its past. Raises Missing."""
    found = core.registry.device(name)
    if found is None:
        raise Missing("unknown_device")
    device, version = found
    fields = {f: getattr(device, f) for f in DEVICE_FIELDS} | {"name": name}
    return RegisteredAnswer(
        version=version,
        fields=fields,
        changes=await _changes(core, f"device:{name}"),
        hardware=[HungAnswer.model_validate(h._asdict()) for h in await core.registry.hardware(name)],
    )


async def _changes(core: Core, subject: str) -> list[ChangeAnswer]:
    return [ChangeAnswer.model_validate(c._asdict()) for c in await core.registry.changes(subject)]


def read_tree(core: Core, day: date | None) -> TreeAnswer:
    """The tree of a day, today's where none is given."""
    day = day or core.registry.today()
    sites = [
        BranchAnswer(slug=b.site.slug, name=b.site.name, tier=b.site.tier, depth=b.depth, devices=b.devices)
        for b in core.registry.tree(day)
    ]
    return TreeAnswer(day=day, sites=sites)


def sheet_answer(sheet: Sheet, lang: Language, *, dry_run: bool) -> SheetAnswer:
    """As people read it."""
    wrong = [(line, words.refused(lang, problem)) for line, problem in sheet.wrong[:TOLD]]
    registered = not dry_run and not sheet.bad_lines
    return SheetAnswer(
        lines=sheet.lines, added=sheet.added, changed=sheet.changed, bad_lines=sheet.bad_lines, wrong=wrong,
        registered=registered,
    )  # fmt: skip


# --- pages ----------------------------------------------------------------------------------------------------


class _Typed(dict[str, Any]):
    """What was typed into a form; a field that was not is empty."""

    def __missing__(self, key: str) -> str:
        return ""


def _choices(core: Core) -> dict[str, Any]:
    kinds = [kind for kind in Kind if kind is not Kind.HUB]
    return {"kinds": kinds, "sites": core.site_names(), "tiers": TIERS, "today": core.registry.today()}


@router.get("/registry", include_in_schema=False)
async def page_of_tree(
    reader: ReaderDep, at: Annotated[date | None, Query(description="a day")] = None
) -> Response:
    """The tree of a day."""
    return _tree_page(reader, at)


def _tree_page(reader: Reader, at: date | None, **more: Any) -> Response:
    about: dict[str, Any] = {"error": None, "form": ""} | more
    about["said"] = _Typed(about.get("said", {}))
    answer = read_tree(reader.core, at)
    return reader.page(
        "registry.html",
        status=409 if about["error"] else 200,
        answer=answer,
        **_choices(reader.core),
        **about,
    )


@router.get("/registry/new", include_in_schema=False)
async def page_of_new(reader: ReaderDep, site: str = "") -> Response:
    """The form of a new device."""
    return _device_form(reader, {"site": site, "interval_s": 60})


def _device_form(reader: Reader, said: dict[str, Any], error: Refused | None = None) -> Response:
    about = {"said": _Typed(said), "error": error, **_choices(reader.core)}
    return reader.page("registry_new.html", status=409 if error else 200, **about)


@router.get("/registry/devices/{name}", include_in_schema=False)
async def page_of_device(reader: ReaderDep, name: str) -> Response:
    """Edit, replace, retire; what was."""
    return await _device_page(reader, name)


async def _device_page(
    reader: Reader,
    name: str,
    *,
    error: Refused | None = None,
    form: str = "",
    said: dict[str, Any] | None = None,
) -> Response:
    answer = await read_device(reader.core, name)
    view = reader.core.device_view(name)
    return reader.page(
        "registry_device.html", status=409 if error else 200, answer=answer, view=view, error=error, form=form,
        said=_Typed(said or answer.fields), **_choices(reader.core),
    )  # fmt: skip


@router.get("/registry/sites/{slug}", include_in_schema=False)
async def page_of_site(reader: ReaderDep, slug: str) -> Response:
    """Rename, place, end; what was."""
    return await _site_page(reader, slug)


async def _site_page(
    reader: Reader,
    slug: str,
    *,
    error: Refused | None = None,
    form: str = "",
    said: dict[str, Any] | None = None,
) -> Response:
    site = reader.core.registry.site(slug)
    if site is None:
        raise Missing("unknown_site")
    return reader.page(
        "registry_site.html", status=409 if error else 200, site=site, error=error, form=form, said=_Typed(said or {}),
        changes=await _changes(reader.core, f"site:{slug}"), **_choices(reader.core),
    )  # fmt: skip


@router.get("/registry/firmware", include_in_schema=False)
async def page_of_firmware(reader: ReaderDep) -> Response:
    """What firmware runs where."""
    return reader.page("firmware.html", rows=reader.core.registry.firmwares())


@router.get("/registry/csv", include_in_schema=False)
async def page_of_csv(reader: ReaderDep) -> Response:
    """Import and export."""
    return reader.page("registry_csv.html", sheet=None, error=None)


# --- changes by form ------------------------------------------------------------------------------------------


def _filled(form: dict[str, Any]) -> dict[str, Any]:
    """A form's fields without those left empty; numbers may have a decimal comma."""
    kept = {k: v.strip() if isinstance(v, str) else v for k, v in form.items()}
    for name in ("lat", "lon", "interval_s", "timeout_s"):
        if isinstance(kept.get(name), str):
            kept[name] = kept[name].replace(",", ".")
    if "tags" in kept:
        kept["tags"] = tuple(t.strip() for t in str(kept["tags"]).split(";") if t.strip())
    return {k: v for k, v in kept.items() if v not in ("", None)}


def _operation(kind: type[Operation], form: dict[str, Any]) -> Operation:
    """What a form asks for. Raises Refused with the first field that cannot be."""
    try:
        return kind.model_validate(_filled(form))
    except ValidationError as e:
        raise refusal(e.errors(include_url=False, include_input=False)[0]) from e


async def _said(reader: Reader) -> dict[str, Any]:
    form = await reader.request.form()
    return {k: v for k, v in form.items() if isinstance(v, str)}


@router.post("/registry/new", include_in_schema=False)
async def add_by_form(reader: ReaderDep) -> Response:
    """A new device."""
    said = await _said(reader)
    try:
        done = await reader.core.registry.carry_out(_operation(AddDevice, said), reader.by)
    except Refused as error:
        return _device_form(reader, said, error)
    return reader.go(f"/registry/devices/{done['name']}")


_DEVICE_FORMS: dict[str, type[Operation]] = {
    "change": ChangeDevice, "replace": ReplaceDevice, "live": LiveDevice,
}  # fmt: skip
_SITE_FORMS: dict[str, type[Operation]] = {"rename": RenameSite, "place": PlaceSite, "end": EndSite}
_TREE_FORMS: dict[str, type[Operation]] = {"add": AddSite, "merge": MergeSites}


@router.post("/registry/devices/{name}/{what}", include_in_schema=False)
async def change_by_form(reader: ReaderDep, name: str, what: str) -> Response:
    """Edit, replace, or say how it lives."""
    kind = _DEVICE_FORMS.get(what)
    if kind is None:
        raise Missing("unknown_page")
    said = await _said(reader)
    try:
        await reader.core.registry.carry_out(_operation(kind, said | {"name": name}), reader.by)
    except Refused as error:
        return await _device_page(
            reader, name, error=error, form=what, said=said | {"name": name} if what == "change" else None
        )
    return reader.go(f"/registry/devices/{name}")


@router.post("/registry/sites/{slug}/{what}", include_in_schema=False)
async def change_site_by_form(reader: ReaderDep, slug: str, what: str) -> Response:
    """Rename, place, end."""
    kind = _SITE_FORMS.get(what)
    if kind is None:
        raise Missing("unknown_page")
    said = await _said(reader)
    try:
        await reader.core.registry.carry_out(_operation(kind, said | {"slug": slug}), reader.by)
    except Refused as error:
        return await _site_page(reader, slug, error=error, form=what, said=said)
    return reader.go(f"/registry/sites/{slug}")


@router.post("/registry/tree/{what}", include_in_schema=False)
async def change_tree_by_form(reader: ReaderDep, what: str) -> Response:
    """A new site, a merger."""
    kind = _TREE_FORMS.get(what)
    if kind is None:
        raise Missing("unknown_page")
    said: dict[str, Any] = await _said(reader)
    if what == "merge":
        said["slugs"] = [s for s in (await reader.request.form()).getlist("slugs") if isinstance(s, str)]
    try:
        done = await reader.core.registry.carry_out(_operation(kind, said), reader.by)
    except Refused as error:
        return _tree_page(reader, None, error=error, said=said, form=what)
    return reader.go(f"/registry/sites/{done['slug']}")


@router.post("/registry/csv", include_in_schema=False)
async def import_by_form(
    reader: ReaderDep, file: UploadFile, what: Annotated[str, Form()] = "check"
) -> Response:
    """A file: checked, or registered where all of it is good."""
    dry_run = what != "register"
    try:
        sheet = await reader.core.registry.import_csv(await file.read(), reader.by, dry_run=dry_run)
    except Refused as error:
        return reader.page("registry_csv.html", status=409, sheet=None, error=error)
    answer = sheet_answer(sheet, reader.lang, dry_run=dry_run)
    return reader.page("registry_csv.html", status=409 if sheet.bad_lines else 200, sheet=answer, error=None)


# --- the API --------------------------------------------------------------------------------------------------


@router.get("/api/registry/tree")
async def tree(core: CoreDep, at: date | None = None) -> TreeAnswer:
    """The tree of a day under the names of that day."""
    return read_tree(core, at)


@router.get("/api/registry/firmware")
async def firmware(core: CoreDep) -> list[FirmwareAnswer]:
    """How many devices of each kind and model run which firmware."""
    rows = core.registry.firmwares()
    return [FirmwareAnswer(kind=Kind(k), model=m, firmware=f, devices=n) for k, m, f, n in rows]


@router.get("/api/registry/devices/{name}", responses={404: {"model": ProblemAnswer}})
async def registered(core: CoreDep, name: str) -> RegisteredAnswer:
    """One device as it is registered, its changes, and what hardware has hung there."""
    return await read_device(core, name)


@router.get("/api/registry/devices.csv", response_class=CsvResponse)
async def export(core: CoreDep) -> Response:
    """All devices as CSV (UTF-8 with a byte order mark, for spreadsheets)."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"\xef\xbb\xbf"
        for piece in core.registry.export_csv():
            yield piece.encode()

    headers = {"content-disposition": 'attachment; filename="devices.csv"'}
    return CsvResponse(pieces(), headers=headers)


@router.post("/api/registry/import", responses=_REFUSALS)
async def import_all(reader: ReaderDep, by: ByDep, said: SheetSaid) -> SheetAnswer:
    """Devices from CSV: all of them, or none and every bad line."""
    sheet = await reader.core.registry.import_csv(said.csv.encode(), by, dry_run=said.dry_run)
    return sheet_answer(sheet, wanted(reader.request), dry_run=said.dry_run)


async def _carry_out(core: Core, operation: Operation, by: By) -> DoneAnswer:
    return DoneAnswer(done=await core.registry.carry_out(operation, by))


@router.post("/api/registry/device-add", responses=_REFUSALS)
async def device_add(core: CoreDep, by: ByDep, said: AddDevice) -> DoneAnswer:
    """Register a device; it is planned until it is heard."""
    return await _carry_out(core, said, by)


@router.post("/api/registry/device-change", responses=_REFUSALS)
async def device_change(core: CoreDep, by: ByDep, said: ChangeDevice) -> DoneAnswer:
    """Change how a device is registered; `version` is the one that was read."""
    return await _carry_out(core, said, by)


@router.post("/api/registry/device-live", responses=_REFUSALS)
async def device_live(core: CoreDep, by: ByDep, said: LiveDevice) -> DoneAnswer:
    """Into maintenance, back into service, or retired for good."""
    return await _carry_out(core, said, by)


@router.post("/api/registry/device-replace", responses=_REFUSALS)
async def device_replace(core: CoreDep, by: ByDep, said: ReplaceDevice) -> DoneAnswer:
    """Other hardware hangs there from now on."""
    return await _carry_out(core, said, by)


@router.post("/api/registry/site-add", responses=_REFUSALS)
async def site_add(core: CoreDep, by: ByDep, said: AddSite) -> DoneAnswer:
    """A new site."""
    return await _carry_out(core, said, by)


@router.post("/api/registry/site-rename", responses=_REFUSALS)
async def site_rename(core: CoreDep, by: ByDep, said: RenameSite) -> DoneAnswer:
    """Another name from a day on."""
    return await _carry_out(core, said, by)


@router.post("/api/registry/site-place", responses=_REFUSALS)
async def site_place(core: CoreDep, by: ByDep, said: PlaceSite) -> DoneAnswer:
    """Below another site from a day on."""
    return await _carry_out(core, said, by)


@router.post("/api/registry/site-end", responses=_REFUSALS)
async def site_end(core: CoreDep, by: ByDep, said: EndSite) -> DoneAnswer:
    """No more from a day on."""
    return await _carry_out(core, said, by)


@router.post("/api/registry/site-merge", responses=_REFUSALS)
async def site_merge(core: CoreDep, by: ByDep, said: MergeSites) -> DoneAnswer:
    """Several become one on a day."""
    return await _carry_out(core, said, by)
