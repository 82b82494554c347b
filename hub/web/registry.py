"""The registry: devices and sites as people register, edit, replace and take them away; what firmware runs."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from devices.device import Kind
from devices.site import TIERS
from hub.audit import Wanted
from hub.registry import refusal
from hub.registry_ops import (
    OPERATIONS,
    AddDevice,
    AddSite,
    ChangeDevice,
    CorrectSite,
    EndSite,
    LiveDevice,
    MergeSites,
    Operation,
    PlaceSite,
    RenameSite,
    ReplaceDevice,
)
from hub.views import Core, Refused
from hub.web.answers import Answer, Ms, ProblemAnswer
from hub.web.audit import EntryAnswer
from hub.web.pages import ByDep, CoreDep, Missing, Reader, ReaderDep

router = APIRouter(tags=["registry"])

_REFUSALS: dict[int | str, dict[str, object]] = {409: {"model": ProblemAnswer}, 404: {"model": ProblemAnswer}}
DEVICE_FIELDS = (
    "title", "kind", "realm", "site", "place", "lat", "lon", "interval_s", "timeout_s", "power_from", "uplink_by",
    "nvr", "channel", "serial", "driver", "address", "login", "profile", "tags",
)  # fmt: skip


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
    changes: list[EntryAnswer]
    hardware: list[HungAnswer]


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


async def _changes(core: Core, subject: str) -> list[EntryAnswer]:
    """What was done to a device or a site lately, newest first."""
    return [EntryAnswer.of(e) for e in await core.audit.read(Wanted(subject=subject, exact=True))]


def read_tree(core: Core, day: date | None) -> TreeAnswer:
    """The tree of a day, today's where none is given."""
    day = day or core.registry.today()
    sites = [
        BranchAnswer(slug=b.site.slug, name=b.site.name, tier=b.site.tier, depth=b.depth, devices=b.devices)
        for b in core.registry.tree(day)
    ]
    return TreeAnswer(day=day, sites=sites)


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
async def page_of_new(reader: ReaderDep) -> Response:
    """The form of a new device, with what the address says of it already."""
    said = {k: v for k, v in reader.request.query_params.items() if k in DEVICE_FIELDS}
    return _device_form(reader, {"interval_s": 60} | said)


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
_SITE_FORMS: dict[str, type[Operation]] = {
    "rename": RenameSite, "correct": CorrectSite, "place": PlaceSite, "end": EndSite,
}  # fmt: skip
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


def _by_api(kind: type[Operation]) -> Callable[..., Awaitable[DoneAnswer]]:
    async def carry_out(core: CoreDep, by: ByDep, said: kind) -> DoneAnswer:  # type: ignore[valid-type]
        return DoneAnswer(done=await core.registry.carry_out(said, by))

    return carry_out


for _kind in OPERATIONS:
    router.post(
        f"/api/registry/{_kind.path}",
        name=_kind.path.replace("-", "_"),
        description=_kind.__doc__,
        responses=_REFUSALS,
    )(_by_api(_kind))
