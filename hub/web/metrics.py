"""Is the hub ready, and its figures for Prometheus: read from the hub when asked, kept nowhere."""

from collections.abc import Iterable

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.responses import JSONResponse, Response

from hub.views import Core
from hub.web.answers import Answer
from hub.web.pages import CoreDep

router = APIRouter(tags=["health"])

Metric = CounterMetricFamily | GaugeMetricFamily


class HealthzAnswer(Answer):
    """Is the hub ready."""

    ready: bool
    version: str
    problems: list[str]
    """What is wrong, in English; empty when ready."""


def read(core: Core) -> HealthzAnswer:
    """Ready means: caught up, and what comes in can be stored."""
    hub = core.hub()
    problems = []
    if not hub.caught_up:
        problems.append("not caught up: the hub reads what it missed")
    if hub.detail.values.get("broker_up") is False:
        problems.append("not connected to the broker")
    if hub.detail.values.get("store_ok") is False:
        problems.append("the database cannot be written")
    return HealthzAnswer(ready=not problems, version=hub.version, problems=problems)


class _FromCore(Collector):
    def __init__(self, core: Core) -> None:
        self.core = core

    def collect(self) -> Iterable[Metric]:
        hub, overview = self.core.hub(), self.core.overview()
        outcomes = CounterMetricFamily(
            "village_hub_messages", "Messages by what became of them", labels=["outcome"]
        )
        for outcome in hub.outcomes:
            outcomes.add_metric([outcome.name], outcome.count)
        devices = GaugeMetricFamily(
            "village_hub_devices", "Devices by kind and state", labels=["kind", "state"]
        )
        for kind, by_state in overview.counts.items():
            for state, count in by_state.items():
                devices.add_metric([kind, state], count)
        rules = GaugeMetricFamily("village_hub_rule_open_alerts", "Open alerts by rule", labels=["rule"])
        for rule in hub.rules:
            rules.add_metric([rule.id], rule.open_alerts)
        boards = CounterMetricFamily("village_hub_boards_work", "What was done for boards", labels=["what"])
        for what, count in hub.boards.items():
            boards.add_metric([what], count)
        yield from (outcomes, devices, rules, boards)
        yield from self._gauges(len(overview.incidents))

    def _gauges(self, incidents: int) -> Iterable[Metric]:
        hub = self.core.hub()
        said = hub.detail.values
        for name, about, value in (
            ("incidents_open", "Incidents not closed", incidents),
            ("pending", "Devices waiting for approval", len(self.core.pending())),
            ("queue", "Messages waiting to be judged", said.get("queue")),
            ("broker_up", "Connected to the broker", said.get("broker_up")),
            ("store_ok", "Database writes succeed", said.get("store_ok")),
            ("caught_up", "What was missed has been read", hub.caught_up),
            ("journal_rows", "Rows in the journal", hub.journal_rows),
            ("journal_bytes", "Size of the journal", hub.journal_mb * 1e6),
            ("rules_quarantined", "Rules stopped by an error", sum(bool(r.quarantined) for r in hub.rules)),
            ("start_time_seconds", "When the hub started", hub.started_at / 1000),
        ):
            if isinstance(value, int | float):
                yield GaugeMetricFamily(f"village_hub_{name}", about, value=float(value))


def registry(core: Core) -> CollectorRegistry:
    """A registry of its own, so that two hubs can live in one process."""
    made = CollectorRegistry()
    made.register(_FromCore(core))
    ProcessCollector(registry=made)
    return made


@router.get("/healthz", responses={503: {"model": HealthzAnswer}}, response_model=HealthzAnswer)
async def healthz(core: CoreDep) -> Response:
    """200 when ready, else 503 with what is wrong."""
    answer = read(core)
    return JSONResponse(answer.model_dump(), 200 if answer.ready else 503)


@router.get("/metrics", response_class=Response)
async def metrics(core: CoreDep) -> Response:
    """Prometheus text format."""
    return Response(generate_latest(registry(core)), media_type=CONTENT_TYPE_LATEST)
