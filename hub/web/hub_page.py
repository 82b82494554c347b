"""Sức khỏe trung tâm: the hub as a device of its own, and the parts that people ask about."""

from fastapi import APIRouter
from starlette.responses import Response

from hub.views import Changed, Core
from hub.web.answers import HubAnswer, names_of
from hub.web.language import Language
from hub.web.pages import CoreDep, Fragments, ReaderDep, draw

router = APIRouter(tags=["hub"])


def read(core: Core) -> HubAnswer:
    """The page and its JSON twin."""
    return HubAnswer.of(core.hub(), names_of(core), core.now())


async def fragments(core: Core, lang: Language, _key: str = "") -> Fragments:
    """All of it streams."""
    answer = read(core)
    parts = ("head", "parts", "outcomes", "rules", "deaf")
    return {f"hub-{part}": draw(f"parts/hub_{part}.html", core, lang, hub=answer) for part in parts}


def touches(changed: Changed, _key: str) -> bool:
    """The hub's own changes; its counters come with the next tick."""
    return changed.all or changed.hub


@router.get("/hub", include_in_schema=False)
async def page(reader: ReaderDep) -> Response:
    return reader.page("hub.html", live="hub", fragments=await fragments(reader.core, reader.lang))


@router.get("/api/hub")
async def hub(core: CoreDep) -> HubAnswer:
    """The hub's own health: broker, database, queue, message outcomes, rules, deaf spans, version."""
    return read(core)
