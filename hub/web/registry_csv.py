"""The registry as CSV: out to a spreadsheet, and back in, all of it or nothing."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from hub import sites_csv
from hub.registry_csv import TOLD, Told
from hub.sites_csv import SiteSheet
from hub.views import Refused
from hub.web import words
from hub.web.answers import Answer, ProblemAnswer
from hub.web.language import Language, wanted
from hub.web.pages import ByDep, CoreDep, ReaderDep

router = APIRouter(tags=["registry"])


class CsvResponse(StreamingResponse):
    """CSV in pieces."""

    media_type = "text/csv; charset=utf-8"


class SheetAnswer(Answer):
    """What came of a CSV file."""

    lines: int
    added: int
    changed: int
    bad_lines: int
    wrong: list[tuple[int, str]]
    """(line, sentence), at most 200."""
    sites: bool = False
    """A file of sites, not of devices."""
    registered: bool
    """False for a dry run, and where a line is bad: then nothing was changed."""


class SheetSaid(BaseModel):
    """A CSV file as text."""

    csv: Annotated[str, Field(max_length=20_000_000)]
    dry_run: bool = False


def sheet_answer(sheet: Told, lang: Language, *, dry_run: bool) -> SheetAnswer:
    """As people read it."""
    wrong = [(line, words.refused(lang, problem)) for line, problem in sheet.wrong[:TOLD]]
    registered = not dry_run and not sheet.bad_lines
    return SheetAnswer(
        lines=sheet.lines, added=sheet.added, changed=sheet.changed, bad_lines=sheet.bad_lines, wrong=wrong,
        registered=registered, sites=isinstance(sheet, SiteSheet),
    )  # fmt: skip


@router.get("/registry/csv", include_in_schema=False)
async def page_of_csv(reader: ReaderDep) -> Response:
    """Import and export."""
    return reader.page("registry_csv.html", sheet=None, error=None)


@router.post("/registry/csv", include_in_schema=False)
async def import_by_form(
    reader: ReaderDep, file: UploadFile, what: Annotated[str, Form()] = "check"
) -> Response:
    """A file: checked, or registered where all of it is good."""
    dry_run, data, desk = what != "register", await file.read(), reader.core.registry
    take = desk.import_sites if sites_csv.is_one(data) else desk.import_csv
    try:
        sheet: Told = await take(data, reader.by, dry_run=dry_run)
    except Refused as error:
        return reader.page("registry_csv.html", status=409, sheet=None, error=error)
    answer = sheet_answer(sheet, reader.lang, dry_run=dry_run)
    return reader.page("registry_csv.html", status=409 if sheet.bad_lines else 200, sheet=answer, error=None)


@router.get("/api/registry/devices.csv", response_class=CsvResponse)
async def export(core: CoreDep) -> Response:
    """All devices as CSV (UTF-8 with a byte order mark, for spreadsheets)."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"\xef\xbb\xbf"
        for piece in core.registry.export_csv():
            yield piece.encode()

    headers = {"content-disposition": 'attachment; filename="devices.csv"'}
    return CsvResponse(pieces(), headers=headers)


@router.get("/api/registry/sites.csv", response_class=CsvResponse)
async def export_sites(core: CoreDep) -> Response:
    """Every site that has not ended as CSV (UTF-8 with a byte order mark, for spreadsheets)."""
    headers = {"content-disposition": 'attachment; filename="sites.csv"'}
    return CsvResponse(iter(["\ufeff" + core.registry.export_sites()]), headers=headers)


@router.post("/api/registry/import-sites", responses={409: {"model": ProblemAnswer}})
async def import_sites(reader: ReaderDep, by: ByDep, said: SheetSaid) -> SheetAnswer:
    """Sites from CSV: all of them, or none and every bad line."""
    sheet = await reader.core.registry.import_sites(said.csv.encode(), by, dry_run=said.dry_run)
    return sheet_answer(sheet, wanted(reader.request), dry_run=said.dry_run)


@router.post("/api/registry/import", responses={409: {"model": ProblemAnswer}})
async def import_all(reader: ReaderDep, by: ByDep, said: SheetSaid) -> SheetAnswer:
    """Devices from CSV: all of them, or none and every bad line."""
    sheet = await reader.core.registry.import_csv(said.csv.encode(), by, dry_run=said.dry_run)
    return sheet_answer(sheet, wanted(reader.request), dry_run=said.dry_run)
