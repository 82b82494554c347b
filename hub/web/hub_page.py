"""Sức khỏe trung tâm: the hub as a device of its own, and the parts that people ask about."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import Response

from hub.views import Changed, Core, HistoryView, HubView, InfluxView, Outcome, OutsideView, RuleView
from hub.web.answers import Answer, Ms, Texts, names_of
from hub.web.devices import DeviceDetailAnswer
from hub.web.language import Language
from hub.web.pages import CoreDep, Fragments, ReaderDep, draw

router = APIRouter(tags=["hub"])


class OutcomeAnswer(Answer):
    """How often something became of a message since the hub started."""

    name: str
    count: int
    last_at: Ms | None
    last_about: str

    @classmethod
    def of(cls, o: Outcome) -> "OutcomeAnswer":
        return cls(name=o.name, count=o.count, last_at=o.last_at, last_about=o.last_about)


class RuleAnswer(Answer):
    """One rule as loaded."""

    id: str
    source: str
    kinds: list[str]
    title: Texts
    open_alerts: int
    quarantined: str
    """The error that stopped it; empty while it runs."""

    @classmethod
    def of(cls, r: RuleView) -> "RuleAnswer":
        return cls(**{name: getattr(r, name) for name in cls.model_fields} | {"kinds": list(r.kinds)})


class DeafAnswer(Answer):
    """A span in which the hub could not hear."""

    since: Ms
    until: Ms | None
    why: str


class InfluxAnswer(Answer):
    """How writing to InfluxDB goes."""

    url: str
    up: bool
    why: str
    """The last error while it is not up."""
    written: int
    refused: int
    refused_at: Ms | None
    refused_why: str
    behind: int
    """Journal rows that are still to be written."""
    missed: int
    """Journal rows that were trimmed before they were written."""

    @classmethod
    def of(cls, v: InfluxView) -> "InfluxAnswer":
        return cls(**{name: getattr(v, name) for name in cls.model_fields})


class HistoryStateAnswer(Answer):
    """What the packed past takes of the disk."""

    readings_mb: float
    rollups_mb: float
    day_mb: float
    """Mean of the last seven days that are over."""
    since: str
    """Its first day; empty where there is none."""
    behind: int
    """Journal rows that are not packed yet."""
    missed: int
    """Rows that the cap on the journal's size took before they were packed, since the hub's start."""

    @classmethod
    def of(cls, v: HistoryView) -> "HistoryStateAnswer":
        return cls(**{name: getattr(v, name) for name in cls.model_fields})


class OutsideAnswer(Answer):
    """The outside door, which serves links only."""

    on: bool
    address: str
    """What links begin with."""
    tls: bool
    days_left: int | None
    """Whole days until the certificate ends; absent without one."""

    @classmethod
    def of(cls, v: OutsideView) -> "OutsideAnswer":
        return cls(**{name: getattr(v, name) for name in cls.model_fields})


class HubAnswer(Answer):
    """The hub's own health."""

    device: DeviceDetailAnswer
    version: str
    started_at: Ms
    broker: str
    broker_kind: str
    caught_up: bool
    deaf: list[DeafAnswer]
    """Spans in which the hub could not hear."""
    outcomes: list[OutcomeAnswer]
    rules: list[RuleAnswer]
    journal_rows: int
    journal_mb: float
    checkpoint_at: Ms | None
    clock_shift_s: float
    clock_rate: float
    secrets_trouble: str
    """`lost`, `wrong` or `unreadable`: the key of stored secrets; empty where nothing is wrong."""
    influx: InfluxAnswer | None
    """Absent where no InfluxDB is set."""
    history: HistoryStateAnswer | None
    """Absent in the first moments."""
    outside: OutsideAnswer

    @classmethod
    def of(cls, view: HubView, names: Mapping[str, str], now: int) -> "HubAnswer":
        made: dict[str, object] = {
            "device": DeviceDetailAnswer.of_detail(view.detail, names, now),
            "deaf": [DeafAnswer(since=a, until=b, why=w) for a, b, w in view.deaf],
            "outcomes": [OutcomeAnswer.of(o) for o in view.outcomes],
            "rules": [RuleAnswer.of(r) for r in view.rules],
            "influx": None if view.influx is None else InfluxAnswer.of(view.influx),
            "history": None if view.history is None else HistoryStateAnswer.of(view.history),
            "outside": OutsideAnswer.of(view.outside),
        }
        plain = {name: getattr(view, name) for name in cls.model_fields if name not in made}
        return cls.model_validate(plain | made)


def read(core: Core) -> HubAnswer:
    """The page and its JSON twin."""
    return HubAnswer.of(core.hub(), names_of(core), core.now())


async def fragments(core: Core, lang: Language, _key: str = "") -> Fragments:
    """All of it streams."""
    answer = read(core)
    parts = ("head", "parts", "outcomes", "rules", "deaf")
    return {f"hub-{part}": draw(f"parts/hub_{part}.html", core, lang, hub=answer) for part in parts}


def touches(_core: Core, changed: Changed, _key: str) -> bool:
    """The hub's own changes; its counters come with the next tick."""
    return changed.all or changed.hub


@router.get("/hub", include_in_schema=False)
async def page(reader: ReaderDep) -> Response:
    """The page."""
    return reader.page("hub.html", live="hub", fragments=await fragments(reader.core, reader.lang))


@router.get("/api/hub")
async def hub(core: CoreDep) -> HubAnswer:
    """The hub's own health: broker, database, queue, message outcomes, rules, deaf spans, version."""
    return read(core)
